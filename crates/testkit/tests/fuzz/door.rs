//! The agents' door: enrolment, certificate requests, and the stream of an agent that is not ours.

use std::time::Duration;

use base::chance::SystemChance;
use base::clock::{Clock, SystemClock};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use model::change;
use rpc::tls::AgentIdentity;
use rpc::websocket::{self, Message};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use testkit::agents::{Config, key_pair, request};
use wire::agent::{EnrolRequest, MAX_MESSAGE};
use workers::identity::token_hash;

use crate::engine::{Target, sentence};
use crate::messages::FROM_AGENT;
use crate::rig::{Rig, TOKEN, agent_of, authority, model};

/// After so many cases the controller is made anew.
const CASES: u32 = 500;
const SOON: Duration = Duration::from_secs(20);

/// Machine 1 may enrol once more.
fn issue(rig: &Rig) {
    let hash = token_hash(&base::Secret::new(TOKEN));
    let id = agent_of(1).machine;
    let issued = rig.state.change(|beliefs, given| change::enrolment::issue(beliefs, model(), &id, &hash, given));
    rig.runtime.block_on(issued).expect("issued");
}

fn enrol(rig: &Rig, body: &[u8]) -> u16 {
    let (before, other) = (rig.state.read().revision(), rig.of_machine(2));
    let answer = rig.runtime.block_on(rig.door.enrol(body));
    let value: serde_json::Value = serde_json::from_str(&answer.body).expect("answers are JSON");
    if answer.status != 200 {
        assert!([400, 401, 403, 409].contains(&answer.status), "{} {}", answer.status, answer.body);
        sentence(value["error"].as_str().unwrap_or_default(), body);
        assert!(!answer.body.contains(TOKEN), "a refusal quotes the token");
    }
    if ![200, 400].contains(&answer.status) || body.len() < 200 {
        assert_eq!(rig.state.read().revision(), before, "a refused enrolment changed something");
    }
    assert_eq!(rig.of_machine(2), other, "another machine was changed");
    answer.status
}

fn ours(csr_pem: String) -> EnrolRequest {
    EnrolRequest {
        model_uuid: model().to_string(),
        machine: "1".into(),
        token: TOKEN.into(),
        csr_pem,
        agent_version: "3.6.100".into(),
    }
}

pub fn enrolment() -> Target {
    let (mut rig, mut cases) = (None, 0);
    Target::new(move |input| {
        cases += 1;
        if cases % CASES == 0 {
            rig = None;
        }
        let rig = rig.get_or_insert_with(Rig::new);
        issue(rig);
        enrol(rig, input);
    })
    .json()
    .words(&[
        "model-uuid",
        "machine",
        "token",
        "csr-pem",
        "agent-version",
        "-----BEGIN CERTIFICATE REQUEST-----",
        "\\n",
    ])
    .cases(400)
}

/// A certificate request's DER. Whatever it says of names, its certificate says ours.
pub fn csr() -> Target {
    let (mut rig, mut cases) = (None, 0);
    Target::new(move |input| {
        cases += 1;
        if cases % CASES == 0 {
            rig = None;
        }
        let rig = rig.get_or_insert_with(Rig::new);
        let text = STANDARD.encode(input);
        let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        let pem =
            format!("-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n", lines.join("\n"));
        let now = SystemClock.now().unix();
        let signed = authority().sign_agent(&pem, &agent_of(1), now, 365, &SystemChance);
        match &signed {
            Ok(certificate) => {
                let der = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM");
                assert_eq!(AgentIdentity::from_certificate(&der), Some(agent_of(1)), "the request chose its own name");
            }
            Err(error) => sentence(&error.to_string(), input),
        }
        issue(rig);
        let body = serde_json::to_vec(&ours(pem)).expect("plain data");
        let status = enrol(rig, &body);
        assert_eq!(
            status == 200,
            signed.is_ok() && body.len() <= 32 << 10,
            "{status}, and signed alone: {:?}",
            signed.err()
        );
    })
    .words(&["0\x30", "\x06\x03\x55\x04\x03", "\x30\x00", "\x02\x01\0", "machine-0", "grigri:model/"])
    .cases(400)
}

/// A message a line, from an agent that has proved to be machine 2's.
pub fn stream() -> Target {
    let key = key_pair();
    let config = Config {
        addresses: Vec::new(),
        ca_cert: String::new(),
        model: String::new(),
        machine: String::new(),
        token: base::Secret::new(TOKEN),
    };
    let csr = request(&config, &key).csr_pem;
    let certificate =
        authority().sign_agent(&csr, &agent_of(2), SystemClock.now().unix(), 365, &SystemChance).expect("signed");
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM").to_vec();
    Target::new(move |input| {
        // A task ends once: each case needs its own.
        let rig = Rig::new();
        tasks(&rig);
        let others = (rig.of_machine(0), rig.of_machine(1));
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        let (door, certificate) = (rig.door.clone(), certificate.clone());
        rig.runtime.block_on(async {
            let served = tokio::spawn(async move {
                let socket = websocket::server_end(theirs, MAX_MESSAGE).await;
                door.serve(agent_of(2), &certificate, socket, || {}).await;
            });
            let socket = websocket_client(ours).await;
            let (mut sink, mut source) = socket.split();
            let heard = tokio::spawn(async move {
                while let Some(Ok(message)) = source.next().await {
                    if let Message::Text(text) = message {
                        serde_json::from_str::<wire::agent::ToAgent>(&text)
                            .expect("the controller speaks its own language");
                    }
                }
            });
            for line in String::from_utf8_lossy(input).lines() {
                if sink.send(Message::text(line)).await.is_err() {
                    break;
                }
            }
            let _ = sink.close().await;
            tokio::time::timeout(SOON, served).await.expect("the stream ends").expect("without a panic");
            heard.await.expect("without a panic");
        });
        assert_eq!((rig.of_machine(0), rig.of_machine(1)), others, "an agent changed another machine");
    })
    .json()
    .words(FROM_AGENT)
    .cases(150)
}

async fn websocket_client(
    stream: tokio::io::DuplexStream,
) -> tokio_tungstenite::WebSocketStream<tokio::io::DuplexStream> {
    use tokio_tungstenite::tungstenite::protocol::Role;
    tokio_tungstenite::WebSocketStream::from_raw_socket(stream, Role::Client, None).await
}

/// A task for each machine: numbers 2, 3 and 4.
fn tasks(rig: &Rig) {
    let targets: Vec<String> = (0..3).map(|id| id.to_string()).collect();
    let exec = change::task::Exec {
        command: "true".into(),
        timeout: 0,
        parallel: true,
        execution_group: String::new(),
        by: "admin".into(),
        targets: targets.clone(),
        refused: Vec::new(),
    };
    let enqueued =
        rig.state.change(|beliefs, given| change::task::enqueue(beliefs, model(), &exec, &targets, None, given));
    let enqueued = rig.runtime.block_on(enqueued).expect("enqueued");
    assert!(enqueued.tasks.iter().all(Result::is_ok), "{:?}", enqueued.tasks);
}
