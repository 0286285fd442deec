//! One connection of the agent's stream, from greeting to end.
//! It must not decide when to connect. The surprise: reading and writing run side by side, so a controller that is slow to take
//! our output is still heard.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use host::interfaces::Watch;
use rpc::websocket::{Message, Socket};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use wire::agent::{AgentStatus, Document, Facts, FromAgent, Hello, Life, ToAgent};

use crate::machine::Machine;
use crate::tasks::Cursor;

/// Addresses come in flocks.
const SETTLE: Duration = Duration::from_millis(300);
/// Without a certificate that says otherwise, and as an upper bound for what a timer takes.
const DAY: Duration = Duration::from_secs(86_400);
/// After asking for a certificate, how long until asking again.
const ASK_AGAIN: Duration = Duration::from_secs(600);

/// Why a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// The machine is dead: there is nothing to connect for.
    Dead,
    /// The controller knows nothing of the machine.
    Unknown,
    /// By the controller, in good order.
    Closed,
    Broken(String),
    /// By us: the agent ends, and said so.
    Left,
}

/// What is to be said beside tasks.
#[derive(Default)]
struct Outbox {
    queue: Mutex<VecDeque<FromAgent>>,
    filled: Notify,
}

impl Outbox {
    fn say(&self, message: FromAgent) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back(message);
        self.filled.notify_one();
    }

    fn next(&self) -> Option<FromAgent> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// Serves the connection until it ends.
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(machine: &Machine, socket: Socket<S>) -> End {
    let (mut sink, mut source) = socket.split();
    let outbox = Outbox::default();
    let dead = Notify::new();
    let facts = crate::facts::read();
    greet(machine, &outbox, &facts);
    let read = async {
        loop {
            // A controller that lives pings. One whose packets do not arrive, nothing else would tell from one that has nothing to say.
            let Ok(message) = tokio::time::timeout(machine.silence, source.next()).await else {
                return End::Broken(format!("nothing was heard for {:?}", machine.silence));
            };
            match message {
                // After the farewell of an agent that has left its host, the controller has nothing more to say.
                None | Some(Ok(Message::Close(_))) if machine.has_left() => return End::Dead,
                None | Some(Ok(Message::Close(_))) => return End::Closed,
                Some(Err(error)) => return End::Broken(error.to_string()),
                Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                    Ok(ToAgent::Document(document)) if machine.has_left() && document.life != Some(Life::Dead) => {}
                    Ok(message) => match hear(machine, &outbox, message) {
                        Some(End::Unknown) if machine.has_left() => return End::Dead,
                        Some(End::Dead) if machine.config().taken_in => dead.notify_one(),
                        Some(end) => return end,
                        None => {}
                    },
                    Err(error) => return End::Broken(format!("a message cannot be read: {error}")),
                },
                Some(Ok(_)) => {}
            }
        }
    };
    let write = async {
        let mut cursor = Cursor::default();
        let mut leaving = machine.leaving.subscribe();
        let mut leaves = false;
        loop {
            while let Some(message) =
                outbox.next().or_else(|| machine.tasks.next(&mut cursor)).or_else(crate::logging::next)
            {
                let text = serde_json::to_string(&message).unwrap_or_default();
                if let Err(error) = sink.send(Message::text(text)).await {
                    return End::Broken(error.to_string());
                }
            }
            if leaves {
                let _ = sink.close().await;
                return End::Left;
            }
            tokio::select! {
                // Its sender is in `machine`: it does not end.
                _ = leaving.wait_for(|leaves| *leaves) => {
                    leaves = true;
                    outbox.say(FromAgent::Status { status: AgentStatus::Stopped, message: String::new() });
                }
                () = outbox.filled.notified() => {}
                () = machine.tasks.changed() => {}
                () = crate::logging::filled() => {}
            }
        }
    };
    tokio::select! {
        end = read => end,
        end = write => end,
        () = leave(machine, &outbox, &dead) => End::Closed,
        () = watch_facts(&outbox, facts) => End::Closed,
        () = renew(machine, &outbox) => End::Closed,
    }
}

fn greet(machine: &Machine, outbox: &Outbox, facts: &Facts) {
    let config = machine.config();
    let (running, finished) = machine.tasks.summary();
    outbox.say(FromAgent::Hello(Hello {
        machine: config.machine,
        model_uuid: config.model_uuid,
        agent_version: crate::VERSION.to_owned(),
        boot_id: facts.boot_id.clone(),
        running,
        finished,
    }));
    outbox.say(FromAgent::Facts(Box::new(facts.clone())));
    outbox.say(FromAgent::Status { status: AgentStatus::Started, message: String::new() });
}

/// Why the connection is to end, if it is.
fn hear(machine: &Machine, outbox: &Outbox, message: ToAgent) -> Option<End> {
    match message {
        ToAgent::Document(document) if document.unknown => return Some(End::Unknown),
        ToAgent::Document(document) => {
            let step = document.upgrade;
            if take(machine, document) {
                return Some(End::Dead);
            }
            if let Some(step) = step {
                // Nothing of ours depends on the release; what the machine runs is looked at now, not when the agent connected.
                let facts = crate::facts::read();
                let base = facts.base.clone();
                outbox.say(FromAgent::Facts(Box::new(facts)));
                outbox.say(FromAgent::Upgraded { step, base });
            }
        }
        ToAgent::CancelTask { id } => machine.tasks.cancel(&id),
        ToAgent::TaskAck { id } => machine.tasks.acknowledge(&id),
        ToAgent::Certificate { certificate_pem, ca_cert_pem } => {
            // The controller counts who has a certificate of its new CA by the connections that show one.
            if machine.keep_certificate(certificate_pem, &ca_cert_pem) {
                return Some(End::Closed);
            }
        }
        ToAgent::Ping { n } => outbox.say(FromAgent::Pong { n }),
        ToAgent::Unknown => {}
    }
    None
}

/// When the machine is dead, takes the agent off its host and says how that went.
async fn leave(machine: &Machine, outbox: &Outbox, dead: &Notify) {
    dead.notified().await;
    let resists = |words| {
        let message = format!("cannot take the agent off the host: {words}");
        outbox.say(FromAgent::Status { status: AgentStatus::Error, message });
    };
    machine.leave_host(resists).await;
    outbox.say(FromAgent::Status { status: AgentStatus::Left, message: String::new() });
    std::future::pending().await
}

/// True: the machine is dead.
fn take(machine: &Machine, document: Document) -> bool {
    if document.life == Some(Life::Dead) {
        return true;
    }
    let full = document.full;
    if let Some(addresses) = document.addresses.filter(|a| !a.is_empty()) {
        machine.keep_addresses(addresses);
    }
    if let Some(ca_certs) = document.ca_certs.filter(|certs| !certs.is_empty()) {
        machine.keep_ca(&ca_certs);
    }
    // Keys are taken away only by a list that says so: an absent one would lock everybody out.
    if let Some(keys) = document.authorized_keys {
        machine.keep_keys(&keys);
    }
    if let Some(proxies) = document.proxies {
        machine.keep_proxies(&proxies);
    }
    if let Some(config) = document.logging {
        crate::logging::send(&config);
    }
    if let Some(tasks) = document.tasks.or_else(|| full.then(Vec::new)) {
        machine.tasks.order(tasks);
    }
    false
}

/// Tells the facts again when the machine's addresses change; the kernel says when.
async fn watch_facts(outbox: &Outbox, mut known: Facts) {
    let mut watch = match Watch::new() {
        Ok(watch) => watch,
        Err(error) => {
            tracing::warn!(%error, "changes of addresses are not seen");
            return std::future::pending().await;
        }
    };
    loop {
        // What changed between the first look and the watch is seen now.
        let seen = crate::facts::read();
        if seen != known {
            outbox.say(FromAgent::Facts(Box::new(seen.clone())));
            known = seen;
        }
        if let Err(error) = watch.changed().await {
            tracing::warn!(%error, "changes of addresses are not seen any more");
            return std::future::pending().await;
        }
        tokio::time::sleep(SETTLE).await;
    }
}

/// Asks for a new certificate in time.
async fn renew(machine: &Machine, outbox: &Outbox) {
    loop {
        let wait = machine.renew_in();
        if !wait.is_zero() {
            tokio::select! {
                () = tokio::time::sleep(wait.min(DAY)) => {}
                () = machine.renewal.notified() => {}
            }
            continue;
        }
        match machine.request() {
            Ok(csr_pem) => outbox.say(FromAgent::Renew { csr_pem }),
            Err(error) => tracing::error!(%error, "no certificate can be asked for"),
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
}
