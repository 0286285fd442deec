//! The builtin cloud: machines are containers on this very host.
//! It knows directories under one data directory and the engine; no model, no store. The surprise: it remembers nothing that is not on disk, so a
//! controller that was killed at any moment, or a command that only cleans up, finds everything by looking.
//!
//! ```text
//! DATA/networks/<controller>.json             key and subnet
//! DATA/instances/<controller>/<name>/         instance.json (the record), plan.json, disk/, disks/, console.log, ...
//! DATA/images/<base>-<version>/               frozen root file systems, made for machines
//! DATA/bases/<base>-<version>/                those that an operator added
//! DATA/layers/<digest>/                       read-only files of the host: this program
//! ```

use std::path::PathBuf;
use std::sync::Arc;

use cloud::{
    Answer, Cloud, Constraints, Disk, Error, InstanceId, InstanceInfo, ModelRef, Progress, SeenSubnet, StartRequest,
    Started, Thing,
};
use container::Engine;
use tokio::sync::Semaphore;

mod bases;
mod constraints;
mod disks;
mod inside;
mod preflight;
pub mod record;
mod release;
mod remains;
mod start;
mod worker;

pub use bases::Base;
use worker::Worker;

/// Where and how the builtin cloud works.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its directory; several controllers may share one.
    pub data: PathBuf,
    /// This program, whose `main` calls `container::helper_main` and its sisters.
    pub program: PathBuf,
    /// Where the controller listens on this host: machines may reach it through the host's firewall.
    pub port: Option<u16>,
}

pub struct Builtin {
    worker: Arc<Worker>,
    /// Starts under way: more at a time would only wait for each other.
    starts: Arc<Semaphore>,
}

impl Builtin {
    pub fn new(options: Options) -> Self {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        Builtin {
            worker: Arc::new(Worker::new(options.data, Engine::new(options.program), options.port)),
            starts: Arc::new(Semaphore::new(threads * 2)),
        }
    }

    /// Keeps images in a directory that is somebody else's to remove, rather than among its own: the next cloud need not make them again.
    pub fn with_images(self, images: PathBuf) -> Self {
        let mut worker = Worker::new(self.worker.data.clone(), self.worker.engine.clone(), self.worker.port);
        worker.kept_images = Some(images);
        Builtin { worker: Arc::new(worker), starts: self.starts }
    }

    /// The address by which machines of this controller reach their host.
    pub fn gateway(&self, controller: &str) -> Result<std::net::Ipv4Addr, Error> {
        self.worker.gateway(controller)
    }

    /// Controllers that have anything here: instances, or a network.
    pub fn controllers(&self) -> std::collections::BTreeSet<String> {
        self.worker.controllers()
    }

    /// The gates of the host's firewall as this controller's machines meet them; those of no network when it has none.
    pub fn gates(&self, controller: &str) -> Result<Vec<container::network::Gate>, Error> {
        self.worker.gates(controller)
    }

    /// The key in the name of each thing of this controller's network.
    pub fn network_key(&self, controller: &str) -> Option<String> {
        self.worker.known_network(controller).ok().flatten().map(|network| network.key)
    }

    /// Whether the image of the host's base is there.
    pub fn has_image(&self) -> bool {
        self.worker.has_own_image()
    }

    /// Makes the image of the host's base if there is none: one to three seconds, the first time only.
    pub fn prepare_image(&self) -> Answer<'_, ()> {
        self.block(|worker| worker.image("", &|_| {}).map(drop))
    }

    /// Every base with what is known of it, the default one first.
    pub fn list_bases(&self) -> Answer<'_, Vec<Base>> {
        self.block(Worker::list_bases)
    }

    /// Adds a base from an archive of a root file system, or without one by `debootstrap`, from `mirror` if one is named. `unlike`: also when the
    /// archive says that it is another. `say` hears how far it is.
    pub fn add_base(
        &self,
        base: &str,
        archive: Option<PathBuf>,
        mirror: Option<String>,
        unlike: bool,
        say: impl Fn(&str) + Send + 'static,
    ) -> Answer<'_, Base> {
        let base = base.to_owned();
        self.block(move |worker| worker.add_base(&base, archive.as_deref(), mirror.as_deref(), unlike, &say))
    }

    /// Takes a base away, unless machines have it.
    pub fn remove_base(&self, base: &str) -> Answer<'_, ()> {
        let base = base.to_owned();
        self.block(move |worker| worker.remove_base(&base))
    }

    /// The directory of an instance on the host, for tests that look inside.
    pub fn directory(&self, controller: &str, id: &InstanceId) -> container::Dir {
        self.worker.dir(controller, &id.0)
    }

    /// The engine makes system calls that wait: never on a thread that others need.
    fn block<'a, T: Send + 'static>(
        &self,
        work: impl FnOnce(&Worker) -> Result<T, Error> + Send + 'static,
    ) -> Answer<'a, T> {
        let worker = self.worker.clone();
        Box::pin(async move {
            match tokio::task::spawn_blocking(move || work(&worker)).await {
                Ok(result) => result,
                Err(error) => Err(Error::transient(format!("the builtin cloud stumbled: {error}"))),
            }
        })
    }
}

impl Cloud for Builtin {
    fn kind(&self) -> &'static str {
        "builtin"
    }

    fn preflight(&self) -> Answer<'_, ()> {
        self.block(|worker| preflight::check(&worker.data))
    }

    fn bases(&self) -> Answer<'_, Vec<String>> {
        self.block(Worker::bases)
    }

    fn check_constraints(&self, wanted: &Constraints) -> Result<Vec<&'static str>, Error> {
        constraints::check(wanted, &constraints::Host::look())
    }

    fn check_disks(&self, wanted: &[Disk]) -> Result<(), Error> {
        if wanted.is_empty() {
            return Ok(());
        }
        disks::check(wanted, &disks::Room::look(&self.worker.data))
    }

    fn check_hosts(&self, kind: &str) -> Result<(), Error> {
        inside::check(kind)
    }

    fn prepare_model<'a>(&'a self, model: &'a ModelRef) -> Answer<'a, ()> {
        let controller = model.controller.clone();
        self.block(move |worker| worker.mend_network(&controller))
    }

    fn subnets<'a>(&'a self, model: &'a ModelRef) -> Answer<'a, Vec<SeenSubnet>> {
        let controller = model.controller.clone();
        self.block(move |worker| worker.subnets(&controller))
    }

    fn start_instance<'a>(&'a self, request: &'a StartRequest, progress: &'a Progress) -> Answer<'a, Started> {
        let (request, progress) = (request.clone(), progress.clone());
        let starts = self.starts.clone();
        Box::pin(async move {
            self.check_constraints(&request.constraints)?;
            self.check_disks(&request.disks)?;
            let (new, say) = (request.clone(), start::preparing(&progress));
            self.block(move |worker| worker.prepare(&new.model.controller, &new.name, &new.base, &say)).await?;
            let _permit = starts.acquire_owned().await.map_err(|_| Error::transient("the builtin cloud is closing"))?;
            self.block(move |worker| worker.start(&request, &progress)).await
        })
    }

    fn instances<'a>(&'a self, controller: &'a str) -> Answer<'a, Vec<InstanceInfo>> {
        let controller = controller.to_owned();
        self.block(move |worker| worker.instances(&controller))
    }

    fn stop_instance<'a>(&'a self, controller: &'a str, id: &'a InstanceId) -> Answer<'a, ()> {
        let (controller, id) = (controller.to_owned(), id.0.clone());
        self.block(move |worker| worker.stop_ours(&controller, &id))
    }

    fn release_instance<'a>(
        &'a self,
        controller: &'a str,
        id: &'a InstanceId,
        farewell: &'a [String],
    ) -> Answer<'a, ()> {
        let (controller, id, farewell) = (controller.to_owned(), id.0.clone(), farewell.to_vec());
        self.block(move |worker| worker.release(&controller, &id, &farewell))
    }

    fn things<'a>(&'a self, controller: &'a str) -> Answer<'a, Vec<Thing>> {
        let controller = controller.to_owned();
        self.block(move |worker| worker.remains(&controller))
    }

    fn remove_thing<'a>(&'a self, controller: &'a str, thing: &'a Thing) -> Answer<'a, ()> {
        let (controller, thing) = (controller.to_owned(), thing.clone());
        self.block(move |worker| worker.remove_remains(&controller, &thing))
    }

    fn destroy_model<'a>(&'a self, model: &'a ModelRef) -> Answer<'a, ()> {
        let model = model.clone();
        self.block(move |worker| worker.destroy_model(&model.controller, &model.model))
    }

    fn destroy_controller<'a>(&'a self, controller: &'a str) -> Answer<'a, ()> {
        let controller = controller.to_owned();
        self.block(move |worker| worker.destroy_controller(&controller))
    }

    fn console_log<'a>(&'a self, controller: &'a str, id: &'a InstanceId) -> Answer<'a, String> {
        let (controller, id) = (controller.to_owned(), id.0.clone());
        self.block(move |worker| worker.console(&controller, &id))
    }

    fn restore<'a>(&'a self, controller: &'a str) -> Answer<'a, ()> {
        let controller = controller.to_owned();
        self.block(move |worker| worker.restore(&controller))
    }
}
