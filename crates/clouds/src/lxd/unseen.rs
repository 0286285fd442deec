//! Instances of a cluster's member that does not answer: of them the others know the names, and nothing else, so they look like nobody's.
//! Whose they are the profile of their model tells, which is known everywhere. The surprise: one that was kept has no such profile, and is not
//! recognized until its member is back.

use super::client::Client;
use super::error::Failed;
use super::instance::{Instance, mark};
use super::profile;
use super::server::Profile;

/// How the server says so.
const ERROR: &str = "Error";

/// Every instance that a server itself has has a configuration.
fn is_unseen(one: &Instance) -> bool {
    one.status == ERROR && one.config.is_empty()
}

/// Gives those that are ours their marks back.
pub async fn recognize(client: &Client, all: &mut [Instance]) -> Result<(), Failed> {
    if all.iter().any(is_unseen) {
        let profiles = profile::all(client).await?;
        all.iter_mut().filter(|one| is_unseen(one)).for_each(|one| restore(one, &profiles));
    }
    Ok(())
}

fn restore(one: &mut Instance, profiles: &[Profile]) {
    let of = |path: &str| path.split('?').next().and_then(|path| path.rsplit('/').next()) == Some(one.name.as_str());
    let marked = |profile: &&Profile| profile.config.contains_key(mark::CONTROLLER);
    let Some(profile) = profiles.iter().filter(marked).find(|profile| profile.used_by.iter().any(|path| of(path)))
    else {
        return;
    };
    let marks = [mark::CONTROLLER, mark::MODEL].into_iter();
    one.config = marks.filter_map(|key| Some((key.to_owned(), profile.config.get(key)?.clone()))).collect();
    // `juju-TAIL-0`, as `cloud::instance_name` has it.
    let machine = one.name.splitn(3, '-').nth(2).unwrap_or_default().replace('-', "/");
    one.config.insert(mark::MACHINE.to_owned(), machine);
    one.status = format!("member {} does not answer", one.location);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_silent_member_has_is_its_models() {
        let profile: Profile = serde_json::from_value(serde_json::json!({
            "name": "juju-work-c73e77",
            "config": {"user.juju-controller-uuid": "c", "user.juju-model-uuid": "m", "boot.autostart": "true"},
            "used_by": ["/1.0/instances/juju-bdf630-2", "/1.0/instances/juju-bdf630-3?project=small"],
        }))
        .expect("JSON of the API");
        let mut one = Instance {
            name: "juju-bdf630-3".into(),
            location: "two".into(),
            status: "Error".into(),
            ..Instance::default()
        };
        assert!(is_unseen(&one));
        restore(&mut one, std::slice::from_ref(&profile));
        assert!(one.is_machine("c", "m", "3") && !one.is_controller() && !is_unseen(&one));
        let info = one.info();
        assert_eq!((info.status, info.detail.as_str()), (cloud::InstanceStatus::Unknown, "member two does not answer"));
        let mut foreign = Instance { name: "juju-bdf630-1".into(), status: "Error".into(), ..Instance::default() };
        restore(&mut foreign, &[profile]);
        assert!(!foreign.is_of("c"));
    }
}
