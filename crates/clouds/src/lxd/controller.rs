//! An instance that a controller lives in: started before there is a controller, talked to, and taken away from outside.
//! It does not know what a controller is. The surprise: a controller that removes all of its own spares its instance, and has it vanish
//! once it stops; only whoever asks from outside takes it away at once.

use std::time::{Duration, Instant};

use cloud::{Address, Error, StartRequest, Started};
use hyper::Method;
use serde_json::json;

use super::client::Client;
use super::error::Failed;
use super::instance::{Instance, mark};
use super::{Lxd, Progress, profile, start, talk};

/// Until a system that has just been started has an address.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

impl Lxd {
    /// Starts the instance of a controller, which is this machine of its model.
    pub async fn start_controller(&self, request: &StartRequest, progress: &Progress) -> Result<Started, Error> {
        let started = cloud::Cloud::start_instance(self, request, progress).await?;
        self.client.configure(&started.id.0, mark::IS_CONTROLLER, "true").await?;
        Ok(started)
    }

    /// Waits until an instance has an address.
    pub async fn await_address(&self, name: &str) -> Result<Vec<Address>, Error> {
        let begun = Instant::now();
        loop {
            let found = start::find(&self.client, name).await?;
            let there = found.ok_or_else(|| Error::not_found(format!("instance {name}")))?;
            if !there.is_running() {
                let printed = super::console(&self.client, name).await.unwrap_or_default();
                let last = printed.trim_end().lines().last().unwrap_or("nothing was printed").to_owned();
                return Err(Error::transient(format!("instance {name} has stopped: {last}")));
            }
            let addresses = there.addresses();
            if !addresses.is_empty() {
                return Ok(addresses);
            }
            if begun.elapsed() > PATIENCE {
                let waited = PATIENCE.as_secs();
                return Err(Error::transient(format!(
                    "waited for {waited}s without getting any addresses: does the network of profile \"default\" give some, and does the \
                     image ask for one?"
                )));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Runs a command in an instance as root, its streams open.
    pub async fn talk(&self, name: &str, words: &[String]) -> Result<talk::Talk, Error> {
        Ok(talk::start(&self.client, name, words).await?)
    }

    /// Also when it is gone already.
    pub async fn remove_file(&self, name: &str, path: &str) -> Result<(), Error> {
        Ok(self.client.remove_file(name, path).await?)
    }

    /// Starts a controller's own instance where it does not run. False: it runs; none: there is no such instance.
    pub async fn start_controller_again(&self, controller: &str) -> Result<Option<bool>, Error> {
        let Some(own) = self.own_instance(controller).await? else { return Ok(None) };
        if own.is_running() {
            return Ok(Some(false));
        }
        start::bring_up(&self.client, &own.name).await?;
        Ok(Some(true))
    }

    async fn own_instance(&self, controller: &str) -> Result<Option<Instance>, Failed> {
        let all = self.all("recursion=1").await?;
        Ok(all.into_iter().find(|one| one.is_of(controller) && one.is_controller()))
    }

    /// Removes all of a controller, the instance that it lives in too.
    pub async fn remove_controller(&self, controller: &str) -> Result<(), Error> {
        self.remove_all(|instance| instance.is_of(controller) || instance.was_kept_by(controller)).await?;
        Ok(profile::remove(&self.client, controller, None).await?)
    }

    /// By a controller itself. It goes on until it has ended its work; then its instance stops, and is no more.
    pub(super) async fn remove_from_within(&self, controller: &str) -> Result<(), Error> {
        self.remove_all(|one| (one.is_of(controller) || one.was_kept_by(controller)) && !one.is_controller()).await?;
        let Some(own) = self.own_instance(controller).await? else {
            return Ok(profile::remove(&self.client, controller, None).await?);
        };
        Ok(vanish_when_stopped(&self.client, controller, &own.name).await?)
    }
}

/// A profile cannot go before the last instance that has it.
async fn vanish_when_stopped(client: &Client, controller: &str, name: &str) -> Result<(), Failed> {
    let body = json!({"ephemeral": true, "profiles": [profile::DEFAULT]});
    client.change(Method::PATCH, &["instances", name], "", &body).await?;
    profile::remove(client, controller, None).await
}
