//! Containers on machines: instances of a server inside a machine, which is itself an instance of the server that the cloud is.
//! The surprise: the inner server listens on no network and knows no certificate. Each connection to it is a command in the machine,
//! started through the outer server, so whoever may use that one may use this, and nobody else.
//!
//! ```text
//!   outer server                      machine juju-x-0                      container juju-x-0-lxd-1
//!     bridge --- nic                    eth0, and on it                       eth0 (macvlan)
//!     exec ----- socket-relay           socket of the inner server
//! ```
//!
//! What may be in a machine is written in its configuration before it is made and until it is gone, so it is known while the machine stops.

mod prepare;

use std::sync::Arc;
use std::time::Duration;

use cloud::{Error, InstanceId, InstanceInfo, InstanceStatus, Progress, StartRequest, Started};

use super::client::Client;
use super::endpoint::{Endpoint, Within};
use super::error::Failed;
use super::instance::{Instance, mark};
use super::server::Server;
use super::start::{self, Start};
use super::{Lxd, constraints, stop};

/// Containers of ours are in a project of their own: the machine's users may have others.
const PROJECT: &str = "juju";
/// Until a machine says what is in it, for a list of all; one that does not answer must not hold up the others.
const LOOK: Duration = Duration::from_secs(8);
const KIND: &str = "lxd";

/// The name of the machine that a container of this name is in.
pub fn host_of(name: &str) -> Option<&str> {
    name.split_once(&format!("-{KIND}-")).map(|(host, _)| host)
}

/// What may be in a machine, by name, with model and machine.
fn noted(host: &Instance) -> impl Iterator<Item = (&str, &str, &str)> {
    let entries = host.config.iter().filter_map(|(key, value)| Some((key.strip_prefix(mark::INSIDE)?, value)));
    entries.filter_map(|(name, value)| {
        let (model, machine) = value.split_once(' ')?;
        Some((name, model, machine))
    })
}

fn away(host: &str) -> Error {
    Error::transient(format!("its host {host} does not run"))
}

impl Lxd {
    /// The machine that an instance of this name would be in, if it is ours.
    async fn around(&self, controller: &str, name: &str) -> Result<Option<Instance>, Failed> {
        let Some(host) = host_of(name) else { return Ok(None) };
        let host = self.owned(controller, &InstanceId(host.to_owned())).await?;
        Ok(host.filter(|host| noted(host).any(|(inside, ..)| inside == name)))
    }

    /// The server in a machine; none: it has none of ours.
    fn within(&self, host: &Instance) -> Option<Client> {
        let socket = Some(host.marked(mark::INNER)).filter(|socket| !socket.is_empty())?;
        Some(self.at(host, socket))
    }

    /// The server that listens at a socket in a machine.
    fn at(&self, host: &Instance, socket: &str) -> Client {
        let relay = self.relay.unwrap_or_default();
        let command = [host.marked(mark::PROGRAM), relay, socket].map(str::to_owned).into();
        let within = Within { outer: self.client.clone(), instance: host.name.clone(), command };
        Client::new(Endpoint::Within(Arc::new(within)), PROJECT)
    }

    /// One thing at a time is changed of what a machine has for its containers; the machine itself may go meanwhile.
    async fn turn_inside(&self, host: &str) -> tokio::sync::OwnedMutexGuard<()> {
        self.turns.take(&format!("{host} inside")).await
    }

    pub(super) async fn start_inside(
        &self,
        host: &InstanceId,
        request: &StartRequest,
        progress: &Progress,
    ) -> Result<Started, Error> {
        let model = &request.model;
        if host_of(&request.name) != Some(&host.0) || host_of(&host.0).is_some() {
            return Err(Error::permanent(format!("{} cannot be inside {host}", request.name)));
        }
        let (client, place) = {
            let _turn = self.turn_inside(&host.0).await;
            progress.go_on()?;
            let found = self.owned(&model.controller, host).await?;
            let found = found.filter(Instance::is_running).ok_or_else(|| away(&host.0))?;
            let client = self.prepare(&found, progress).await?;
            let note = format!("{} {}", model.model, request.machine);
            self.client.configure(&host.0, &format!("{}{}", mark::INSIDE, request.name), &note).await?;
            (client, found.location)
        };
        let server = Server::look(&client).await?;
        let start = Start {
            client: &client,
            server: &server,
            image_servers: &self.image_servers,
            known: &self.known,
            other: Some(&self.client),
            request,
            progress,
        };
        let made = match constraints::check(&request.constraints, Some(&server)) {
            Ok(_) => start.run().await,
            Err(unmet) => Err(unmet),
        };
        match made {
            Ok(mut started) => {
                started.hardware.availability_zone = match place.as_str() {
                    "" | "none" => self.zone(),
                    place => Some(place.to_owned()),
                };
                Ok(started)
            }
            Err(error) => {
                // What a start could not take back stays noted, and is found.
                if matches!(start::find(&client, &request.name).await, Ok(None))
                    && let Err(failed) = self.forget(&host.0, &request.name).await
                {
                    tracing::info!(instance = request.name, error = %failed, "a container that was not made is still noted");
                }
                Err(error)
            }
        }
    }

    /// A lone server is a zone of its name.
    fn zone(&self) -> Option<String> {
        cloud::Cloud::zones(self).into_iter().next().filter(|zone| !zone.is_empty())
    }

    async fn forget(&self, host: &str, name: &str) -> Result<(), Failed> {
        let _turn = self.turn_inside(host).await;
        match self.client.configure(host, &format!("{}{name}", mark::INSIDE), "").await {
            Err(failed) if failed.is_missing() => Ok(()),
            other => other,
        }
    }

    /// What is done with a container where it is. None: there is no such, or not any more.
    async fn found_inside(
        &self,
        controller: &str,
        id: &InstanceId,
    ) -> Result<Option<(Instance, Option<(Client, Instance)>)>, Error> {
        let Some(host) = self.around(controller, &id.0).await? else { return Ok(None) };
        let Some(client) = self.within(&host) else { return Ok(Some((host, None))) };
        if !host.is_running() {
            return Err(away(&host.name));
        }
        let found = start::find(&client, &id.0).await?.filter(|instance| instance.is_of(controller));
        Ok(Some((host, found.map(|instance| (client, instance)))))
    }

    pub(super) async fn stop_inside(&self, controller: &str, id: &InstanceId) -> Result<(), Error> {
        let Some((host, found)) = self.found_inside(controller, id).await? else { return Ok(()) };
        if let Some((client, instance)) = found {
            stop::remove(&client, &instance).await?;
        }
        Ok(self.forget(&host.name, &id.0).await?)
    }

    pub(super) async fn release_inside(
        &self,
        controller: &str,
        id: &InstanceId,
        farewell: &[String],
    ) -> Result<(), Error> {
        let Some((host, found)) = self.found_inside(controller, id).await? else { return Ok(()) };
        if let Some((client, instance)) = found {
            super::let_go(&client, &instance, farewell).await?;
        }
        Ok(self.forget(&host.name, &id.0).await?)
    }

    pub(super) async fn console_inside(&self, controller: &str, id: &InstanceId) -> Result<String, Error> {
        match self.found_inside(controller, id).await? {
            Some((_, Some((client, instance)))) => Ok(super::console(&client, &instance.name).await?),
            _ => Err(Error::not_found(format!("instance {id}"))),
        }
    }

    /// What is in machines, of those that have something. A machine that does not run, or does not answer in time, has what was noted.
    pub(super) async fn all_inside(&self, controller: &str, all: &[Instance]) -> Vec<InstanceInfo> {
        let hosts = all.iter().filter(|host| host.is_of(controller) && noted(host).next().is_some());
        let asked = hosts.map(async |host| {
            let Some(client) = self.within(host) else { return Vec::new() };
            let look = client.read::<Vec<Instance>>(&["instances"], "recursion=2");
            let found = match host.is_running() {
                true => tokio::time::timeout(LOOK, look).await.ok().and_then(Result::ok),
                false => None,
            };
            match found {
                Some(found) => found.iter().filter(|one| one.is_of(controller)).map(Instance::info).collect(),
                None => unseen(host),
            }
        });
        futures_util::future::join_all(asked).await.concat()
    }

    /// Starts again what has ended in machines that run; one that does not answer is asked again the next time.
    pub(super) async fn restore_inside(&self, controller: &str, all: &[Instance]) {
        let hosts = all.iter().filter(|host| host.is_of(controller) && host.is_running());
        let restored = hosts.filter(|host| noted(host).next().is_some()).map(async |host| {
            let Some(client) = self.within(host) else { return };
            let look = client.read::<Vec<Instance>>(&["instances"], "recursion=1");
            let Ok(Ok(found)) = tokio::time::timeout(LOOK, look).await else { return };
            let stopped = |one: &&Instance| one.is_of(controller) && one.has_run() && one.status == "Stopped";
            for one in found.iter().filter(stopped) {
                if let Err(error) = start::bring_up(&client, &one.name).await {
                    tracing::warn!(instance = one.name, %error, "a container cannot be started again");
                }
            }
        });
        futures_util::future::join_all(restored).await;
    }
}

/// As it was noted.
fn unseen(host: &Instance) -> Vec<InstanceInfo> {
    let (status, detail) = match host.is_running() {
        true => (InstanceStatus::Unknown, "its host does not say"),
        false => (InstanceStatus::Stopped, "its host does not run"),
    };
    let info = |(name, model, machine): (&str, &str, &str)| InstanceInfo {
        id: InstanceId(name.to_owned()),
        model: model.to_owned(),
        machine: machine.to_owned(),
        status,
        detail: detail.to_owned(),
        addresses: Vec::new(),
        since: None,
    };
    noted(host).map(info).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_where_it_is() {
        assert_eq!(host_of("juju-c3d479-0-lxd-12"), Some("juju-c3d479-0"));
        assert_eq!(host_of("juju-c3d479-0"), None);
    }

    #[test]
    fn what_was_noted_is_there_while_its_host_is_not() {
        let mut host = Instance { status: "Stopped".into(), ..Instance::default() };
        let key = |name: &str| format!("{}{name}", mark::INSIDE);
        host.config.insert(key("juju-a0a0a0-0-lxd-0"), "m 0/lxd/0".into());
        host.config.insert(key("juju-a0a0a0-0-lxd-1"), String::new());
        let seen = unseen(&host);
        assert_eq!(seen.len(), 1, "an empty note is none");
        assert_eq!((seen[0].machine.as_str(), seen[0].status), ("0/lxd/0", InstanceStatus::Stopped));
        host.status = "Running".into();
        assert_eq!(unseen(&host)[0].status, InstanceStatus::Unknown);
    }
}
