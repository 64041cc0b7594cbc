//! The `healthcheck` command against a real server.

#![allow(clippy::unwrap_used)]

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

fn casino_server() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casino-server"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CASINO_")) {
        command.env_remove(name);
    }
    command
}

/// Returns the exit code and what was written to stderr.
fn healthcheck(arguments: &[&str]) -> (Option<i32>, String) {
    let output = casino_server().args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_server_is_healthy_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("casino.db").display());
    let mut server = casino_server()
        .args(["--listen", "127.0.0.1:0"])
        .args(["--store", &store])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut ready)
        .unwrap();
    let address = ready.trim().rsplit(' ').next().unwrap();
    let (_, port) = address.rsplit_once(':').unwrap();
    let wildcard = format!("0.0.0.0:{port}");
    let url = format!("http://{address}");

    let healthy = (Some(0), String::new());
    assert_eq!(healthcheck(&["healthcheck", &url]), healthy);
    assert_eq!(healthcheck(&["--listen", &wildcard, "healthcheck"]), healthy);
    let (code, words) = healthcheck(&["healthcheck", &format!("https://{address}")]);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("does not answer"), "{words}");

    server.kill().unwrap();
    server.wait().unwrap();
    let (code, words) = healthcheck(&["healthcheck", &url]);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains(&url), "{words}");
    let (code, words) = healthcheck(&["healthcheck", "nowhere"]);
    assert_eq!(code, Some(1), "{words}");
}
