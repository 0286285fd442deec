//! The paths of the API port as every role: the rows `H` of the table.

use super::{Bed, ROLES, lines};
use futures_util::StreamExt;
use rpc::websocket::{Error, Message};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wire::path::{self, Place};

const SOON: Duration = Duration::from_secs(20);

/// A place that is new gets its rows first: this does not compile without.
fn name_of(place: &Place) -> &'static str {
    match place {
        Place::ControllerApi => "controller API",
        Place::ModelApi(_) => "model API",
        Place::Log(None) => "controller log",
        Place::Log(Some(_)) => "model log",
        Place::Tunnel(_) => "tunnel",
        Place::Health => "health",
        Place::Metrics => "metrics",
        Place::Register => "register",
        Place::Discharge => "discharge",
        Place::DischargeForm => "form",
        Place::AgentEnrol => "enrol",
        Place::AgentStream => "agent",
        // Whom it serves, `tests/manual.rs` shows: nobody by his role, a host by its ticket.
        Place::AgentProgram { .. } => "program",
        Place::BadModel(_) => "bad model",
        Place::Unknown => "unknown",
    }
}

#[test]
fn every_place_has_its_rows() {
    let places = lines()
        .filter(|words| words[0] == "H")
        .map(|words| name_of(&path::parse(full(words[2], None).split('?').next().unwrap_or_default())));
    let seen: BTreeSet<&str> = places.collect();
    assert_eq!(seen.len(), 15, "{seen:?}");
}

fn full(path: &str, bed: Option<&Bed>) -> String {
    let gone = "00000000-0000-4000-8000-00000000dead".to_owned();
    let (model, other) = bed.map_or((gone.clone(), gone.clone()), |bed| (bed.model.to_string(), bed.other.to_string()));
    path.replace("MODEL", &model).replace("OTHER", &other).replace("GONE", &gone)
}

async fn what_comes(bed: &Bed, role: &str, method: &str, path: &str) -> String {
    let mut way = bed.rig.way();
    if let Some(certificate) = bed.certificate(role) {
        way = bed.rig.way_of(certificate);
    }
    let header = Bed::header(role);
    if method != "ws" {
        let mut tls = way.tls().await.expect("TLS");
        let authorization = header.map(|header| format!("Authorization: {header}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\n{authorization}Connection: close\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        tls.write_all(request.as_bytes()).await.expect("written");
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(SOON, tls.read_to_end(&mut answer)).await.expect("answers");
        return String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap_or_default().to_owned();
    }
    let headers: Vec<(&str, &str)> = header.iter().map(|header| ("Authorization", header.as_str())).collect();
    let mut socket = match way.socket(path, &headers).await {
        Ok(socket) => socket,
        Err(Error::Http(answer)) => return answer.status().as_u16().to_string(),
        Err(error) => return error.to_string(),
    };
    if !path.ends_with("/log") && !path.contains("/tunnel") {
        return "101".into();
    }
    match tokio::time::timeout(SOON, socket.next()).await.expect("a first frame") {
        Some(Ok(Message::Text(text))) if text.as_str() == "{}\n" => "y".into(),
        // Whoever hears this may look for machines.
        Some(Ok(Message::Text(text))) if text.contains("no machine of the model has the address") => "y".into(),
        Some(Ok(Message::Text(text))) if text.starts_with(r#"{"error":{"message":"#) => ".".into(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn every_path_as_every_role() {
    let bed = Bed::make().await;
    let mut wrong = Vec::new();
    for words in lines().filter(|words| words[0] == "H") {
        let [_, method, path, cells @ ..] = words.as_slice() else { panic!("row {words:?}") };
        assert_eq!(cells.len(), ROLES.len(), "row {words:?}");
        for (role, expected) in ROLES.iter().zip(cells) {
            let came = what_comes(&bed, role, method, &full(path, Some(&bed))).await;
            if came != *expected {
                wrong.push(format!("{role}: {method} {path} is {came}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
