//! Every facade, version and method, and every path, as every role, against the one table beside this file. What is served without a row fails,
//! and so does a row without anything behind it.

mod items;
mod paths;

use super::rig::{CONTROLLER_MODEL, Client, PASSWORD, Rig, basic};
use crate::table;
use base::{MachineId, ModelUuid};
use model::change::user::{self, Proof};
use model::key::Object;
use rpc::CallError;
use rpc::tls::Leaf;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const TABLE: &str = include_str!("authorization.txt");
const ROLES: [&str; 12] =
    ["anon", "agent", "another", "none", "login", "reader", "writer", "owner", "cloud", "adder", "other", "super"];

/// A controller with somebody of each role, and two models: that of the connections, and one where only superusers have anything.
struct Bed {
    rig: Rig,
    model: ModelUuid,
    other: ModelUuid,
}

impl Bed {
    async fn make() -> Bed {
        let rig = Rig::start().await;
        let hash = {
            let read = rig.state.read();
            let hash = read.users.get("reader").and_then(|user| user.password_hash.clone());
            Proof::Password(hash.expect("a password"))
        };
        for name in ["none", "clouder", "adder", "elsewhere"] {
            let add = rig.state.change(|beliefs, given| user::add(beliefs, name, "", &hash, "admin", given));
            add.await.expect("added");
        }
        let shut = |beliefs: &model::Beliefs, given: model::Given<'_>| {
            user::revoke(beliefs, &Object::Controller, "none", "login", given)
        };
        rig.state.change(shut).await.expect("revoked");
        let other = rig.add_model("other").await;
        let lab = || Object::Cloud("lab".into());
        for (object, name, level) in
            [(lab(), "clouder", "admin"), (lab(), "adder", "add-model"), (Object::Model(other), "elsewhere", "admin")]
        {
            let grant =
                |beliefs: &model::Beliefs, given: model::Given<'_>| user::grant(beliefs, &object, name, level, given);
            rig.state.change(grant).await.expect("granted");
        }
        Bed { rig, model: CONTROLLER_MODEL.parse().expect("valid"), other }
    }

    fn path(&self, on_model: bool) -> String {
        if on_model { format!("/model/{}/api", self.model) } else { "/api".into() }
    }

    fn certificate(&self, role: &str) -> Option<Leaf> {
        let machine: MachineId = "0".parse().expect("valid");
        match role {
            "agent" => Some(self.rig.agent(self.model, &machine)),
            "another" => Some(self.rig.agent(self.other, &machine)),
            _ => None,
        }
    }

    fn header(role: &str) -> Option<String> {
        user_of(role).map(|user| basic(user, PASSWORD))
    }

    /// A connection as that role, logged in if it can be; nothing where the login is refused.
    async fn connect(&self, role: &str, on_model: bool) -> Option<Client> {
        let path = self.path(on_model);
        if let Some(user) = user_of(role) {
            let client = self.rig.caller(&path).await;
            return client.log_in(user, PASSWORD).await.ok().map(|_| client);
        }
        let Some(certificate) = self.certificate(role) else { return Some(self.rig.caller(&path).await) };
        let client = self.rig.way_of(certificate).caller(&path).await;
        // A machine is no user, whatever it calls itself.
        let login = json!({"auth-tag": "machine-0", "credentials": PASSWORD, "nonce": "x"});
        assert!(client.call("Admin", 3, "Login", login).await.is_err(), "{role} logged in");
        Some(client)
    }
}

fn user_of(role: &str) -> Option<&'static str> {
    Some(match role {
        "none" => "none",
        "login" => "stranger",
        "reader" => "reader",
        "writer" => "writer",
        "owner" => "owner",
        "cloud" => "clouder",
        "adder" => "adder",
        "other" => "elsewhere",
        "super" => "admin",
        _ => return None,
    })
}

struct Row {
    on_model: bool,
    facade: &'static str,
    versions: Vec<i64>,
    method: &'static str,
    /// As the roles.
    cells: Vec<&'static str>,
}

fn lines() -> impl Iterator<Item = Vec<&'static str>> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line.split_whitespace().collect())
}

fn rows() -> Vec<Row> {
    let calls = lines().filter(|words| words[0] != "H");
    calls
        .map(|words| {
            assert_eq!(words.len(), 4 + ROLES.len(), "row {words:?}");
            Row {
                on_model: words[0] == "M",
                facade: words[1],
                versions: words[2].split(',').map(|version| version.parse().expect("a number")).collect(),
                method: words[3],
                cells: words[4..].to_vec(),
            }
        })
        .collect()
}

fn key(on_model: bool, facade: &str, versions: &[i64], method: &str) -> String {
    format!("{} {facade} {versions:?} {method}", if on_model { "M" } else { "C" })
}

#[test]
fn what_is_served_has_its_row_and_every_row_is_served() {
    let of_table = [false, true].into_iter().flat_map(|on_model| {
        table::listed(on_model).flat_map(move |facade| {
            facade.methods.iter().map(move |method| key(on_model, facade.name, facade.versions, method.name))
        })
    });
    let served: BTreeSet<String> = of_table.collect();
    let rows: Vec<String> = rows().iter().map(|row| key(row.on_model, row.facade, &row.versions, row.method)).collect();
    let unique: BTreeSet<String> = rows.iter().cloned().collect();
    assert_eq!(rows.len(), unique.len(), "a row is there twice");
    let without_row: Vec<_> = served.difference(&unique).collect();
    let without_method: Vec<_> = unique.difference(&served).collect();
    assert!(without_row.is_empty() && without_method.is_empty(), "{without_row:?} {without_method:?}");
}

/// The letter of what came.
fn letter(answer: &Result<Value, CallError>) -> &'static str {
    match answer {
        Ok(_) => "y",
        Err(CallError::Refused(error)) if error.message == "permission denied" => ".",
        Err(CallError::Refused(error)) if error.message.contains("is not built in this release") => "u",
        Err(CallError::Refused(error)) if error.message.starts_with("unknown version (") => "-",
        Err(CallError::Refused(_)) => "y",
        Err(_) => "closed",
    }
}

#[tokio::test]
async fn every_call_as_every_role() {
    let bed = Bed::make().await;
    let rows = rows();
    let mut wrong = Vec::new();
    for (role, name) in ROLES.iter().enumerate() {
        for on_model in [false, true] {
            let client = bed.connect(name, on_model).await;
            for row in rows.iter().filter(|row| row.on_model == on_model) {
                let expected = row.cells[role];
                let Some(client) = &client else {
                    if expected != "x" {
                        wrong.push(format!("{name}: {} is {expected}, but no login", row.method));
                    }
                    continue;
                };
                for version in &row.versions {
                    let answer = client.call(row.facade, *version, row.method, json!({})).await;
                    // Items are asked by themselves: with none of them, the method runs.
                    let expected = if expected == "i" { "y" } else { expected };
                    if letter(&answer) != expected {
                        wrong.push(format!("{name}: {}({version}).{} gave {answer:?}", row.facade, row.method));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_is_taken_away_is_gone_at_once() {
    let bed = Bed::make().await;
    let take = async |object: Object, name: &str, level: &str| {
        let revoke =
            |beliefs: &model::Beliefs, given: model::Given<'_>| user::revoke(beliefs, &object, name, level, given);
        bed.rig.state.change(revoke).await.expect("revoked");
    };
    let reader = bed.connect("reader", true).await.expect("logs in");
    let opened = reader.call("Client", 8, "WatchAll", json!({})).await.expect("watches");
    let id = opened["watcher-id"].as_str().expect("an id").to_owned();
    reader.0.call("AllWatcher", 3, &id, "Next", json!({})).await.expect("everything");
    // One that waits when the right is taken away gets nothing more either.
    let waits = reader.0.call("AllWatcher", 3, &id, "Next", json!({}));
    tokio::pin!(waits);
    tokio::select! {
        biased;
        early = &mut waits => panic!("there was nothing to tell: {early:?}"),
        // Sent after it, answered before it: so it waits by now.
        pong = reader.call("Pinger", 1, "Ping", json!({})) => drop(pong.expect("answers")),
    }
    take(Object::Model(bed.model), "reader", "read").await;
    let admin = bed.connect("super", true).await.expect("logs in");
    let change = json!({"annotations": [{"entity": "machine-0", "annotations": {"a": "b"}}]});
    admin.call("Annotations", 2, "Set", change).await.expect("changes");
    assert_eq!(letter(&waits.await), ".");
    assert_eq!(letter(&reader.call("Client", 8, "FullStatus", json!({})).await), ".");
    // A connection to a model does not outlive the right to log in.
    let owner = bed.connect("owner", true).await.expect("logs in");
    assert_eq!(letter(&owner.call("Client", 8, "FullStatus", json!({})).await), "y");
    take(Object::Controller, "owner", "login").await;
    assert_eq!(letter(&owner.call("Client", 8, "FullStatus", json!({})).await), ".");
}

#[tokio::test]
async fn what_is_for_one_model_is_not_for_another() {
    let bed = Bed::make().await;
    // Administers one model, and is nobody on the other.
    for (name, may) in [("owner", false), ("cloud", false), ("adder", false), ("other", true), ("super", true)] {
        let client = bed.rig.caller(&format!("/model/{}/api", bed.other)).await;
        let login = client.log_in(user_of(name).expect("a user"), PASSWORD).await;
        assert_eq!(login.is_ok(), may, "{name}: {login:?}");
        if !may {
            for row in rows().iter().filter(|row| row.on_model) {
                let answer = client.call(row.facade, row.versions[0], row.method, json!({})).await;
                assert_eq!(letter(&answer), "-", "{name}: {}.{} gave {answer:?}", row.facade, row.method);
            }
        }
    }
    // What is not of the connection's model is not found through it.
    let client = bed.connect("owner", true).await.expect("logs in");
    let tag = format!("model-{}", bed.other);
    let set = json!({"annotations": [{"entity": tag, "annotations": {"a": "b"}}]});
    let answer = client.call("Annotations", 2, "Set", set).await.expect("answers");
    assert_eq!(answer["results"][0]["error"]["message"], "permission denied");
    let answer = client.call("Annotations", 2, "Get", json!({"entities": [{"tag": tag}]})).await.expect("answers");
    assert_eq!(answer["results"][0]["error"]["error"]["message"], "permission denied");
    let history = json!({"requests": [{"tag": tag, "historyKind": "model", "size": 5}]});
    let answer = client.call("Client", 8, "StatusHistory", history).await.expect("answers");
    assert!(!answer["results"][0]["error"].is_null(), "{answer}");
}
