//! Compiles the contract with protox, in Rust alone, and keeps the file descriptors for gRPC reflection.

use std::{env, error::Error, fs, path::PathBuf};

use tonic_prost_build::FileDescriptorSet;

/// The contract's files, relative to this folder.
const FILES: [&str; 4] = [
    "common/types.proto",
    "casino/casino.proto",
    "payment_statements/payment_statements.proto",
    "operator/operator.proto",
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
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // A set for each server, so that reflection describes what it serves. Encoded by protox itself, because a decoded
    // set would lose what prost-types does not know.
    for (name, file) in [
        ("casino", FILES[1]),
        ("payment_statements", FILES[2]),
        ("operator", FILES[3]),
    ] {
        let mut descriptors = protox::Compiler::new(["."])?;
        descriptors
            .include_imports(true)
            .include_source_info(true)
            .open_file(file)?;
        fs::write(
            out.join(name).with_extension("bin"),
            descriptors.encode_file_descriptor_set(),
        )?;
    }
    let descriptors: FileDescriptorSet = compiler.file_descriptor_set();
    tonic_prost_build::configure()
        .build_transport(false)
        .compile_fds(descriptors.clone())?;
    // The casino's server once more, with messages that are encoded once for all sessions, and small buffers.
    let framed = out.join("framed");
    fs::create_dir_all(&framed)?;
    tonic_prost_build::configure()
        .build_client(false)
        .build_transport(false)
        .out_dir(framed)
        .extern_path(".types", "crate::types")
        .extern_path(".casino", "crate::casino")
        .extern_path(".casino.GambleInfo", "crate::frame::GambleFrame")
        .codec_path("crate::codec::SmallBufferCodec")
        .compile_fds(descriptors)?;
    Ok(())
}
