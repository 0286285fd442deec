//! Those who do not read what they asked for.

use super::{SOON, soon};
use crate::limits::Limits;
use crate::tests::rig::{CONTROLLER_MODEL, PASSWORD, Rig, Tls, basic, refused};
use futures_util::{SinkExt, StreamExt};
use rpc::websocket::{Message, Socket};
use serde_json::{Value, json};
use std::time::Duration;
use store::append::{Level, Line, LogBounds};

fn line(message: &str) -> Line {
    Line {
        at: 1,
        entity: "machine-0".into(),
        level: Level::Info,
        module: "m".into(),
        location: String::new(),
        message: message.into(),
        labels: Default::default(),
    }
}

/// A reader who logged in and will read no more.
async fn unread(rig: &Rig, path: &str) -> Socket<Tls> {
    let mut socket = rig.socket(path).await;
    let params = json!({"auth-tag": "user-reader", "credentials": PASSWORD});
    let login = json!({"request-id": 1, "type": "Admin", "version": 3, "request": "Login", "params": params});
    socket.send(Message::text(login.to_string())).await.expect("sent");
    soon("the login", socket.next()).await.expect("a frame").expect("logged in");
    socket
}

/// Its answer is as long as what is asked for.
fn long_ask() -> String {
    let entities: Vec<Value> = (0..500).map(|_| json!({"tag": "machine-0"})).collect();
    json!({"request-id": 2, "type": "Annotations", "version": 2, "request": "Get", "params": {"entities": entities}})
        .to_string()
}

#[tokio::test]
async fn connections_are_counted_by_user() {
    let rig = Rig::with(Limits { connections_of_user: 2, connections: 3, ..Limits::default() }).await;
    let two = [rig.login("/api", "reader").await, rig.login("/api", "reader").await];
    let third = rig.caller("/api").await;
    let words = refused(third.log_in("reader", PASSWORD).await);
    assert!(words.contains("user \"reader\" has 2 connections open already"), "{words}");
    third.log_in("writer", PASSWORD).await.expect("another user may, on the same connection too");
    let words = refused(rig.caller("/api").await.log_in("owner", PASSWORD).await);
    assert!(words.contains("controller has 3 connections open already"), "{words}");
    drop(two);
    let again = rig.caller("/api").await;
    soon("a place is free again", async { while again.log_in("reader", PASSWORD).await.is_err() {} }).await;
}

#[tokio::test]
async fn what_a_user_does_not_read_counts_over_all_its_connections() {
    let limits = Limits { owed_of_user: 1 << 20, write: Duration::from_secs(3600), ..Limits::default() };
    let rig = Rig::with(limits).await;
    let path = format!("/model/{CONTROLLER_MODEL}/api");
    let (mut one, mut two, ask) = (unread(&rig, &path).await, unread(&rig, &path).await, long_ask());
    let ends = async {
        // Each takes what its own bounds allow; together it is too much.
        while one.send(Message::text(ask.as_str())).await.is_ok() && two.send(Message::text(ask.as_str())).await.is_ok()
        {
        }
    };
    soon("one of them ends", ends).await;
    let bystander = rig.login(&path, "owner").await;
    bystander.call("Client", 8, "FullStatus", json!({})).await.expect("others are served");
}

#[tokio::test]
async fn a_user_who_does_not_read_answers_is_sent_away() {
    let limits = Limits { owed: 1 << 20, write: Duration::from_secs(1), ..Limits::default() };
    let rig = Rig::with(limits).await;
    let path = format!("/model/{CONTROLLER_MODEL}/api");
    let (mut socket, ask) = (unread(&rig, &path).await, long_ask());
    soon("the end", async { while socket.send(Message::text(ask.as_str())).await.is_ok() {} }).await;
    let bystander = rig.login(&path, "reader").await;
    bystander.call("Client", 8, "FullStatus", json!({})).await.expect("others are served");
}

#[tokio::test]
async fn a_watcher_that_is_not_read_owes_each_thing_once() {
    let rig = Rig::start().await;
    let path = format!("/model/{CONTROLLER_MODEL}/api");
    let (slow, quick) = (rig.login(&path, "reader").await, rig.login(&path, "owner").await);
    let open = async |client: &crate::tests::rig::Client| {
        let opened = client.call("Client", 8, "WatchAll", json!({})).await.expect("watches");
        let id = opened["watcher-id"].as_str().expect("an id").to_owned();
        client.0.call("AllWatcher", 3, &id, "Next", json!({})).await.expect("everything");
        id
    };
    let (id, other) = (open(&slow).await, open(&quick).await);
    for number in 0..3000 {
        let set = json!({"annotations": [{"entity": "machine-0", "annotations": {"n": number.to_string()}}]});
        quick.call("Annotations", 2, "Set", set).await.expect("set");
    }
    let next = async |client: &crate::tests::rig::Client, id: &str| {
        let answer = soon("deltas", client.0.call("AllWatcher", 3, id, "Next", json!({}))).await.expect("deltas");
        answer["deltas"].as_array().expect("a list").clone()
    };
    for (client, id) in [(&slow, &id), (&quick, &other)] {
        let deltas = next(client, id).await;
        let notes: Vec<_> = deltas.iter().filter(|delta| delta[0] == "annotation").collect();
        assert_eq!(notes.len(), 1, "{deltas:?}");
        assert_eq!(notes[0][2]["annotations"]["n"], "2999");
    }
}

async fn log(rig: &Rig, user: &str, query: &str) -> (Socket<Tls>, String) {
    let header = basic(user, PASSWORD);
    let mut socket = rig.try_socket(&format!("/log?{query}"), &[("Authorization", &header)]).await.expect("upgrades");
    let first = soon("a first frame", socket.next()).await.expect("a frame").expect("read").to_string();
    (socket, first)
}

/// Until a stream of this user may be opened.
async fn opens(rig: &Rig, user: &str) {
    let tries = async { while log(rig, user, "").await.1 != "{}\n" {} };
    tokio::time::timeout(SOON, tries).await.expect("a stream is free again");
}

#[tokio::test]
async fn log_streams_are_counted_by_user() {
    let rig = Rig::with(Limits { log_streams_of_user: 2, log_streams: 3, ..Limits::default() }).await;
    let one = log(&rig, "reader", "").await;
    let two = log(&rig, "reader", "").await;
    assert_eq!((one.1.as_str(), two.1.as_str()), ("{}\n", "{}\n"));
    let third = log(&rig, "reader", "").await.1;
    assert!(third.contains("user \\\"reader\\\" has 2 log streams open already"), "{third}");
    let other = log(&rig, "writer", "").await;
    assert_eq!(other.1, "{}\n", "others have their own");
    let fourth = log(&rig, "owner", "").await.1;
    assert!(fourth.contains("controller has 3 log streams open already"), "{fourth}");
    drop(one);
    opens(&rig, "reader").await;
}

#[tokio::test]
async fn whoever_does_not_read_the_log_loses_the_stream() {
    let limits = Limits { log_streams_of_user: 1, write: Duration::from_secs(1), ..Limits::default() };
    let rig = Rig::with(limits).await;
    let long = "x".repeat(4000);
    for _ in 0..5 {
        let lines = (0..1000).map(|_| line(&long)).collect();
        rig.append.logs().append(CONTROLLER_MODEL, lines, LogBounds::default()).await.expect("logged");
    }
    let (unread, first) = log(&rig, "reader", "replay=true").await;
    assert_eq!(first, "{}\n");
    opens(&rig, "reader").await;
    drop(unread);
}

#[tokio::test]
async fn the_whole_log_comes_in_order_page_by_page() {
    let rig = Rig::start().await;
    let lines = (0..2500).map(|number| line(&number.to_string())).collect();
    rig.append.logs().append(CONTROLLER_MODEL, lines, LogBounds::default()).await.expect("logged");
    let read = async |query: &str| {
        let (mut socket, first) = log(&rig, "reader", query).await;
        assert_eq!(first, "{}\n");
        let mut found = Vec::new();
        while let Ok(Message::Text(text)) = soon("a line or the end", socket.next()).await.expect("a frame") {
            let line: Value = serde_json::from_str(&text).expect("JSON");
            found.push(line["msg"].as_str().expect("a message").parse::<usize>().expect("a number"));
        }
        found
    };
    assert_eq!(read("replay=true&noTail=true").await, (0..2500).collect::<Vec<_>>());
    assert_eq!(read("backlog=1700&noTail=true").await, (800..2500).collect::<Vec<_>>());
    assert_eq!(read("backlog=5&noTail=true&includeEntity=machine-0").await, (2495..2500).collect::<Vec<_>>());
    assert!(read("replay=true&noTail=true&includeEntity=machine-1").await.is_empty());
}

#[tokio::test]
async fn a_search_in_the_log_waits_for_its_turn() {
    let rig = Rig::with(Limits { log_searches: 0, ..Limits::default() }).await;
    rig.append.logs().append(CONTROLLER_MODEL, vec![line("old")], LogBounds::default()).await.expect("logged");
    let (mut socket, first) = log(&rig, "reader", "backlog=5&noTail=true").await;
    assert_eq!(first, "{}\n");
    let early = tokio::time::timeout(Duration::from_millis(200), socket.next()).await;
    assert!(early.is_err(), "no turn comes, and yet: {early:?}");
}

#[tokio::test]
async fn a_log_stream_ends_with_the_right_to_read() {
    use model::change::user;
    use model::key::Object;
    let rig = Rig::start().await;
    let object = Object::Model(CONTROLLER_MODEL.parse().expect("valid"));
    // Something is to be said, or nothing comes at all.
    for says in [true, false] {
        let (mut socket, first) = log(&rig, "reader", "").await;
        assert_eq!(first, "{}\n");
        let take =
            |beliefs: &model::Beliefs, given: model::Given<'_>| user::revoke(beliefs, &object, "reader", "read", given);
        rig.state.change(take).await.expect("revoked");
        if says {
            let lines = vec![line("secret")];
            rig.append.logs().append(CONTROLLER_MODEL, lines, LogBounds::default()).await.expect("logged");
        }
        let next = soon("the end", socket.next()).await;
        assert!(!matches!(&next, Some(Ok(Message::Text(_)))), "{next:?}");
        let give =
            |beliefs: &model::Beliefs, given: model::Given<'_>| user::grant(beliefs, &object, "reader", "read", given);
        rig.state.change(give).await.expect("granted");
    }
}
