//! Facade `Leaks`: asks every cloud what it has of this controller, compares that with the records, and sets right what it is told to.
//! The surprise: whoever asks for something to be set right names it, and it is looked for anew; what is no leak by then stays as it is. So nothing
//! goes that the user did not see, and no machine that came meanwhile.

use crate::call::{Call, NoParams};
use crate::doors::in_time;
use crate::error::IntoItem;
use base::{ModelUuid, Refusal};
use cloud::{Cloud, InstanceId, InstanceInfo, Thing};
use futures_util::future::join_all;
use model::Beliefs;
use model::change::start::{self, Observed};
use model::query::leaks::{Lost, Marks, Views};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use wire::facade::leaks::{Asked, Audit, Fix, Fixed, FixedOne, INSTANCE, Leak, MACHINE};

/// How long a cloud may take to remove one thing.
const PATIENCE: Duration = Duration::from_secs(120);
/// Things that are removed at a time.
const AT_ONCE: usize = 8;

pub async fn list(call: Call, _: NoParams) -> Result<Audit, Refusal> {
    let (clouds, found) = audit(&call).await?;
    Ok(Audit { clouds, leaks: found.into_iter().map(|found| found.leak).collect() })
}

pub async fn fix(call: Call, params: Fix) -> Result<Fixed, Refusal> {
    let (_, found) = audit(&call).await?;
    let name = |leak: &Leak| (leak.cloud.clone(), leak.kind.clone(), leak.id.clone());
    let wanted: Vec<_> = params.leaks.iter().map(name).collect();
    let mut results = vec![FixedOne { gone: true, error: None }; wanted.len()];
    let due = wanted.iter().enumerate().filter_map(|(at, name_of_it)| {
        let one = found.iter().find(|one| name(&one.leak) == *name_of_it)?;
        Some((at, one))
    });
    // What instances share can go when they are gone.
    let (instances, rest): (Vec<_>, Vec<_>) = due.partition(|(_, one)| matches!(one.what, What::Instance(_)));
    for some in [instances, rest] {
        for some in some.chunks(AT_ONCE) {
            let mut fixing = Vec::new();
            for (_, one) in some {
                fixing.push(set_right(&call, one));
            }
            for ((at, _), outcome) in some.iter().zip(join_all(fixing).await) {
                results[*at] = match outcome.into_item() {
                    Ok(gone) => FixedOne { gone, error: None },
                    Err(error) => FixedOne { gone: false, error: Some(error) },
                };
            }
        }
    }
    Ok(Fixed { results })
}

/// A leak, and where it is.
struct Found {
    leak: Leak,
    cloud: Arc<dyn Cloud>,
    what: What,
}

enum What {
    Instance(InstanceInfo),
    Thing(Thing),
    Lost(Lost),
}

/// What one cloud says.
struct Seen {
    instances: Vec<InstanceInfo>,
    things: Vec<Thing>,
}

async fn look(cloud: &dyn Cloud, controller: &str) -> Result<Seen, String> {
    let (instances, things) = tokio::join!(in_time(cloud.instances(controller)), in_time(cloud.things(controller)));
    Ok(Seen { instances: instances?, things: things? })
}

/// Clouds and leaks, each sorted by name.
async fn audit(call: &Call) -> Result<(Vec<Asked>, Vec<Found>), Refusal> {
    let before = call.read();
    let controller = before.controller()?.uuid.clone();
    let clouds = call.session.shared().advice.clouds();
    let all = clouds.all();
    let seen = join_all(all.iter().map(|(_, cloud)| look(&**cloud, &controller))).await;
    let now = call.read();
    let views = Views { before: &before, now: &now };
    let (mut asked, mut found) = (Vec::new(), Vec::<Found>::new());
    for ((key, cloud), seen) in all.into_iter().zip(seen) {
        let error = match seen {
            Ok(seen) => {
                let of_it = |account: &str| clouds.key(account).as_ref() == Some(&key);
                found.extend(compare(views, &key, &cloud, seen, of_it));
                None
            }
            Err(words) => Some(Refusal::plain(words)),
        };
        asked.push(asked_of(key, error));
    }
    // Accounts that no cloud is open for: a credential that went, or does not work.
    let unknown = now.models().map(|(_, model)| model.account()).filter(|account| clouds.key(account).is_none());
    for account in unknown.collect::<std::collections::BTreeSet<_>>() {
        let words = "it is not known to this controller, or cannot be used with this credential";
        asked.push(asked_of(account.to_owned(), Some(Refusal::plain(words))));
    }
    asked.sort_by(|one, other| one.cloud.cmp(&other.cloud));
    let name = |leak: &Leak| (leak.cloud.clone(), leak.kind.clone(), leak.id.clone());
    found.sort_by_cached_key(|one| name(&one.leak));
    // Two accounts may lead to one server.
    let mut known = HashSet::new();
    found.retain(|one| {
        let cloud = cloud::set::name_of(&one.leak.cloud).to_owned();
        known.insert((cloud, one.leak.kind.clone(), one.leak.id.clone()))
    });
    Ok((asked, found))
}

fn asked_of(cloud: String, refusal: Option<Refusal>) -> Asked {
    Asked { cloud, error: refusal.map(|refusal| crate::error::wire(&refusal)) }
}

fn compare(
    views: Views<'_>,
    key: &str,
    cloud: &Arc<dyn Cloud>,
    seen: Seen,
    of_it: impl Fn(&str) -> bool,
) -> Vec<Found> {
    let ids: HashSet<(&str, &str, &str)> =
        seen.instances.iter().map(|one| (one.model.as_str(), one.machine.as_str(), one.id.0.as_str())).collect();
    let lost = views.lost(of_it, &ids);
    let leak = |kind: &str, id: &str, model: &str, machine: &str| Leak {
        cloud: key.to_owned(),
        kind: kind.to_owned(),
        id: id.to_owned(),
        model: model_name(views.now, model),
        model_uuid: model.to_owned(),
        machine: machine.to_owned(),
        since: None,
    };
    let mut found = Vec::new();
    let mut add = |leak: Leak, what: What| found.push(Found { leak, cloud: cloud.clone(), what });
    for one in lost {
        let whole = views.now.models.get(&one.model).and_then(|within| within.machines.get(&one.machine));
        let instance = whole.and_then(|whole| whole.instance.as_deref());
        let of = leak(MACHINE, &one.instance_id, &one.model.to_string(), one.machine.as_str());
        // While nobody has noted it, nobody knows since when.
        let noted = instance.filter(|instance| instance.status.current == base::status::InstanceStatus::Unknown);
        add(Leak { since: noted.map(|instance| instance.status.since), ..of }, What::Lost(one));
    }
    for one in seen.instances.into_iter().filter(|one| views.is_stray(marks_of(one))) {
        let of = leak(INSTANCE, &one.id.0, &one.model, &one.machine);
        add(Leak { since: one.since, ..of }, What::Instance(one));
    }
    for thing in seen.things.into_iter().filter(|thing| views.is_stray(marks_of_thing(thing))) {
        let of = leak(&thing.kind, &thing.id, &thing.model, "");
        add(Leak { since: thing.since, ..of }, What::Thing(thing));
    }
    found
}

fn marks_of(one: &InstanceInfo) -> Marks<'_> {
    Marks { model: &one.model, instance: Some((&one.machine, &one.id.0)) }
}

fn marks_of_thing(thing: &Thing) -> Marks<'_> {
    Marks { model: &thing.model, instance: None }
}

/// `admin/default`; empty: there is no such model.
fn model_name(beliefs: &Beliefs, uuid: &str) -> String {
    let model = uuid.parse::<ModelUuid>().ok().and_then(|uuid| beliefs.model(uuid).ok());
    model.map(|(_, model)| format!("{}/{}", model.owner, model.name)).unwrap_or_default()
}

/// True: there was nothing to set right any more.
async fn set_right(call: &Call, one: &Found) -> Result<bool, Refusal> {
    let read = call.read();
    let controller = read.controller()?.uuid.clone();
    // The last look: others took their time before this one's turn came.
    let views = Views { before: &read, now: &read };
    let Leak { cloud, kind, id, model_uuid, machine, .. } = &one.leak;
    let removed = match &one.what {
        What::Instance(instance) if views.is_stray(marks_of(instance)) => {
            in_patience(one.cloud.stop_instance(&controller, &InstanceId(id.clone()))).await
        }
        What::Thing(thing) if views.is_stray(marks_of_thing(thing)) => {
            in_patience(one.cloud.remove_thing(&controller, thing)).await
        }
        What::Instance(_) | What::Thing(_) => return Ok(true),
        What::Lost(lost) => {
            let seen = Observed::nowhere(&lost.instance_id);
            let note = |beliefs: &Beliefs, given: model::Given<'_>| {
                start::observed(beliefs, lost.model, &lost.machine, &seen, given)
            };
            call.state().change(note).await?;
            return Ok(false);
        }
    };
    removed.map_err(|words| Refusal::plain(format!("cannot remove {kind} {id} of cloud {cloud:?}: {words}")))?;
    tracing::info!(cloud, kind, id, model = model_uuid, machine, by = call.user, "a leak was removed");
    Ok(false)
}

async fn in_patience(answer: cloud::Answer<'_, ()>) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer from the cloud in {PATIENCE:?}")),
    }
}
