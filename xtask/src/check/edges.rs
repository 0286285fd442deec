//! Which way dependencies run: the table, and the check of every crate's manifest against it.
//!
//! The root package assembles and xtask drives, so both are free; `testkit` may use everything, and tests of any crate may
//! use `testkit`. The surprise: an edge that follows from others is allowed (who may use `model` may use `base`, which `model`
//! shows in its own types), so the table lists only what each crate stands on.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::command::Error;
use crate::run;

/// Each crate and what it stands on.
const TABLE: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("wire", &["base"]),
    ("charm", &["base"]),
    ("store", &["base"]),
    ("cloud", &["base"]),
    ("container", &["base"]),
    ("host", &["base"]),
    ("model", &["charm", "store"]),
    ("rpc", &["wire"]),
    ("client", &["wire", "rpc", "host"]),
    ("clouds", &["cloud", "container", "host"]),
    ("api", &["model", "wire", "rpc", "cloud"]),
    ("workers", &["model", "cloud"]),
    ("unit", &["client", "charm", "wire", "host"]),
    ("agent", &["unit", "client", "host", "cloud"]),
    ("cli", &["client", "charm", "wire", "cloud", "host"]),
];

/// Who may use a library whose words must stay in one place.
const CONFINED: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("libcontainer", &["container"]),
    ("clap", &["cli"]),
    ("lexopt", &["cli"]),
    ("hyper", &["rpc", "client", "api", "agent", "clouds"]),
    ("tokio-tungstenite", &["rpc", "client", "api", "agent", "clouds"]),
];

/// May use every crate of ours.
const FREE: &[&str] = &["grigri", "xtask", "testkit"];

struct Edge {
    from: String,
    to: String,
    only_in_tests: bool,
}

pub fn check() -> Result<Vec<String>, Error> {
    let text = run::read_command(run::cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&text)
        .map_err(|e| Error::failed(format!("cannot read what `cargo metadata` says: {e}")))?;
    let (members, edges) = read(&metadata);
    Ok(judge(&members, &edges))
}

fn read(metadata: &Value) -> (BTreeSet<String>, Vec<Edge>) {
    let mut members = BTreeSet::new();
    let mut edges = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let from = package["name"].as_str().unwrap_or_default().to_owned();
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            edges.push(Edge {
                from: from.clone(),
                to: dependency["name"].as_str().unwrap_or_default().to_owned(),
                only_in_tests: dependency["kind"] == "dev",
            });
        }
        members.insert(from);
    }
    (members, edges)
}

fn judge(members: &BTreeSet<String>, edges: &[Edge]) -> Vec<String> {
    let reach = reach();
    let mut problems = Vec::new();
    for member in members {
        if !reach.contains_key(member.as_str()) && !FREE.contains(&member.as_str()) {
            problems.push(format!("crate {member} is not in the dependency table"));
        }
    }
    for Edge { from, to, only_in_tests } in edges {
        if FREE.contains(&from.as_str()) {
            continue;
        }
        if members.contains(to) {
            let known = reach.get(from.as_str()).is_some_and(|may| may.contains(to.as_str()));
            let for_tests = *only_in_tests && (to == "testkit" || to == from);
            if !known && !for_tests {
                problems.push(format!("crate {from} depends on {to}, which the dependency table does not give it"));
            }
        } else if let Some((_, homes)) = CONFINED.iter().find(|(library, _)| library == to)
            && !homes.contains(&from.as_str())
            && !only_in_tests
        {
            problems.push(format!("crate {from} depends on {to}, which belongs to {} alone", homes.join(", ")));
        }
    }
    problems
}

/// For each crate everything below it.
fn reach() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut reach: BTreeMap<&str, BTreeSet<&str>> =
        TABLE.iter().map(|(name, on)| (*name, on.iter().copied().collect())).collect();
    loop {
        let wider: BTreeMap<&str, BTreeSet<&str>> = reach
            .iter()
            .map(|(name, below)| {
                let further = below.iter().filter_map(|one| reach.get(one)).flatten().copied();
                (*name, below.iter().copied().chain(further).collect())
            })
            .collect();
        if wider == reach {
            return reach;
        }
        reach = wider;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(from: &str, to: &str, only_in_tests: bool) -> Vec<String> {
        let members = TABLE.iter().map(|(name, _)| *name).chain(FREE.iter().copied()).map(str::to_owned).collect();
        judge(&members, &[Edge { from: from.into(), to: to.into(), only_in_tests }])
    }

    #[test]
    fn edges_along_the_table_pass_and_others_do_not() {
        for (from, to) in [
            ("wire", "base"),
            ("api", "store"),
            ("agent", "rpc"),
            ("cli", "client"),
            ("grigri", "store"),
            ("testkit", "api"),
        ] {
            assert_eq!(judged(from, to, false), Vec::<String>::new(), "{from} -> {to}");
        }
        let refused = [
            ("model", "wire"),
            ("wire", "model"),
            ("cli", "model"),
            ("agent", "store"),
            ("clouds", "model"),
            ("base", "wire"),
            ("workers", "wire"),
            ("api", "testkit"),
        ];
        for (from, to) in refused {
            assert_eq!(judged(from, to, false).len(), 1, "{from} -> {to}");
        }
    }

    #[test]
    fn tests_may_use_the_testkit_but_no_other_forbidden_crate() {
        assert!(judged("workers", "testkit", true).is_empty());
        assert_eq!(judged("model", "wire", true).len(), 1);
    }

    #[test]
    fn libraries_stay_where_they_belong() {
        assert!(judged("store", "rusqlite", false).is_empty());
        assert_eq!(judged("api", "rusqlite", false).len(), 1);
        assert!(judged("api", "serde", false).is_empty());
    }

    #[test]
    fn a_crate_without_a_row_is_noticed() {
        let members = BTreeSet::from(["drawer".to_owned()]);
        assert_eq!(judge(&members, &[]), ["crate drawer is not in the dependency table"]);
    }

    #[test]
    fn the_table_names_only_crates_that_have_a_row() {
        let rows: BTreeSet<&str> = TABLE.iter().map(|(name, _)| *name).collect();
        for (name, on) in TABLE {
            assert!(on.iter().all(|one| rows.contains(one)), "{name}");
        }
    }
}
