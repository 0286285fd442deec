//! The recorded framing cases (`golden/raw`), played to this server. Texts of the later release that was recorded are put into this release's.
//! Without the recordings nothing is played, and the test says so.

use super::rig::{PASSWORD, Rig};
use futures_util::{SinkExt, StreamExt};
use rpc::websocket::Message;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

fn golden() -> PathBuf {
    match std::env::var_os("GRIGRI_GOLDEN") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden")),
    }
}

/// What the recorded program said, as this release says it.
fn in_our_words(recorded: &str) -> String {
    let of = |start: &str| recorded.strip_prefix(start);
    if let Some((version, facade)) = of("unknown version ").and_then(|rest| rest.split_once(" for facade type ")) {
        return format!("unknown version ({version}) of interface {facade}");
    }
    if let Some(facade) = of("unknown facade type ") {
        return format!("unknown object type {facade}");
    }
    if let Some((method, _)) = of("unknown method \"").and_then(|rest| rest.split_once('"')) {
        return format!("no such request - method Admin.{method} is not implemented");
    }
    recorded.to_owned()
}

/// What is compared of an answer: which call, error and code, and that a response is there.
fn seen(answer: &str, recorded: bool) -> (u64, String, String, bool) {
    let answer: Value = serde_json::from_str(answer).expect("an answer is JSON");
    let error = answer["error"].as_str().unwrap_or_default();
    let error = if recorded { in_our_words(error) } else { error.to_owned() };
    // A decoder's own words differ; that it refused does not.
    let error = if error.contains("json:") || error.contains("invalid type") { "wrong type".into() } else { error };
    let code = answer["error-code"].as_str().unwrap_or_default().to_owned();
    (answer["request-id"].as_u64().unwrap_or(0), error, code, answer["response"].is_object())
}

enum Heard {
    Text(String),
    Closed(Option<u16>),
    Nothing,
}

async fn hear(socket: &mut rpc::websocket::Socket<super::rig::Tls>, wait: Duration) -> Heard {
    match tokio::time::timeout(wait, socket.next()).await {
        Err(_) => Heard::Nothing,
        Ok(Some(Ok(Message::Text(text)))) => Heard::Text(text.to_string()),
        Ok(Some(Ok(Message::Close(frame)))) => Heard::Closed(frame.map(|frame| frame.code.into())),
        Ok(Some(Ok(_))) => Heard::Nothing,
        Ok(Some(Err(_)) | None) => Heard::Closed(None),
    }
}

#[tokio::test]
async fn recorded_framing_cases_are_answered_as_recorded() {
    let folder = golden().join("raw");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln_skipped(&folder);
        return;
    };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| {
        path.file_name().is_some_and(|name| {
            let name = name.to_string_lossy();
            name.starts_with("protofresh-")
                || name.starts_with("login-before")
                || name.starts_with("login-badpw")
                || name.starts_with("login-badtag")
                || name.starts_with("login-emptytag")
                || name.starts_with("login-machine")
                || name.starts_with("login-twice")
        })
    });
    files.sort();
    let rig = Rig::start().await;
    let mut played = 0;
    for file in &files {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = std::fs::read_to_string(file).expect("readable").replace("PASSWORD", PASSWORD);
        let mut socket = rig.socket("/api").await;
        // `protofresh` cases were recorded after a login.
        if name.starts_with("protofresh-") {
            let login = format!(
                r#"{{"request-id":800,"type":"Admin","version":3,"request":"Login","params":{{"auth-tag":"user-admin","credentials":"{PASSWORD}"}}}}"#
            );
            socket.send(Message::text(login)).await.expect("sent");
            assert!(matches!(hear(&mut socket, Duration::from_secs(20)).await, Heard::Text(_)), "{name}: login");
        }
        let mut closed = false;
        for case in text.split("path /api\n").skip(1) {
            let mut lines = case.lines();
            let (Some(sent), Some(expected)) = (lines.next().and_then(|line| line.strip_prefix("> ")), lines.next())
            else {
                continue;
            };
            played += 1;
            if socket.send(Message::text(sent)).await.is_err() {
                assert!(expected.starts_with("(closed") && closed, "{name}: {sent}");
                continue;
            }
            let wait =
                if expected.starts_with("(no reply") { Duration::from_millis(200) } else { Duration::from_secs(20) };
            match (hear(&mut socket, wait).await, expected) {
                (Heard::Text(text), expected) if expected.starts_with("< ") => {
                    assert_eq!(seen(&text, false), seen(&expected[2..], true), "{name}: {sent}");
                }
                (Heard::Closed(code), expected) if expected.starts_with("(closed") => {
                    assert!(closed || code == Some(1000), "{name}: {sent} closed with {code:?}");
                    closed = true;
                }
                (Heard::Nothing, expected) if expected.starts_with("(no reply") => {}
                (Heard::Text(text), _) => panic!("{name}: {sent}\n  gave {text}\n  not  {expected}"),
                (Heard::Closed(_), _) => panic!("{name}: {sent}\n  closed\n  not {expected}"),
                (Heard::Nothing, _) => panic!("{name}: {sent}\n  gave nothing\n  not {expected}"),
            }
        }
    }
    assert!(played > 20, "only {played} recorded cases were found in {}", folder.display());
}

#[allow(clippy::print_stderr, reason = "a test that plays nothing must say so")]
fn eprintln_skipped(folder: &std::path::Path) {
    eprintln!("no recordings in {}: nothing played", folder.display());
}

#[tokio::test]
async fn a_binary_frame_is_answered_in_text_and_traces_are_repeated() {
    let rig = Rig::start().await;
    let mut socket = rig.socket("/").await;
    let login = format!(
        r#"{{"request-id":1,"type":"Admin","version":3,"request":"Login","params":{{"auth-tag":"user-admin","credentials":"{PASSWORD}"}}}}"#
    );
    socket.send(Message::binary(login.into_bytes())).await.expect("sent");
    assert!(matches!(hear(&mut socket, Duration::from_secs(20)).await, Heard::Text(_)));
    socket
        .send(Message::text(r#"{"Request-Id":5,"TYPE":"Pinger","version":1,"request":"Ping","trace-id":"t"}"#))
        .await
        .expect("sent");
    let Heard::Text(text) = hear(&mut socket, Duration::from_secs(20)).await else { panic!("no answer") };
    assert_eq!(text, r#"{"request-id":5,"response":{},"trace-id":"t"}"#);
}
