//! Machines inside machines: a container of the same engine beside its host, in its host's control group and life.
//! It knows records and plans. The surprise: only the group and the life are the host's. The disk, the ids and the address are the container's own,
//! so its neighbours reach it as they reach any machine.

use cloud::{Error, InstanceId, StartRequest};
use container::engine;
use container::plan::Dir;

use super::constraints::Host;
use super::record::{self, Record, State};
use super::worker::{Worker, disk};

/// The machine that another one is to live inside, which runs.
pub struct Around {
    pub dir: Dir,
    /// Its control group, with all that is inside.
    pub group: String,
    pub has: Host,
}

pub fn check(kind: &str) -> Result<(), Error> {
    match kind {
        "lxd" => Ok(()),
        _ => Err(Error::permanent(format!("the builtin cloud makes no {kind} containers"))),
    }
}

impl Worker {
    /// Where a machine is to live that is asked for inside another; the caller has the other's turn.
    pub fn around(&self, request: &StartRequest) -> Result<Option<Around>, Error> {
        let Some(InstanceId(name)) = &request.parent else { return Ok(None) };
        let dir = self.dir(&request.model.controller, name);
        let away = || Error::transient(format!("its host {name} does not run"));
        let host = record::read(&dir).map_err(disk("read the record of its host"))?.ok_or_else(away)?;
        if host.parent.is_some() {
            return Err(Error::permanent(format!("its host {name} is a container itself")));
        }
        if host.state != State::Running {
            return Err(away());
        }
        engine::running(&dir).ok_or_else(away)?;
        let plan = engine::plan(&dir).ok_or_else(away)?;
        Ok(Some(Around { group: plan.group().to_owned(), has: has(&host, &Host::look()), dir }))
    }

    /// The instances inside one. The names of all begin with its own.
    pub fn inside(&self, controller: &str, name: &str) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        for inner in self.names(controller)?.into_iter().filter(|inner| inner.starts_with(name) && inner != name) {
            let record = record::read(&self.dir(controller, &inner)).ok().flatten();
            if record.is_some_and(|record| record.parent.as_deref() == Some(name)) {
                found.push(inner);
            }
        }
        Ok(found)
    }
}

/// What a machine has to share.
fn has(machine: &Record, host: &Host) -> Host {
    Host {
        arch: host.arch,
        cores: machine.hardware.cpu_cores.unwrap_or(host.cores),
        mem_mib: machine.hardware.mem.unwrap_or(host.mem_mib),
    }
}
