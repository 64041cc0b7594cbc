//! Compiles the contract with protox, in Rust alone, and keeps the file descriptors for gRPC reflection. Names the commit
//! that is built.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use tonic_prost_build::FileDescriptorSet;

/// The contract's files, relative to this folder.
const FILES: [&str; 4] = [
    "common/types.proto",
    "casino/casino.proto",
    "payment_statements/payment_statements.proto",
    "operator/operator.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rustc-env=AWESOMESTOCK_VERSION={}", version());
    println!("cargo::rerun-if-changed=build.rs");
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

/// Returns the version with its commit: `0.1.0 (d9cc67ab1)`, or `0.1.0` without git, without a repository, or in the
/// repository of another project.
fn version() -> String {
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    // Images are built without the repository.
    let given = env::var("AWESOMESTOCK_COMMIT")
        .ok()
        .filter(|commit| !commit.is_empty());
    println!("cargo::rerun-if-env-changed=AWESOMESTOCK_COMMIT");
    match given.or_else(|| package.parent().and_then(commit_of)) {
        Some(commit) => format!("{version} ({commit})"),
        None => version,
    }
}

/// Returns the commit that is checked out in `workspace`, if that is the top of a repository.
fn commit_of(workspace: &Path) -> Option<String> {
    let top = git(workspace, &["rev-parse", "--show-toplevel"])?;
    // Unpacked inside another project's repository, that project's commit would be named.
    if Path::new(&top).canonicalize().ok()? != workspace.canonicalize().ok()? {
        return None;
    }
    // The first changes where another branch is checked out, the second with each commit.
    for name in ["HEAD", "logs/HEAD"] {
        let path = workspace.join(git(workspace, &["rev-parse", "--git-path", name])?);
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    git(workspace, &["rev-parse", "--short=9", "HEAD"])
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
        .ok()?;
    let said = output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout).ok())??;
    Some(said.trim().to_owned())
}
