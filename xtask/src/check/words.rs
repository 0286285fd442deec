//! What must not stand in the repository: paths of a developer's machine, hosts of package registries, drawers without a name.
//!
//! The surprise: the forbidden words are put together at run time, or this file would find itself.

use std::path::Path;

use crate::command::Error;
use crate::tree;

/// Each word in two halves.
const FORBIDDEN: &[(&str, &str)] = &[
    ("/wo", "rk/"),
    ("/root/.car", "go"),
    ("/root/.pye", "nv"),
    ("pypi", ".org"),
    ("pythonhosted", ".org"),
    ("index.crates", ".io"),
    ("static.crates", ".io"),
    ("deb.debian", ".org"),
    ("snapshot.debian", ".org"),
    ("archive.ubuntu", ".com"),
    ("proxy.golang", ".org"),
    ("registry.npmjs", ".org"),
];

/// Names that say nothing: a thing without a name is not understood yet.
const DRAWERS: &[&str] = &["util", "utils", "helpers", "common", "misc", "manager"];

pub fn check() -> Result<Vec<String>, Error> {
    let mut problems = Vec::new();
    for file in tree::files()? {
        if let Ok(text) = std::fs::read_to_string(tree::root().join(&file)) {
            problems.extend(judge(&file, &text));
        }
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        if DRAWERS.contains(&stem.as_ref()) {
            problems.push(format!("{}: a drawer; say what is in it", file.display()));
        }
    }
    Ok(problems)
}

fn judge(file: &Path, text: &str) -> Vec<String> {
    if file == Path::new("Cargo.lock") {
        return foreign_sources(text);
    }
    let words: Vec<String> = FORBIDDEN.iter().map(|(a, b)| format!("{a}{b}")).collect();
    let mut problems = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for word in words.iter().filter(|word| line.contains(word.as_str())) {
            problems.push(format!("{}:{}: {word:?} does not belong here", file.display(), at + 1));
        }
    }
    problems
}

/// The lock names one source, the public index under the name every cargo gives it; a mirror's name would tie builds to a machine.
fn foreign_sources(text: &str) -> Vec<String> {
    let usual = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let foreign = text.lines().filter(|line| line.starts_with("source = ") && *line != usual);
    foreign.map(|line| format!("Cargo.lock: {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_words_are_found_with_their_line() {
        for (first, second) in FORBIDDEN {
            let text = format!("good\nsee {first}{second}here\n");
            let found = judge(Path::new("docs/a.md"), &text);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with("docs/a.md:2:"), "{found:?}");
        }
        assert!(judge(Path::new("docs/a.md"), "the network works\n").is_empty());
    }

    #[test]
    fn a_mirror_in_the_lock_is_found() {
        assert_eq!(judge(Path::new("Cargo.lock"), "source = \"registry+https://mirror.example/index\"\n").len(), 1);
    }
}
