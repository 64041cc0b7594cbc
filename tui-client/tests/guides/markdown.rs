//! The guides, and the parts of Markdown that the tests read: links, code and fenced blocks.

use std::fs;
use std::path::{Path, PathBuf};

/// The guides, from the root of the repository.
pub(crate) const GUIDES: [&str; 8] = [
    "README.md",
    "tui-client/README.md",
    "casino-server/README.md",
    "casino-server/docs/operating.md",
    "casino-server/docs/deploying.md",
    "casino-server/docs/benchmarks.md",
    "payments-server/README.md",
    "proto/README.md",
];

/// A page and its text.
pub(crate) struct Page {
    /// From the root of the repository.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// A link, without its anchor.
pub(crate) struct Link {
    pub(crate) text: String,
    /// The file or folder; the page itself if the link is only an anchor.
    pub(crate) target: PathBuf,
    pub(crate) anchor: Option<String>,
}

/// A fenced block.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) line: usize,
    pub(crate) language: String,
    pub(crate) text: String,
    /// The HTML comment on the line before it.
    pub(crate) comment: Option<String>,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

pub(crate) fn guides() -> Vec<Page> {
    GUIDES.map(|path| Page::read(Path::new(path))).into()
}

/// All pages of the repository.
pub(crate) fn pages() -> Vec<Page> {
    let mut found = vec![Page::read(Path::new("README.md"))];
    for folder in [
        "tui-client",
        "casino-server",
        "payments-server",
        "proto",
        ".github",
    ] {
        collect(Path::new(folder), &mut found);
    }
    found
}

fn collect(folder: &Path, found: &mut Vec<Page>) {
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let name = entry.unwrap().file_name();
        let path = folder.join(&name);
        if root().join(&path).is_dir() && name != "target" {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(Page::read(&path));
        }
    }
}

impl Page {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(root().join(path));
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self {
            path: path.to_owned(),
            text,
        }
    }

    /// The text outside fenced blocks.
    pub(crate) fn prose(&self) -> String {
        let mut inside = false;
        let lines = self.text.lines().filter(|line| {
            let fence = is_fence(line);
            inside ^= fence;
            !fence && !inside
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The links into the repository.
    pub(crate) fn links(&self) -> Vec<Link> {
        let prose = self.prose();
        let ends = prose.match_indices("](").map(|(at, _)| at);
        let links = ends.map(|end| {
            let start = prose[..end].rfind('[').unwrap();
            let (target, _) = prose[end + 2..].split_once(')').unwrap();
            (&prose[start + 1..end], target)
        });
        let inside = links.filter(|(_, target)| !target.contains("://"));
        inside
            .map(|(text, target)| {
                let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
                let folder = self.path.parent().unwrap();
                Link {
                    text: text.to_owned(),
                    target: if file.is_empty() {
                        self.path.clone()
                    } else {
                        normalize(&folder.join(file))
                    },
                    anchor: (!anchor.is_empty()).then(|| anchor.to_owned()),
                }
            })
            .collect()
    }

    /// The inline code.
    pub(crate) fn code(&self) -> Vec<String> {
        let prose = self.prose();
        prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    /// The anchors of the headings, as GitHub names them.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let prose = self.prose();
        let headings = prose.lines().filter(|line| line.starts_with('#'));
        headings
            .map(|line| {
                let words = line.trim_start_matches('#').trim().to_lowercase();
                let kept = words
                    .chars()
                    .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
                kept.map(|c| if c == ' ' { '-' } else { c }).collect()
            })
            .collect()
    }

    pub(crate) fn blocks(&self) -> Vec<Block> {
        let (mut found, mut open): (Vec<Block>, Option<Block>) = (Vec::new(), None);
        let mut before = "";
        for (number, line) in self.text.lines().enumerate() {
            match open.as_mut() {
                Some(_) if is_fence(line) => found.extend(open.take()),
                Some(block) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                None if is_fence(line) => {
                    let comment = before
                        .strip_prefix("<!--")
                        .and_then(|rest| rest.strip_suffix("-->"));
                    open = Some(Block {
                        line: number + 1,
                        language: line.trim().trim_start_matches('`').to_owned(),
                        text: String::new(),
                        comment: comment.map(|comment| comment.trim().to_owned()),
                    });
                }
                None => before = line.trim(),
            }
        }
        assert!(open.is_none(), "{}: a block is not closed", self.path.display());
        found
    }
}

fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```")
}

/// Resolves `..` by name.
fn normalize(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        if part.as_os_str() == ".." {
            assert!(parts.pop(), "{} leaves the repository", path.display());
        } else {
            parts.push(part);
        }
    }
    parts
}
