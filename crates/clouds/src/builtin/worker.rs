//! The work of the builtin cloud, in calls that wait: looking at instances, stopping them, networks, images.
//! It is called from threads that may wait. The surprise: a lock for each instance makes starts and stops of one follow each other, while those of
//! others go on beside.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloud::{Address, AddressScope, Error, InstanceId, InstanceInfo, InstanceStatus, SeenSubnet};
use container::image;
use container::network::Network;
use container::plan::Dir;
use container::{Engine, cgroup, engine, files};

use super::record::{self, Record, State};

pub struct Worker {
    pub data: PathBuf,
    pub engine: Engine,
    pub port: Option<u16>,
    /// Images that outlive this cloud.
    pub kept_images: Option<PathBuf>,
    networks: Mutex<HashMap<String, Known>>,
    instances: Mutex<Turns>,
}

/// What the names of directories begin with that are being removed.
pub const ASIDE: &str = ".gone-";

/// Whose turn it is, by controller and instance.
type Turns = HashMap<(String, String), Arc<Mutex<()>>>;

/// A controller's network, as far as it was looked at since this process began.
struct Known {
    network: Network,
    ensured: bool,
    /// Numbers of places that are taken.
    used: BTreeSet<u32>,
}

/// A thread that panicked left maps that are whole all the same.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn disk(what: &'static str) -> impl Fn(io::Error) -> Error {
    move |error| Error::transient(format!("{what}: {error}"))
}

fn network_error(error: container::network::Error) -> Error {
    use container::network::Error as E;
    match &error {
        E::NoSubnet | E::Taken { .. } | E::NoIptables => Error::permanent(base::chain(&error)),
        E::Io { .. } | E::Netlink { .. } | E::Iptables(_) => Error::transient(base::chain(&error)),
    }
}

impl Worker {
    pub fn new(data: PathBuf, engine: Engine, port: Option<u16>) -> Self {
        Worker { data, engine, port, kept_images: None, networks: Mutex::default(), instances: Mutex::default() }
    }

    pub fn home(&self, controller: &str) -> PathBuf {
        self.data.join("instances").join(plain(controller))
    }

    pub fn dir(&self, controller: &str, name: &str) -> Dir {
        Dir(self.home(controller).join(plain(name)))
    }

    /// Where a directory is while it is removed.
    pub fn aside(&self, controller: &str, name: &str) -> PathBuf {
        self.home(controller).join(format!("{ASIDE}{}", plain(name)))
    }

    fn network_file(&self, controller: &str) -> PathBuf {
        self.data.join("networks").join(format!("{}.json", plain(controller)))
    }

    pub fn images(&self) -> PathBuf {
        self.kept_images.clone().unwrap_or_else(|| self.data.join("images"))
    }

    /// The lock of one instance.
    pub fn turn(&self, controller: &str, name: &str) -> Arc<Mutex<()>> {
        let key = (controller.to_owned(), name.to_owned());
        lock(&self.instances).entry(key).or_default().clone()
    }

    pub fn has_own_image(&self) -> bool {
        image::host_base().is_ok_and(|base| self.all_images().iter().any(|image| image.base == base))
    }

    /// The network as it is written down, if it is.
    pub fn known_network(&self, controller: &str) -> Result<Option<Network>, Error> {
        match fs::read(self.network_file(controller)) {
            Ok(bytes) => {
                let read = serde_json::from_slice(&bytes);
                read.map(Some).map_err(|error| disk("read the network's record")(error.into()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(disk("read the network's record")(error)),
        }
    }

    pub fn ensure_network(&self, controller: &str) -> Result<Network, Error> {
        self.with_network(controller, |known| Ok(known.network.clone()))
    }

    /// Makes what is missing of the network even if it was whole before: a firewall that was loaded anew has lost our rules.
    pub fn mend_network(&self, controller: &str) -> Result<(), Error> {
        if let Some(known) = lock(&self.networks).get_mut(controller) {
            known.ensured = false;
        }
        self.ensure_network(controller).map(drop)
    }

    /// Its one network, chosen now if it was not before.
    pub fn subnets(&self, controller: &str) -> Result<Vec<SeenSubnet>, Error> {
        let network = self.ensure_network(controller)?;
        let cidr = network.subnet.parse().map_err(|error| {
            Error::permanent(format!("cannot read the network's record: {:?}: {error}", network.subnet))
        })?;
        let (provider_id, provider_network_id) = (format!("subnet-{}", network.key), format!("net-{}", network.key));
        Ok(vec![SeenSubnet { cidr, provider_id, provider_network_id, zones: Vec::new() }])
    }

    pub fn gateway(&self, controller: &str) -> Result<std::net::Ipv4Addr, Error> {
        self.ensure_network(controller)?.gateway().map_err(network_error)
    }

    fn with_network<T>(
        &self,
        controller: &str,
        use_it: impl FnOnce(&mut Known) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut networks = lock(&self.networks);
        if !networks.contains_key(controller) {
            let network = match self.known_network(controller)? {
                Some(network) => network,
                None => {
                    let network = Network::choose(controller).map_err(network_error)?;
                    let bytes =
                        serde_json::to_vec(&network).map_err(|e| disk("write the network's record")(e.into()))?;
                    files::replace(&self.network_file(controller), &bytes, 0o600)
                        .map_err(disk("write the network's record"))?;
                    network
                }
            };
            let used = self.records(controller)?.into_values().map(|record| record.number).collect();
            networks.insert(controller.to_owned(), Known { network, ensured: false, used });
        }
        let known = networks.get_mut(controller).ok_or_else(|| Error::transient("the network vanished"))?;
        if !known.ensured {
            known.network.ensure(controller, self.port).map_err(network_error)?;
            known.ensured = true;
        }
        use_it(known)
    }

    /// The lowest free number of a place.
    pub fn take_number(&self, controller: &str) -> Result<u32, Error> {
        self.with_network(controller, |known| {
            let free = (2..65534).find(|n| !known.used.contains(n));
            let number = free.ok_or_else(|| Error::permanent("all addresses of the controller's network are taken"))?;
            known.used.insert(number);
            Ok(number)
        })
    }

    pub fn free_number(&self, controller: &str, number: u32) {
        if let Some(known) = lock(&self.networks).get_mut(controller) {
            known.used.remove(&number);
        }
    }

    /// The directories of a controller's instances.
    pub fn names(&self, controller: &str) -> Result<Vec<String>, Error> {
        let entries = match fs::read_dir(self.home(controller)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(disk("list the instances")(error)),
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        Ok(names.filter(|name| !name.starts_with('.')).collect())
    }

    /// All records of a controller by name. A directory without one is what an interrupted removal left: it holds nothing that runs.
    pub fn records(&self, controller: &str) -> Result<BTreeMap<String, Record>, Error> {
        let mut records = BTreeMap::new();
        for name in self.names(controller)? {
            let record = record::read(&Dir(self.home(controller).join(&name)));
            if let Some(record) = record.map_err(disk("read an instance's record"))? {
                records.insert(name, record);
            }
        }
        Ok(records)
    }

    pub fn instances(&self, controller: &str) -> Result<Vec<InstanceInfo>, Error> {
        let records = self.records(controller)?;
        let ours = records.into_iter().filter(|(_, record)| record.state != State::Kept);
        Ok(ours.map(|(name, record)| self.info(controller, name, record)).collect())
    }

    fn info(&self, controller: &str, name: String, record: Record) -> InstanceInfo {
        let alive = engine::running(&self.dir(controller, &name)).is_some();
        let (status, detail) = match (record.state, alive) {
            (State::Stopping, _) => (InstanceStatus::Stopping, "Stopping"),
            (_, true) => (InstanceStatus::Running, "Running"),
            (State::Starting, false) => (InstanceStatus::Allocating, "Creating container"),
            (State::Running | State::Kept, false) => (InstanceStatus::Stopped, "Stopped"),
        };
        let since = files::made(self.dir(controller, &name).path());
        InstanceInfo {
            id: InstanceId(name),
            addresses: addresses(&record),
            model: record.model,
            machine: record.machine,
            status,
            detail: detail.to_owned(),
            since,
        }
    }

    /// One that was let go is not ours to stop.
    pub fn stop_ours(&self, controller: &str, name: &str) -> Result<(), Error> {
        match record::read(&self.dir(controller, name)) {
            Ok(Some(record)) if record.state == State::Kept => Ok(()),
            _ => self.stop(controller, name),
        }
    }

    pub fn stop(&self, controller: &str, name: &str) -> Result<(), Error> {
        let dir = self.dir(controller, name);
        loop {
            for inner in self.inside(controller, name)? {
                self.stop(controller, &inner)?;
            }
            let turn = self.turn(controller, name);
            let _turn = lock(&turn);
            // One that was being started meanwhile had this turn.
            if !self.inside(controller, name)?.is_empty() {
                continue;
            }
            let stopped = self.remove(controller, name, &dir);
            self.forget_turns();
            return stopped;
        }
    }

    /// Of instances that nobody is at.
    pub fn forget_turns(&self) {
        lock(&self.instances).retain(|_, turn| Arc::strong_count(turn) > 1);
    }

    /// Removes an instance whose turn the caller has.
    pub fn remove(&self, controller: &str, name: &str, dir: &Dir) -> Result<(), Error> {
        let record = match record::read(dir) {
            Ok(record) => record,
            // A record that cannot be read must not keep the rest from going.
            Err(error) if error.kind() == io::ErrorKind::Other => None,
            Err(error) => return Err(disk("read the instance's record")(error)),
        };
        if let Some(record) = &record {
            let stopping = Record { state: State::Stopping, ..record.clone() };
            record::write(dir, &stopping).map_err(disk("write the instance's record"))?;
        }
        if dir.path().exists() {
            self.engine.stop(dir, Duration::ZERO).map_err(|error| Error::transient(base::chain(&error)))?;
            let aside = self.aside(controller, name);
            files::remove_tree(&aside).map_err(disk("remove an instance's directory"))?;
            fs::rename(dir.path(), &aside).map_err(disk("set an instance's directory aside"))?;
            files::remove_tree(&aside).map_err(disk("remove the instance's directory"))?;
        }
        if let Some(record) = record {
            self.free_number(controller, record.number);
        }
        Ok(())
    }

    pub fn destroy_model(&self, controller: &str, model: &str) -> Result<(), Error> {
        let records = self.records(controller)?;
        let of_model = records.into_iter().filter(|(_, record)| record.model == model && record.state != State::Kept);
        let names = of_model.map(|(name, _)| name).collect();
        self.stop_all(controller, names)
    }

    /// Several at a time: most of a stop is waiting for the kernel.
    fn stop_all(&self, controller: &str, names: Vec<String>) -> Result<(), Error> {
        let size = names.len().div_ceil(8).max(1);
        std::thread::scope(|scope| {
            let parts: Vec<_> = names
                .chunks(size)
                .map(|part| scope.spawn(move || part.iter().try_for_each(|name| self.stop(controller, name))))
                .collect();
            // All of them are tried before the first failure is told.
            let results: Vec<_> = parts.into_iter().map(|part| part.join()).collect();
            results.into_iter().try_for_each(|result| match result {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })
    }

    pub fn destroy_controller(&self, controller: &str) -> Result<(), Error> {
        let home = self.home(controller);
        let mut names: Vec<String> = Vec::new();
        // Directories, not records: one whose record is broken goes too.
        if let Ok(entries) = fs::read_dir(&home) {
            let named = entries.flatten().filter_map(|e| e.file_name().into_string().ok());
            names.extend(named.filter(|name| !name.starts_with('.')));
        }
        self.stop_all(controller, names)?;
        let mut networks = lock(&self.networks);
        if let Some(network) = self.known_network(controller)? {
            let group = format!("{}/{}", cgroup::top(), network.key);
            cgroup::end(&group, Duration::from_secs(15)).map_err(disk("end the controller's machines"))?;
            cgroup::prune(cgroup::top()).map_err(disk("remove control groups"))?;
            network.remove().map_err(network_error)?;
        }
        networks.remove(controller);
        files::remove(&self.network_file(controller)).map_err(disk("remove the network's record"))?;
        files::remove_tree(&home).map_err(disk("remove the controller's instances"))?;
        self.tidy().map_err(disk("remove the cloud's directories"))
    }

    /// When the last controller of this data directory is gone, so are images and layers. Another may come at any moment: it writes its network's
    /// record before it looks for an image. So these are set aside first, and put back for whoever has come until then; who comes later finds
    /// none and makes them anew. Removing them in their place would take them from under machines. Another process that is making one, a
    /// bootstrap that has no record yet among them, has the lock: then they stay. What this process was making it makes for nobody.
    fn tidy(&self) -> io::Result<()> {
        self.tidy_while(|| {})
    }

    /// `another`: what happens between setting aside and removing.
    fn tidy_while(&self, another: impl FnOnce()) -> io::Result<()> {
        for dir in ["instances", "networks"] {
            match fs::remove_dir(self.data.join(dir)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => return Ok(()),
                other => other?,
            }
        }
        let aside: Vec<(PathBuf, PathBuf)> = ["layers", "images"]
            .into_iter()
            .map(|name| (self.data.join(name), self.data.join(format!(".gone-{name}"))))
            .collect();
        let mut locks = Vec::new();
        for (place, _) in aside.iter().filter(|(place, _)| place.exists()) {
            let path = place.join(".lock");
            let is_own = files::Lock::is_own(&path);
            match files::Lock::try_take(&path)? {
                Some(lock) => locks.push(lock),
                None if is_own => {}
                None => return Ok(()),
            }
        }
        for (place, gone) in &aside {
            files::remove_tree(gone)?;
            match fs::rename(place, gone) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        another();
        let is_used = !self.controllers().is_empty();
        for (place, gone) in &aside {
            if !(is_used && fs::rename(gone, place).is_ok()) {
                files::remove_tree(gone)?;
            }
        }
        Ok(())
    }

    pub fn controllers(&self) -> BTreeSet<String> {
        let names = |dir: &str| -> Vec<String> {
            let entries = fs::read_dir(self.data.join(dir)).into_iter().flatten().flatten();
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
        };
        let networks = names("networks").into_iter().filter_map(|name| name.strip_suffix(".json").map(str::to_owned));
        networks.chain(names("instances")).collect()
    }

    pub fn gates(&self, controller: &str) -> Result<Vec<container::network::Gate>, Error> {
        let network = self.known_network(controller)?;
        container::network::gates(network.as_ref()).map_err(network_error)
    }

    pub fn console(&self, controller: &str, name: &str) -> Result<String, Error> {
        let dir = self.dir(controller, name);
        if record::read(&dir).map_err(disk("read the instance's record"))?.is_none() {
            return Err(Error::not_found(format!("instance {name}")));
        }
        engine::console(&dir).map_err(disk("read the console"))
    }

    pub fn restore(&self, controller: &str) -> Result<(), Error> {
        let records = self.records(controller)?;
        if records.is_empty() && self.known_network(controller)?.is_none() {
            return Ok(());
        }
        self.mend_network(controller)?;
        let mut failed = None;
        // Those that live inside others come after them.
        let (inner, outer): (Vec<_>, Vec<_>) = records.into_iter().partition(|(_, record)| record.parent.is_some());
        for (name, _) in outer.into_iter().chain(inner) {
            if let Err(error) = self.start_again(controller, &name) {
                tracing::warn!(instance = name, %error, "a machine could not be started again");
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn start_again(&self, controller: &str, name: &str) -> Result<(), Error> {
        let turn = self.turn(controller, name);
        let _turn = lock(&turn);
        self.mend(&self.dir(controller, name))
    }

    /// Starts an instance that ran, unless it runs; the caller has its turn.
    pub fn mend(&self, dir: &Dir) -> Result<(), Error> {
        let record = record::read(dir).map_err(disk("read the instance's record"))?;
        let ran = record.is_some_and(|record| matches!(record.state, State::Running | State::Kept));
        match engine::plan(dir).filter(|_| ran && engine::running(dir).is_none()) {
            Some(plan) => {
                self.engine.start(dir, &plan).map(drop).map_err(|error| Error::transient(base::chain(&error)))
            }
            None => Ok(()),
        }
    }
}

/// A name from outside becomes one part of a path, whatever it says.
fn plain(name: &str) -> String {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let plain: String = name.chars().filter(|c| fine(*c)).collect();
    if plain.is_empty() { "_".to_owned() } else { plain }
}

pub fn addresses(record: &Record) -> Vec<Address> {
    vec![Address { value: record.address.into(), scope: AddressScope::CloudLocal }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_go_with_the_last_controller_and_stay_for_one_that_has_come() {
        let folder = std::env::temp_dir().join(format!("grigri-tidy-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let worker = Worker::new(folder.clone(), Engine::new("/nonexistent".into()), None);
        let all = vec!["images", "layers", "networks"];
        for (before, meanwhile, left) in [(false, false, vec![]), (true, false, all.clone()), (false, true, all)] {
            for dir in ["images/debian@12-1", "layers/x", "networks", "instances"] {
                fs::create_dir_all(folder.join(dir)).expect("made");
            }
            let comes = |it_does: bool| {
                if it_does {
                    fs::create_dir_all(folder.join("networks")).expect("made");
                    fs::write(folder.join("networks/a.json"), "{}").expect("written");
                }
            };
            comes(before);
            worker.tidy_while(|| comes(meanwhile)).expect("tidied");
            let mut names: Vec<String> = fs::read_dir(&folder)
                .expect("there")
                .flatten()
                .filter_map(|entry| entry.file_name().into_string().ok())
                .collect();
            names.sort();
            assert_eq!(names, left, "{before} {meanwhile}");
            let _ = fs::remove_file(folder.join("networks/a.json"));
        }
        fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn what_another_process_is_making_is_not_taken_away_from_under_it() {
        let folder = tempfile::tempdir().expect("folder");
        let (images, lock) = (folder.path().join("images"), folder.path().join("images/.lock"));
        let worker = Worker::new(folder.path().to_owned(), Engine::new("/nonexistent".into()), None);
        fs::create_dir(&images).expect("made");
        let others = fs::File::create(&lock).expect("made");
        others.lock().expect("locked");
        worker.tidy().expect("tidied");
        assert!(images.is_dir());
        drop(others);
        // Whoever removes the last controller uses no image that it is making.
        let _own = files::Lock::take(&lock).expect("taken");
        worker.tidy().expect("tidied");
        assert!(!images.exists());
    }
}
