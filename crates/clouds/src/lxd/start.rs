//! Starting one instance: found or made, filled, started.
//! The surprise: what never ran is half made, and is made anew; what ran once has all that it needs, and is only started.
//!
//! ```text
//!   (nothing) --create--> stopped, never ran --fill--> the same --start--> running
//!                              ^      |
//!                              +------+ a controller died in between: removed, made anew
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cloud::{Error, InstanceId, Progress, StartRequest, Started};
use futures_util::{TryStreamExt, stream};
use hyper::Method;
use serde_json::{Value, json};

use super::client::{Client, Content, escape};
use super::constraints;
use super::error::Failed;
use super::first_boot::{self, FirstBoot, Put, What};
use super::image::{self, Image};
use super::image_files::{ImageFiles, Known};
use super::instance::{AUTOSTART, Instance, mark};
use super::profile::{self, DEFAULT};
use super::server::{Server, arch_of};
use super::stop;

/// An image may have to come from far away.
const MAKE: Duration = Duration::from_secs(900);
const START: Duration = Duration::from_secs(120);
/// Until a virtual machine's own agent answers.
const BOOT: Duration = Duration::from_secs(300);
/// Files that are written at once: beyond that the server is no faster.
const AT_ONCE: usize = 6;
/// Where the server says which image an instance was made from.
const BASE_IMAGE: &str = "volatile.base_image";
const LOOK_AGAIN: Duration = Duration::from_millis(500);

pub struct Start<'a> {
    pub client: &'a Client,
    pub server: &'a Server,
    pub image_servers: &'a [String],
    pub known: &'a Known,
    /// A server whose images do as well as its own.
    pub other: Option<&'a Client>,
    pub request: &'a StartRequest,
    pub progress: &'a Progress,
}

impl Start<'_> {
    pub async fn run(&self) -> Result<Started, Error> {
        if let Some(there) = find(self.client, &self.request.name).await? {
            if !self.is_ours(&there) {
                return Err(Error::permanent(format!(
                    "there is an instance {} already, and it is none of this machine's",
                    there.name
                )));
            }
            if there.has_run() && !there.is_half_made() {
                if !there.is_running() {
                    bring_up(self.client, &there.name).await?;
                }
                return Ok(self.started(&there));
            }
            stop::remove(self.client, &there).await?;
        }
        let made = self.make().await;
        if made.is_err() {
            self.take_back().await;
        }
        made
    }

    fn is_ours(&self, there: &Instance) -> bool {
        let model = &self.request.model;
        there.is_machine(&model.controller, &model.model, &self.request.machine)
    }

    async fn make(&self) -> Result<Started, Error> {
        let request = self.request;
        let is_vm = constraints::is_virtual_machine(&request.constraints);
        let arch = self.arch();
        self.progress.say("acquiring image");
        let mut images =
            image::find(self.client, self.server.flavour, &request.base, arch, is_vm, self.image_servers).await?;
        let is_here = images.iter().any(|image| image.server.is_none());
        if let Some(other) = self.other.filter(|_| !is_here) {
            let brought = image::brought(other, self.client, &request.base, arch, is_vm, self.progress).await?;
            images = brought.map_or(images, |image| vec![image]);
        }
        let profile = profile::ensure(self.client, &request.model).await?;
        self.progress.say("Creating container");
        let image = self.create_of_any(&images, &profile, is_vm).await?;
        self.progress.go_on()?;
        if !is_vm {
            self.fill(image.fingerprint()).await?;
            self.whole().await?;
            bring_up(self.client, &request.name).await?;
        } else {
            bring_up(self.client, &request.name).await?;
            self.await_agent().await?;
            // It runs already, so its files are not only the image's.
            self.fill(None).await?;
            self.wake_agent().await?;
        }
        self.progress.say("Container started");
        let there = find(self.client, &request.name).await?;
        let there = there.ok_or_else(|| Error::transient("the instance went as soon as it was there"))?;
        if let (Some(server), Some(fingerprint)) = (&image.server, there.config.get(BASE_IMAGE)) {
            image::keep(self.client, &request.base, arch, is_vm, server, fingerprint).await;
        }
        Ok(self.started(&there))
    }

    /// The first of these that its image server has.
    async fn create_of_any<'i>(&self, images: &'i [Image], profile: &str, is_vm: bool) -> Result<&'i Image, Error> {
        let mut first_absent = None;
        for image in images {
            self.progress.go_on()?;
            match self.create(image, profile, is_vm).await {
                Ok(()) => return Ok(image),
                Err(failed) if image.server.is_some() && image::is_absent(&failed) => {
                    first_absent.get_or_insert((image, failed));
                }
                Err(failed) if is_about_image(&failed, image) => {
                    return Err(image::missing(self.client, &self.request.base, &image.name, &failed).await);
                }
                Err(failed) => return Err(failed.at("create the instance").into()),
            }
        }
        match first_absent {
            Some((image, failed)) => Err(image::missing(self.client, &self.request.base, &image.name, &failed).await),
            None => Err(Error::permanent(format!("no image for base {}", self.request.base))),
        }
    }

    fn arch(&self) -> &str {
        let wanted = self.request.constraints.arch.as_deref().filter(|arch| !arch.is_empty());
        wanted.or(self.server.arches.first().map(String::as_str)).unwrap_or("amd64")
    }

    async fn create(&self, image: &Image, profile: &str, is_vm: bool) -> Result<(), Failed> {
        let request = self.request;
        let mut config: BTreeMap<String, String> = constraints::limits(&request.constraints);
        let unit = first_boot::unit_name(&request.machine);
        let program = request.agent.first().map_or("", String::as_str);
        let user_data = first_boot::user_data(request);
        config.extend(request.tags.iter().filter_map(|(tag, value)| Some((mark::of_tag(tag)?, value.clone()))));
        let fixed = [
            (mark::CONTROLLER, request.model.controller.as_str()),
            (mark::MODEL, &request.model.model),
            (mark::MACHINE, &request.machine),
            (mark::PROGRAM, program),
            (mark::UNIT, &unit),
            ("user.user-data", &user_data),
        ];
        config.extend(fixed.map(|(key, value)| (key.to_owned(), value.to_owned())));
        if !is_vm {
            // A server that begins anew starts what its profile says, and would start this without its files.
            config.insert(AUTOSTART.to_owned(), "false".to_owned());
        }
        let devices: BTreeMap<&str, _> =
            constraints::root_disk(&request.constraints, self.server).map(|disk| ("root", disk)).into_iter().collect();
        let mut body = json!({
            "name": request.name,
            "type": if is_vm { constraints::VIRTUAL_MACHINE } else { constraints::CONTAINER },
            "source": image.source,
            "profiles": [DEFAULT, profile],
            "config": config,
            "devices": devices,
        });
        if let Some(kind) = request.constraints.instance_type.as_ref().filter(|kind| !kind.is_empty()) {
            body["instance_type"] = json!(kind);
        }
        let target = match (self.server.is_clustered, &request.zone) {
            (true, Some(zone)) => format!("target={}", escape(zone)),
            _ => String::new(),
        };
        let tell = |metadata: &Value| {
            for (_, value) in metadata.as_object().into_iter().flatten() {
                if let Some(words) = value.as_str().filter(|words| words.contains('%')) {
                    self.progress.say(&format!("Retrieving image: {words}"));
                }
            }
        };
        self.client.change_telling(Method::POST, &["instances"], &target, &body, MAKE, &tell).await.map(drop)
    }

    async fn fill(&self, fingerprint: Option<&str>) -> Result<(), Error> {
        let name = &self.request.name;
        let seen = match fingerprint {
            Some(fingerprint) => self.known.look(self.client, name, fingerprint).await,
            None => ImageFiles::look(self.client, name).await.map(Arc::new),
        };
        let image = seen.map_err(|failed| failed.at("read the instance's files"))?;
        let FirstBoot { puts, removes } = first_boot::plan(self.request, &image)?;
        // Folders stand before what is in them.
        let (folders, others): (Vec<_>, Vec<_>) = puts.into_iter().partition(|put| matches!(put.what, What::Folder));
        for folder in folders {
            self.put(folder).await?;
        }
        stream::iter(others.into_iter().map(Ok)).try_for_each_concurrent(AT_ONCE, |put| self.put(put)).await?;
        for path in removes {
            self.client.remove_file(name, &path).await?;
        }
        Ok(())
    }

    /// All is written that it needs: it may be started, by whoever.
    async fn whole(&self) -> Result<(), Failed> {
        let changed = self.client.configure(&self.request.name, AUTOSTART, "true").await;
        changed.map_err(|failed| failed.at("let the instance start with its server"))
    }

    async fn put(&self, put: Put) -> Result<(), Error> {
        let flavour = self.server.flavour;
        let (kind, content) = match put.what {
            What::Folder => ("directory", Content::Bytes(Default::default())),
            What::Link(target) => ("symlink", Content::Bytes(target.into())),
            What::File(cloud::Content::Bytes(bytes)) => ("file", Content::Bytes(bytes::Bytes::copy_from_slice(&bytes))),
            What::File(cloud::Content::OnHost(path)) => ("file", Content::OnHost(path)),
        };
        let headers = [
            (flavour.header("uid"), put.uid.to_string()),
            (flavour.header("gid"), put.gid.to_string()),
            (flavour.header("mode"), format!("{:04o}", put.mode)),
            (flavour.header("type"), kind.to_owned()),
        ];
        let written = self.client.upload(&self.request.name, &put.path, &headers, content).await;
        Ok(written.map_err(|failed| failed.at(&format!("write {} in the instance", put.path)))?)
    }

    /// A virtual machine's files can be written once it runs.
    async fn await_agent(&self) -> Result<(), Error> {
        let waited = async {
            while self.client.folder(&self.request.name, "/etc").await.is_err() {
                self.progress.go_on()?;
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            Ok(())
        };
        let late = || Err(Error::transient("the virtual machine does not come up, or its image has no agent"));
        tokio::time::timeout(BOOT, waited).await.unwrap_or_else(|_| late())
    }

    async fn wake_agent(&self) -> Result<(), Error> {
        let unit = first_boot::unit_name(&self.request.machine);
        let script =
            format!("systemctl daemon-reload && systemctl enable --now {unit} && systemctl try-restart ssh sshd");
        let words = ["/bin/sh", "-c", &script].map(str::to_owned);
        match self.client.exec(&self.request.name, &words, START).await? {
            (0, _) => Ok(()),
            (status, said) => Err(Error::transient(format!("the agent does not start: {status} {}", said.trim()))),
        }
    }

    fn started(&self, there: &Instance) -> Started {
        let zone = match there.location.as_str() {
            "" | "none" => self.server.members.first().map_or("", |member| member.name.as_str()),
            location => location,
        };
        Started {
            id: InstanceId(there.name.clone()),
            display_name: there.name.clone(),
            hardware: constraints::hardware(&self.request.constraints, arch_of(&there.architecture), zone),
            addresses: there.addresses(),
            disks: Vec::new(),
        }
    }

    /// What could not be taken back is seen by its marks, and made anew by whoever asks next.
    async fn take_back(&self) {
        let there = match find(self.client, &self.request.name).await {
            Ok(Some(there)) if self.is_ours(&there) => there,
            _ => return,
        };
        if let Ok(printed) = super::console(self.client, &there.name).await {
            self.progress.printed(&printed);
        }
        if let Err(error) = stop::remove(self.client, &there).await {
            tracing::warn!(instance = there.name, %error, "what a failed start made could not be removed");
        }
    }
}

/// One instance with its state; none: there is no such instance.
pub async fn find(client: &Client, name: &str) -> Result<Option<Instance>, Failed> {
    match client.read::<Instance>(&["instances", name], "recursion=1").await {
        Ok(instance) if instance.name == name => Ok(Some(instance)),
        Ok(_) => Err(client.garbled(format!("it is not about instance {name}"))),
        Err(failed) if failed.is_missing() => Ok(None),
        Err(failed) => Err(failed),
    }
}

/// Starts one that is there.
pub async fn bring_up(client: &Client, name: &str) -> Result<(), Failed> {
    set_state(client, name, "start", START).await.map_err(|failed| failed.at("start the instance"))
}

/// `start`, or `stop` by force.
pub async fn set_state(client: &Client, name: &str, action: &str, limit: Duration) -> Result<(), Failed> {
    let body = json!({"action": action, "force": action == "stop", "timeout": 30});
    let path = ["instances", name, "state"];
    client.change_telling(Method::PUT, &path, "", &body, limit, &|_| {}).await.map(drop)
}

/// Whether it is the image that is missing, and not something else.
fn is_about_image(failed: &Failed, image: &Image) -> bool {
    match failed {
        Failed::Operation(words) | Failed::Said { words, .. } => {
            // A server that would take the image and cannot keep it says so in other words.
            let of_room = ["already exists", "limit", "maximum", "quota", "no space left", "disk full"];
            image.server.is_some() && !of_room.iter().any(|part| words.contains(part))
        }
        _ => false,
    }
}
