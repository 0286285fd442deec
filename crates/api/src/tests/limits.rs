//! Whoever goes over a bound is held up or sent away, and nobody else. Each test has its offender and its bystander.
//! `docs/limits.md` is held to the bounds here too.

mod agents;
mod readers;

use super::rig::{CONTROLLER_MODEL, Client, PASSWORD, Rig, refused};
use crate::limits::Limits;
use futures_util::{SinkExt, StreamExt};
use rpc::websocket::Message;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SOON: Duration = Duration::from_secs(60);

async fn soon<T>(what: &str, wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, wait).await.unwrap_or_else(|_| panic!("never: {what}"))
}

/// A login that goes as far as an answer.
async fn logs_in(rig: &Rig, from: u8) -> bool {
    let Ok(socket) = rig.way_from(from).socket("/api", &[]).await else { return false };
    let client = Client::on(socket);
    client.log_in("admin", PASSWORD).await.is_ok()
}

/// Connections that never get anywhere, of four kinds.
async fn hostile(rig: &Rig, from: u8, count: usize) -> Vec<Box<dyn std::any::Any + Send>> {
    let mut all: Vec<Box<dyn std::any::Any + Send>> = Vec::new();
    for number in 0..count {
        let way = rig.way_from(from);
        match number % 4 {
            // Says nothing.
            0 => all.extend(way.tcp().await.map(|tcp| Box::new(tcp) as _)),
            // Half a handshake.
            1 => {
                let Ok(mut tcp) = way.tcp().await else { continue };
                let _ = tcp.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1]).await;
                all.push(Box::new(tcp));
            }
            // Half a request.
            2 => {
                let Ok(mut tls) = way.tls().await else { continue };
                let _ = tls.write_all(b"GET /api HTTP/1.1\r\nHost: ").await;
                all.push(Box::new(tls));
            }
            // A websocket, and no login.
            _ => all.extend(way.socket("/api", &[]).await.map(|socket| Box::new(socket) as _)),
        }
    }
    all
}

#[tokio::test]
async fn a_thousand_hostile_connections_do_not_stop_a_login() {
    // None of them goes by itself while this runs.
    let long = Duration::from_secs(3600);
    let rig = Rig::with(Limits { handshake: long, login: long, ..Limits::default() }).await;
    let open = soon("all of them are open", hostile(&rig, 1, 1000)).await;
    assert_eq!(open.len(), 1000);
    assert!(soon("a login from the same address", logs_in(&rig, 1)).await);
    assert!(soon("a login from elsewhere", logs_in(&rig, 2)).await);
}

#[tokio::test]
async fn who_does_not_shake_hands_in_time_is_sent_away() {
    let bounds =
        Limits { handshake: Duration::from_millis(100), login: Duration::from_secs(3600), ..Limits::default() };
    let rig = Rig::with(bounds).await;
    for said in [[].as_slice(), &[0x16, 3, 1, 2, 0, 1, 0, 1]] {
        let mut tcp = rig.way_from(2).tcp().await.expect("connects");
        tcp.write_all(said).await.expect("sent");
        let read = soon("the end", tcp.read_to_end(&mut Vec::new())).await;
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    }
}

#[tokio::test]
async fn whoever_opens_too_many_loses_its_own() {
    let (fair_turn, handshake) = (Duration::ZERO, Duration::from_secs(3600));
    let bounds = Limits { strangers_of_address: 20, strangers: 60, fair_turn, handshake, ..Limits::default() };
    let rig = Rig::with(bounds).await;
    let bystander = rig.way_from(2).socket("/api", &[]).await.expect("upgrades");
    let mut first: TcpStream = rig.way_from(1).tcp().await.expect("connects");
    let _open = [hostile(&rig, 1, 100).await, hostile(&rig, 3, 100).await, hostile(&rig, 4, 100).await];
    // Closed by the server, long before the time for a login is over.
    soon("the oldest goes", first.read_to_end(&mut Vec::new())).await.ok();
    assert!(soon("a login from an address with too many", logs_in(&rig, 1)).await);
    assert!(soon("a login from elsewhere", logs_in(&rig, 5)).await);
    let bystander = Client::on(bystander);
    bystander.log_in("admin", PASSWORD).await.expect("its turn was not taken");
}

#[tokio::test]
async fn a_stranger_may_send_little_and_a_user_much() {
    let rig = Rig::with(Limits { before_login: 16 << 10, ..Limits::default() }).await;
    let mut stranger = rig.socket("/api").await;
    let request =
        json!({"request-id": 1, "type": "Pinger", "version": 1, "request": "Ping", "params": {"x": "y".repeat(1000)}});
    let sends = async {
        while stranger.send(Message::text(request.to_string())).await.is_ok() {
            if !matches!(stranger.next().await, Some(Ok(Message::Text(_)))) {
                break;
            }
        }
    };
    soon("the stranger is sent away", sends).await;
    let user = rig.login("/api", "reader").await;
    for _ in 0..100 {
        user.call("Pinger", 1, "Ping", json!({"x": "y".repeat(1000)})).await.expect("answers");
    }
}

#[tokio::test]
async fn guesses_are_refused_where_they_come_from() {
    let rig = Rig::start().await;
    let guesser = rig.caller("/api").await;
    let mut last = String::new();
    for number in 0..12 {
        last = refused(guesser.log_in("reader", &format!("guess{number}")).await);
    }
    assert!(last.starts_with("too many bad passwords from this address, try again in "), "{last}");
    assert!(last.ends_with("s (try again)"), "{last}");
    let same = rig.caller("/api").await;
    assert!(same.log_in("reader", PASSWORD).await.is_err(), "another connection of the guesser is as good");
    assert!(same.log_in("writer", PASSWORD).await.is_ok(), "others at the guesser's address");
    let elsewhere = rig.way_from(2).caller("/api").await;
    elsewhere.log_in("reader", PASSWORD).await.expect("the user, elsewhere");
    // The log's door counts with the same count.
    let header = super::rig::basic("reader", PASSWORD);
    let mut socket = rig.try_socket("/log", &[("Authorization", &header)]).await.expect("upgrades");
    let text = soon("an answer", socket.next()).await.expect("a frame").expect("read").to_string();
    assert!(text.contains("too many bad passwords"), "{text}");
}

#[tokio::test]
async fn a_list_has_its_length() {
    let rig = Rig::start().await;
    let client = rig.login("/api", "reader").await;
    let ask = async |count: usize| {
        let entities: Vec<_> = (0..count).map(|_| json!({"tag": "model-x"})).collect();
        client.call("ModelManager", 10, "ModelInfo", json!({"entities": entities})).await
    };
    assert!(ask(10_000).await.is_ok());
    assert_eq!(refused(ask(10_001).await), "call has a list of more than 10000 items (bad request)");
}

#[tokio::test]
async fn tasks_that_wait_are_bounded_by_machine_and_by_model() {
    let rig = Rig::start().await;
    let path = format!("/model/{CONTROLLER_MODEL}/api");
    let client = rig.login(&path, "owner").await;
    client.call("MachineManager", 10, "AddMachines", json!({"params": [{}]})).await.expect("added");
    let run = async |command: &str, machines: Vec<&str>| {
        client.call("Action", 7, "Run", json!({"commands": command, "machines": machines})).await
    };
    let long = "x".repeat(model::change::task::MAX_COMMAND + 1);
    assert_eq!(refused(run(&long, vec!["0"]).await), "command is longer than 131072 bytes ()");
    let answer = run("true", vec!["0"; 257]).await.expect("answers");
    let errors: Vec<_> = (0..257).filter(|one| !answer["actions"][one]["error"].is_null()).collect();
    assert_eq!(errors, [256]);
    assert_eq!(answer["actions"][256]["error"]["message"], "machine 0 has 256 tasks waiting already");
    // Another machine has its own.
    let answer = run("true", vec!["1"]).await.expect("answers");
    assert!(answer["actions"][0]["error"].is_null(), "{answer}");
}

#[test]
fn the_limits_are_documented() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/limits.md")).expect("docs");
    let limits = Limits::default();
    let mib = |bytes: usize| format!("{} MiB", bytes >> 20);
    let bounds = [
        ("one message of a user", mib(limits.message)),
        ("bytes before the login", format!("{} KiB", limits.before_login >> 10)),
        ("TLS handshake", format!("{} s", limits.handshake.as_secs())),
        ("from the connection to the login", format!("{} s", limits.login.as_secs())),
        ("TLS handshakes waited for", limits.handshakes.to_string()),
        ("connections without a login", limits.strangers.to_string()),
        ("of one address", limits.strangers_of_address.to_string()),
        ("a stranger's fair turn", format!("{} s", limits.fair_turn.as_secs())),
        ("hosts that are sent the agent's program at once", crate::limits::DOWNLOADS.to_string()),
        ("calls of one connection at once", limits.in_flight.to_string()),
        ("bytes of those calls", mib(limits.in_flight_bytes)),
        ("answers not read", mib(limits.owed)),
        ("one answer to be read", format!("{} s", limits.write.as_secs())),
        ("connections with a login", limits.connections.to_string()),
        ("connections of one user", limits.connections_of_user.to_string()),
        ("answers one user has not read", mib(limits.owed_of_user)),
        ("log streams", limits.log_streams.to_string()),
        ("log streams of one user", limits.log_streams_of_user.to_string()),
        ("tunnels", limits.tunnels.to_string()),
        ("tunnels of one user", limits.tunnels_of_user.to_string()),
        ("items of a list", crate::limits::ITEMS.to_string()),
        (
            "model defaults of a cloud",
            format!("{}, {} KiB", model::change::model_defaults::MOST, model::change::model_defaults::BYTES >> 10),
        ),
        ("message of a disabled command", format!("{} KiB", model::change::block::MESSAGE >> 10)),
        ("a task's command", format!("{} KiB", model::change::task::MAX_COMMAND >> 10)),
        ("tasks of a machine that have not ended", model::change::task::MAX_OPEN.to_string()),
        ("commands of a model's tasks that have not ended", mib(model::change::task::MAX_OPEN_BYTES)),
        (
            "what a machine printed, in one `Diagnosis.FirstBootLog`",
            format!("{} KiB", crate::facade::diagnosis::MOST_LOG >> 10),
        ),
        ("one message of an agent", mib(wire::agent::MAX_MESSAGE)),
        ("each output of a task", mib(usize::try_from(wire::agent::MAX_OUTPUT).expect("fits"))),
    ];
    for (what, value) in bounds {
        let row = text.lines().find(|line| line.starts_with(&format!("| {what} |")));
        let row = row.unwrap_or_else(|| panic!("docs/limits.md has no row {what:?}"));
        let told = row.split('|').nth(2).unwrap_or_default().trim();
        assert_eq!(told, value, "docs/limits.md, {what}");
    }
}
