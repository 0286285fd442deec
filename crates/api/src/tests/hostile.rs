//! What strangers and broken clients send: it changes nothing, ends nothing but their own connection, and never a panic.

use super::rig::{CONTROLLER_MODEL, PASSWORD, Rig, refused};
use crate::limits::Limits;
use futures_util::{SinkExt, StreamExt};
use rpc::websocket::Message;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SOON: Duration = Duration::from_secs(20);

/// Ends, whichever way, before long.
async fn ends(socket: &mut rpc::websocket::Socket<super::rig::Tls>) {
    let ended = async {
        while let Some(Ok(message)) = socket.next().await {
            if message.is_close() {
                break;
            }
        }
    };
    tokio::time::timeout(SOON, ended).await.expect("the connection ends");
}

#[tokio::test]
async fn frames_that_are_too_large_or_no_envelope_end_their_connection_alone() {
    let rig = Rig::with(Limits { message: 1 << 20, ..Limits::default() }).await;
    let witness = rig.login("/api", "admin").await;
    let before = rig.state.read().revision();
    let deep = format!(
        r#"{{"request-id":1,"type":"Pinger","version":1,"request":"Ping","params":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let cut = r#"{"request-id":1,"type":"Pinger","ver"#.to_owned();
    let large = format!(
        r#"{{"request-id":1,"type":"Pinger","version":1,"request":"Ping","params":{{"x":"{}"}}}}"#,
        "a".repeat(3 << 20)
    );
    for text in [deep, cut, large, "\u{0}\u{1}".into(), "{".into()] {
        let mut socket = rig.socket("/api").await;
        // A server that stops reading may close before all is written.
        let _ = tokio::time::timeout(SOON, socket.send(Message::text(text))).await.expect("written or refused");
        ends(&mut socket).await;
    }
    // No UTF-8 in a text frame, by hand: final text frame of two masked bytes.
    let mut tls = rig.tls().await;
    let head = format!(
        "GET /api HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n\r\n",
        "dGhlIHNhbXBsZSBub25jZQ=="
    );
    tls.write_all(head.as_bytes()).await.expect("written");
    tls.write_all(&[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]).await.expect("written");
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(SOON, tls.read_to_end(&mut rest)).await.expect("the connection ends");
    // A frame that says it has 100 MB.
    let mut tls = rig.tls().await;
    tls.write_all(head.as_bytes()).await.expect("written");
    tls.write_all(&[0x81, 0xff, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]).await.expect("written");
    let _ = tokio::time::timeout(SOON, tls.read_to_end(&mut rest)).await.expect("the connection ends");
    witness.call("Pinger", 1, "Ping", json!({})).await.expect("others are served all the while");
    assert_eq!(rig.state.read().revision(), before, "something was changed");
}

#[tokio::test]
async fn parameters_of_wrong_types_are_errors_of_their_call() {
    let rig = Rig::start().await;
    let path = format!("/model/{CONTROLLER_MODEL}/api");
    let client = rig.login(&path, "admin").await;
    let before = rig.state.read().revision();
    let wrong = [
        json!([]),
        json!("x"),
        json!(7),
        json!({"params": "x"}),
        json!({"params": [{"constraints": []}]}),
        json!({"params": [{"jobs": {"a": 1}}]}),
    ];
    for params in wrong {
        assert!(client.call("MachineManager", 10, "AddMachines", params.clone()).await.is_err(), "{params}");
    }
    assert_eq!(rig.state.read().revision(), before, "something was changed");
    for (facade, version, method) in
        [("Action", 7, "Actions"), ("Annotations", 2, "Get"), ("SSHClient", 4, "PublicKeys")]
    {
        for tag in
            ["", "machine-", "machine-999999999999999999999", "\u{0}", "machine-0-lxd", "unit-x-0", "../../controller"]
        {
            let answer =
                client.call(facade, version, method, json!({"entities": [{"tag": tag}]})).await.expect("answers");
            assert!(!answer["results"][0]["error"].is_null(), "{facade}.{method} {tag:?}: {answer}");
        }
    }
    assert!(refused(client.call("Client", 8, "FullStatus", json!({"patterns": 3})).await).ends_with("()"));
    client
        .call("Client", 8, "FullStatus", json!({"patterns": null, "PATTERNS": []}))
        .await
        .expect("the connection is whole");
}

#[tokio::test]
async fn whoever_does_not_log_in_is_not_kept() {
    let rig = Rig::with(Limits { login: Duration::from_secs(3), ..Limits::default() }).await;
    let mut stranger = rig.socket("/api").await;
    let user = rig.login("/api", "admin").await;
    ends(&mut stranger).await;
    user.call("Pinger", 1, "Ping", json!({})).await.expect("those logged in stay");
}

#[tokio::test]
async fn many_watchers_and_many_calls_at_once_are_bounded_and_answered() {
    let rig = Rig::start().await;
    let path = format!("/model/{CONTROLLER_MODEL}/api");
    let client = rig.login(&path, "admin").await;
    let mut last = Ok(Value::Null);
    for _ in 0..600 {
        last = client.call("Client", 8, "WatchAll", json!({})).await;
        if last.is_err() {
            break;
        }
    }
    assert_eq!(refused(last), "connection has 128 watchers open already ()");
    let calls: Vec<_> = (0..500)
        .map(|_| {
            tokio::spawn({
                let client = client.clone();
                async move { client.call("Client", 8, "FullStatus", json!({})).await }
            })
        })
        .collect();
    for call in calls {
        call.await.expect("ran").expect("answered");
    }
    let adding: Vec<_> = (0..40)
        .map(|_| {
            tokio::spawn({
                let client = client.clone();
                async move { client.call("MachineManager", 10, "AddMachines", json!({"params": [{}]})).await }
            })
        })
        .collect();
    let mut ids = std::collections::BTreeSet::new();
    for one in adding {
        let answer = one.await.expect("ran").expect("answered");
        ids.insert(answer["machines"][0]["machine"].as_str().expect("an id").to_owned());
    }
    assert_eq!(ids.len(), 40, "an id was given twice");
}

async fn http(rig: &Rig, request: &str) -> String {
    let mut tls = rig.tls().await;
    tls.write_all(format!("{request}\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(SOON, tls.read_to_end(&mut answer)).await.expect("answers");
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split_whitespace().nth(1).unwrap_or_default();
    let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
    format!("{status} {}", body.trim_end())
}

#[tokio::test]
async fn paths_and_methods() {
    let rig = Rig::start().await;
    let cases = [
        ("GET / HTTP/1.1", "400 Bad Request"),
        ("GET /api HTTP/1.1", "400 Bad Request"),
        ("GET /health HTTP/1.1", "200 running"),
        ("POST /health HTTP/1.1", "405 Method Not Allowed"),
        ("POST /api HTTP/1.1", "405 Method Not Allowed"),
        ("GET /nope HTTP/1.1", "404 404 page not found"),
        ("GET /model/zzz/api HTTP/1.1", "400 invalid model UUID \"zzz\""),
        ("GET /grigri/agent HTTP/1.1", "401 {\"error\":\"a machine's certificate is needed\"}"),
        ("GET /grigri/enrol HTTP/1.1", "405 Method Not Allowed"),
    ];
    for (request, expected) in cases {
        assert_eq!(http(&rig, request).await, expected, "{request}");
    }
}

#[tokio::test]
async fn the_log_begins_with_an_empty_error_and_then_has_what_was_logged() {
    use base64::Engine;
    use store::append::{Level, Line, LogBounds};
    let rig = Rig::start().await;
    let line = |message: &str, level| Line {
        at: 1_700_000_000_123_456,
        entity: "machine-0".into(),
        level,
        module: "grigri.agent".into(),
        location: "agent.rs:1".into(),
        message: message.into(),
        labels: Default::default(),
    };
    let logs = rig.append.logs();
    logs.append(CONTROLLER_MODEL, vec![line("one", Level::Info), line("two", Level::Error)], LogBounds::default())
        .await
        .expect("logged");
    let basic = |user: &str, password: &str| {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("user-{user}:{password}")))
    };
    let path = format!("/model/{CONTROLLER_MODEL}/log?backlog=10&level=ERROR");
    let mut socket = rig.try_socket(&path, &[("Authorization", &basic("reader", PASSWORD))]).await.expect("upgrades");
    let mut text = async || match tokio::time::timeout(SOON, socket.next()).await {
        Ok(Some(Ok(Message::Text(text)))) => text.to_string(),
        other => panic!("no text: {other:?}"),
    };
    assert_eq!(text().await, "{}\n");
    let first: Value = serde_json::from_str(&text().await).expect("JSON");
    assert_eq!(
        first,
        json!({"tag": "machine-0", "ts": "2023-11-14T22:13:20.123456Z", "sev": "ERROR", "mod": "grigri.agent", "loc": "agent.rs:1", "msg": "two", "lab": null})
    );
    logs.append(CONTROLLER_MODEL, vec![line("three", Level::Error)], LogBounds::default()).await.expect("logged");
    let later: Value = serde_json::from_str(&text().await).expect("JSON");
    assert_eq!(later["msg"], "three");
    for header in [basic("reader", "wrong"), basic("stranger", PASSWORD), "Bearer x".into()] {
        let mut socket = rig.try_socket(&path, &[("Authorization", &header)]).await.expect("upgrades");
        match tokio::time::timeout(SOON, socket.next()).await {
            Ok(Some(Ok(Message::Text(text)))) => assert!(text.starts_with(r#"{"error":{"message":"#), "{text}"),
            other => panic!("no text: {other:?}"),
        }
    }
}
