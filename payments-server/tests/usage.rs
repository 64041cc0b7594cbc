//! Use from scripts and supervisors: environment variables, addresses, unwritable outputs.

#[path = "../../proto/tests/support/completions.rs"]
mod completions;

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use payments_server::config::Config;

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payments-server"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PAYMENTS_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Starts the server, stops it after its first line, and returns true if that is the ready line.
fn starts(command: &mut Command) -> bool {
    let mut server = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    line.starts_with("payments-server listening on 127.0.0.1:")
}

/// Each variable with a wrong value and the exit code: 1 for files that cannot be read.
const WRONG: &[(&str, &str, i32)] = &[
    ("PAYMENTS_LISTEN", "nowhere", 2),
    ("PAYMENTS_MAX_PAYMENTS", "0", 2),
    ("PAYMENTS_MAX_OPEN", "many", 2),
    ("PAYMENTS_IDLE", "10", 2),
    ("PAYMENTS_MAX_TIME", "1d", 2),
    ("PAYMENTS_MAX_CONNECTIONS", "-1", 2),
    ("PAYMENTS_MAX_CONNECTIONS_PER_ADDRESS", "-1", 2),
    ("PAYMENTS_STALL", "soon", 2),
    ("PAYMENTS_TLS_CERT", "/nowhere", 2),
    ("PAYMENTS_TLS_KEY", "/nowhere", 2),
    ("PAYMENTS_SECRET_FILE", "/tmp/nowhere", 1),
    ("PAYMENTS_ALLOW_PLAINTEXT", "perhaps", 2),
    ("PAYMENTS_LOG", "w!x y", 2),
    ("PAYMENTS_LOG_FORMAT", "xml", 2),
];

#[test]
fn each_variable_may_be_empty_and_errors_name_it() {
    let options = Config::definition();
    let known: BTreeSet<_> = options
        .get_arguments()
        .filter_map(|option| option.get_env()?.to_str())
        .collect();
    assert_eq!(known, WRONG.iter().map(|(variable, ..)| *variable).collect());
    for (variable, wrong, code) in WRONG {
        let output = command().env(variable, wrong).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(*code), "{variable}={wrong}: {stderr}");
        let named = match *variable {
            "PAYMENTS_TLS_CERT" => "PAYMENTS_TLS_CERT is given without --tls-key or PAYMENTS_TLS_KEY",
            "PAYMENTS_TLS_KEY" => "PAYMENTS_TLS_KEY is given without --tls-cert or PAYMENTS_TLS_CERT",
            "PAYMENTS_SECRET_FILE" => "--secret-file: cannot read the secret file /tmp/nowhere",
            variable => variable,
        };
        assert!(stderr.contains(named), "{variable}={wrong}: {stderr}");
        if ["PAYMENTS_SECRET_FILE", "PAYMENTS_LISTEN"].contains(variable) {
            continue;
        }
        let mut empty = command();
        empty.args(["--listen", "127.0.0.1:0"]).env(variable, "");
        assert!(starts(&mut empty), "{variable}");
    }
}

#[test]
fn an_empty_secret_is_an_error() {
    for variable in ["PAYMENTS_SECRET", "PAYMENTS_SECRET_FILE"] {
        let mut empty = command();
        let output = empty
            .args(["--listen", "127.0.0.1:0"])
            .env(variable, "")
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), output.stdout),
            (Some(2), vec![]),
            "{variable}: {stderr}"
        );
        assert!(stderr.contains(variable), "{variable}: {stderr}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    for text in ["", " \n", "short\n"] {
        std::fs::write(&file, text).unwrap();
        let output = command().arg("--secret-file").arg(&file).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{text:?}: {stderr}");
        let named = format!("--secret-file: {}: a secret must be", file.display());
        assert!(stderr.contains(&named), "{text:?}: {stderr}");
    }
}

#[test]
fn the_manual_and_completions_are_printed() {
    for (arguments, expected) in [
        (&["man"][..], ".TH payments-server"),
        (&["man"], "PAYMENTS_IDLE"),
        (&["completions", "bash"], "healthcheck"),
        (&["completions", "zsh"], "log-format"),
        (&["completions", "fish"], "log-format"),
    ] {
        let output = command().args(arguments).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success() && text.contains(expected),
            "{arguments:?}: {text}"
        );
        let offers_value = text.contains("true false") || text.contains("true\\t''");
        assert!(!offers_value, "a value needs a `=`: {arguments:?}: {text}");
    }
}

#[test]
fn bash_completes_each_command_and_its_options() {
    let output = command().args(["completions", "bash"]).output().unwrap();
    let script = String::from_utf8(output.stdout).unwrap();
    completions::assert_bash_completes(&script, Config::definition());
}

#[test]
fn a_value_that_may_be_a_secret_is_not_echoed() {
    for (arguments, code) in [
        (&["--listen", "s3cr3t"][..], 2),
        (&["--listen", "u:s3cr3t"], 2),
        (&["--log", "s3cr3t"], 2),
        (&["healthcheck", "s3cr3t"], 2),
        (&["healthcheck", "http://u:s3cr3t"], 2),
        (&["healthcheck", "https://h:1", "--ca", "s3cr3t"], 1),
        (&["s3cr3t"], 2),
        (&["--tls-cert", "s3cr3t", "--tls-key", "s3cr3t"], 1),
        (&["--secret-file", "s3.cr3t"], 1),
    ] {
        let output = command().args(arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("cr3t"), "{arguments:?}: {stderr}");
    }
}

/// An unusable secret is not ignored because another one is used.
#[test]
fn a_secret_is_checked_beside_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "0123456789abcdef\n").unwrap();
    for wrong in ["", "sh0rt"] {
        let mut command = command();
        command
            .arg("--secret-file")
            .arg(&file)
            .env("PAYMENTS_SECRET", wrong);
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {stderr}");
        assert!(
            stderr.contains("PAYMENTS_SECRET: a secret must be"),
            "{wrong:?}: {stderr}"
        );
        assert!(!stderr.contains("sh0rt"), "{stderr}");
    }
}

#[test]
fn a_variable_that_is_not_unicode_is_named() {
    let wrong = std::ffi::OsStr::from_bytes(b"s3cr3t\xff");
    let files = ["PAYMENTS_TLS_CERT", "PAYMENTS_TLS_KEY", "PAYMENTS_SECRET_FILE"];
    let variables = WRONG.iter().map(|(variable, ..)| *variable);
    let texts = variables.filter(|variable| !files.contains(variable));
    for variable in texts.chain(["PAYMENTS_SECRET"]) {
        let output = command().env(variable, wrong).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{variable}: {stderr}");
        assert!(
            stderr.contains(variable) && !stderr.contains("s3cr3t"),
            "{variable}: {stderr}"
        );
    }
}

#[test]
fn listen_addresses_have_one_form() {
    for (address, code) in [
        ("", 2),
        ("nowhere", 2),
        ("localhost", 2),
        (":10001", 2),
        ("127.0.0.1:", 2),
        ("127.0.0.1:65536", 2),
        ("::1:10001", 2),
        ("[::1]", 2),
        ("http://127.0.0.1:10001", 2),
        ("nowhere.invalid:10001", 1),
    ] {
        let output = command().args(["--listen", address]).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{address:?}: {stderr}");
        assert!(
            stderr.contains("listen") || stderr.contains(address),
            "{address:?}: {stderr}"
        );
    }
    assert!(starts(command().args(["--listen", "localhost:0"])));
}

#[test]
fn an_unwritable_output_is_a_failure_but_a_closed_pipe_is_not() {
    for arguments in [&["--help"][..], &["--version"], &["--listen", "127.0.0.1:0"]] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = command().args(arguments).stdout(full).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
        assert!(stderr.contains("standard output"), "{arguments:?}: {stderr}");
    }
    for arguments in [&["--help"][..], &["--version"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = command().args(arguments).stdout(writer).status().unwrap();
        assert_eq!(status.code(), Some(0), "{arguments:?}");
    }
}
