//! Use from scripts and shells: environment variables, completions, unwritable outputs.

mod support;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use awesomestock::cli::args::Cli;
use support::Home;

/// Each variable with a wrong value.
const WRONG: &[(&str, &str)] = &[
    ("AWESOMESTOCK_CASINO", "nowhere"),
    ("AWESOMESTOCK_ALLOW_PLAINTEXT", "perhaps"),
    ("AWESOMESTOCK_BELL", "loud"),
    ("AWESOMESTOCK_CONFIG", "/nowhere"),
    ("AWESOMESTOCK_HOUSE", "21"),
    ("AWESOMESTOCK_INITIAL_PRICE", "0"),
    ("AWESOMESTOCK_MARKERS", "runes"),
    ("AWESOMESTOCK_MARKET", "bull"),
    ("AWESOMESTOCK_NO_SPLASH", "perhaps"),
    ("AWESOMESTOCK_PLAIN", "perhaps"),
    ("AWESOMESTOCK_SEED", "-1"),
    ("AWESOMESTOCK_THEME", "pink"),
    ("AWESOMESTOCK_TICK", "1ms"),
    ("AWESOMESTOCK_TIMEOUT", "1ms"),
    ("AWESOMESTOCK_UP", "blue"),
    ("AWESOMESTOCK_USER", "two words"),
    ("AWESOMESTOCK_WATCH", "perhaps"),
    ("AWESOMESTOCK_WIRE", "perhaps"),
    ("AWESOMESTOCK_LOG", "w!x y"),
    ("AWESOMESTOCK_LOG", "verbose"),
    ("AWESOMESTOCK_LOG", "awesomestock="),
];

/// Variables without a wrong value.
const ANY: &[&str] = &[
    "AWESOMESTOCK_TLS_CA",
    "AWESOMESTOCK_DATA_DIR",
    "AWESOMESTOCK_CAST",
    "AWESOMESTOCK_RECORD",
];

#[test]
fn each_variable_may_be_empty_and_errors_name_it() {
    let definition = Cli::definition();
    let known: BTreeSet<_> = definition
        .get_arguments()
        .filter_map(|option| option.get_env()?.to_str())
        .collect();
    let tested: BTreeSet<_> = WRONG
        .iter()
        .map(|(variable, _)| *variable)
        .chain(ANY.iter().copied())
        .collect();
    let missing: Vec<_> = known.difference(&tested).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for (variable, wrong) in WRONG {
        let home = Home::new();
        let output = home.game(["balance"]).env(variable, wrong).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), output.stdout),
            (Some(2), vec![]),
            "{variable}={wrong}: {said}"
        );
        assert_eq!(said.matches(variable).count(), 1, "{variable}={wrong}: {said}");
        let option = variable
            .replace("AWESOMESTOCK_", "")
            .to_lowercase()
            .replace('_', "-");
        assert!(
            !said.contains(&format!(": {option}:")),
            "{variable}={wrong}: {said}"
        );
    }
    for variable in known.iter().chain(&["AWESOMESTOCK_LOG"]) {
        let home = Home::new();
        let output = home.game(["balance"]).env(variable, "").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.as_str()), (Some(0), ""), "{variable}");
        assert_eq!(output.stdout, b"0 tokens and 0 stocks\n", "{variable}");
    }
}

#[test]
fn a_value_that_may_be_a_secret_is_not_echoed() {
    for (line, code) in [
        ("--casino s3cr3t price", 2),
        ("--casino http://u:s3cr3t price", 2),
        ("--casino http://localhost:1,s3cr3t price", 2),
        ("--casino http://s3cr3t@h:1 price", 2),
        ("--user u:s3cr3t price", 2),
        ("--theme u:s3cr3t price", 2),
        ("--market u:s3cr3t price", 2),
        ("--seed u:s3cr3t price", 2),
        ("--config http://u:s3cr3t@h price", 2),
        ("--casino https://localhost:1 --tls-ca s3cr3t price", 1),
        ("--casino http://localhost:1 key import s3cr3t", 1),
        ("price s3cr3t", 2),
        ("s3cr3t", 2),
    ] {
        let output = Home::new().game(line.split(' ')).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        assert!(!said.contains("s3cr3t"), "{line}: {said}");
    }
}

#[test]
fn a_variable_that_is_not_utf8_is_named() {
    let definition = Cli::definition();
    let known = definition
        .get_arguments()
        .filter_map(|option| option.get_env()?.to_str());
    // Any path can be recorded to.
    let read = known.filter(|variable| !["AWESOMESTOCK_RECORD", "AWESOMESTOCK_CAST"].contains(variable));
    for variable in read.chain(["AWESOMESTOCK_LOG"]) {
        let home = Home::new();
        let invalid = OsStr::from_bytes(b"\xff");
        let output = home.game(["balance"]).env(variable, invalid).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            (output.status.code(), output.stdout),
            (Some(2), vec![]),
            "{variable}: {error}"
        );
        assert!(error.contains(variable), "{variable}: {error}");
    }
}

/// Command lines that print.
const PRINTING: [&str; 27] = [
    "--help",
    "--version",
    "help balance",
    "buy --help",
    "man",
    "completions bash",
    "doctor",
    "price",
    "balance",
    "balance --json",
    "buy 1",
    "sell 1",
    "buy-tokens 1",
    "withdraw 5",
    "trades",
    "trades --csv",
    "payments",
    "payments --json",
    "leaderboard",
    "orders",
    "orders --json",
    "key path",
    "buy 1 --stop 2147483647",
    "daily results",
    "statement",
    "statement --json",
    "--plain",
];

#[test]
fn an_unwritable_output_is_a_failure_but_a_closed_pipe_is_not() {
    let home = Home::new();
    assert!(
        home.game(["buy-tokens", "100"])
            .output()
            .unwrap()
            .status
            .success()
    );
    assert!(home.game(["buy", "2"]).output().unwrap().status.success());
    for line in PRINTING {
        let command = || {
            let mut command = home.game(line.split(' '));
            command.stdin(Stdio::piped()).stderr(Stdio::piped());
            command
        };
        let ended = |mut command: Command| {
            use std::io::Write;
            let mut game = command.spawn().unwrap();
            // Most commands do not read it.
            let _ = game.stdin.take().unwrap().write_all(b"balance\nexit\n");
            let output = game.wait_with_output().unwrap();
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        };
        let mut full = command();
        full.stdout(OpenOptions::new().write(true).open("/dev/full").unwrap());
        let (code, said) = ended(full);
        assert_eq!(code, Some(1), "{line}: {said}");
        assert!(!said.is_empty(), "{line}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut closed = command();
        closed.stdout(writer);
        let (code, said) = ended(closed);
        // The doctor may find a fault of this machine.
        assert!(
            code == Some(0) || line == "doctor" && code == Some(1),
            "{line}: {code:?} {said}"
        );
    }
}

/// They are played on the screen: `--plain=false` overrides a configuration file, `--plain` is an error.
#[test]
fn line_mode_is_offered_where_it_exists() {
    let home = Home::new();
    let printed = |line: &str| {
        let output = home.game(line.split(' ')).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    for (line, has_it) in [
        ("--help", true),
        ("daily --help", false),
        ("duel --help", false),
        ("replay --help", false),
        ("lab --help", false),
    ] {
        assert_eq!(printed(line).1.contains("--plain"), has_it, "{line}");
    }
    for line in ["daily --plain", "duel 7 --plain", "lab --plain"] {
        let (code, error) = printed(line);
        assert_eq!(code, Some(1), "{line}: {error}");
        assert!(error.contains("needs a terminal: "), "{line}: {error}");
    }
    for option in [
        "--seed 1",
        "--tick 1s",
        "--market news",
        "--house 1",
        "--initial-price 9",
        "--timeout 1s",
    ] {
        for command in ["daily", "duel 7"] {
            let (code, error) = printed(&format!("{command} {option}"));
            assert_eq!(code, Some(2), "{command} {option}: {error}");
            assert!(error.contains("has no effect on"), "{command} {option}: {error}");
        }
    }
}

/// Returns the completions that the shell offers after `line`; `None` if the shell is not installed.
fn offered(shell: &str, home: &Home, line: &str) -> Option<BTreeSet<String>> {
    let scripts = home.path().join(shell);
    let script = home.game(["completions", shell]).output().unwrap().stdout;
    std::fs::write(&scripts, script).unwrap();
    let (path, text) = (scripts.to_str().unwrap(), line);
    let script = match shell {
        // As readline calls it: `=` and `:` are words of their own, and the value after them may be empty.
        "bash" => format!(
            "source {path}; COMP_LINE='{text}'; words=\"${{COMP_LINE//=/ = }}\"; \
             read -ra COMP_WORDS <<<\"${{words//:/ : }}\"; \
             [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); \
             cur=\"${{COMP_WORDS[COMP_CWORD]}}\"; [[ $cur == [=:] ]] && cur=; \
             spec=$(complete -p awesomestock); [[ $spec == *default* ]] && compgen -f -- \"$cur\"; \
             $(sed 's/.*-F \\([^ ]*\\).*/\\1/' <<<\"$spec\") awesomestock \"$cur\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        ),
        _ => format!("source {path}; complete -C '{text}'"),
    };
    let mut command = Command::new(shell);
    if shell == "bash" {
        command.arg("--norc");
    }
    command
        .env_clear()
        .envs(home.variables())
        .current_dir(home.path());
    let output = command.args(["-c", &script]).output().ok()?;
    let said = String::from_utf8(output.stdout).unwrap();
    // fish may repeat the option before a value.
    let word = |line: &str| {
        let word = line.split('\t').next().unwrap_or_default().trim();
        word.rsplit('=').next().unwrap_or_default().to_owned()
    };
    Some(said.lines().map(word).filter(|word| !word.is_empty()).collect())
}

#[test]
fn shells_complete_values_and_complete_files_only_for_files() {
    let home = Home::new();
    std::fs::write(home.path().join("a-file"), "").unwrap();
    let set = |text: &[&str]| {
        text.iter()
            .map(|word| (*word).to_owned())
            .collect::<BTreeSet<_>>()
    };
    for shell in ["bash", "fish"] {
        for (line, values) in [
            ("awesomestock --up ", &["green", "red"][..]),
            ("awesomestock --markers ", &["ascii", "block", "braille"]),
            ("awesomestock --theme d", &["dark"]),
            ("awesomestock completions z", &["zsh"]),
            ("awesomestock balance --theme d", &["dark"]),
            ("awesomestock --tick ", &[]),
            ("awesomestock buy --limit ", &[]),
            ("awesomestock --timeout ", &[]),
            ("awesomestock cast --format ", &["v2", "v3"]),
            ("awesomestock cast --size ", &[]),
            ("awesomestock --seed ", &[]),
            ("awesomestock --house ", &[]),
            ("awesomestock --user ", &[]),
            ("awesomestock --casino ", &[]),
            ("awesomestock --theme=d", &["dark"]),
            ("awesomestock --up=g", &["green"]),
            ("awesomestock --up=", &["green", "red"]),
            ("awesomestock price a", &[]),
            ("awesomestock balance a-", &[]),
        ] {
            let Some(offered) = offered(shell, &home, line) else {
                eprintln!("skipped: {shell} is not installed");
                break;
            };
            assert_eq!(offered, set(values), "{shell}: {line}");
        }
        // Their value needs a `=`.
        for flag in ["--plain", "--wire", "--no-splash", "--allow-plaintext", "--watch"] {
            if let Some(offered) = offered(shell, &home, &format!("awesomestock {flag} ")) {
                let is_value = |word: &str| offered.contains(word);
                assert!(
                    !is_value("true") && !is_value("false"),
                    "{shell}: {flag}: {offered:?}"
                );
                assert!(is_value("balance"), "{shell}: {flag}: {offered:?}");
            }
        }
        for line in [
            "awesomestock --config ",
            "awesomestock --record ",
            "awesomestock --record=a",
            "awesomestock --cast ",
            "awesomestock lab --record ",
            "awesomestock replay ",
            "awesomestock replay a-",
            "awesomestock key import ",
            "awesomestock cast a-",
            "awesomestock cast session.jsonl -o a-",
        ] {
            if let Some(offered) = offered(shell, &home, line) {
                assert!(offered.contains("a-file"), "{shell}: {line}: {offered:?}");
            }
        }
    }
}

#[test]
fn shells_complete_nothing_where_nothing_is_possible() {
    let home = Home::new();
    std::fs::write(home.path().join("a-file"), "").unwrap();
    for (shell, line) in [
        ("bash", "awesomestock --wire=t"),
        ("bash", "awesomestock --plain="),
        ("bash", "awesomestock --casino http:"),
        ("bash", "awesomestock --casino=http:"),
        ("bash", "awesomestock --casino http://127.0.0.1:"),
        ("fish", "awesomestock key export "),
        ("fish", "awesomestock key path a-"),
        ("fish", "awesomestock daily results "),
    ] {
        let offered = offered(shell, &home, line).unwrap_or_default();
        assert!(offered.is_empty(), "{shell}: {line}: {offered:?}");
    }
}

#[test]
fn shells_complete_folders_for_folders() {
    let home = Home::new();
    std::fs::write(home.path().join("a-file"), "").unwrap();
    std::fs::create_dir(home.path().join("a-folder")).unwrap();
    std::fs::create_dir(home.path().join("a folder")).unwrap();
    for shell in ["bash", "fish"] {
        for line in [
            "awesomestock --data-dir ",
            "awesomestock --data-dir a",
            "awesomestock --data-dir=a",
            "awesomestock balance --data-dir ",
        ] {
            if let Some(offered) = offered(shell, &home, line) {
                let is_offered = |name: &str| offered.iter().any(|word| word.trim_end_matches('/') == name);
                assert!(
                    is_offered("a-folder") && !is_offered("a-file"),
                    "{shell}: {line}: {offered:?}"
                );
                assert!(
                    shell != "bash" || is_offered("a folder"),
                    "{shell}: {line}: {offered:?}"
                );
            }
        }
    }
}

/// zsh completes only in an interactive shell, so this reads its script: each option with its values, or files.
#[test]
fn the_zsh_script_completes_the_same() {
    let home = Home::new();
    let script = home.game(["completions", "zsh"]).output().unwrap().stdout;
    let script = String::from_utf8(script).unwrap();
    assert!(!script.contains(":_default"), "{script}");
    for (option, values) in [
        ("--up=", ":(green red)"),
        ("--markers=", ":(braille block ascii)"),
        ("--theme=", ":(terminal dark light mono blue-orange teal-magenta)"),
    ] {
        let lines: Vec<&str> = script.lines().filter(|line| line.contains(option)).collect();
        assert!(
            !lines.is_empty() && lines.iter().all(|line| line.contains(values)),
            "{lines:?}"
        );
    }
    assert!(!script.contains("(true false)"), "{script}");
    let files: BTreeSet<&str> = script
        .lines()
        .filter(|line| line.contains(":_files"))
        .map(|line| {
            line.trim()
                .trim_start_matches(['\'', '*', ':'])
                .split(['=', '[', ':', ' '])
                .next()
                .unwrap()
        })
        .collect();
    assert_eq!(
        files,
        BTreeSet::from([
            "--cast",
            "--config",
            "--data-dir",
            "--output",
            "--record",
            "--tls-ca",
            "-o+",
            "file"
        ]),
        "{script}"
    );
    let path = home.path().join("_awesomestock");
    std::fs::write(&path, &script).unwrap();
    match Command::new("zsh").arg("-n").arg(&path).status() {
        Ok(status) => assert!(status.success()),
        Err(error) => eprintln!("zsh: {error}"),
    }
}
