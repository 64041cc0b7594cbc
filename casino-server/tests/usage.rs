//! Use from scripts and supervisors: environment variables, addresses, unwritable outputs.

#[path = "../../proto/tests/support/completions.rs"]
mod completions;
mod support;

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use casino_server::config::Args;
use support::ledger_path;
use support::process::{self, CasinoProcess};

/// Runs `command` to its end. Returns its exit code and stderr.
fn ended(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn store(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

/// Each variable with a wrong value and the exit code: 1 for files that cannot be read.
const WRONG: &[(&str, &str, i32)] = &[
    ("CASINO_LISTEN", "nowhere", 2),
    ("CASINO_PAYMENTS", "nowhere", 2),
    ("CASINO_STORE", "nowhere", 2),
    ("CASINO_TICK", "1ms", 2),
    ("CASINO_INITIAL_PRICE", "0", 2),
    ("CASINO_SEED", "-1", 2),
    ("CASINO_METRICS", "nowhere", 2),
    ("CASINO_MAX_CONNECTIONS", "0", 2),
    ("CASINO_MAX_CONNECTIONS_PER_ADDRESS", "-1", 2),
    ("CASINO_MAX_SEATS", "many", 2),
    ("CASINO_MAX_ACTIONS", "-1", 2),
    ("CASINO_STALL", "1ms", 2),
    ("CASINO_MARKET", "wild", 2),
    ("CASINO_HOUSE", "21", 2),
    ("CASINO_STAKE", "0", 2),
    ("CASINO_OPERATOR", "nowhere", 2),
    ("CASINO_OPERATOR_SECRET_FILE", "/tmp/nowhere", 1),
    ("CASINO_REQUIRE_KEY", "perhaps", 2),
    ("CASINO_TLS_CERT", "/nowhere", 2),
    ("CASINO_TLS_KEY", "/nowhere", 2),
    ("CASINO_TLS_CA", "/tmp/nowhere", 1),
    ("CASINO_PAYMENTS_SECRET_FILE", "/tmp/nowhere", 1),
    ("CASINO_ALLOW_PLAINTEXT", "perhaps", 2),
    ("CASINO_LOG_FORMAT", "xml", 2),
];

#[test]
fn each_variable_may_be_empty_and_errors_name_it() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger_path(&folder);
    // Creates the ledger for `check`.
    drop(CasinoProcess::start(&ledger, &[]));
    let options = Args::definition();
    let known: BTreeSet<_> = options
        .get_arguments()
        .filter_map(|option| option.get_env()?.to_str())
        .collect();
    assert_eq!(known, WRONG.iter().map(|(variable, ..)| *variable).collect());
    for (variable, wrong, code) in WRONG.iter().chain(&[("RUST_LOG", "w!x y", 2)]) {
        let mut command = process::command(&["--listen", "127.0.0.1:0", "--payments", "https://127.0.0.1:1"]);
        if *variable == "CASINO_LISTEN" || *variable == "CASINO_PAYMENTS" {
            command = process::command(&[]);
        }
        if *variable != "CASINO_STORE" {
            command.args(["--store", &store(&ledger)]);
        }
        let (ended_with, stderr) = ended(command.env(variable, wrong));
        assert_eq!(ended_with, Some(*code), "{variable}={wrong}: {stderr}");
        let named = match *variable {
            "CASINO_TLS_CERT" => "CASINO_TLS_CERT is given without --tls-key or CASINO_TLS_KEY",
            "CASINO_TLS_KEY" => "CASINO_TLS_KEY is given without --tls-cert or CASINO_TLS_CERT",
            "CASINO_TLS_CA" => "--tls-ca: cannot read /tmp/nowhere",
            "CASINO_PAYMENTS_SECRET_FILE" => {
                "--payments-secret-file: cannot read the secret file /tmp/nowhere"
            }
            "CASINO_OPERATOR_SECRET_FILE" => {
                "--operator-secret-file: cannot read the secret file /tmp/nowhere"
            }
            variable => variable,
        };
        assert!(stderr.contains(named), "{variable}={wrong}: {stderr}");
        if variable.ends_with("_SECRET_FILE") || *variable == "CASINO_STORE" {
            continue;
        }
        let mut command = process::command(&["check", "--store", &store(&ledger)]);
        let (ended_with, stderr) = ended(command.env(variable, ""));
        assert_eq!((ended_with, stderr.as_str()), (Some(0), ""), "{variable}");
    }
    // The default is a file in the working directory.
    let mut command = process::command(&["check"]);
    let default = ended(command.current_dir(&folder));
    let mut command = process::command(&["check"]);
    assert_eq!(
        ended(command.current_dir(&folder).env("CASINO_STORE", "")),
        default
    );
}

#[test]
fn an_empty_secret_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for variable in [
        "PAYMENTS_SECRET",
        "CASINO_PAYMENTS_SECRET_FILE",
        "OPERATOR_SECRET",
        "CASINO_OPERATOR_SECRET_FILE",
    ] {
        let store = store(&ledger_path(&folder));
        let mut command = process::command(&["--listen", "127.0.0.1:0", "--store", &store]);
        let (code, stderr) = ended(command.env(variable, ""));
        assert_eq!(code, Some(2), "{variable}: {stderr}");
        assert!(stderr.contains(variable), "{variable}: {stderr}");
        assert!(!ledger_path(&folder).exists(), "{variable}");
    }
    let file = folder.path().join("secret");
    for text in ["", " \n", "short\n"] {
        std::fs::write(&file, text).unwrap();
        let mut command = process::command(&["--store", &store(&ledger_path(&folder))]);
        let (code, stderr) = ended(command.arg("--payments-secret-file").arg(&file));
        assert_eq!(code, Some(1), "{text:?}: {stderr}");
        let named = format!("--payments-secret-file: {}: a secret must be", file.display());
        assert!(stderr.contains(&named), "{text:?}: {stderr}");
    }
}

#[test]
fn the_manual_and_completions_are_printed() {
    let (code, manual, _) = process::run(&["man"]);
    assert_eq!(code, Some(0));
    for text in [
        ".TH casino-server",
        "healthcheck",
        "accept\\-loss",
        "CASINO_TICK",
        "\\fBround\\fR [\\-\\-url <URL>] [\\-\\-ca <FILE>]",
        "\\fBround start\\fR <DURATION>",
        "\\fBround results\\fR [\\-\\-round <N>] [\\-\\-csv <FILE>]",
        "\\fBround say\\fR <TEXT>",
    ] {
        assert!(manual.contains(text), "{text}: {manual}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script, _) = process::run(&["completions", shell]);
        assert_eq!(code, Some(0), "{shell}");
        assert!(
            script.contains("healthcheck") && script.contains("log-format"),
            "{shell}: {script}"
        );
        let offers_value = script.contains("true false") || script.contains("true\\t''");
        assert!(!offers_value, "a value needs a `=`: {shell}: {script}");
    }
    let (code, _, stderr) = process::run(&["completions", "csh"]);
    assert_eq!(code, Some(2), "{stderr}");
}

#[test]
fn bash_completes_each_command_and_its_options() {
    let (_, script, _) = process::run(&["completions", "bash"]);
    completions::assert_bash_completes(&script, Args::definition());
}

#[test]
fn a_log_in_json_has_one_object_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--log-format", "json", "--metrics", "127.0.0.1:0"];
    let server = CasinoProcess::start(&ledger_path(&folder), &args);
    server.terminate();
    let (_, log) = server.wait();
    let events: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let messages: Vec<_> = events
        .iter()
        .filter_map(|event| event["message"].as_str())
        .collect();
    assert!(messages.contains(&"SIGTERM: stopping"), "{log}");
    let complete = |event: &serde_json::Value| event["level"] == "INFO" && event["timestamp"].is_string();
    assert!(events.iter().all(complete), "{log}");
}

#[test]
fn a_log_filter_without_effect_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    for filter in ["verbose", "warning", "9", "casino_server="] {
        let mut command = process::command(&["--listen", "127.0.0.1:0"]);
        let (code, stderr) = ended(command.current_dir(&folder).env("RUST_LOG", filter));
        assert_eq!(code, Some(2), "{filter}: {stderr}");
        assert!(
            stderr.contains("RUST_LOG: expected a level"),
            "{filter}: {stderr}"
        );
        assert!(stderr.contains("`casino_server=debug,"), "{filter}: {stderr}");
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

/// An unusable secret is not ignored because another one is used.
#[test]
fn a_secret_is_checked_beside_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "0123456789abcdef\n").unwrap();
    for wrong in ["", "sh0rt"] {
        for by_variable in [false, true] {
            let mut command = process::command(&["--store", &store(&ledger_path(&folder))]);
            match by_variable {
                false => command.arg("--payments-secret-file").arg(&file),
                true => command.env("CASINO_PAYMENTS_SECRET_FILE", &file),
            };
            let (code, stderr) = ended(command.env("PAYMENTS_SECRET", wrong));
            assert_eq!(code, Some(2), "{wrong:?}: {stderr}");
            assert!(
                stderr.contains("PAYMENTS_SECRET: a secret must be"),
                "{wrong:?}: {stderr}"
            );
            assert!(!stderr.contains("sh0rt"), "{stderr}");
        }
    }
}

#[test]
fn a_variable_that_is_not_unicode_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = std::ffi::OsStr::from_bytes(b"s3cr3t\xff");
    let files = [
        "CASINO_TLS_CERT",
        "CASINO_TLS_KEY",
        "CASINO_TLS_CA",
        "CASINO_PAYMENTS_SECRET_FILE",
        "CASINO_OPERATOR_SECRET_FILE",
    ];
    let variables = WRONG.iter().map(|(variable, ..)| *variable);
    let texts = variables.filter(|variable| !files.contains(variable));
    for variable in texts.chain(["RUST_LOG", "PAYMENTS_SECRET", "OPERATOR_SECRET"]) {
        let mut command = process::command(&["--listen", "127.0.0.1:0"]);
        if variable == "CASINO_LISTEN" {
            command = process::command(&[]);
        }
        let (code, stderr) = ended(command.current_dir(&folder).env(variable, wrong));
        assert_eq!(code, Some(2), "{variable}: {stderr}");
        assert!(
            stderr.contains(variable) && !stderr.contains("s3cr3t"),
            "{variable}: {stderr}"
        );
    }
    assert_eq!(
        std::fs::read_dir(&folder).unwrap().count(),
        0,
        "no ledger is created"
    );
}

#[test]
fn the_help_of_a_task_describes_its_own_options() {
    for (task, store) in [
        ("healthcheck", None),
        ("check", Some("`sqlite:PATH` or")),
        ("release", Some("`sqlite:PATH` or")),
        ("backup", Some("`sqlite:PATH`")),
        ("accept-loss", Some("`sqlite:PATH`")),
    ] {
        let (code, stdout, _) = process::run(&[task, "--help"]);
        assert_eq!(code, Some(0), "{task}");
        assert_eq!(stdout.contains("--store"), store.is_some(), "{task}: {stdout}");
        assert!(store.is_none_or(|text| stdout.contains(text)), "{task}: {stdout}");
        assert!(!stdout.contains("created if missing"), "{task}: {stdout}");
    }
    assert!(process::run(&["--help"]).1.contains("created if missing"));
}

#[test]
fn a_value_that_looks_like_an_option_is_not_shown() {
    for (arguments, is_shown) in [
        (&["--store", "--s3cr3t"][..], false),
        (&["--listen", "127.0.0.1:0", "--store", "--s3cr3t"], false),
        (&["--s3cr3t"], true),
    ] {
        let (code, stderr) = ended(&mut process::command(arguments));
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert_eq!(stderr.contains("s3cr3t"), is_shown, "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_copy_is_not_written_to_a_url() {
    let folder = tempfile::tempdir().unwrap();
    drop(CasinoProcess::start(&ledger_path(&folder), &[]));
    let before = std::fs::read_dir(&folder).unwrap().count();
    for url in ["sqlite:copy.db", "postgres://u:s3cr3t@h/d", "file:copy.db"] {
        let mut command = process::command(&["backup", url, "--store", &store(&ledger_path(&folder))]);
        let (code, stderr) = ended(command.current_dir(&folder));
        assert_eq!(code, Some(2), "{url}: {stderr}");
        assert!(
            stderr.contains("expected the path of a file") && !stderr.contains("s3cr3t"),
            "{stderr}"
        );
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), before);
}

#[test]
fn listen_addresses_have_one_form() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&ledger_path(&folder));
    for option in ["--listen", "--metrics"] {
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
            let mut command = process::command(&["--store", &store, option, address]);
            if option == "--metrics" {
                command.args(["--listen", "127.0.0.1:0"]);
            }
            let (ended_with, stderr) = ended(&mut command);
            assert_eq!(ended_with, Some(code), "{option} {address:?}: {stderr}");
            assert!(
                stderr.contains(option) || stderr.contains(address),
                "{option} {address:?}: {stderr}"
            );
        }
    }
    drop(CasinoProcess::start_at(
        "localhost:0",
        &ledger_path(&folder),
        &["--metrics", "localhost:0"],
    ));
}

#[test]
fn an_unwritable_output_is_a_failure_but_a_closed_pipe_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger_path(&folder);
    let store = store(&ledger);
    for (number, arguments) in [
        &["--help"][..],
        &["--version"],
        &["help", "check"],
        &["--listen", "127.0.0.1:0", "--store", &store],
        &["check", "--store", &store],
        &["backup", "--store", &store, "COPY"],
    ]
    .iter()
    .enumerate()
    {
        let arguments: Vec<&str> = arguments.to_vec();
        let command = |copy: &str| {
            let mut command = process::command(&[]);
            command.args(arguments.iter().map(|argument| argument.replace("COPY", copy)));
            command.current_dir(&folder);
            command
        };
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let (code, stderr) = ended(command(&format!("full{number}")).stdout(full));
        assert_eq!(code, Some(1), "{arguments:?}: {stderr}");
        assert!(stderr.contains("standard output"), "{arguments:?}: {stderr}");
        if arguments[0] == "--listen" {
            continue;
        }
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = command(&format!("pipe{number}"));
        assert_eq!(
            command.stdout(writer).status().unwrap().code(),
            Some(0),
            "{arguments:?}"
        );
    }
}
