//! Builds again when a migration or a policy file changes.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=../../policies");
}
