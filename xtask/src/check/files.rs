//! The manners of source files: each says first what it is, and none grows past one subject without a word of why.

use std::path::Path;

use crate::command::Error;
use crate::tree;

const LONGEST: usize = 500;
const WHY: &str = "//! Length:";

pub fn check() -> Result<Vec<String>, Error> {
    let mut problems = Vec::new();
    for file in tree::files()? {
        let is_rust = file.extension().is_some_and(|kind| kind == "rs");
        if is_rust && let Ok(text) = std::fs::read_to_string(tree::root().join(&file)) {
            problems.extend(judge(&file, &text));
        }
        if file.file_name().is_some_and(|name| name == "mod.rs") {
            problems.push(format!("{}: name the file after its module, beside the folder", file.display()));
        }
    }
    Ok(problems)
}

fn judge(file: &Path, text: &str) -> Vec<String> {
    let name = file.display();
    let mut problems = Vec::new();
    if !text.starts_with("//!") {
        problems.push(format!("{name}: does not open with `//!`: what it is, what it must not know"));
    }
    let lines = text.lines().count();
    if lines > LONGEST && !text.lines().any(|line| line.starts_with(WHY) && line.len() > WHY.len() + 1) {
        problems.push(format!("{name}: {lines} lines, over {LONGEST}, without a line `{WHY} WHY`"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manners() {
        let long = "x\n".repeat(LONGEST);
        for (text, expected) in [
            ("//! what\n", 0),
            ("fn f() {}\n", 1),
            (&*format!("//! what\n{long}"), 1),
            (&*format!("//! what\n//! Length: a table of every code\n{long}"), 0),
            (&*format!("//! what\n//! Length:\n{long}"), 1),
            (&*long, 1),
        ] {
            assert_eq!(judge(Path::new("a.rs"), text).len(), expected, "{:?}", &text[..text.len().min(40)]);
        }
    }
}
