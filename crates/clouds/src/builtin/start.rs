//! Starting one instance: its number, its record, its disk, its container.
//! The surprise: started twice, or again after a crash at any point, it is the same instance with the same address.

use std::path::{Path, PathBuf};

use cloud::{Content, Error, InstanceId, Owner, Progress, StartRequest, Started};
use container::layer::{self, Entry, Source};
use container::network::Network;
use container::plan::{Dir, Heir, INIT, OWN};
use container::{Plan, Service, cgroup, engine, files, resolv};

use super::constraints::{self, Host};
use super::disks;
use super::record::{self, Record, State};
use super::worker::{Worker, addresses, disk, lock};

/// The login user of every image.
const LOGIN: (u32, u32) = (1000, 1000);
const LOGIN_HOME: &str = "/home/ubuntu";
/// Ids of machines begin here, above those that people and other container managers use, and below the sign bit that some programs trip over.
const FIRST_ID: u32 = 0x7000_0000;

impl Worker {
    pub fn start(&self, request: &StartRequest, progress: &Progress) -> Result<Started, Error> {
        let controller = &request.model.controller;
        let turn = self.turn(controller, &request.name);
        let _turn = lock(&turn);
        // Its host does not go meanwhile. Whoever takes both turns takes the outer one last.
        let around = request.parent.as_ref().map(|host| self.turn(controller, &host.0));
        let _around = around.as_deref().map(lock);
        let dir = self.dir(controller, &request.name);
        let network = self.ensure_network(controller)?;
        let before = record::read(&dir).map_err(disk("read the instance's record"))?;
        if let Some(record) = &before {
            if record.machine != request.machine || record.model != request.model.model {
                return Err(Error::permanent(format!(
                    "instance {} is machine {} of another model",
                    request.name, record.machine
                )));
            }
            if record.state == State::Running && engine::running(&dir).is_some() {
                return Ok(started(request, record));
            }
        }
        let result = self.make(request, progress, &dir, &network, before);
        if let Err(error) = &result {
            tracing::debug!(instance = request.name, %error, "start failed: removing what it made");
            // What was not written cannot be told; the error is.
            progress.printed(&engine::console(&dir).unwrap_or_default());
            if let Err(error) = self.remove(controller, &request.name, &dir) {
                tracing::warn!(instance = request.name, %error, "what a failed start made could not be removed");
            }
        }
        result
    }

    fn make(
        &self,
        request: &StartRequest,
        progress: &Progress,
        dir: &Dir,
        network: &Network,
        before: Option<Record>,
    ) -> Result<Started, Error> {
        let controller = &request.model.controller;
        let around = self.around(request)?;
        let own = format!("{}/{}/{}{OWN}", cgroup::top(), network.key, request.name);
        let (has, cgroup) = match &around {
            Some(around) => (around.has.clone(), format!("{}/{}", around.group, request.name)),
            None => (Host::look(), own),
        };
        constraints::check(&request.constraints, &has)?;
        progress.say("Preparing image");
        let image = self.image(&request.base, &preparing(progress))?;
        progress.say("Creating container");
        let limits = constraints::limits(&request.constraints);
        let number = match &before {
            Some(record) => record.number,
            None => self.take_number(controller)?,
        };
        let place = network.place(number).map_err(|error| Error::transient(base::chain(&error)))?;
        let mut record = Record {
            controller: controller.clone(),
            model: request.model.model.clone(),
            machine: request.machine.clone(),
            parent: request.parent.as_ref().map(|id| id.0.clone()),
            base: image.base.clone(),
            number,
            address: place.address,
            hardware: constraints::hardware(&limits, &has),
            state: State::Starting,
        };
        if let Err(error) = record::write(dir, &record) {
            self.free_number(controller, number);
            return Err(disk("write the instance's record")(error));
        }

        let mut layers = self.layers(request, &image.dir).map_err(disk("lay out the machine's programs"))?;
        layers.push(image.dir);
        let below: Vec<&Path> = layers.iter().map(PathBuf::as_path).collect();
        fill(request, &record, dir, &below).map_err(disk("write the machine's files"))?;
        let plan = Plan {
            id: request.name.clone(),
            hostname: request.name.clone(),
            layers,
            cgroup,
            limits,
            place: Some(place),
            ids: Some(first_id(network, number)),
            services: match request.agent.is_empty() {
                true => Vec::new(),
                false => vec![agent(request)],
            },
            disks: disks::planned(&request.disks),
            host: around.map(|around| around.dir.path().to_owned()),
        };
        self.engine.start(dir, &plan).map_err(|error| Error::transient(base::chain(&error)))?;
        record.state = State::Running;
        record::write(dir, &record).map_err(disk("write the instance's record"))?;
        progress.say("Container started");
        Ok(started(request, &record))
    }

    /// What lies between the image and the machine's disk, the uppermost first.
    fn layers(&self, request: &StartRequest, image: &Path) -> std::io::Result<Vec<PathBuf>> {
        let home = self.data.join("layers");
        let given: Vec<Entry> = request
            .files
            .iter()
            .filter_map(|file| match &file.content {
                Content::OnHost(path) => {
                    Some(Entry { path: file.path.clone(), mode: file.mode, source: Source::Host(path.clone()) })
                }
                Content::Bytes(_) => None,
            })
            .collect();
        let program = layer::of_program(self.engine.program());
        let made = [layer::of(&home, &given, image)?, layer::of(&home, &program, image)?];
        Ok(made.into_iter().flatten().collect())
    }
}

/// Hears how far an image is, and says so of the machine that waits for it.
pub fn preparing(progress: &Progress) -> impl Fn(&str) + use<> {
    let progress = progress.clone();
    move |words| progress.say(&format!("Preparing image: {words}"))
}

fn agent(request: &StartRequest) -> Service {
    let heir = request.heir.as_ref().map(|heir| Heir {
        after: heir.after,
        name: "ssh".to_owned(),
        command: std::iter::once(INIT.to_owned()).chain(heir.args.clone()).collect(),
    });
    Service { name: "agent".to_owned(), command: request.agent.clone(), heir }
}

/// Neighbours do not share ids; two controllers may, since their machines share nothing else.
fn first_id(network: &Network, number: u32) -> u32 {
    let key = u32::from_str_radix(&network.key, 16).unwrap_or(0);
    FIRST_ID + (key.wrapping_add(number) % 4095) * container::plan::IDS
}

fn started(request: &StartRequest, record: &Record) -> Started {
    Started {
        id: InstanceId(request.name.clone()),
        display_name: request.name.clone(),
        hardware: record.hardware.clone(),
        addresses: addresses(record),
        disks: disks::made(&request.name, &request.disks),
    }
}

/// Writes the machine's own files to its disk.
fn fill(request: &StartRequest, record: &Record, dir: &Dir, below: &[&Path]) -> std::io::Result<()> {
    let upper = dir.upper();
    std::fs::create_dir_all(&upper)?;
    files::remove(&dir.shifted())?;
    let write = |path: &str, mode, owner, bytes: &[u8]| layer::write(&upper, below, path, mode, owner, bytes);
    let root = (0, 0);
    let name = &request.name;
    let hosts = format!("127.0.0.1 localhost\n::1 localhost ip6-localhost\n{} {name}\n", record.address);
    write("/etc/hostname", 0o644, root, format!("{name}\n").as_bytes())?;
    write("/etc/hosts", 0o644, root, hosts.as_bytes())?;
    write("/etc/resolv.conf", 0o644, root, resolv::for_machine().as_bytes())?;
    let id = std::fs::read_to_string("/proc/sys/kernel/random/uuid")?.trim().replace('-', "");
    write("/etc/machine-id", 0o444, root, format!("{id}\n").as_bytes())?;
    for key in &request.host_keys {
        let path = format!("/etc/ssh/ssh_host_{}_key", key.kind);
        write(&path, 0o600, root, key.private.as_bytes())?;
        write(&format!("{path}.pub"), 0o644, root, format!("{}\n", key.public.trim_end()).as_bytes())?;
    }
    let mut keys = request.authorized_keys.join("\n");
    keys.push('\n');
    let authorized = format!("{LOGIN_HOME}/.ssh/authorized_keys");
    write(&authorized, 0o600, LOGIN, keys.as_bytes())?;
    own_login_dirs(&upper)?;
    for file in &request.files {
        if let Content::Bytes(bytes) = &file.content {
            let owner = match file.owner {
                Owner::Root => root,
                Owner::Login => LOGIN,
            };
            write(&file.path, file.mode, owner, bytes)?;
        }
    }
    Ok(())
}

/// `.ssh` was made on the way to a file in it, as root's.
fn own_login_dirs(upper: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{PermissionsExt, lchown};
    let home = upper.join(LOGIN_HOME.trim_start_matches('/'));
    for (dir, mode) in [(home.clone(), 0o750), (home.join(".ssh"), 0o700)] {
        lchown(&dir, Some(LOGIN.0), Some(LOGIN.1))?;
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}
