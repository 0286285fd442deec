//! The answer to Login, made up: what a 3.6 server offers, less what the recording shows was missing.
//!
//! The surprise: which versions were offered is read off the recorded requests, a client takes the highest of them.

use serde_json::{Value, json};

use crate::replay::Recording;

/// What is offered: facade, versions, and whether it is for controller connections, model connections or both.
const FACADES: &[(&str, &[u32], Side)] = &[
    ("Action", &[7], Side::Model),
    ("AllModelWatcher", &[4], Side::Controller),
    ("AllWatcher", &[3], Side::Model),
    ("Annotations", &[2], Side::Model),
    ("Application", &[15, 16, 17, 18, 19, 20, 21, 22], Side::Model),
    ("ApplicationOffers", &[4, 5], Side::Controller),
    ("Backups", &[3], Side::Model),
    ("Block", &[2], Side::Model),
    ("Bundle", &[6], Side::Both),
    ("Charms", &[5, 6, 7], Side::Model),
    ("Client", &[6, 7, 8], Side::Model),
    ("Cloud", &[7], Side::Controller),
    ("Controller", &[11, 12], Side::Controller),
    ("CredentialManager", &[1], Side::Model),
    ("HighAvailability", &[2], Side::Both),
    ("ImageMetadataManager", &[1], Side::Model),
    ("KeyManager", &[1], Side::Model),
    ("MachineManager", &[9, 10], Side::Model),
    ("ModelConfig", &[3], Side::Both),
    ("ModelGeneration", &[4], Side::Model),
    ("ModelManager", &[9, 10], Side::Controller),
    ("ModelSummaryWatcher", &[1], Side::Controller),
    ("ModelUpgrader", &[1], Side::Controller),
    ("NotifyWatcher", &[1], Side::Both),
    ("Payloads", &[1], Side::Model),
    ("Pinger", &[1], Side::Both),
    ("Resources", &[3], Side::Model),
    ("SSHClient", &[4], Side::Model),
    ("SecretBackends", &[1], Side::Controller),
    ("Secrets", &[1, 2], Side::Model),
    ("Spaces", &[6], Side::Model),
    ("Storage", &[6, 7], Side::Model),
    ("StringsWatcher", &[1], Side::Model),
    ("Subnets", &[5], Side::Model),
    ("UserManager", &[3], Side::Controller),
];

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Controller,
    Model,
    Both,
}

pub(super) fn answer(path: &str, request: &Value, recording: &Recording, port: u16) -> Value {
    let model = path.strip_prefix("/model/").and_then(|p| p.split('/').next());
    let store = recording.store.as_deref().unwrap_or_default();
    let login = &recording.login;
    if let Some(recorded) = recorded(path, request, recording) {
        return recorded;
    }
    if proof(request) == Proof::None && !recording.posted.is_empty() {
        return json!({"response": {"discharge-required": wanting(port)}});
    }
    if model.is_some() && login["login-model-err"].is_object() {
        return refusal(&login["login-model-err"]);
    }
    if login["login-err"].is_object() {
        return refusal(&login["login-err"]);
    }
    if store.contains("badpw") {
        return refusal(&json!({"msg": "invalid entity name or password", "code": "unauthorized access"}));
    }
    if let Some(uuid) = model.filter(|_| store.contains("stale")).filter(|uuid| unknown(uuid)) {
        return refusal(&json!({"msg": format!("unknown model: {uuid:?}"), "code": "model not found"}));
    }
    let controller = if store.starts_with("lab") || store.is_empty() {
        "a1b2c3d4-0000-4000-8000-000000000001"
    } else {
        "0e2d9f1c-6f3e-4c63-8d4b-9f2f3f3c2a77"
    };
    let user = match request["params"]["auth-tag"].as_str() {
        Some(tag) if !tag.is_empty() => tag,
        _ => "user-admin",
    };
    let or = |key: &str, default: &str| login[key].as_str().unwrap_or(default).to_owned();
    let mut response = json!({
        "servers": [],
        "controller-tag": format!("controller-{controller}"),
        "user-info": {
            "display-name": "",
            "identity": user,
            "controller-access": recording.controller_access.clone().unwrap_or_else(|| or("ctl-access", "superuser")),
            "model-access": if model.is_some() { or("model-access", "admin") } else { String::new() },
        },
        "facades": facades(model.is_some(), recording),
        "server-version": if store.is_empty() { "4.0.15" } else { "3.6.28" },
    });
    if let Some(uuid) = model {
        response["model-tag"] = json!(format!("model-{uuid}"));
    }
    json!({"response": response})
}

/// With what a login proves who it is.
#[derive(PartialEq)]
enum Proof {
    Password,
    Macaroons,
    None,
}

fn proof(request: &Value) -> Proof {
    let params = &request["params"];
    let is_empty = params["credentials"].as_str().is_none_or(str::is_empty);
    match (is_empty, params["macaroons"].as_array().is_some_and(|all| !all.is_empty())) {
        (false, _) => Proof::Password,
        (true, true) => Proof::Macaroons,
        (true, false) => Proof::None,
    }
}

/// A macaroon to be discharged at this port. Nobody verifies it: clients cannot.
fn wanting(port: u16) -> Value {
    let vid = "ImHz2SCMpDXwxU_9GKW_3-k02LLIM_B2K_mBEcQHbGESy-LfIH8WwC6PN1wQmgrpwLSXfvRnlJQAZX6YlEFFQzEyMzQ1Njc4";
    json!({
        "c": [
            {"i": "time-before 2036-01-01T00:00:00Z"},
            {"i64": "AwA", "v64": vid, "l": format!("https://127.0.0.1:{port}/auth")},
        ],
        "l": "juju",
        "i64": "A3Jvb3Q",
        "s64": "JY5ZRTZNJYQ_SgQhOGBPSuzEBALs7mnL3IdUjkI9oTo",
    })
}

/// The answer of the recording itself, which a few have. Where its server was is not where ours is.
fn recorded(path: &str, request: &Value, recording: &Recording) -> Option<Value> {
    let alike = |recorded: &Value| {
        proof(recorded) == proof(request) && recorded["params"]["auth-tag"] == request["params"]["auth-tag"]
    };
    let logins: Vec<_> =
        recording.exchanges.iter().filter(|e| e.path == path && e.request["request"] == "Login").collect();
    let first = logins.iter().position(|e| alike(&e.request)).unwrap_or(0);
    let logins = logins.into_iter().skip(first);
    let mut reply = logins.filter_map(|e| e.response.clone()).next()?;
    if let Some(servers) = reply.pointer_mut("/response/servers") {
        *servers = json!([]);
    }
    Some(reply)
}

pub(super) fn redirect(recording: &Recording) -> Value {
    let info = &recording.login["login-model-err"]["info"];
    match info["servers"].is_array() {
        true => json!({"response": {"servers": info["servers"], "ca-cert": info["ca-cert"]}}),
        false => json!({"error": "not redirected", "response": {}}),
    }
}

fn refusal(error: &Value) -> Value {
    let mut reply = json!({"error": error["msg"], "error-code": error["code"], "response": {}});
    if error["info"].is_object() {
        reply["error-info"] = error["info"].clone();
    }
    reply
}

/// The recorded stores' models end in small numbers; the one that went stale does not.
fn unknown(uuid: &str) -> bool {
    !(uuid.starts_with("a1b2c3d4-0000-4000-8000-00000000000") && ('2'..='5').any(|c| uuid.ends_with(c)))
}

fn facades(model: bool, recording: &Recording) -> Value {
    let login = &recording.login;
    let dropped = |name: &str| login["drop"].as_array().is_some_and(|d| d.iter().any(|n| n == name));
    let side = if model { Side::Model } else { Side::Controller };
    let offered = FACADES.iter().filter(|(name, _, of)| (*of == Side::Both || *of == side) && !dropped(name));
    let list: Vec<Value> = offered
        .filter_map(|(name, versions, _)| {
            let versions: Vec<u32> = match login["vers"][*name].as_array() {
                Some(vers) => vers.iter().filter_map(|v| v.as_u64().and_then(|v| u32::try_from(v).ok())).collect(),
                None => {
                    let used = recording.exchanges.iter().filter(|e| e.request["type"] == *name);
                    let highest = used.filter_map(|e| e.request["version"].as_u64()).max();
                    // One case asks nothing of the older controller that it is about.
                    let old = recording.case.contains("-v9") && *name == "MachineManager";
                    let highest = if old { Some(9) } else { highest };
                    versions.iter().copied().filter(|v| highest.is_none_or(|h| u64::from(*v) <= h)).collect()
                }
            };
            (!versions.is_empty()).then(|| json!({"name": name, "versions": versions}))
        })
        .collect();
    Value::Array(list)
}
