//! Where the services' programs are: beside the test's own, built from the same sources.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::world::SERVICES;

/// The program of a service.
///
/// `cargo test --workspace` has built it. Where it is missing or older than one of its sources it is built now, once
/// for all tests that wait for it.
pub fn program(service: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(built).join(binary(service))
}

/// The program people type, `fettle`.
pub fn command_line() -> PathBuf {
    program("ticket").with_file_name("fettle")
}

fn binary(service: &str) -> String {
    format!("fettle-{service}")
}

fn built() -> PathBuf {
    let test = std::env::current_exe().expect("the test knows its own program");
    // target/debug/deps/crashes-0123 → target/debug
    let folder = test
        .ancestors()
        .nth(2)
        .expect("tests lie in target/<profile>/deps");
    let lock = File::create(folder.join("fettle-stories.lock")).expect("the folder is writable");
    lock.lock().expect("the lock is granted");
    let services = SERVICES.iter().map(|service| binary(service.name));
    let mut programs = services.chain(["fettle".to_owned()]);
    if !programs.all(|program| is_fresh(&folder.join(program))) {
        build(folder);
    }
    folder.to_path_buf()
}

fn build(folder: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--workspace", "--bins", "--locked", "--quiet"]);
    if folder.ends_with("release") {
        command.arg("--release");
    }
    if let Some(target) = folder.parent() {
        command.arg("--target-dir").arg(target);
    }
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let done = command.status().is_ok_and(|status| status.success());
    assert!(
        done,
        "the services' programs are missing from {} or older than their sources: \
         build them with `cargo build --workspace --bins`",
        folder.display()
    );
}

/// Whether no source of a program is younger than it. Cargo notes beside each program what it was made of.
fn is_fresh(program: &Path) -> bool {
    let Some(made) = changed(program) else {
        return false;
    };
    let Ok(noted) = std::fs::read_to_string(program.with_extension("d")) else {
        return false;
    };
    let sources = noted.split_once(": ").map_or("", |(_, sources)| sources);
    sources.split_whitespace().all(|source| {
        // A source that is gone is a change too.
        changed(Path::new(source)).is_some_and(|changed| changed <= made)
    })
}

fn changed(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|found| found.modified()).ok()
}
