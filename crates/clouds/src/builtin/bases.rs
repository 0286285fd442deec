//! Bases that machines of this host may have: its own, those that an operator added, those that `debootstrap` makes when they are asked for.
//! The surprise: what an operator added lies apart from what was made for machines: it stays when the last controller goes, until it is removed
//! by name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cloud::Error;
use container::engine;
use container::image::{self, Image, Making, debootstrap};

use super::record;
use super::worker::Worker;

/// A mirror that did not answer is asked again after this.
const MIRROR_PAUSE: Duration = Duration::from_secs(60);

/// One base, as an operator looks at it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Base {
    /// `debian@13`.
    pub name: String,
    /// `host`, `archive`, `debootstrap`.
    pub source: String,
    /// The archive's path, the release's name; of the host's own nothing.
    pub detail: String,
    /// Its image is there. One that is not is made when the first machine asks for it.
    pub is_ready: bool,
    /// What machines have that ask for none.
    pub is_default: bool,
    /// An operator added it.
    pub is_added: bool,
    /// Files and their bytes, where they were counted.
    pub files: Option<u64>,
    pub bytes: Option<u64>,
    /// Instances that have its image below them.
    pub instances: Vec<String>,
}

fn failed(error: image::Error) -> Error {
    Error::permanent(base::chain(&error))
}

impl Worker {
    /// Where images lie that an operator added.
    fn added(&self) -> PathBuf {
        self.data.join("bases")
    }

    /// All images that are there, those that an operator added first.
    pub fn all_images(&self) -> Vec<Image> {
        image::all(&self.added()).into_iter().chain(image::all(&self.images())).collect()
    }

    /// The names of all bases that machines may have, the default one first.
    pub fn bases(&self) -> Result<Vec<String>, Error> {
        let mut bases: Vec<String> = image::host_base().into_iter().collect();
        let there = self.all_images().into_iter().map(|image| image.base);
        for base in there.chain(debootstrap::makes().into_iter().map(str::to_owned)) {
            if !bases.contains(&base) {
                bases.push(base);
            }
        }
        if bases.is_empty() {
            return Err(Error::permanent(
                "there is no image, and /etc/os-release does not say what system the host has",
            ));
        }
        Ok(bases)
    }

    /// The image of a base. The host's own is made when it is missing, and one that `debootstrap` makes. `say` hears how far that is.
    pub fn image(&self, base: &str, say: &dyn Fn(&str)) -> Result<Image, Error> {
        let own = image::host_base().ok();
        let is_own = base.is_empty() || own.as_deref() == Some(base);
        let wanted = if base.is_empty() { own.as_deref().unwrap_or_default() } else { base };
        if let Some(added) = image::find(&self.added(), wanted) {
            return Ok(added);
        }
        if is_own {
            return image::of_host(&self.images(), Some(self.engine.program())).map_err(|error| match error {
                image::Error::NoDpkg | image::Error::NoRelease => failed(error),
                _ => Error::transient(base::chain(&error)),
            });
        }
        if let Some(made) = image::find(&self.images(), wanted) {
            return Ok(made);
        }
        if !debootstrap::makes().contains(&wanted) {
            return Err(self.unknown(wanted));
        }
        self.making(&self.images(), wanted, say).from_debootstrap(None).map_err(|error| match error {
            image::Error::Debootstrap(detail) => Error::Transient { detail, after: Some(MIRROR_PAUSE) },
            other => Error::transient(base::chain(&other)),
        })
    }

    /// Makes the image that a start would make, before the start takes a place among those that run beside it: it may take minutes.
    pub fn prepare(&self, controller: &str, name: &str, base: &str, say: &dyn Fn(&str)) -> Result<(), Error> {
        let is_new = record::read(&self.dir(controller, name)).is_ok_and(|record| record.is_none());
        let is_made = base.is_empty() || self.all_images().iter().any(|image| image.base == base);
        if is_new && !is_made && debootstrap::makes().contains(&base) {
            return self.image(base, say).map(drop);
        }
        Ok(())
    }

    fn making<'a>(&'a self, images: &'a Path, base: &'a str, say: &'a dyn Fn(&str)) -> Making<'a> {
        Making { images, base, sudo: Some(self.engine.program()), say }
    }

    /// Nobody has it and nobody makes it: what there is, and what would make it.
    fn unknown(&self, base: &str) -> Error {
        let there = self.bases().unwrap_or_default().join(", ");
        let could = debootstrap::could_make().any(|one| one == base) && debootstrap::program().is_none();
        let cure = if could { "; debootstrap would make it, if it were installed" } else { "" };
        Error::unmet("base", format!("no image of base {base} on this host (there is: {there}){cure}"))
    }

    /// Every base with what is known of it, the default one first, then by name.
    pub fn list_bases(&self) -> Result<Vec<Base>, Error> {
        let own = image::host_base().ok();
        let mut bases = Vec::new();
        for name in self.bases()? {
            let is_default = own.as_deref() == Some(&*name);
            let added = image::find(&self.added(), &name);
            let image = added.clone().or_else(|| image::find(&self.images(), &name));
            let facts = image.as_ref().and_then(image::facts);
            let source = match &facts {
                Some(facts) => facts.source.clone(),
                None if is_default => "host".to_owned(),
                None => "debootstrap".to_owned(),
            };
            bases.push(Base {
                source,
                detail: match &facts {
                    Some(facts) => facts.detail.clone(),
                    None => debootstrap::suite(&name).filter(|_| !is_default).unwrap_or_default().to_owned(),
                },
                is_ready: image.is_some(),
                is_default,
                is_added: added.is_some(),
                files: facts.as_ref().map(|facts| facts.size.files),
                bytes: facts.as_ref().map(|facts| facts.size.bytes),
                instances: self
                    .all_images()
                    .iter()
                    .filter(|image| image.base == name)
                    .flat_map(|image| self.users(image))
                    .collect(),
                name,
            });
        }
        if let Some((_, rest)) = bases.split_first_mut() {
            rest.sort_by(|a, b| a.name.cmp(&b.name));
        }
        Ok(bases)
    }

    /// Instances, of any controller here, that have this image below them.
    fn users(&self, image: &Image) -> Vec<String> {
        let mut users = Vec::new();
        for controller in self.controllers() {
            for name in self.records(&controller).unwrap_or_default().into_keys() {
                let plan = engine::plan(&self.dir(&controller, &name));
                if plan.is_some_and(|plan| plan.layers.contains(&image.dir)) {
                    users.push(name);
                }
            }
        }
        users
    }

    /// Adds a base: from an archive, or without one by `debootstrap`. `unlike`: also when the archive says that it is another.
    pub fn add_base(
        &self,
        base: &str,
        archive: Option<&Path>,
        mirror: Option<&str>,
        unlike: bool,
        say: &dyn Fn(&str),
    ) -> Result<Base, Error> {
        let images = self.added();
        let making = self.making(&images, base, say);
        let made = match archive {
            Some(archive) => making.from_archive(archive, unlike),
            None => making.from_debootstrap(mirror),
        };
        let made = match made {
            Ok(made) => made,
            Err(error) => {
                self.leave_no_folder();
                return Err(failed(error));
            }
        };
        // New machines have the new one. Older ones go when nobody has them below him any more.
        for old in image::all(&images).into_iter().filter(|old| old.base == base && old.dir != made.dir) {
            if self.users(&old).is_empty() {
                image::remove(&old, || !self.users(&old).is_empty()).map_err(failed)?;
            }
        }
        self.list_bases()?
            .into_iter()
            .find(|one| one.name == base)
            .ok_or_else(|| Error::transient(format!("base {base} vanished")))
    }

    /// What a failed addition made of the folder goes again, if nothing else is in it.
    fn leave_no_folder(&self) {
        if let Ok(lock) = container::files::Lock::take(&self.added().join(".lock")) {
            // Another addition may be at work: then it stays, as it should.
            let _ = lock.remove();
        }
    }

    /// Takes a base away, unless machines have it.
    pub fn remove_base(&self, base: &str) -> Result<(), Error> {
        let own = image::host_base().ok();
        let mut found: Vec<Image> = image::all(&self.added());
        if own.as_deref() != Some(base) {
            found.extend(image::all(&self.images()));
        }
        found.retain(|image| image.base == base);
        if found.is_empty() {
            let there = self.bases().unwrap_or_default().join(", ");
            return Err(Error::permanent(match own.as_deref() == Some(base) {
                true => format!("base {base} is the host's own: its image is made when it is needed"),
                false => format!("no image of base {base} on this host (there is: {there})"),
            }));
        }
        let users: Vec<String> = found.iter().flat_map(|image| self.users(image)).collect();
        let in_use =
            |users: Vec<String>| Error::permanent(format!("base {base} is in use: remove {} first", users.join(", ")));
        if !users.is_empty() {
            return Err(in_use(users));
        }
        for image in found {
            if !image::remove(&image, || !self.users(&image).is_empty()).map_err(failed)? {
                return Err(in_use(self.users(&image)));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::record::{Record, State};
    use container::{Dir, Engine, Limits, Plan};
    use std::fs;

    /// A cloud's directory with an image of a base that an operator added.
    fn cloud(dir: &Path, base: &str) -> (Worker, Image) {
        let worker = Worker::new(dir.to_owned(), Engine::new("/nonexistent".into()), None);
        let image = Image { base: base.to_owned(), dir: dir.join(format!("bases/{base}-1")) };
        fs::create_dir_all(&image.dir).expect("made");
        (worker, image)
    }

    fn instance(worker: &Worker, name: &str, image: &Image) {
        let dir: Dir = worker.dir("c", name);
        fs::create_dir_all(dir.path()).expect("made");
        let record = Record {
            controller: "c".into(),
            model: "m".into(),
            machine: "0".into(),
            parent: None,
            base: image.base.clone(),
            number: 2,
            address: [10, 0, 0, 2].into(),
            hardware: base::Hardware::default(),
            state: State::Running,
        };
        record::write(&dir, &record).expect("written");
        let plan = Plan {
            id: name.into(),
            hostname: name.into(),
            layers: vec![image.dir.clone()],
            cgroup: "/x".into(),
            limits: Limits::default(),
            place: None,
            ids: None,
            services: Vec::new(),
            disks: Vec::new(),
            host: None,
        };
        fs::write(dir.plan(), serde_json::to_vec(&plan).expect("json")).expect("written");
    }

    #[test]
    fn a_base_stays_while_a_machine_has_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let (worker, image) = cloud(dir.path(), "own@1");
        instance(&worker, "juju-1-0", &image);
        let listed = worker.list_bases().expect("listed");
        let one = listed.iter().find(|one| one.name == "own@1").expect("there");
        assert_eq!((one.is_ready, one.is_added, one.instances.as_slice()), (true, true, &["juju-1-0".to_owned()][..]));
        let error = worker.remove_base("own@1").expect_err("in use");
        assert_eq!(error.to_string(), "base own@1 is in use: remove juju-1-0 first");
        assert!(image.dir.exists());
        fs::remove_dir_all(dir.path().join("instances")).expect("removed");
        worker.remove_base("own@1").expect("removed");
        assert!(!dir.path().join("bases").exists());
        assert!(
            worker
                .remove_base("own@1")
                .expect_err("gone")
                .to_string()
                .starts_with("no image of base own@1 on this host")
        );
    }

    #[test]
    fn one_that_got_a_machine_meanwhile_is_put_back() {
        let dir = tempfile::tempdir().expect("a directory");
        let (_, image) = cloud(dir.path(), "own@1");
        assert!(!image::remove(&image, || true).expect("looked"));
        assert!(image.dir.exists());
        assert!(image::remove(&image, || false).expect("removed"));
        assert!(!image.dir.exists());
    }

    #[test]
    fn an_unknown_base_is_told_what_there_is() {
        let dir = tempfile::tempdir().expect("a directory");
        let (worker, _) = cloud(dir.path(), "own@1");
        let error = worker.image("own@2", &|_| {}).expect_err("unknown").to_string();
        assert!(
            error.starts_with("no image of base own@2 on this host (there is: ") && error.contains("own@1"),
            "{error}"
        );
        assert!(error.ends_with(')'), "{error}");
        assert_eq!(worker.image("own@1", &|_| {}).expect("there").dir, dir.path().join("bases/own@1-1"));
    }

    #[test]
    fn a_failed_addition_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let worker = Worker::new(dir.path().to_owned(), Engine::new("/nonexistent".into()), None);
        for (base, archive) in [
            ("own@1", "/nonexistent"),
            ("../x@1", "/etc/os-release"),
            ("own@1", "/etc/os-release"),
            ("own", "/etc/os-release"),
        ] {
            worker.add_base(base, Some(Path::new(archive)), None, false, &|_| {}).expect_err(base);
            assert_eq!(fs::read_dir(dir.path()).expect("there").count(), 0, "{base} {archive}");
        }
        worker.add_base("own@1", None, None, false, &|_| {}).expect_err("nobody makes it");
    }
}
