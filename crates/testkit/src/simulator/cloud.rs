//! A cloud whose instances are files of a folder, so that it outlives the controller's process as real clouds do.
//! It must not know what an agent is: it tells of each instance started or stopped, and somebody plays it.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use cloud::{
    Address, AddressScope, Answer, Cloud, Constraints, Error, Hardware, InstanceId, InstanceInfo, InstanceStatus,
    ModelRef, Progress, StartRequest, Started,
};
use serde::{Deserialize, Serialize};

use super::Line;
use crate::assembly;

/// The cloud. One controller's: it does not look at whose an instance is.
pub struct Folder {
    pub folder: PathBuf,
    /// Is told of what happens.
    pub tell: Box<dyn Fn(Line) + Send + Sync>,
}

/// The marks of an instance.
#[derive(Serialize, Deserialize)]
struct Marks {
    model: String,
    machine: String,
}

fn disk(error: io::Error) -> Error {
    Error::transient(format!("cannot use the folder of instances: {error}"))
}

fn address(machine: &str) -> Address {
    let number: u32 = machine.parse().unwrap_or(0);
    let [_, b, c, d] = number.to_be_bytes();
    Address { value: IpAddr::V4(Ipv4Addr::new(10, b, c, d)), scope: AddressScope::CloudLocal }
}

impl Folder {
    fn start(&self, request: &StartRequest) -> Result<Started, Error> {
        let path = self.folder.join(&request.name);
        let is_new = !path.exists();
        if is_new {
            let marks = Marks { model: request.model.model.clone(), machine: request.machine.clone() };
            fs::write(path, serde_json::to_vec(&marks).unwrap_or_default()).map_err(disk)?;
            let config = assembly::agent_config(&request.files);
            let config = config.ok_or_else(|| Error::permanent("there is no agent on the machine's disk"))?;
            (self.tell)(Line::Started { name: request.name.clone(), config });
        }
        Ok(Started {
            id: InstanceId(request.name.clone()),
            display_name: request.name.clone(),
            hardware: Hardware {
                arch: Some("amd64".into()),
                cpu_cores: Some(1),
                mem: Some(512),
                ..Hardware::default()
            },
            disks: Vec::new(),
            addresses: vec![address(&request.machine)],
        })
    }

    fn all(&self) -> Result<Vec<InstanceInfo>, Error> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(disk)? {
            let entry = entry.map_err(disk)?;
            let text = fs::read(entry.path()).map_err(disk)?;
            let Marks { model, machine } = serde_json::from_slice(&text).map_err(|e| disk(e.into()))?;
            let addresses = vec![address(&machine)];
            let id = InstanceId(entry.file_name().to_string_lossy().into_owned());
            let (status, detail) = (InstanceStatus::Running, "Running".to_owned());
            all.push(InstanceInfo { id, model, machine, status, detail, addresses, since: None });
        }
        Ok(all)
    }

    fn stop(&self, id: &InstanceId) -> Result<(), Error> {
        match fs::remove_file(self.folder.join(&id.0)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk(error)),
            _ => {
                (self.tell)(Line::Stopped { name: id.0.clone() });
                Ok(())
            }
        }
    }

    fn sweep(&self, which: impl Fn(&InstanceInfo) -> bool) -> Result<(), Error> {
        self.all()?.iter().filter(|one| which(one)).try_for_each(|one| self.stop(&one.id))
    }
}

fn now<'a, T: Send + 'a>(answer: Result<T, Error>) -> Answer<'a, T> {
    Box::pin(std::future::ready(answer))
}

impl Cloud for Folder {
    fn kind(&self) -> &'static str {
        assembly::CLOUD
    }

    fn preflight(&self) -> Answer<'_, ()> {
        now(Ok(()))
    }

    fn bases(&self) -> Answer<'_, Vec<String>> {
        now(Ok(vec!["ubuntu@24.04".into()]))
    }

    fn check_constraints(&self, _wanted: &Constraints) -> Result<Vec<&'static str>, Error> {
        Ok(Vec::new())
    }

    fn prepare_model<'a>(&'a self, _model: &'a ModelRef) -> Answer<'a, ()> {
        now(Ok(()))
    }

    fn start_instance<'a>(&'a self, request: &'a StartRequest, _progress: &'a Progress) -> Answer<'a, Started> {
        now(self.start(request))
    }

    fn instances<'a>(&'a self, _controller: &'a str) -> Answer<'a, Vec<InstanceInfo>> {
        now(self.all())
    }

    fn stop_instance<'a>(&'a self, _controller: &'a str, id: &'a InstanceId) -> Answer<'a, ()> {
        now(self.stop(id))
    }

    fn release_instance<'a>(&'a self, _: &'a str, id: &'a InstanceId, _: &'a [String]) -> Answer<'a, ()> {
        now(self.stop(id))
    }

    fn destroy_model<'a>(&'a self, model: &'a ModelRef) -> Answer<'a, ()> {
        now(self.sweep(|one| one.model == model.model))
    }

    fn destroy_controller<'a>(&'a self, _controller: &'a str) -> Answer<'a, ()> {
        now(self.sweep(|_| true))
    }

    fn console_log<'a>(&'a self, _controller: &'a str, _id: &'a InstanceId) -> Answer<'a, String> {
        now(Ok(String::new()))
    }

    fn restore<'a>(&'a self, _controller: &'a str) -> Answer<'a, ()> {
        now(Ok(()))
    }
}
