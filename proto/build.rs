//! Compiles the contract with protox, in Rust alone, and keeps the file descriptors for gRPC reflection.

use std::{env, error::Error, fs, path::PathBuf};

use tonic_prost_build::FileDescriptorSet;

/// The contract's files, relative to this folder.
const FILES: [&str; 3] = [
    "common/types.proto",
    "casino/casino.proto",
    "payment_statements/payment_statements.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    for file in FILES {
        println!("cargo::rerun-if-changed={file}");
    }
    let mut compiler = protox::Compiler::new(["."])?;
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_files(FILES)?;
    // Encoded by protox itself, because a decoded set would lose what prost-types does not know.
    let out = PathBuf::from(env::var("OUT_DIR")?).join("descriptors.bin");
    fs::write(out, compiler.encode_file_descriptor_set())?;
    let descriptors: FileDescriptorSet = compiler.file_descriptor_set();
    tonic_prost_build::configure()
        .build_transport(false)
        .compile_fds(descriptors)?;
    Ok(())
}
