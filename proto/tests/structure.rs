//! The structure of the workspace, read from the `use` lines of every crate: arrows between the casino's layers, import
//! circles, and the width of folders.

#![allow(clippy::unwrap_used, reason = "a failing check is a panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The crates: their folder, and their name in paths.
const CRATES: [(&str, &str); 4] = [
    ("proto", "awesomestock_proto"),
    ("payments-server", "payments_server"),
    ("casino-server", "casino_server"),
    ("tui-client", "awesomestock"),
];

/// Folders of a crate, and the folders of the same crate that they must not use.
const FORBIDDEN: [(&str, &str, &[&str]); 8] = [
    (
        "casino-server",
        "domain",
        &["config", "ledger", "store", "feed", "grpc", "admin", "server"],
    ),
    (
        "casino-server",
        "config",
        &["ledger", "store", "feed", "grpc", "admin", "server"],
    ),
    (
        "casino-server",
        "store",
        &["ledger", "feed", "grpc", "admin", "server"],
    ),
    ("casino-server", "ledger", &["feed", "grpc", "admin", "server"]),
    ("casino-server", "feed", &["ledger", "grpc", "admin", "server"]),
    ("casino-server", "grpc", &["admin", "server"]),
    (
        "tui-client",
        "app",
        &["cli", "client", "headless", "runtime", "storage", "ui"],
    ),
    (
        "tui-client",
        "ui",
        &["cli", "client", "headless", "runtime", "storage"],
    ),
];

/// Entries of a folder below `src`, and of the casino's `src` itself.
const ENTRIES_MAX: usize = 12;
const CASINO_ENTRIES_MAX: usize = 11;

/// A module by its path in the crate.
type Module = Vec<String>;

/// An import: the line it stands in, and the path that it names.
struct Import {
    place: String,
    path: Vec<String>,
}

/// The modules of the crate in `folder` with what they import, tests left out.
fn modules(folder: &str, name: &str) -> BTreeMap<Module, Vec<Import>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(folder)
        .join("src");
    let mut files = Vec::new();
    collect(&source, &mut files);
    let mut found = BTreeMap::new();
    for file in files {
        let relative = file.strip_prefix(&source).unwrap().with_extension("");
        let mut module: Module = relative
            .iter()
            .map(|part| part.to_str().unwrap().to_owned())
            .collect();
        match module.last().map(String::as_str) {
            Some("mod" | "lib") => drop(module.pop()),
            Some("main") => continue,
            _ => {}
        }
        if module.iter().any(|part| part == "tests" || part == "testkit") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let imports = uses(text)
            .into_iter()
            .flat_map(|(line, tree)| {
                let place = format!("{}:{line}: use {tree};", file.display());
                flatten(&tree).into_iter().map(move |path| (place.clone(), path))
            })
            .filter_map(|(place, path)| {
                let path = absolute(&module, &path, name)?;
                Some(Import { place, path })
            })
            .collect();
        found.insert(module, imports);
    }
    found
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The `use` items of a file that no test alone has, on one line each, with the number of their first line.
fn uses(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    let mut of_tests = false;
    while let Some((number, line)) = lines.next() {
        let trimmed = line.trim_start();
        let item = trimmed
            .split_once("use ")
            .filter(|(before, _)| before.is_empty() || before.starts_with("pub"));
        if let Some((_, rest)) = item {
            let mut tree = rest.to_owned();
            while !tree.contains(';') {
                let Some((_, more)) = lines.next() else { break };
                tree.push_str(more.trim());
            }
            if !of_tests {
                found.push((number + 1, tree.split(';').next().unwrap().to_owned()));
            }
        }
        of_tests = trimmed.starts_with("#[cfg(") && trimmed.contains("test");
    }
    found
}

/// The paths that a tree of imports names.
fn flatten(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some((prefix, inner)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap();
        return vec![path.split("::").map(|part| part.trim().to_owned()).collect()];
    };
    let prefix: Vec<String> = prefix
        .split("::")
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
    let (mut depth, mut parts) = (0_usize, vec![String::new()]);
    for letter in inner.chars() {
        match letter {
            ',' if depth == 0 => parts.push(String::new()),
            _ => {
                match letter {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                parts.last_mut().unwrap().push(letter);
            }
        }
    }
    parts
        .iter()
        .filter(|part| !part.trim().is_empty())
        .flat_map(|part| flatten(part))
        .map(|path| prefix.iter().cloned().chain(path).collect())
        .collect()
}

/// The path from the root of the crate `name`, or `None` for another crate's.
fn absolute(module: &Module, path: &[String], name: &str) -> Option<Vec<String>> {
    match path[0].as_str() {
        "crate" => Some(path[1..].to_vec()),
        first if first == name => Some(path[1..].to_vec()),
        "self" => Some(module.iter().chain(&path[1..]).cloned().collect()),
        "super" => {
            let up = path.iter().take_while(|part| *part == "super").count();
            let base = &module[..module.len().checked_sub(up)?];
            Some(base.iter().chain(&path[up..]).cloned().collect())
        }
        _ => None,
    }
}

/// The module that `path` leads into.
fn target<'a>(modules: &'a BTreeMap<Module, Vec<Import>>, path: &[String]) -> &'a Module {
    (0..=path.len())
        .rev()
        .find_map(|length| modules.get_key_value(&path[..length]))
        .unwrap()
        .0
}

#[test]
fn arrows_point_from_the_server_to_the_domain() {
    let mut wrong = Vec::new();
    for (folder, name) in CRATES {
        for (module, imports) in modules(folder, name) {
            let forbidden = FORBIDDEN
                .iter()
                .find(|(of, layer, _)| *of == folder && module.first().is_some_and(|first| first == layer));
            let Some((_, _, forbidden)) = forbidden else {
                continue;
            };
            for import in imports {
                if import
                    .path
                    .first()
                    .is_some_and(|first| forbidden.contains(&first.as_str()))
                {
                    wrong.push(import.place);
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "these imports point the wrong way:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    for (folder, name) in CRATES {
        let modules = modules(folder, name);
        // A module and those inside it are one subsystem: they may use each other.
        let mut arrows: BTreeMap<&Module, BTreeMap<&Module, &str>> = BTreeMap::new();
        for (module, imports) in &modules {
            for import in imports {
                let target = target(&modules, &import.path);
                if !target.starts_with(module) && !module.starts_with(target) {
                    arrows.entry(module).or_default().insert(target, &import.place);
                }
            }
        }
        // What nobody left imports is in no circle.
        let mut left: BTreeSet<&Module> = modules.keys().collect();
        loop {
            let free: Vec<_> = left
                .iter()
                .filter(|module| {
                    let of = arrows.get(*module);
                    !of.is_some_and(|targets| targets.keys().any(|target| left.contains(target)))
                })
                .copied()
                .collect();
            if free.is_empty() {
                break;
            }
            for module in free {
                left.remove(module);
            }
        }
        let lines: BTreeSet<_> = left
            .iter()
            .flat_map(|module| {
                arrows[*module]
                    .iter()
                    .filter(|(target, _)| left.contains(*target))
            })
            .map(|(_, place)| *place)
            .collect();
        let lines: Vec<_> = lines.into_iter().collect();
        assert!(
            left.is_empty(),
            "imports of {folder} that lead into a circle:\n{}",
            lines.join("\n")
        );
    }
}

#[test]
fn no_folder_has_too_many_entries() {
    fn check(folder: &Path, max: usize) {
        let entries: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert!(
            entries.len() <= max,
            "{} has {} entries, more than {max}",
            folder.display(),
            entries.len()
        );
        for entry in entries.iter().filter(|entry| entry.is_dir()) {
            check(entry, ENTRIES_MAX);
        }
    }
    for (folder, _) in CRATES {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(folder)
            .join("src");
        let max = if folder == "casino-server" {
            CASINO_ENTRIES_MAX
        } else {
            ENTRIES_MAX
        };
        check(&source, max);
    }
}
