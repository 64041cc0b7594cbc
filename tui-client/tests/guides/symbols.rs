//! Whether a source file defines a name, by its text.

/// Words before a name that define it: Rust, Protocol Buffers, Python.
const KEYWORDS: [&str; 15] = [
    "fn", "struct", "enum", "trait", "const", "static", "type", "mod", "union", "service", "rpc", "message",
    "def", "class", "func",
];

/// Returns true if `source` defines `symbol`: `name`, or `Type::name` for a method or a variant of a type.
pub(crate) fn defines(source: &str, symbol: &str) -> bool {
    match symbol.rsplit_once("::") {
        None => source.lines().any(|line| is_definition(line, symbol)),
        Some((owner, name)) => bodies(source, owner)
            .iter()
            .any(|line| is_definition(line, name) || is_variant(line, name)),
    }
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

fn is_definition(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    if line.starts_with("//") {
        return false;
    }
    let words: Vec<_> = words(line).collect();
    words
        .windows(2)
        .any(|pair| KEYWORDS.contains(&pair[0]) && pair[1] == name)
}

fn is_variant(line: &str, name: &str) -> bool {
    let rest = line.trim_start().strip_prefix(name);
    rest.is_some_and(|rest| rest.starts_with([',', '(']) || rest.starts_with(" {"))
}

/// The lines of the items at the top level that define or implement `owner`.
fn bodies<'a>(source: &'a str, owner: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in source.lines() {
        let is_item = line.starts_with(|c: char| c.is_alphabetic()) && !line.starts_with("where");
        if is_item {
            let item = ["impl", "enum", "trait", "struct"];
            let words: Vec<_> = words(line).collect();
            inside = words.iter().any(|word| item.contains(word)) && words.contains(&owner);
        } else if line == "}" {
            inside = false;
        } else if inside {
            found.push(line);
        }
    }
    found
}

#[test]
fn definitions_are_found_where_they_are() {
    let source = "pub(crate) enum Effect {\n    Send {\n        side: Side,\n    },\n    Quit,\n}\n\nimpl<T> Runtime<T> {\n    async fn run(&mut self) {}\n}\n\n// fn gone\nfn alone() {}\n";
    for (symbol, expected) in [
        ("Effect", true),
        ("alone", true),
        ("gone", false),
        ("lone", false),
        ("Effect::Send", true),
        ("Effect::Quit", true),
        ("Effect::run", false),
        ("Runtime::run", true),
        ("Runtime::alone", false),
        ("Send", false),
    ] {
        assert_eq!(defines(source, symbol), expected, "{symbol}");
    }
}
