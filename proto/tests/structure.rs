//! The structure of the workspace, read from the `use` lines of every crate: dependencies between layers, import
//! cycles, one module per `use`, and the number of entries in folders.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each crate's folder and its name in paths.
const CRATES: [(&str, &str); 4] = [
    ("proto", "awesomestock_proto"),
    ("payments-server", "payments_server"),
    ("casino-server", "casino_server"),
    ("tui-client", "awesomestock"),
];

/// Layers of a crate, and the other layers of the same crate that they must not use.
const FORBIDDEN: [(&str, &str, &[&str]); 14] = [
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
    (
        "tui-client",
        "client",
        &["cli", "headless", "runtime", "solo", "storage", "ui"],
    ),
    (
        "tui-client",
        "solo",
        &["cli", "client", "headless", "runtime", "ui"],
    ),
    (
        "tui-client",
        "storage",
        &["cli", "client", "headless", "run", "runtime", "solo"],
    ),
    ("tui-client", "runtime", &["cli", "headless", "run"]),
    ("tui-client", "headless", &["run"]),
    ("tui-client", "cli", &["headless", "run"]),
];

/// Most entries of a folder below `src`, and of the casino's `src` itself.
const ENTRIES_MAX: usize = 12;
const CASINO_ENTRIES_MAX: usize = 11;

/// The path of a module in its crate.
type Module = Vec<String>;

/// An import: its location and the imported path.
struct Import {
    location: String,
    path: Vec<String>,
}

fn source(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../{folder}/src"))
}

/// Reads the modules of the crate in `folder` and their imports, without tests.
fn modules(folder: &str, name: &str) -> BTreeMap<Module, Vec<Import>> {
    let source = source(folder);
    let mut files = Vec::new();
    collect(&source, &mut files);
    let files: BTreeMap<Module, PathBuf> = files
        .into_iter()
        .filter_map(|file| Some((module_of(file.strip_prefix(&source).unwrap())?, file)))
        .collect();
    let mut found = BTreeMap::new();
    for (module, file) in &files {
        let text = fs::read_to_string(file).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let imports = uses(text)
            .into_iter()
            .flat_map(|(line, tree)| {
                let location = format!("{}:{line}: use {tree};", file.display());
                flatten(&tree)
                    .into_iter()
                    .map(move |path| (location.clone(), path))
            })
            .filter_map(|(location, path)| {
                let path = absolute(module, &path, name, &files)?;
                Some(Import { location, path })
            })
            .collect();
        found.insert(module.clone(), imports);
    }
    found
}

/// The module of a file, or `None` if it is not part of the library or only for tests.
fn module_of(file: &Path) -> Option<Module> {
    let path = file.with_extension("");
    let mut module: Module = path
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    match module.last().map(String::as_str) {
        Some("mod" | "lib") => drop(module.pop()),
        Some("main") => return None,
        _ => {}
    }
    let is_for_tests = module.iter().any(|part| part == "tests" || part == "testkit");
    (!is_for_tests).then_some(module)
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

/// The `use` items outside tests, joined to one line each, with their line numbers.
fn uses(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    let mut is_for_tests = false;
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
            if !is_for_tests {
                found.push((number + 1, tree.split(';').next().unwrap().to_owned()));
            }
        }
        is_for_tests = trimmed.starts_with("#[cfg(") && trimmed.contains("test");
    }
    found
}

/// Expands a tree of imports to its paths.
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

/// Resolves a path to one from the root of the crate `name`; `None` if it belongs to another crate.
fn absolute(
    module: &Module,
    path: &[String],
    name: &str,
    modules: &BTreeMap<Module, PathBuf>,
) -> Option<Vec<String>> {
    match path[0].as_str() {
        "crate" => Some(path[1..].to_vec()),
        first if first == name => Some(path[1..].to_vec()),
        "self" => Some(module.iter().chain(&path[1..]).cloned().collect()),
        "super" => {
            let up = path.iter().take_while(|part| *part == "super").count();
            let base = &module[..module.len().checked_sub(up)?];
            Some(base.iter().chain(&path[up..]).cloned().collect())
        }
        // A submodule, imported without `self`.
        child => {
            let submodule: Module = module.iter().cloned().chain([child.to_owned()]).collect();
            let path = module.iter().chain(path).cloned().collect();
            modules.contains_key(&submodule).then_some(path)
        }
    }
}

/// The module that contains `path`.
fn target<'a>(modules: &'a BTreeMap<Module, Vec<Import>>, path: &[String]) -> &'a Module {
    (0..=path.len())
        .rev()
        .find_map(|length| modules.get_key_value(&path[..length]))
        .unwrap()
        .0
}

#[test]
fn dependencies_point_from_the_server_to_the_domain() {
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
                    wrong.push(import.location);
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "imports against the layer order:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn modules_have_no_import_cycles() {
    for (folder, name) in CRATES {
        let modules = modules(folder, name);
        // A submodule may use its parent: they are one subsystem.
        let mut dependencies: BTreeMap<&Module, BTreeMap<&Module, &str>> = BTreeMap::new();
        for (module, imports) in &modules {
            for import in imports {
                let target = target(&modules, &import.path);
                if !module.starts_with(target) {
                    dependencies
                        .entry(module)
                        .or_default()
                        .insert(target, &import.location);
                }
            }
        }
        // Remove modules that import no remaining module until only cycles are left.
        let mut remaining: BTreeSet<&Module> = modules.keys().collect();
        loop {
            let free: Vec<_> = remaining
                .iter()
                .filter(|module| {
                    let of = dependencies.get(*module);
                    !of.is_some_and(|targets| targets.keys().any(|target| remaining.contains(target)))
                })
                .copied()
                .collect();
            if free.is_empty() {
                break;
            }
            for module in free {
                remaining.remove(module);
            }
        }
        let lines: BTreeSet<_> = remaining
            .iter()
            .flat_map(|module| {
                dependencies[*module]
                    .iter()
                    .filter(|(target, _)| remaining.contains(*target))
            })
            .map(|(_, location)| *location)
            .collect();
        let lines: Vec<_> = lines.into_iter().collect();
        assert!(
            remaining.is_empty(),
            "import cycles in {folder}:\n{}",
            lines.join("\n")
        );
    }
}

/// So that a search for a path finds every import of it, and an error above prints the import alone.
#[test]
fn each_import_names_one_module() {
    let imports = CRATES.map(|(folder, name)| modules(folder, name));
    let nested: BTreeSet<_> = imports
        .iter()
        .flat_map(BTreeMap::values)
        .flatten()
        .filter(|import| import.location.matches('{').count() > 1)
        .map(|import| import.location.as_str())
        .collect();
    let nested: Vec<_> = nested.into_iter().collect();
    assert!(
        nested.is_empty(),
        "nested imports, write one `use` per module:\n{}",
        nested.join("\n")
    );
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
        let max = if folder == "casino-server" {
            CASINO_ENTRIES_MAX
        } else {
            ENTRIES_MAX
        };
        check(&source(folder), max);
    }
}

#[test]
fn programs_and_libraries_may_not_panic() {
    let rule = "#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]";
    let roots = CRATES.map(|(folder, _)| ["lib.rs", "main.rs"].map(|file| source(folder).join(file)));
    for root in roots.concat().iter().filter(|root| root.exists()) {
        let text = fs::read_to_string(root).unwrap();
        assert!(text.contains(rule), "{}: {rule} is missing", root.display());
    }
}
