//! LXD and Incus: machines are containers, or virtual machines, of a server that is there already, on this host or elsewhere.
//! One cloud for both; [`flavour`] has what differs. The surprise: nothing is remembered here but how the server was last seen and what
//! images have. Whose an instance is says the instance, by the marks in its configuration.

mod client;
mod constraints;
mod controller;
mod endpoint;
mod error;
mod first_boot;
mod flavour;
mod image;
mod image_files;
mod inner;
mod instance;
mod introduce;
mod login;
mod network;
mod pool;
mod profile;
mod release;
mod server;
mod start;
mod stop;
mod talk;
mod unseen;
mod welcome;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cloud::turn::Turns;
use cloud::{
    Answer, Cloud, Constraints, Error, InstanceId, InstanceInfo, ModelRef, Progress, SeenSubnet, StartRequest, Started,
    Thing,
};
use tokio::sync::Semaphore;

use client::Client;
use error::Failed;
use image_files::Known;
use instance::Instance;
use server::Server;
use start::Start;

pub use endpoint::{Certificates, Endpoint};
pub use flavour::Flavour;
pub use introduce::introduce;
pub use talk::Talk;
pub use welcome::{Welcome, socket, welcome};

/// Starts under way: more at a time would only wait for each other.
const AT_ONCE: usize = 8;
/// Bytes of a console that are told.
const CONSOLE: usize = 64 << 10;
/// How long what a server has is believed.
const BELIEVED: Duration = Duration::from_secs(60);
const DEFAULT_BASE: &str = "ubuntu@24.04";

/// Where and how a server is used.
#[derive(Debug, Clone)]
pub struct Options {
    pub endpoint: Endpoint,
    /// The server's project; `default`.
    pub project: String,
    /// Simplestreams servers asked for images before the public ones.
    pub image_servers: Vec<String>,
    /// The word by which our program in a machine joins its streams with a socket there; none: no machine holds containers.
    pub relay: Option<&'static str>,
}

pub struct Lxd {
    flavour: Flavour,
    client: Client,
    image_servers: Vec<String>,
    relay: Option<&'static str>,
    known: Known,
    seen: Mutex<Option<(std::time::Instant, Arc<Server>)>>,
    starts: Semaphore,
    /// By an instance's name.
    turns: Turns<String>,
}

impl Lxd {
    pub fn new(flavour: Flavour, options: Options) -> Lxd {
        Lxd {
            flavour,
            client: Client::new(options.endpoint, &options.project),
            image_servers: options.image_servers,
            relay: options.relay,
            known: Known::default(),
            seen: Mutex::default(),
            starts: Semaphore::new(AT_ONCE),
            turns: Turns::default(),
        }
    }

    fn last_seen(&self) -> Option<Arc<Server>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(_, server)| server.clone())
    }

    async fn look(&self) -> Result<Arc<Server>, Failed> {
        let server = Arc::new(Server::look(&self.client).await?);
        if server.flavour != self.flavour {
            let words = format!("it is {}, not {}", server.flavour.name(), self.flavour.name());
            return Err(self.client.garbled(words));
        }
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((std::time::Instant::now(), server.clone()));
        Ok(server)
    }

    async fn server(&self) -> Result<Arc<Server>, Failed> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match seen {
            Some((at, server)) if at.elapsed() < BELIEVED => Ok(server),
            _ => self.look().await,
        }
    }

    /// All in the project, with their states where `query` asks for them.
    async fn all(&self, query: &str) -> Result<Vec<Instance>, Failed> {
        let mut all: Vec<Instance> = self.client.read(&["instances"], query).await?;
        unseen::recognize(&self.client, &mut all).await?;
        Ok(all)
    }

    async fn owned(&self, controller: &str, id: &InstanceId) -> Result<Option<Instance>, Failed> {
        let found = start::find(&self.client, &id.0).await?;
        Ok(found.filter(|instance| instance.is_of(controller)))
    }

    async fn remove_all(&self, which: impl Fn(&Instance) -> bool) -> Result<(), Error> {
        let instances: Vec<Instance> = self.all("recursion=1").await?.into_iter().filter(which).collect();
        let mut failed = None;
        for some in instances.chunks(AT_ONCE) {
            let mut set = tokio::task::JoinSet::new();
            for instance in some {
                let (client, instance) = (self.client.clone(), instance.clone());
                set.spawn(async move { stop::remove(&client, &instance).await });
            }
            while let Some(done) = set.join_next().await {
                let done = done.unwrap_or_else(|error| Err(Error::transient(error.to_string())));
                failed = done.err().or(failed);
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

async fn let_go(client: &Client, instance: &Instance, farewell: &[String]) -> Result<(), Error> {
    match instance.has_run() {
        // Half made: nothing that could be kept.
        false => stop::remove(client, instance).await,
        true => release::release(client, instance, farewell).await,
    }
}

/// What an instance printed: how it began, and the newest of the rest.
async fn console(client: &Client, name: &str) -> Result<String, Failed> {
    let bytes = match client.bytes(&["instances", name, "console"], "").await {
        // Nothing was printed so far.
        Err(Failed::Said { words, .. }) if words.contains("no such file") => Vec::new(),
        other => other?,
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if bytes.len() <= CONSOLE {
        return Ok(text(&bytes));
    }
    let (first, last) = (&bytes[..CONSOLE / 4], &bytes[bytes.len() - CONSOLE / 2..]);
    Ok(format!("{}\n[...]\n{}", text(first), text(last)))
}

impl Cloud for Lxd {
    fn kind(&self) -> &'static str {
        self.flavour.kind()
    }

    fn preflight(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.look().await?;
            network::check(&self.client).await
        })
    }

    fn bases(&self) -> Answer<'_, Vec<String>> {
        Box::pin(async move {
            self.look().await?;
            Ok(image::LocalBases::look(&self.client).await?.listed(DEFAULT_BASE))
        })
    }

    fn check_constraints(&self, wanted: &Constraints) -> Result<Vec<&'static str>, Error> {
        constraints::check(wanted, self.last_seen().as_deref())
    }

    fn check_hosts(&self, kind: &str) -> Result<(), Error> {
        match (kind, self.relay) {
            ("lxd", Some(_)) => Ok(()),
            _ => Err(Error::permanent(format!("machines of {} hold no {kind} containers", self.flavour.name()))),
        }
    }

    fn check_placement(&self, directive: &str) -> Result<(), Error> {
        let name = directive.strip_prefix("zone=").unwrap_or(directive);
        let unknown = || Error::unmet("placement", format!("unknown placement directive: {directive}"));
        if name.contains('=') {
            return Err(unknown());
        }
        let Some(server) = self.last_seen() else { return Ok(()) };
        let zones = server.zones();
        match zones.iter().any(|zone| zone == name) {
            true => Ok(()),
            false => Err(Error::unmet(
                "placement",
                format!("no member {name:?} of this server: there are {}", zones.join(", ")),
            )),
        }
    }

    fn zones(&self) -> Vec<String> {
        self.last_seen().map(|server| server.zones()).unwrap_or_default()
    }

    fn learn_zones(&self) -> Answer<'_, ()> {
        Box::pin(async move { Ok(self.server().await.map(drop)?) })
    }

    fn prepare_model<'a>(&'a self, model: &'a ModelRef) -> Answer<'a, ()> {
        Box::pin(async move {
            self.look().await?;
            profile::ensure(&self.client, model).await?;
            Ok(())
        })
    }

    fn subnets<'a>(&'a self, _: &'a ModelRef) -> Answer<'a, Vec<SeenSubnet>> {
        Box::pin(async move { Ok(network::subnets(&self.client).await?) })
    }

    fn start_instance<'a>(&'a self, request: &'a StartRequest, progress: &'a Progress) -> Answer<'a, Started> {
        Box::pin(async move {
            let server = self.server().await?;
            if request.parent.is_none() {
                constraints::check(&request.constraints, Some(&server))?;
            }
            let _turn = self.turns.take(&request.name).await;
            let _permit = self.starts.acquire().await.map_err(|_| Error::transient("the cloud is closing"))?;
            progress.go_on()?;
            if let Some(host) = &request.parent {
                return self.start_inside(host, request, progress).await;
            }
            let start = Start {
                client: &self.client,
                server: &server,
                image_servers: &self.image_servers,
                known: &self.known,
                other: None,
                request,
                progress,
            };
            start.run().await
        })
    }

    fn instances<'a>(&'a self, controller: &'a str) -> Answer<'a, Vec<InstanceInfo>> {
        Box::pin(async move {
            let all = self.all("recursion=2").await?;
            let inside = self.all_inside(controller, &all).await;
            let ours = all.iter().filter(|instance| instance.is_of(controller)).map(Instance::info);
            Ok(ours.chain(inside).collect())
        })
    }

    fn stop_instance<'a>(&'a self, controller: &'a str, id: &'a InstanceId) -> Answer<'a, ()> {
        Box::pin(async move {
            let _turn = self.turns.take(&id.0).await;
            match self.owned(controller, id).await? {
                Some(instance) => stop::remove(&self.client, &instance).await,
                None => self.stop_inside(controller, id).await,
            }
        })
    }

    fn release_instance<'a>(
        &'a self,
        controller: &'a str,
        id: &'a InstanceId,
        farewell: &'a [String],
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let _turn = self.turns.take(&id.0).await;
            match self.owned(controller, id).await? {
                Some(instance) => let_go(&self.client, &instance, farewell).await,
                None => self.release_inside(controller, id, farewell).await,
            }
        })
    }

    fn things<'a>(&'a self, controller: &'a str) -> Answer<'a, Vec<Thing>> {
        Box::pin(async move { Ok(profile::things(&self.client, controller).await?) })
    }

    fn remove_thing<'a>(&'a self, controller: &'a str, thing: &'a Thing) -> Answer<'a, ()> {
        Box::pin(async move { Ok(profile::remove_one(&self.client, controller, thing).await?) })
    }

    fn destroy_model<'a>(&'a self, model: &'a ModelRef) -> Answer<'a, ()> {
        Box::pin(async move {
            let is_of = |one: &Instance| one.is_of_model(&model.controller, &model.model);
            // A controller's own model is no model that ends before its controller does.
            self.remove_all(|one| is_of(one) && !one.is_controller()).await?;
            if self.all("recursion=1").await?.iter().any(is_of) {
                return Ok(());
            }
            Ok(profile::remove(&self.client, &model.controller, Some(&model.model)).await?)
        })
    }

    fn destroy_controller<'a>(&'a self, controller: &'a str) -> Answer<'a, ()> {
        Box::pin(self.remove_from_within(controller))
    }

    fn console_log<'a>(&'a self, controller: &'a str, id: &'a InstanceId) -> Answer<'a, String> {
        Box::pin(async move {
            match self.owned(controller, id).await? {
                Some(instance) => Ok(console(&self.client, &instance.name).await?),
                None => self.console_inside(controller, id).await,
            }
        })
    }

    /// The server starts again what ran when its host went down; what ended by itself is started here.
    fn restore<'a>(&'a self, controller: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let all = self.all("recursion=1").await?;
            let stopped = all.iter().filter(|one| one.is_of(controller) && one.has_run() && one.status == "Stopped");
            for instance in stopped {
                start::bring_up(&self.client, &instance.name).await?;
            }
            self.restore_inside(controller, &all).await;
            Ok(())
        })
    }
}
