//! `docs/settings.md` is held to the keys, their defaults, and what the code reads.

use crate::settings;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const EFFECTS: [&str; 4] = ["yes", "cloud", "not yet", "nothing"];
/// Keys of a model that have no default.
const WITHOUT: [&str; 7] =
    ["agent-version", "authorized-keys", "name", "project", "storage-default-block-source", "type", "uuid"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Key to default and effect.
fn rows() -> BTreeMap<String, (String, String)> {
    let page = std::fs::read_to_string(root().join("docs/settings.md")).expect("docs");
    let (page, _) = page.split_once("# Settings of controllers").expect("both");
    let mut rows = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [key, default, effect, _] = cells.as_slice() else { panic!("{line}: four cells") };
        assert!(EFFECTS.contains(effect), "{line}: want one of {EFFECTS:?}");
        let plain = |cell: &str| cell.trim_matches('`').to_owned();
        let twice = rows.insert(plain(key), (plain(default), (*effect).to_owned()));
        assert!(twice.is_none(), "{key} stands twice");
    }
    rows
}

#[test]
fn each_key_has_a_row_with_its_default() {
    let mut rows = rows();
    for (key, default) in settings::defaults() {
        let (told, _) = rows.remove(&key).unwrap_or_else(|| panic!("docs/settings.md has no row for {key}"));
        let default = match default {
            Value::String(text) if !text.is_empty() => text,
            other => other.to_string(),
        };
        assert_eq!(told, default, "docs/settings.md, {key}");
    }
    let left: Vec<&String> = rows.keys().collect();
    assert_eq!(left, WITHOUT, "rows of keys that are none");
}

/// All sources of the product but tests.
fn sources(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() && !["tests", "target"].iter().any(|other| name == *other) {
            sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests.rs" {
            all.push(path);
        }
    }
}

#[test]
fn what_the_code_reads_of_a_model_has_an_effect() {
    let (rows, mut files, mut read) = (rows(), Vec::new(), 0);
    sources(&root().join("crates"), &mut files);
    sources(&root().join("src"), &mut files);
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source");
        let calls = ["settings::text(", "settings::flag("].into_iter().flat_map(|call| text.split(call).skip(1));
        for key in calls.filter_map(|behind| behind.split(';').next()?.split('"').nth(1)) {
            read += 1;
            let effect = rows.get(key).map(|(_, effect)| effect.as_str());
            assert_eq!(effect, Some("yes"), "{} reads {key}; docs/settings.md says otherwise", file.display());
        }
    }
    assert!(read > 2, "the readers are found");
}

#[test]
fn each_key_of_a_controller_is_told_once() {
    let page = std::fs::read_to_string(root().join("docs/settings.md")).expect("docs");
    let (_, page) = page.split_once("# Settings of controllers").expect("both");
    for key in base::attribute::UPDATABLE.iter().chain(base::attribute::FIXED) {
        assert_eq!(page.matches(&format!("`{key}`")).count(), 1, "{key}");
    }
}
