//! The `healthcheck` command of a server's program.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

/// Starts the server that `program` names with `options`, and checks its health before and after it is killed.
pub(crate) fn assert_follows_server(program: impl Fn() -> Command, options: &[&str]) {
    let check = |arguments: &[&str]| {
        let output = program().args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let mut server = program()
        .args(["--listen", "127.0.0.1:0"])
        .args(options)
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
    assert_eq!(check(&["healthcheck", &url]), healthy);
    assert_eq!(check(&["--listen", &wildcard, "healthcheck"]), healthy);
    let (code, words) = check(&["healthcheck", &format!("https://{address}")]);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("does not answer"), "{words}");

    server.kill().unwrap();
    server.wait().unwrap();
    let (code, words) = check(&["healthcheck", &url]);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains(&url), "{words}");
    for wrong in [
        "nowhere",
        "http://u:SEKRET@127.0.0.1:1",
        "u:SEKRET@h:1",
        "htp://u:SEKRET@h",
    ] {
        let (code, words) = check(&["healthcheck", wrong]);
        assert_eq!(code, Some(2), "{words}");
        assert!(!words.contains("SEKRET"), "{words}");
    }
}
