//! What a removal leaves that was killed at its very end: a directory whose record is gone, or that was set aside. Nothing runs in it any more.
//! The surprise: what a call of this process is at has its instance's turn, and is no remains, whatever it looks like.

use std::fs;
use std::sync::TryLockError;

use cloud::{Error, Thing};
use container::files;
use container::plan::Dir;

use super::record;
use super::worker::{ASIDE, Worker, disk, lock};

const KIND: &str = "directory";

impl Worker {
    pub fn remains(&self, controller: &str) -> Result<Vec<Thing>, Error> {
        let entries = match fs::read_dir(self.home(controller)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(disk("list the instances")(error)),
        };
        let mut remains = Vec::new();
        for entry in entries.flatten() {
            let Ok(id) = entry.file_name().into_string() else { continue };
            let turn = self.turn(controller, id.strip_prefix(ASIDE).unwrap_or(&id));
            let _turn = match turn.try_lock() {
                Ok(turn) => turn,
                Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
                Err(TryLockError::WouldBlock) => continue,
            };
            // Looked at with the turn: a call may have been over in between. One that cannot be read is not nothing.
            let is_left = entry.path().is_dir()
                && (id.starts_with(ASIDE) || matches!(record::read(&Dir(entry.path())), Ok(None)));
            if is_left {
                remains.push(Thing { kind: KIND.into(), id, model: String::new(), since: files::made(&entry.path()) });
            }
        }
        self.forget_turns();
        Ok(remains)
    }

    pub fn remove_remains(&self, controller: &str, thing: &Thing) -> Result<(), Error> {
        if thing.kind != KIND {
            return Ok(());
        }
        let name = thing.id.strip_prefix(ASIDE).unwrap_or(&thing.id);
        let turn = self.turn(controller, name);
        let _turn = lock(&turn);
        if thing.id.starts_with(ASIDE) {
            return files::remove_tree(&self.aside(controller, name)).map_err(disk("remove an instance's directory"));
        }
        let dir = self.dir(controller, name);
        match record::read(&dir) {
            Ok(None) => self.remove(controller, name, &dir),
            // An instance by now, or something that cannot be judged.
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use container::Engine;

    #[test]
    fn what_is_left_is_seen_and_removed_and_what_somebody_is_at_is_not() {
        let folder = std::env::temp_dir().join(format!("grigri-remains-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let worker = Worker::new(folder.clone(), Engine::new("/nonexistent".into()), None);
        let home = worker.home("c");
        for dir in [".gone-juju-a-0/disk", "juju-a-1/disk", "juju-a-2", "juju-a-3", ".gone-juju-a-4"] {
            fs::create_dir_all(home.join(dir)).expect("made");
        }
        fs::write(home.join("juju-a-2/instance.json"), "{").expect("written");
        let busy = [worker.turn("c", "juju-a-3"), worker.turn("c", "juju-a-4")];
        let held: Vec<_> = busy.iter().map(|turn| lock(turn)).collect();
        let ids = || {
            let mut ids: Vec<String> = worker.remains("c").expect("looked").into_iter().map(|one| one.id).collect();
            ids.sort();
            ids
        };
        assert_eq!(ids(), [".gone-juju-a-0", "juju-a-1"]);
        drop(held);
        assert_eq!(ids(), [".gone-juju-a-0", ".gone-juju-a-4", "juju-a-1", "juju-a-3"]);
        let all = worker.remains("c").expect("looked");
        assert!(all.iter().all(|one| one.since.is_some()), "{all:?}");
        let aside = all.iter().find(|one| one.id == ".gone-juju-a-0").expect("there");
        worker.remove_remains("c", aside).expect("removed");
        worker.remove_remains("c", aside).expect("and again");
        let none = Thing { id: "juju-a-2".into(), ..aside.clone() };
        worker.remove_remains("c", &none).expect("nothing is done");
        assert!(home.join("juju-a-2").exists(), "what cannot be judged stays");
        assert_eq!(ids(), [".gone-juju-a-4", "juju-a-1", "juju-a-3"]);
        assert!(worker.remains("d").expect("none").is_empty());
        fs::remove_dir_all(&folder).expect("removed");
    }
}
