//! What a machine has to have before a container can be in it: leave to nest, a server, and in the server a pool and a project.
//! The surprise: each step looks first, so all of it may be asked again after it broke off anywhere; that it is done is noted last.

use std::time::{Duration, Instant};

use cloud::{Error, Progress};
use hyper::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use super::super::client::Client;
use super::super::error::Failed;
use super::super::instance::{Instance, mark};
use super::super::{Lxd, talk};
use super::{LOOK, PROJECT};

const INSTALL: &str = include_str!("install.sh");
/// Of an installation; an archive may be far away.
const INSTALLED: Duration = Duration::from_secs(1200);
/// Until a server that has been started answers.
const ANSWERS: Duration = Duration::from_secs(90);
const LOOK_AGAIN: Duration = Duration::from_millis(500);
const POOL: &str = "juju";
/// Of a line of the script.
const LINE: u64 = 4096;

/// What the script has found or made.
struct Found {
    socket: String,
    /// Of the machine, by which it is in its network.
    interface: String,
}

impl Lxd {
    /// The server in a machine that runs, with all that containers in it need. The caller has the turn.
    pub(super) async fn prepare(&self, host: &Instance, progress: &Progress) -> Result<Client, Error> {
        let machine = host.marked(mark::MACHINE);
        if let Some(client) = self.within(host)
            && matches!(tokio::time::timeout(LOOK, client.get(&[], "")).await, Ok(Ok(_)))
        {
            return Ok(client);
        }
        if host.marked(mark::PROGRAM).is_empty() {
            return Err(Error::permanent(format!(
                "machine {machine} has no agent of ours that could pass on anything"
            )));
        }
        self.let_nest(host).await?;
        let Found { socket, interface } = self.install(host, progress).await?;
        let client = self.at(host, &socket);
        await_answer(&client, machine).await?;
        progress.say(&format!("preparing machine {machine} for containers"));
        set_up(&client, &interface)
            .await
            .map_err(|failed| failed.at(&format!("prepare machine {machine} for containers")))?;
        self.client.configure(&host.name, mark::INNER, &socket).await?;
        Ok(client)
    }

    /// Models' profiles allow it; machines that were let go, or made by others, may lack it.
    async fn let_nest(&self, host: &Instance) -> Result<(), Error> {
        let may = host.expanded_config.get("security.nesting").is_some_and(|value| value == "true");
        if may || host.kind == super::super::constraints::VIRTUAL_MACHINE {
            return Ok(());
        }
        self.client.configure(&host.name, "security.nesting", "true").await?;
        Err(Error::permanent(format!(
            "instance {} could hold no containers so far (security.nesting): now it may, once it is restarted; then retry-provisioning",
            host.name
        )))
    }

    /// Finds the server in it, or puts one there.
    async fn install(&self, host: &Instance, progress: &Progress) -> Result<Found, Error> {
        let machine = host.marked(mark::MACHINE);
        let words = ["/bin/sh", "-c", INSTALL, "grigri-inner", self.flavour.kind()].map(str::to_owned);
        let told = async {
            let mut talk = talk::start(&self.client, &host.name, &words).await?;
            let mut lines = BufReader::new(&mut talk.output);
            let mut line = Vec::new();
            loop {
                line.clear();
                let read = (&mut lines).take(LINE).read_until(b'\n', &mut line).await;
                if !matches!(read, Ok(length) if length > 0) {
                    break;
                }
                let text = String::from_utf8_lossy(&line);
                match text.trim_end().split_once(' ') {
                    Some(("say", words)) => progress.say(&format!("{words} on machine {machine}")),
                    Some(("at", found)) => {
                        let (socket, interface) = found.split_once(' ').unwrap_or((found, "eth0"));
                        return Ok(Found { socket: socket.to_owned(), interface: interface.to_owned() });
                    }
                    Some(("no", why)) => {
                        return Err(Error::permanent(format!("machine {machine} can hold no containers: {why}")));
                    }
                    _ => {}
                }
            }
            let errors = talk.errors.await.unwrap_or_default();
            let last = errors.lines().last().unwrap_or("it does not say why").to_owned();
            Err(Error::transient(format!(
                "the search for a server of containers on machine {machine} broke off: {last}"
            )))
        };
        tokio::time::timeout(INSTALLED, told).await.unwrap_or_else(|_| {
            let waited = INSTALLED.as_secs() / 60;
            Err(Error::transient(format!("no server of containers on machine {machine} after {waited} minutes")))
        })
    }
}

async fn await_answer(client: &Client, machine: &str) -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        match client.get(&[], "").await {
            Ok(_) => return Ok(()),
            Err(failed) if begun.elapsed() > ANSWERS => {
                return Err(Error::transient(format!(
                    "the server of containers on machine {machine} does not answer: {failed}; its log in the machine says more"
                )));
            }
            Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}

/// What is there already stays as it is.
async fn set_up(client: &Client, interface: &str) -> Result<(), Failed> {
    let make = async |kind: &str, body: Value| match client.change(Method::POST, &[kind], "", &body).await {
        Err(failed) if !failed.is_taken() => Err(failed),
        _ => Ok(()),
    };
    let shared = ["features.images", "features.networks", "features.storage.volumes"];
    let mut features: serde_json::Map<String, Value> =
        shared.iter().map(|name| ((*name).to_owned(), json!("false"))).collect();
    features.insert("features.profiles".into(), json!("true"));
    make("projects", json!({"name": PROJECT, "description": "Containers of Juju", "config": features})).await?;
    make("storage-pools", json!({"name": POOL, "driver": "dir", "config": {}})).await?;
    let devices = json!({
        "root": {"type": "disk", "path": "/", "pool": POOL},
        // Beside the machine's own address on one interface: what sets that up does not notice.
        "eth0": {"type": "nic", "name": "eth0", "nictype": "macvlan", "parent": interface},
    });
    let body = json!({"description": "Containers of Juju", "config": {}, "devices": devices});
    client.change(Method::PUT, &["profiles", super::super::profile::DEFAULT], "", &body).await.map(drop)
}

#[cfg(test)]
#[path = "install_tests.rs"]
mod install_tests;
