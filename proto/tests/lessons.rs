//! The lessons stay short, and each stays close to the one before it.

use std::fs;
use std::path::Path;

/// The ladder.
const LESSONS: [&str; 11] = [
    "v1-initial-scaffold",
    "v2-initial-integration",
    "v3-simple-rpc",
    "v4-unidirectional-streams",
    "v5-bidirectional-streams-easy",
    "v5-bidirectional-streams-hard",
    "v6-finale",
    "v7-slow-readers",
    "v8-stop-with-open-streams",
    "v9-come-back",
    "v10-answer-once",
];

/// Lines of a lesson, its tests included.
const LINES_MAX: usize = 150;

/// Lines that only one of two neighbours has.
const DIFFERENCES_MAX: usize = 80;

fn read(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Counts the lines that `diff` marks: those outside the longest common subsequence.
fn differences(before: &str, after: &str) -> usize {
    let (before, after): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    // The length for each prefix of `after`.
    let mut common = vec![0; after.len() + 1];
    for line in &before {
        let mut diagonal = 0;
        for (index, other) in after.iter().enumerate() {
            let above = common[index + 1];
            common[index + 1] = if line == other {
                diagonal + 1
            } else {
                above.max(common[index])
            };
            diagonal = above;
        }
    }
    before.len() + after.len() - 2 * common[after.len()]
}

#[test]
fn lines_of_one_side_are_counted() {
    assert_eq!(differences("a\nb\nc", "a\nx\nc\nd"), 3);
    assert_eq!(differences("a\nb", "a\nb"), 0);
    assert_eq!(differences("", "a\nb"), 2);
}

#[test]
fn lessons_are_short_and_close_to_their_neighbours() {
    let texts = LESSONS.map(|name| read(&format!("{name}.rs")));
    for (name, text) in LESSONS.iter().zip(&texts) {
        let lines = text.lines().count();
        assert!(
            lines <= LINES_MAX,
            "{name} has {lines} lines, more than {LINES_MAX}"
        );
    }
    for (names, pair) in LESSONS.windows(2).zip(texts.windows(2)) {
        let count = differences(&pair[0], &pair[1]);
        assert!(
            count <= DIFFERENCES_MAX,
            "{names:?} differ by {count} lines, more than {DIFFERENCES_MAX}"
        );
    }
}

#[test]
fn the_page_of_the_lessons_has_a_row_for_each() {
    let page = read("README.md");
    for name in LESSONS {
        let row = format!("\n| [{name}]({name}.rs) |");
        assert!(page.contains(&row), "{name}");
    }
}
