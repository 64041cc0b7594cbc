//! The guides stay true: links lead somewhere, names exist in the code, options exist in the programs, and commands run.
//!
//! A link to a source file whose text is code, as in [`Type::method`](path), names something that the file defines. A
//! fenced block has a language. A block of `sh` is run, as a comment on the line before it says (see [`blocks`]).

#![allow(clippy::print_stderr)]

mod blocks;
#[allow(dead_code, unreachable_pub)]
#[path = "../../../casino-server/tests/support/cluster.rs"]
mod cluster;
mod markdown;
mod symbols;

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::{fs, thread};

use awesomestock_proto::EXECUTED_MESSAGE;
use blocks::{Checkout, Directive, program};
use markdown::{GUIDES, Page, guides, pages, root};
use symbols::defines;

const README_LINES: usize = 200;
const README_WORDS: usize = 1_500;

/// Names of files and folders that are paths from the root of the repository.
const TOP_LEVEL: [&str; 7] = [
    "tui-client/",
    "casino-server/",
    "payments-server/",
    "proto/",
    "assets/",
    ".ci/",
    ".github/",
];

/// The programs, and the guide that lists all options of each.
const PROGRAMS: [(&str, &str); 3] = [
    ("awesomestock", "tui-client/README.md"),
    ("casino-server", "casino-server/docs/operating.md"),
    ("payments-server", "payments-server/README.md"),
];

fn check(failures: &[String]) {
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn the_readme_is_short() {
    let page = fs::read_to_string(root().join("README.md")).unwrap();
    let (lines, words) = (page.lines().count(), page.split_whitespace().count());
    assert!(
        lines <= README_LINES && words <= README_WORDS,
        "{lines} lines, {words} words"
    );
}

#[test]
fn links_lead_to_files_and_headings() {
    let pages = pages();
    let mut failures = Vec::new();
    for page in &pages {
        for link in page.links() {
            let place = format!("{}: [{}]", page.path.display(), link.text);
            if !root().join(&link.target).exists() {
                failures.push(format!("{place}: {} does not exist", link.target.display()));
            } else if let Some(anchor) = link.anchor {
                let target = pages.iter().find(|page| page.path == link.target);
                if !target.is_some_and(|target| target.anchors().contains(&anchor)) {
                    failures.push(format!(
                        "{place}: {} has no heading #{anchor}",
                        link.target.display()
                    ));
                }
            }
        }
    }
    check(&failures);
}

/// A link to a source file whose text is code names something that the file defines.
#[test]
fn names_in_links_are_defined_in_their_files() {
    let mut failures = Vec::new();
    for page in pages() {
        for link in page.links() {
            let name = link
                .text
                .strip_prefix('`')
                .and_then(|text| text.strip_suffix('`'));
            let file = root().join(&link.target);
            let Some(name) = name.filter(|_| file.is_file()) else {
                continue;
            };
            if !defines(&fs::read_to_string(&file).unwrap(), name) {
                failures.push(format!(
                    "{}: {} does not define {name}",
                    page.path.display(),
                    link.target.display()
                ));
            }
        }
    }
    check(&failures);
}

/// Each line of the questions' Rust is in a source file that the page links.
#[test]
fn snippets_of_the_questions_are_in_the_sources() {
    let compact = |text: &str| text.split_whitespace().collect::<String>();
    let questions = pages()
        .into_iter()
        .find(|page| page.path.ends_with("docs/questions.md"));
    let questions = questions.unwrap();
    let linked: BTreeSet<_> = questions.links().into_iter().map(|link| link.target).collect();
    let sources = linked
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let sources: String = sources
        .map(|path| compact(&fs::read_to_string(root().join(path)).unwrap()))
        .collect();
    let mut failures = Vec::new();
    for block in questions.blocks() {
        let lines = block.text.lines().filter(|_| block.language == "rust");
        for line in lines.filter(|line| !sources.contains(&compact(line))) {
            failures.push(format!("block at line {}: {line}", block.line));
        }
    }
    check(&failures);
}

#[test]
fn paths_in_code_exist() {
    let mut failures = Vec::new();
    for page in guides() {
        for code in page.code() {
            for word in code.split_whitespace() {
                if TOP_LEVEL.iter().any(|folder| word.starts_with(folder)) && !root().join(word).exists() {
                    failures.push(format!("{}: {word} does not exist", page.path.display()));
                }
            }
        }
    }
    check(&failures);
}

/// A line `FILE.rs: FUNCTION` in the source of a picture.
#[test]
fn functions_in_pictures_are_defined_in_their_files() {
    let source = fs::read_to_string(root().join("assets/diagrams/order.txt")).unwrap();
    let parts = source.split(['|', '\n']).map(str::trim);
    let places: Vec<_> = parts.filter_map(|part| part.split_once(".rs: ")).collect();
    assert!(!places.is_empty());
    for (file, function) in places {
        let file = format!("src/{file}.rs");
        let crates = ["tui-client", "casino-server"].map(|name| root().join(name).join(&file));
        let text = crates.iter().find_map(|path| fs::read_to_string(path).ok());
        let text = text.unwrap_or_else(|| panic!("{file} does not exist"));
        assert!(defines(&text, function), "{file} does not define {function}");
    }
}

#[test]
fn pictures_are_drawn_from_their_sources() {
    let mut python = Command::new("python3");
    python
        .arg(root().join("assets/diagrams/draw.py"))
        .arg("--check")
        .stdin(Stdio::null());
    match python.output() {
        Ok(output) => assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => eprintln!("skipped: python3: {error}"),
    }
}

/// Options and variables in a text.
fn settings(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
    words
        .filter(|word| {
            let option = word.strip_prefix("--").is_some_and(|name| !name.is_empty());
            let variable = ["AWESOMESTOCK_", "CASINO_", "PAYMENTS_"];
            option || variable.iter().any(|prefix| word.starts_with(prefix))
        })
        .map(str::to_owned)
        .collect()
}

fn help(program_name: &str, command: Option<&str>) -> String {
    let mut program = Command::new(program(program_name));
    let output = program.args(command).arg("--help").output().unwrap();
    assert!(output.status.success(), "{program_name} {command:?} --help");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn options_and_variables_are_those_of_the_programs() {
    let programs = PROGRAMS.map(|(name, guide)| (guide, settings(&help(name, None))));
    let mut known: BTreeSet<String> = programs.iter().flat_map(|(_, found)| found.clone()).collect();
    for (program, command) in [
        ("awesomestock", "buy"),
        ("awesomestock", "cast"),
        ("awesomestock", "price"),
        ("awesomestock", "replay"),
        ("casino-server", "cert"),
        ("casino-server", "healthcheck"),
        ("casino-server", "round"),
    ] {
        known.extend(settings(&help(program, Some(command))));
    }
    let mut failures = Vec::new();
    for page in guides() {
        // Only inline code that begins with an option or one of our programs: others have options too.
        let ours = |code: &&String| {
            let first = code.split_whitespace().next().unwrap_or_default();
            !settings(first).is_empty() || PROGRAMS.iter().any(|(name, _)| first == *name)
        };
        let code: Vec<String> = page.code().iter().filter(ours).cloned().collect();
        for unknown in settings(&code.join(" ")).difference(&known) {
            failures.push(format!("{}: no program has {unknown}", page.path.display()));
        }
    }
    for (guide, found) in programs {
        let page = fs::read_to_string(root().join(guide)).unwrap();
        let listed = settings(&page);
        let own = found
            .iter()
            .filter(|name| !["--help", "--version"].contains(&name.as_str()));
        for missing in own.filter(|name| !listed.contains(*name)) {
            failures.push(format!("{guide}: {missing} is missing"));
        }
    }
    check(&failures);
}

/// Runs the `sh` blocks of a guide in order. Returns a line for each one that was not run, and the number of all.
fn run_blocks(page: &Page) -> (usize, Vec<String>) {
    let mut checkout = Checkout::new();
    let (mut count, mut not_run) = (0, Vec::new());
    for block in page.blocks() {
        let place = format!("{}:{}", page.path.display(), block.line);
        assert!(!block.language.is_empty(), "{place}: the block has no language");
        if block.language != "sh" {
            assert_eq!(Directive::new(&block), Directive::default(), "{place}");
            continue;
        }
        count += 1;
        eprintln!("{place}");
        match checkout.run(&block) {
            Ok(printed) => {
                let plays = ["casino.Casino/Gamble", "gamble.py"];
                let is_session = plays.iter().any(|name| block.text.contains(name));
                assert!(
                    !is_session || printed.contains(EXECUTED_MESSAGE),
                    "{place}: no order was executed:\n{printed}"
                );
            }
            Err(reason) => not_run.push(format!("{place}: not run: {reason}")),
        }
    }
    checkout.stop_servers();
    (count, not_run)
}

#[test]
fn commands_run() {
    let pages = guides();
    let results: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = pages
            .iter()
            .map(|page| scope.spawn(|| run_blocks(page)))
            .collect();
        running
            .into_iter()
            .map(|guide| guide.join().expect("a block of the guide named above failed"))
            .collect()
    });
    let blocks: usize = results.iter().map(|(count, _)| count).sum();
    let not_run: Vec<_> = results.into_iter().flat_map(|(_, not_run)| not_run).collect();
    eprintln!(
        "{blocks} blocks in {} guides, {} run\n{}",
        GUIDES.len(),
        blocks - not_run.len(),
        not_run.join("\n")
    );
}
