//! Letting one instance go: it runs on without our agent and its files, until its controller ends.
//! The surprise: its first process and its ssh server are this program all the same. A container has no others, and one without a door would
//! be of no use to whoever kept it.

use cloud::Error;
use container::plan::INIT;
use container::{engine, files};

use super::record::{self, Record, State};
use super::worker::{Worker, disk, lock};

impl Worker {
    /// May be asked again after a crash at any point. `farewell`: what our program is run with inside; nothing: it is not run.
    pub fn release(&self, controller: &str, name: &str, farewell: &[String]) -> Result<(), Error> {
        let turn = self.turn(controller, name);
        let _turn = lock(&turn);
        let dir = self.dir(controller, name);
        let Some(record) = record::read(&dir).map_err(disk("read the instance's record"))? else { return Ok(()) };
        match record.state {
            State::Kept => return Ok(()),
            // Half made, or half gone: nothing that could be kept.
            State::Starting | State::Stopping => return self.remove(controller, name, &dir),
            State::Running => {}
        }
        self.mend(&dir)?;
        if !farewell.is_empty() {
            let words: Vec<&str> = std::iter::once(INIT).chain(farewell.iter().map(String::as_str)).collect();
            let done = self.engine.exec(&dir, &words).map_err(|error| Error::transient(base::chain(&error)))?;
            if !done.status.success() {
                let words = String::from_utf8_lossy(&done.stderr);
                let last = words.trim().lines().last().unwrap_or_default();
                return Err(Error::transient(format!("its agent does not leave: {} {last}", done.status)));
            }
        }
        // Started again after a reboot of the host, it is what it is now.
        if let Some(mut plan) = engine::plan(&dir) {
            plan.services = plan.services.iter().filter_map(container::Service::succeeded).collect();
            let bytes = serde_json::to_vec(&plan).map_err(|error| disk("write the machine's plan")(error.into()))?;
            files::replace(&dir.plan(), &bytes, 0o600).map_err(disk("write the machine's plan"))?;
        }
        let kept = Record { state: State::Kept, ..record };
        record::write(&dir, &kept).map_err(disk("write the instance's record"))
    }
}
