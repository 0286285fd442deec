//! Words of the domain as texts: tags, ids, versions, constraints, placement, bases, paths of the API port.

use std::cmp::Ordering;
use std::fmt::{Debug, Display};
use std::str::FromStr;

use base::constraints::size_mib;
use base::{Constraints, MachineId, ModelUuid, OperationId, OsBase, Placement, Tag, TaskId, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::{Target, sentence};

/// What is read prints as a text that reads the same; as JSON too.
fn round<T>(text: &str) -> Option<T>
where
    T: FromStr<Err: Display> + Display + PartialEq + Debug + Serialize + DeserializeOwned,
{
    match text.parse::<T>() {
        Ok(found) => {
            let printed = found.to_string();
            let again = printed.parse::<T>().unwrap_or_else(|e| panic!("prints as {printed:?}, which is refused: {e}"));
            assert_eq!(again, found, "prints as {printed:?}");
            let json = serde_json::to_string(&found).expect("plain data");
            assert_eq!(serde_json::from_str::<T>(&json).expect("what we wrote"), found);
            Some(found)
        }
        Err(error) => {
            sentence(&error.to_string(), text.as_bytes());
            None
        }
    }
}

const TAGS: &[&str] = &[
    "machine-",
    "application-",
    "unit-",
    "user-",
    "model-",
    "controller-",
    "cloud-",
    "cloudcred-",
    "action-",
    "operation-",
    "space-",
    "subnet-",
    "storage-",
    "volume-",
    "filesystem-",
    "@local",
    "@ldap",
    "-lxd-",
    "%5f",
    "_",
    "6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11",
];

pub fn tags() -> Target {
    Target::of_text(|text| {
        let Some(tag) = round::<Tag>(text) else { return };
        assert_eq!(Tag::machine(text).is_ok(), matches!(tag, Tag::Machine(_)));
        assert_eq!(Tag::user(text).is_ok(), matches!(tag, Tag::User(_)));
        assert_eq!(Tag::model(text).is_ok(), matches!(tag, Tag::Model(_)));
        if let Tag::User(name) = &tag {
            assert!(!name.ends_with("@local"), "{name:?} is a local user by another name");
        }
    })
    .words(TAGS)
}

pub fn ids() -> Target {
    Target::of_text(|text| {
        round::<ModelUuid>(text);
        round::<TaskId>(text);
        round::<OperationId>(text);
        let Some(id) = round::<MachineId>(text) else { return };
        let tag = Tag::Machine(id.clone()).to_string();
        assert_eq!(Tag::machine(&tag).as_ref(), Ok(&id), "{tag}");
        if let (Some(parent), Some(kind)) = (id.parent(), id.container_type()) {
            assert_eq!(round::<MachineId>(parent.as_str()), Some(parent.clone()));
            assert!(id.as_str().starts_with(&format!("{parent}/{kind}/")), "{id}: {parent}, {kind}");
            assert_eq!(parent.cmp(&id), Ordering::Less, "a host comes before what is on it");
        }
    })
    .words(&["/lxd/", "/kvm/", "/", "-", "0/lxd/1", "6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11", "999999999999999999"])
}

pub fn versions() -> Target {
    Target::of_text(|text| {
        let mut lines = text.split('\n');
        let first = lines.next().and_then(round::<Version>);
        let second = lines.next().and_then(round::<Version>);
        let (Some(a), Some(b)) = (first, second) else { return };
        assert_eq!(a.cmp(&b), b.cmp(&a).reverse(), "{a} and {b}");
        assert_eq!(a.cmp(&b) == Ordering::Equal, a == b, "{a} and {b}");
    })
    .words(&["3.6.28", "-rc1", "-beta", ".", "\n", "4.0", "999999999"])
}

const CONSTRAINTS: &[&str] = &[
    "arch=",
    "container=",
    "cores=",
    "cpu-cores=",
    "cpu-power=",
    "instance-role=",
    "instance-type=",
    "mem=",
    "root-disk=",
    "root-disk-source=",
    "tags=",
    "spaces=",
    "virt-type=",
    "zones=",
    "allocate-public-ip=",
    "image-id=",
    "\\ ",
    "\\",
    " ",
    ",",
    "^",
    "amd64",
    "true",
    "8G",
    "1.5T",
    "M",
];

pub fn constraints() -> Target {
    Target::of_text(|text| match Constraints::parse(text) {
        Ok(found) => {
            let printed = found.to_string();
            let again =
                Constraints::parse(&printed).unwrap_or_else(|e| panic!("prints as {printed:?}, which is refused: {e}"));
            assert_eq!(again, found, "prints as {printed:?}");
            assert_eq!(again.to_string(), printed);
            let json = serde_json::to_string(&found).expect("plain data");
            assert_eq!(serde_json::from_str::<Constraints>(&json).expect("what we wrote"), found);
            assert_eq!(found.clone().or(&Constraints::default()), found);
            assert_eq!(Constraints::default().or(&found), found);
        }
        Err(error) => sentence(&error.to_string(), text.as_bytes()),
    })
    .words(CONSTRAINTS)
}

/// Sizes, as `mem=` takes them.
pub fn size(text: &str) {
    match size_mib(text) {
        Ok(mib) => assert_eq!(size_mib(&format!("{mib}M")), Ok(mib), "{text:?}"),
        Err(why) => sentence(&why, text.as_bytes()),
    }
}

pub fn placement() -> Target {
    Target::of_text(|text| match Placement::parse(text) {
        Ok(None) => assert!(text.is_empty(), "{text:?} is no placement"),
        Ok(Some(found)) => {
            let printed = found.to_string();
            assert_eq!(Placement::parse(&printed), Ok(Some(found)), "prints as {printed:?}");
        }
        Err(error) => sentence(&error.to_string(), text.as_bytes()),
    })
    .words(&["lxd", "kvm", "#", ":", "lxd:", "0", "0/lxd/1", "zone=a", "ssh:u@h"])
}

pub fn bases() -> Target {
    Target::of_text(|text| match OsBase::parse(text) {
        Ok(found) => {
            let printed = found.to_string();
            assert_eq!(OsBase::parse(&printed).as_ref(), Ok(&found), "prints as {printed:?}");
            assert_eq!(OsBase::new(&found.name, &found.channel).as_ref(), Ok(&found));
            assert!(found.channel.ends_with(&format!("/{}", found.channel.rsplit('/').next().unwrap_or_default())));
            assert!(!printed.contains(char::is_control), "a base that a terminal would obey: {printed:?}");
        }
        Err(error) => sentence(&error.to_string(), text.as_bytes()),
    })
    .words(&["ubuntu", "@", "22.04", "/stable", "/edge", "/", "candidate", "beta", "centos", "genericlinux"])
}

pub fn paths() -> Target {
    Target::of_text(|text| {
        if let wire::path::Place::ModelApi(uuid) = wire::path::parse(text) {
            assert_eq!(wire::path::model_api(uuid), text);
        }
    })
    .words(&[
        "/model/",
        "/api",
        "/log",
        "/grigri/enrol",
        "/grigri/agent",
        "/health",
        "6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11",
    ])
}
