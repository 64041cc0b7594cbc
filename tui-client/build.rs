//! Sets the variable `AWESOMESTOCK_VERSION` of the compiler to the version with its commit: `0.1.0 (d9cc67ab1)`, or `0.1.0`
//! without git, without a repository, or in the repository of another project. All three programs use this file.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

fn main() {
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    // Images are built without the repository.
    let given = env::var("AWESOMESTOCK_COMMIT")
        .ok()
        .filter(|commit| !commit.is_empty());
    println!("cargo::rerun-if-env-changed=AWESOMESTOCK_COMMIT");
    let version = match given.or_else(|| package.parent().and_then(commit_of)) {
        Some(commit) => format!("{version} ({commit})"),
        None => version,
    };
    println!("cargo::rustc-env=AWESOMESTOCK_VERSION={version}");
    println!("cargo::rerun-if-changed=build.rs");
}

/// The commit that is checked out in `workspace`, if that is the top of a repository.
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
