//! `awesomestock cast` of the real binary: files from a recording without a terminal, and wrong usage.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use support::Home;

/// Wrong usage: arguments after `session.jsonl -o`, and a part of the message.
const WRONG_OUTPUT: &[(&str, &str)] = &[
    (
        "out.gif",
        "'out.gif' for '--output <OUT>': expected a name that ends with .cast or .svg",
    ),
    (
        "out",
        "expected a name that ends with .cast or .svg, or - for standard output",
    ),
    ("- --at 1s", "--at draws one picture"),
    ("out.cast --format v1", "'v1' for '--format <VERSION>'"),
    (
        "out.cast --size 10x5",
        "'10x5' for '--size <COLUMNSxROWS>': expected 38x10 to 500x200",
    ),
    ("out.cast --size large", "expected 38x10 to 500x200"),
    ("out.cast --speed 0", "from 1 to 1,000"),
    ("out.cast --idle 0", "expected a duration from 10ms to 1day"),
    ("out.cast --idle long", "'long' for '--idle <SECONDS>'"),
    ("out.cast --at 1s", "--at draws one picture"),
    ("out.cast --fps 5", "--fps is for a moving picture"),
    ("out.svg --at 1s --fps 5", "--fps is for a moving picture"),
    ("out.svg --fps 31", "from 1 to 30"),
    ("out.svg --format v2", "--format is for an asciicast"),
    ("out.svg --at 1s --speed 2", "--at is a time of the recording"),
    ("out.svg --at 1s --idle 2", "--at is a time of the recording"),
    ("out.svg --at noon", "expected a duration from 0s to 1day"),
    ("out.svg --theme pink", "unknown theme \"pink\""),
    ("out.svg --record new", "--record"),
];

/// Other failures: arguments, exit code, and a part of the message.
const WRONG: &[(&str, i32, &str)] = &[
    ("", 2, "<FILE>"),
    ("session.jsonl", 2, "--output <OUT>"),
    (
        "session.jsonl -o out.svg --at 1h",
        1,
        "at: 3600 s is after the end of the recording, ",
    ),
    (
        "none.jsonl -o out.cast",
        1,
        "none.jsonl: cannot be read: No such file or directory",
    ),
    (
        "session.jsonl -o none/out.cast",
        1,
        "output: cannot write none/out.cast: No such file or directory",
    ),
];

/// A recorded session of a few seconds.
fn session() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/old_files/session.jsonl")
}

/// Runs `cast` in `home` with a recording called `session.jsonl`.
fn cast(home: &Home, arguments: &str, variables: &[(&str, &str)]) -> Output {
    fs::copy(session(), home.path().join("session.jsonl")).unwrap();
    let mut command = home.game(["cast"].into_iter().chain(arguments.split_whitespace()));
    command.envs(variables.iter().copied()).current_dir(home.path());
    command.output().unwrap()
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The names of the files in `home`.
fn files(home: &Home) -> Vec<String> {
    let entries = fs::read_dir(home.path()).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_result_depends_on_the_recording_and_the_options_only() {
    for arguments in [
        "session.jsonl -o out.cast",
        "session.jsonl --output out.cast --format v3 --size 80x24 --speed 2 --idle 0.5 --theme dark",
        "session.jsonl -o out.svg",
        "session.jsonl -o out.svg --fps 30 --idle 800ms --speed 3 --size 80x24 --theme light",
        "session.jsonl -o out.svg --at 1.5s --theme mono",
    ] {
        let out = arguments.split_whitespace().nth(2).unwrap();
        let surroundings: [&[(&str, &str)]; 2] = [
            &[],
            &[
                ("LANG", "C"),
                ("LC_ALL", "C"),
                ("NO_COLOR", "1"),
                ("TERM", "dumb"),
                ("TZ", "Asia/Tokyo"),
            ],
        ];
        let [first, second] = surroundings.map(|variables| {
            let home = Home::new();
            let output = cast(&home, arguments, variables);
            assert_eq!(
                output.status.code(),
                Some(0),
                "{arguments}: {}",
                complaint(&output)
            );
            assert_eq!((output.stdout.len(), complaint(&output).len()), (0, 0));
            assert_eq!(files(&home), [out, "session.jsonl"]);
            fs::read(home.path().join(out)).unwrap()
        });
        assert!(
            first == second && first.len() > 1_000,
            "{arguments}: {} bytes",
            first.len()
        );
    }
}

#[test]
fn a_dash_is_standard_output() {
    let home = Home::new();
    cast(&home, "session.jsonl -o out.cast --format v3", &[]);
    let written = fs::read(home.path().join("out.cast")).unwrap();
    let printed = cast(&home, "session.jsonl -o - --format v3", &[]);
    assert_eq!(printed.status.code(), Some(0), "{}", complaint(&printed));
    assert!(printed.stdout == written && complaint(&printed).is_empty());
    assert_eq!(files(&home), ["out.cast", "session.jsonl"]);
}

#[test]
fn wrong_usage_is_explained_and_writes_nothing() {
    let outputs = WRONG_OUTPUT.iter();
    let outputs = outputs.map(|(arguments, text)| (format!("session.jsonl -o {arguments}"), 2, *text));
    let others = WRONG
        .iter()
        .map(|(arguments, code, text)| ((*arguments).to_owned(), *code, *text));
    for (arguments, code, text) in outputs.chain(others) {
        let home = Home::new();
        let output = cast(&home, &arguments, &[]);
        let said = complaint(&output);
        assert!(said.matches("No such file").count() <= 1, "{arguments:?}: {said}");
        assert_eq!(output.status.code(), Some(code), "{arguments}: {said}");
        assert!(said.contains(text), "{arguments}: {said}");
        assert_eq!(files(&home), ["session.jsonl"], "{arguments}");
    }
}

#[test]
fn an_incomplete_last_line_is_left_out_with_a_notice() {
    let home = Home::new();
    let torn = fs::read(session()).unwrap();
    fs::write(home.path().join("torn.jsonl"), &torn[..torn.len() - 9]).unwrap();
    let output = cast(&home, "torn.jsonl -o out.cast", &[]);
    let said = complaint(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.starts_with("torn.jsonl: the last line is incomplete and is left out"),
        "{said}"
    );
}

#[test]
fn a_recording_is_not_replaced_and_a_failure_keeps_the_old_file() {
    let home = Home::new();
    fs::copy(session(), home.path().join("session.cast")).unwrap();
    let output = cast(&home, "session.cast -o ./session.cast", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("output: session.cast is the recording"));
    assert_eq!(
        fs::read(home.path().join("session.cast")).unwrap(),
        fs::read(session()).unwrap()
    );

    fs::write(home.path().join("old.svg"), "old").unwrap();
    let output = cast(&home, "session.jsonl -o old.svg --at 90 --replace", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read_to_string(home.path().join("old.svg")).unwrap(), "old");
    let output = cast(&home, "session.jsonl -o old.svg --at 1", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("output: old.svg exists; choose another name, or add --replace"));
    assert_eq!(fs::read_to_string(home.path().join("old.svg")).unwrap(), "old");
    let output = cast(&home, "session.jsonl -o old.svg --at 1 --replace", &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        fs::read_to_string(home.path().join("old.svg"))
            .unwrap()
            .starts_with("<svg")
    );
}
