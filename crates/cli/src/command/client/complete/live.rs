//! What a controller knows of the names that a command line may go on with.
//!
//! Every failure is silence. The surprise: it logs in by itself rather than through the context, which would try again,
//! explain, and write down what it learned.

use std::collections::BTreeMap;

use client::{Connection, Place};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use wire::facade::action::OperationResults;
use wire::facade::client::{FullStatus, MachineStatus};
use wire::facade::spaces::ListSpacesResults;
use wire::facade::storage::{StorageDetailsListResults, StoragePoolsResults};

use crate::completion::{Noun, Slot};
use crate::context::{Context, each};
use crate::select;
use crate::status::storage::name;

/// Operations asked for at once, and names offered of them: the newest.
const PAGE: usize = 500;
const NEWEST: usize = 50;

type Learned = BTreeMap<Noun, Vec<String>>;

/// What could be learned of the slot's nouns until then.
pub async fn look(context: &Context, slot: &Slot, controller: &str, until: Instant) -> Learned {
    let mut learned = Learned::new();
    let wants = |some: &[Noun]| some.iter().any(|noun| slot.nouns.contains(noun));
    if wants(&[Noun::Model, Noun::User]) {
        // Late or refused: what was learned until then is what there is.
        let _ = timeout_at(until, of_controller(context, slot, controller, &mut learned)).await;
    }
    let in_models = [
        Noun::Application,
        Noun::Host,
        Noun::Machine,
        Noun::Unit,
        Noun::Operation,
        Noun::Pool,
        Noun::Space,
        Noun::Storage,
        Noun::Subnet,
        Noun::Task,
        Noun::LiveTask,
    ];
    if wants(&in_models) {
        let _ = timeout_at(until, of_model(context, slot, &mut learned)).await;
    }
    learned
}

async fn open(context: &Context, controller: &str, place: Place) -> Option<Connection> {
    let (target, who) = context.target(controller).ok()?;
    Connection::open(&target, place, &who).await.ok()
}

async fn of_controller(context: &Context, slot: &Slot, controller: &str, learned: &mut Learned) -> Option<()> {
    let connection = open(context, controller, Place::Controller).await?;
    let user = context.user(controller).ok()?;
    if slot.nouns.contains(&Noun::Model) {
        let models = models(&connection, &user).await?;
        learned.insert(Noun::Model, models.into_iter().map(|(name, _)| select::shown(&name, &user)).collect());
    }
    if slot.nouns.contains(&Noun::User) {
        let params = json!({"entities": [], "include-disabled": false});
        let reply: Value = connection.call("UserManager", "UserInfo", params).await.ok()?;
        let names = each(&reply).into_iter().flatten();
        let names = names.filter_map(|user| user.get("username").and_then(Value::as_str).map(str::to_owned));
        learned.insert(Noun::User, names.collect());
    }
    Some(())
}

/// The user's models: qualified name, uuid.
async fn models(connection: &Connection, user: &str) -> Option<Vec<(String, String)>> {
    let reply = connection.call("ModelManager", "ListModels", json!({"tag": format!("user-{user}")})).await.ok()?;
    let listed = reply.get("user-models").and_then(Value::as_array)?;
    let one = |entry: &Value| {
        let field = |name: &str| entry.get("model")?.get(name)?.as_str().map(str::to_owned);
        let owner = field("owner-tag")?.trim_start_matches("user-").to_owned();
        Some((format!("{owner}/{}", field("name")?), field("uuid")?))
    };
    Some(listed.iter().filter_map(one).collect())
}

async fn of_model(context: &Context, slot: &Slot, learned: &mut Learned) -> Option<()> {
    let selected = select::model(&context.store, &context.io, slot.model.as_deref()).ok()?;
    let user = context.user(&selected.controller).ok()?;
    let uuid = match context.known_model(&selected, &user).ok()? {
        Some((_, uuid)) => uuid,
        None => {
            let wanted = select::qualify(&selected.model, &user).ok()?;
            let controller = open(context, &selected.controller, Place::Controller).await?;
            models(&controller, &user).await?.into_iter().find(|(name, _)| *name == wanted)?.1
        }
    };
    let connection = open(context, &selected.controller, Place::Model(uuid.parse().ok()?)).await?;
    let wants = |some: &[Noun]| some.iter().any(|noun| slot.nouns.contains(noun));
    if wants(&[Noun::Application, Noun::Host, Noun::Machine, Noun::Unit]) {
        let status: FullStatus = connection.call_as("Client", "FullStatus", json!({"patterns": []})).await.ok()?;
        let mut machines = Vec::new();
        machine_ids(&status.machines, &mut machines);
        let mut units: Vec<String> = status.applications.values().flat_map(|one| one.units.keys().cloned()).collect();
        for ids in [&mut machines, &mut units] {
            ids.sort_by(|a, b| wire::yaml::natural_cmp(a, b));
        }
        learned.insert(Noun::Host, machines.iter().filter(|id| !id.contains('/')).cloned().collect());
        learned.insert(Noun::Machine, machines);
        learned.insert(Noun::Unit, units);
        learned.insert(Noun::Application, status.applications.into_keys().collect());
    }
    if wants(&[Noun::Space, Noun::Subnet]) {
        let spaces: ListSpacesResults = connection.call_as("Spaces", "ListSpaces", json!({})).await.ok()?;
        let subnets = spaces.results.iter().flat_map(|space| &space.subnets).map(|subnet| subnet.cidr.clone());
        learned.insert(Noun::Subnet, subnets.collect());
        learned.insert(Noun::Space, spaces.results.into_iter().map(|space| space.name).collect());
    }
    if wants(&[Noun::Pool]) {
        let pools: StoragePoolsResults =
            connection.call_as("Storage", "ListPools", json!({"filters": [{}]})).await.ok()?;
        let all = pools.results.into_iter().flat_map(|result| result.storage_pools);
        learned.insert(Noun::Pool, all.map(|pool| pool.name).collect());
    }
    if wants(&[Noun::Storage]) {
        let all: StorageDetailsListResults =
            connection.call_as("Storage", "ListStorageDetails", json!({"filters": [{}]})).await.ok()?;
        let all = all.results.into_iter().flat_map(|result| result.result);
        learned.insert(Noun::Storage, all.map(|one| name(&one.storage_tag)).collect());
    }
    if wants(&[Noun::Operation, Noun::Task]) {
        operations(&connection, &[], learned).await;
    }
    if wants(&[Noun::LiveTask]) {
        let mut live = Learned::new();
        operations(&connection, &["pending", "running"], &mut live).await;
        learned.insert(Noun::LiveTask, live.remove(&Noun::Task).unwrap_or_default());
    }
    Some(())
}

fn machine_ids(machines: &BTreeMap<String, MachineStatus>, ids: &mut Vec<String>) {
    for (id, machine) in machines {
        ids.push(id.clone());
        machine_ids(&machine.containers, ids);
    }
}

/// Operations and their tasks, of these statuses or of any. They come oldest first, so all pages have to be turned; what
/// was seen when the time is over is kept.
async fn operations(connection: &Connection, statuses: &[&str], learned: &mut Learned) {
    for page in 0.. {
        let mut params = json!({"limit": PAGE, "offset": page * PAGE});
        if !statuses.is_empty() {
            params["status"] = json!(statuses);
        }
        let Ok(answer) = connection.call_as::<OperationResults>("Action", "ListOperations", params).await else {
            return;
        };
        for operation in &answer.results {
            keep(learned.entry(Noun::Operation).or_default(), operation.operation.trim_start_matches("operation-"));
            let fits = |status: &str| statuses.is_empty() || statuses.contains(&status);
            for task in operation.actions.iter().filter(|task| fits(&task.status)) {
                let tag = task.action.as_ref().map_or("", |action| action.tag.as_str());
                keep(learned.entry(Noun::Task).or_default(), tag.trim_start_matches("action-"));
            }
        }
        if !answer.truncated || answer.results.is_empty() {
            return;
        }
    }
}

/// The newest come last, and the oldest make room for them.
fn keep(ids: &mut Vec<String>, id: &str) {
    if !id.is_empty() {
        ids.push(id.to_owned());
    }
    if ids.len() > NEWEST {
        ids.remove(0);
    }
}
