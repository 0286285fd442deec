//! `docs/facades.md`: every method that is served or known to be missing, made of the table of calls. GRIGRI_BLESS=1 writes it anew.

use crate::table::{Facade, Method, On, facades};
use model::access::Need;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Facades of 3.6 for client connections that machines alone have no use for, and those that are to come.
const ABSENT: &[(&str, &str)] = &[
    (
        "Application, ApplicationOffers, Bundle, Charms, Payloads, Resources, CrossController",
        "applications are to come",
    ),
    ("Backups", "a backup is a copy of the controller's directory; see operations.md"),
    ("HighAvailability", "one controller to a machine so far"),
    ("ImageMetadataManager", "bases are made by `add-base`, or found on image servers"),
    ("MigrationTarget", "models do not move between controllers so far"),
    ("ModelGeneration, MetricsDebug, FirewallRules", "taken out of the original, or about to be"),
    ("ModelUpgrader", "a controller's agents follow its own version"),
    ("Secrets, SecretBackends", "secrets belong to applications"),
];

const HEAD: &str = "\
# Facades

What a client may call, made of the controller's own table (`crates/api/src/table`), which is also what decides who may. A facade that is not
here is answered `unknown version N for facade type`, code `not implemented`; a method that is *not built* with that code and its name. The
columns of who may call what, as every role, are `crates/api/src/tests/authorization.txt`, which is tested row by row.

*Who* is what the caller must have: a login; `read`, `write`, `admin` on the model of the connection; `superuser` on the controller; *own* means
that each item of the call is looked at by itself. *Tested in* names tests beside that table: of the API (`crates/api/src/tests`), and stock clients.

| facade | version | on | method | who | | tested in |
|---|---|---|---|---|---|---|
";

fn who(need: Need) -> &'static str {
    use model::access::ControllerLevel::{Login, Superuser};
    match need {
        Need::LoggedIn | Need::Controller(Login) => "own",
        Need::Controller(Superuser) => "superuser",
        Need::Model(level) => level.as_str(),
    }
}

fn on(facade: &Facade) -> &'static str {
    match facade.on {
        On::Controller => "controller",
        On::Model => "model",
        On::Both => "both",
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Test files by name, with their text.
fn tests() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for folder in ["crates/api/src/tests", "crates/api/src/tests/limits", "tests/python", "tests/people"] {
        let files = std::fs::read_dir(root().join(folder)).expect("a folder of tests");
        for path in files.map(|entry| entry.expect("an entry").path()) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if let Some(stem) = name.strip_suffix(".rs").filter(|stem| !["rig", "published", "schema"].contains(stem)) {
                all.insert(stem.to_owned(), std::fs::read_to_string(&path).expect("text"));
            } else if name == "program.py" {
                all.insert("python-libjuju".into(), std::fs::read_to_string(&path).expect("text"));
            }
        }
    }
    all
}

fn tested(tests: &BTreeMap<String, String>, facade: &Facade, method: &Method) -> String {
    let named = (format!("\"{}\"", facade.name), format!("\"{}\"", method.name));
    let in_python = format!(".{}(", method.name);
    let names = tests.iter().filter(|(name, text)| match name.as_str() {
        "python-libjuju" => text.contains(&in_python),
        _ => text.contains(&named.0) && text.contains(&named.1),
    });
    let names: Vec<&str> = names.map(|(name, _)| name.as_str()).take(3).collect();
    names.join(", ")
}

fn page() -> String {
    let tests = tests();
    let mut page = HEAD.to_owned();
    for facade in facades() {
        let versions: Vec<String> = facade.versions.iter().map(i64::to_string).collect();
        for method in facade.methods {
            let built = if method.run.is_some() { "" } else { "not built" };
            let (name, versions, on, who) = (facade.name, versions.join(", "), on(facade), who(method.need));
            let tested = tested(&tests, facade, method);
            let _ = writeln!(page, "| {name} | {versions} | {on} | {} | {who} | {built} | {tested} |", method.name);
        }
    }
    page.push_str("\n## What is not there\n\n| facades of 3.6 | why |\n|---|---|\n");
    for (names, why) in ABSENT {
        let _ = writeln!(page, "| {names} | {why} |");
    }
    page
}

#[test]
fn the_page_of_facades_is_the_table() {
    let (path, page) = (root().join("docs/facades.md"), page());
    if std::env::var_os("GRIGRI_BLESS").is_some() {
        std::fs::write(&path, &page).expect("written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = there.lines().zip(page.lines()).find(|(there, page)| there != page);
    assert!(there == page, "docs/facades.md is not the table: {differs:?}; GRIGRI_BLESS=1 writes it anew");
}

/// The original's facades, each with `Name`, `Version` and a JSON `Schema`; they lie beside the recordings. None where there are none.
pub fn schemas() -> Option<Vec<serde_json::Value>> {
    let golden = std::env::var_os("GRIGRI_GOLDEN").map_or_else(|| root().join("../shared/golden"), PathBuf::from);
    let text = std::fs::read_to_string(golden.join("../wire/facades-3.6.json")).ok()?;
    Some(serde_json::from_str(&text).expect("JSON"))
}

#[test]
fn every_client_facade_of_the_original_is_served_or_named() {
    let Some(all) = schemas() else { return };
    let served: Vec<&str> = facades().map(|facade| facade.name).collect();
    let is_named = |name: &str| ABSENT.iter().any(|(names, _)| names.split(", ").any(|one| one == name));
    let missing: Vec<&str> = all
        .iter()
        .filter_map(|facade| facade["Name"].as_str())
        .filter(|name| !served.contains(name) && !is_named(name) && *name != "Admin")
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
