//! Rebuilds the crate when a migration or a policy is added: the embedding macros cannot see new
//! files by themselves.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=../../policies/warranty");
    println!("cargo:rerun-if-changed=../../policies/prices");
    println!("cargo:rerun-if-changed=../../policies/calendars");
}
