//! The table of calls by itself: that it is whole, and what leads nowhere. Who may call what is `authorization`'s.

use super::rig::{CONTROLLER_MODEL, Rig, refused};
use crate::table::{self, On};
use model::access::{ModelLevel, Need};
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn what_reads_is_for_readers_and_what_writes_is_not() {
    let reading = ["Get", "List", "Show", "Watch", "Full", "Status", "Actions", "Operations", "Next"];
    for (facade, method) in
        table::facades().flat_map(|facade| facade.methods.iter().map(move |method| (facade, method)))
    {
        let reads = reading.iter().any(|word| method.name.starts_with(word));
        if let Need::Model(level) = method.need {
            let writes = ["Add", "Destroy", "Set", "Run", "Remove", "Cancel", "Delete", "Switch", "Retry", "Create"];
            if writes.iter().any(|word| method.name.starts_with(word)) {
                assert!(level >= ModelLevel::Write, "{}.{} writes for readers", facade.name, method.name);
            }
            if reads && facade.name != "SSHClient" {
                assert!(level <= ModelLevel::Write, "{}.{} is a read for admins alone", facade.name, method.name);
            }
        }
    }
}

#[test]
fn the_table_has_no_doubles_and_is_whole() {
    let mut seen = BTreeSet::new();
    for facade in table::facades() {
        assert!(seen.insert(facade.name), "{} is there twice", facade.name);
        assert!(facade.versions.is_sorted() && !facade.versions.is_empty(), "{}", facade.name);
        let names: BTreeSet<_> = facade.methods.iter().map(|method| method.name).collect();
        assert_eq!(names.len(), facade.methods.len(), "{} has a method twice", facade.name);
    }
    // What libjuju 3.6 and the stock command must find.
    for (name, version, on) in [
        ("Action", 7, On::Model),
        ("AllWatcher", 3, On::Model),
        ("Annotations", 2, On::Model),
        ("Client", 8, On::Model),
        ("Cloud", 7, On::Controller),
        ("Controller", 12, On::Controller),
        ("KeyManager", 1, On::Model),
        ("MachineManager", 10, On::Model),
        ("ModelConfig", 3, On::Both),
        ("ModelManager", 10, On::Controller),
        ("Pinger", 1, On::Both),
        ("SSHClient", 4, On::Model),
        ("UserManager", 3, On::Controller),
    ] {
        let facade = table::facades().find(|facade| facade.name == name).unwrap_or_else(|| panic!("no {name}"));
        assert!(facade.versions.contains(&version) && facade.on == on, "{name}");
    }
}

#[tokio::test]
async fn what_leads_nowhere_is_told_with_jujus_words() {
    let rig = Rig::start().await;
    let controller = rig.login("/api", "admin").await;
    let model = rig.login(&format!("/model/{CONTROLLER_MODEL}/api"), "admin").await;
    let cases = [
        (
            &controller,
            "Client",
            8,
            "FullStatus",
            "facade \"Client\" not supported for controller API connection (not supported)",
        ),
        (
            &controller,
            "Nosuch",
            1,
            "X",
            "facade \"Nosuch\" not supported for controller API connection (not supported)",
        ),
        (&controller, "Pinger", 2, "Ping", "unknown version (2) of interface \"Pinger\" (not implemented)"),
        (&controller, "Pinger", 0, "Ping", "unknown object type \"Pinger\" (not implemented)"),
        (
            &controller,
            "Pinger",
            1,
            "Pong",
            "no such request - method Pinger(1).Pong is not implemented (not implemented)",
        ),
        (&model, "Cloud", 7, "Clouds", "facade \"Cloud\" not supported for model API connection (not supported)"),
        (&model, "Nosuch", 1, "X", "unknown version (1) of interface \"Nosuch\" (not implemented)"),
        (
            &model,
            "Storage",
            6,
            "AddToUnit",
            "Storage.AddToUnit is not built in this release of Grigri (not implemented)",
        ),
    ];
    for (client, facade, version, method, expected) in cases {
        assert_eq!(refused(client.call(facade, version, method, json!({})).await), expected);
    }
    let with_id = model.0.call("Client", 8, "7", "FullStatus", json!({})).await;
    assert_eq!(refused(with_id), "id not found (not found)");
    let watcher = model.0.call("AllWatcher", 3, "99", "Next", json!({})).await;
    assert_eq!(refused(watcher), "unknown watcher id (not found)");
}
