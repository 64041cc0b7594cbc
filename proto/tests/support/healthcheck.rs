//! A server's program as a process: its `healthcheck` command and its log.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// Starts a server on a free port. Returns it with its ready line.
fn start(program: &mut Command, options: &[&str], log: Stdio) -> (Child, String) {
    let mut server = program
        .args(["--listen", "127.0.0.1:0"])
        .args(options)
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut ready)
        .unwrap();
    (server, ready)
}

/// Starts the server, and stops it after its standard error was closed, as at the end of its terminal.
pub(crate) fn assert_survives_closed_log(mut program: Command, options: &[&str]) {
    let (mut server, ready) = start(&mut program, options, Stdio::piped());
    drop(server.stderr.take());
    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    let status = server.wait().unwrap();
    assert_eq!(status.code(), Some(0), "{ready}: {status}");
}

/// Starts the server that `program` names with `options`, and checks its health before and after it is killed.
pub(crate) fn assert_follows_server(program: impl Fn() -> Command, options: &[&str]) {
    let check = |arguments: &[&str]| {
        let output = program().args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (mut server, ready) = start(&mut program(), options, Stdio::null());
    let address = ready.trim().rsplit(' ').next().unwrap();
    let (_, port) = address.rsplit_once(':').unwrap();
    let wildcard = format!("0.0.0.0:{port}");
    let url = format!("http://{address}");

    let healthy = (Some(0), String::new());
    assert_eq!(check(&["healthcheck", &url]), healthy);
    assert_eq!(check(&["--listen", &wildcard, "healthcheck"]), healthy);
    let (code, text) = check(&["healthcheck", &format!("https://{address}")]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("does not answer"), "{text}");
    // As on a system without certificate authorities.
    let mut without_authorities = program();
    without_authorities
        .env("SSL_CERT_FILE", "/dev/null")
        .env_remove("SSL_CERT_DIR");
    let output = without_authorities
        .args(["healthcheck", "https://localhost:1"])
        .output();
    let text = String::from_utf8(output.unwrap().stderr).unwrap();
    assert!(
        text.contains("install ca-certificates") && text.contains("--tls-ca FILE"),
        "{text}"
    );

    server.kill().unwrap();
    server.wait().unwrap();
    let (code, text) = check(&["healthcheck", &url]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(&url), "{text}");
    for wrong in [
        "nowhere",
        "http://u:SEKRET@127.0.0.1:1",
        "u:SEKRET@h:1",
        "htp://u:SEKRET@h",
    ] {
        let (code, text) = check(&["healthcheck", wrong]);
        assert_eq!(code, Some(2), "{text}");
        assert!(!text.contains("SEKRET"), "{text}");
    }
}
