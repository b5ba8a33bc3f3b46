//! Compiles the contract without `protoc` and keeps its descriptors, options and comments included.

use std::{env, error::Error, fs, path::PathBuf};

use prost_reflect::DescriptorPool;

#[path = "build/privacy.rs"]
mod privacy;

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo:rerun-if-changed=fettle");
    println!("cargo:rerun-if-changed=google");

    let mut files = Vec::new();
    collect(&root.join("fettle"), &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(&files)?;
    let descriptors = compiler.encode_file_descriptor_set();
    let pool = DescriptorPool::decode(descriptors.as_slice())?;
    fs::write(out.join("descriptors.bin"), descriptors)?;
    fs::write(out.join("privacy.rs"), privacy::generate(&pool))?;

    let mut prost = tonic_prost_build::Config::new();
    prost.enable_type_names();
    prost.bytes(["."]);
    // Messages print themselves by privacy.rs; enums, which lose theirs with them, have it back.
    prost.skip_debug([".fettle"]);
    prost.enum_attribute(".fettle", "#[derive(Debug)]");
    tonic_prost_build::configure()
        .compile_fds_with_config(compiler.file_descriptor_set(), prost)?;
    Ok(())
}

fn collect(folder: &PathBuf, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|end| end == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
