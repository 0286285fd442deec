//! A model's spaces: made, named anew, filled with subnets, removed. And its subnets, as clouds and machines show them.
//! The surprise: nobody adds a subnet. They are learnt, and begin in `alpha`.

use super::{Decision, Given, TxnExt, block, put_of_model};
use crate::beliefs::{AMachine, Beliefs, InModel, Stored};
use crate::key;
use crate::query::network::{addresses, is_in, subnet_of, wishes};
use crate::record::block::BlockKind;
use crate::record::machine::Machine;
use crate::record::network::{ALPHA, ALPHA_ID, Network, Space, Subnet};
use crate::record::settings::ModelConstraints;
use base::{Kind, Life, MachineId, ModelUuid, Refusal, SeenSubnet};
use ipnet::IpNet;
use store::Txn;

/// More subnets a model does not learn from its machines: an agent that goes wrong must not fill the store.
pub const MOST_SUBNETS: usize = 1_000;
/// Spaces of one model.
pub const MOST_SPACES: usize = 1_000;
/// Machines whose wishes are changed by one transaction.
const PORTION: usize = 100;

/// A subnet that went from one space to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub subnet: Subnet,
    /// The name of the space that it was in.
    pub from: String,
}

/// Who minds that a space goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses {
    /// The model's constraints name it.
    pub by_model: bool,
    /// Machines that are yet to start and ask for it.
    pub by_machines: Vec<MachineId>,
}

impl Uses {
    pub fn is_empty(&self) -> bool {
        !self.by_model && self.by_machines.is_empty()
    }
}

/// Notes what the cloud shows. With `whole`, that is all that it has: what it has no more is forgotten, unless a machine is in it.
pub fn learn(
    beliefs: &Beliefs,
    model: ModelUuid,
    seen: &[SeenSubnet],
    whole: bool,
    _: Given<'_>,
) -> Result<Decision, Refusal> {
    let Ok((within, record)) = beliefs.model(model) else { return Ok(Decision::nothing(())) };
    let mut network = within.network().into_owned();
    for one in seen {
        let cidr = one.cidr.trunc();
        let is_full = network.subnets.len() >= MOST_SUBNETS;
        match network.subnets.iter_mut().find(|subnet| subnet.cidr == cidr) {
            // What a machine shows says nothing new of it.
            Some(_) if one.provider_id.is_empty() => {}
            Some(known) => {
                known.provider_id.clone_from(&one.provider_id);
                known.provider_network_id.clone_from(&one.provider_network_id);
                known.zones.clone_from(&one.zones);
            }
            None if one.provider_id.is_empty() && is_full => {}
            None => {
                let id = network.next_subnet.to_string();
                network.next_subnet = network.next_subnet.saturating_add(1);
                network.subnets.push(Subnet {
                    id,
                    cidr,
                    space: ALPHA_ID.into(),
                    provider_id: one.provider_id.clone(),
                    provider_network_id: one.provider_network_id.clone(),
                    zones: one.zones.clone(),
                });
            }
        }
    }
    if whole {
        let is_shown = |subnet: &Subnet| seen.iter().any(|one| one.cidr.trunc() == subnet.cidr);
        let lived_in = |subnet: &Subnet| within.machines().any(|(_, all, _)| is_on(&network, all, subnet));
        let stays = |subnet: &&Subnet| is_shown(subnet) || lived_in(subnet);
        let mut left: Vec<Subnet> = network.subnets.iter().filter(stays).cloned().collect();
        for gone in left.iter_mut().filter(|subnet| !is_shown(subnet)) {
            gone.provider_id.clear();
            gone.provider_network_id.clear();
            gone.zones.clear();
        }
        network.subnets = left;
    }
    Ok(put_of_model(record, key::network(model), within.network.as_ref(), &network))
}

fn is_on(network: &Network, all: &AMachine, subnet: &Subnet) -> bool {
    addresses(all).any(|address| subnet_of(network, &address.value).is_some_and(|found| found.id == subnet.id))
}

/// Makes a space and moves subnets into it.
pub fn create(
    beliefs: &Beliefs,
    model: ModelUuid,
    name: &str,
    cidrs: &[IpNet],
    _: Given<'_>,
) -> Result<Decision, Refusal> {
    let (within, record) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let mut network = within.network().into_owned();
    check_free(&network, name)?;
    if network.spaces.len() >= MOST_SPACES {
        return Err(Refusal::plain(format!("a model has no more than {MOST_SPACES} spaces")));
    }
    let id = network.next_space.to_string();
    network.next_space = network.next_space.saturating_add(1);
    for cidr in cidrs {
        let known = network.subnets.iter_mut().find(|subnet| subnet.cidr == cidr.trunc());
        let known = known.ok_or_else(|| Refusal::not_found("subnet", format!("{:?}", cidr.to_string())))?;
        known.space.clone_from(&id);
    }
    network.spaces.push(Space { id, name: name.to_owned(), was: None });
    check_model(within, &network)?;
    Ok(put_of_model(record, key::network(model), within.network.as_ref(), &network))
}

fn check_free(network: &Network, name: &str) -> Result<(), Refusal> {
    match network.space(name) {
        Some(_) => Err(Refusal::new(Kind::AlreadyExists, format!("space {name:?} already exists"))),
        None => Ok(()),
    }
}

/// Gives a space another name, in the model's wish for it too. Those of machines are many: [`settle`] is to follow.
pub fn rename(beliefs: &Beliefs, model: ModelUuid, from: &str, to: &str, _: Given<'_>) -> Result<Decision, Refusal> {
    let (within, record) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    if from == ALPHA {
        return Err(Refusal::plain("the alpha space cannot be renamed"));
    }
    let mut network = within.network().into_owned();
    let at = network.spaces.iter().position(|space| space.name == from);
    let at = at.ok_or_else(|| not_found(from))?;
    if from == to {
        return Ok(Decision::nothing(()));
    }
    check_free(&network, to)?;
    if network.spaces[at].was.is_some() {
        return Err(Refusal::new(Kind::TryAgain, format!("space {from:?} is being renamed, try again")));
    }
    let space = &mut network.spaces[at];
    space.was = Some(std::mem::replace(&mut space.name, to.to_owned()));
    let Decision { mut txn, .. } = put_of_model(record, key::network(model), within.network.as_ref(), &network);
    change_model_wish(&mut txn, model, within, |word| Some(renamed(word, from, to)));
    Ok(Decision::new(txn, ()))
}

fn renamed(word: &str, from: &str, to: &str) -> String {
    match word.strip_prefix('^') {
        Some(name) if name == from => format!("^{to}"),
        None if word == from => to.to_owned(),
        _ => word.to_owned(),
    }
}

/// Whether machines may still ask for a space by the name that it had.
pub fn is_unsettled(within: &InModel) -> bool {
    within.network.as_ref().is_some_and(|network| network.spaces.iter().any(|space| space.was.is_some()))
}

/// Has machines ask for renamed spaces by their new names, some of them at a time; answers whether all do.
pub fn settle(beliefs: &Beliefs, model: ModelUuid, _: Given<'_>) -> Result<Decision<bool>, Refusal> {
    let Ok((within, record)) = beliefs.model(model) else { return Ok(Decision::nothing(true)) };
    let mut network = within.network().into_owned();
    let Some(space) = network.spaces.iter_mut().find(|space| space.was.is_some()) else {
        return Ok(Decision::nothing(true));
    };
    let (from, to) = (space.was.take().unwrap_or_default(), space.name.clone());
    let mut asking = within.machines().filter(|(_, _, machine)| asks_for(machine, &from)).peekable();
    let mut txn = Txn::new();
    for (id, _, read) in asking.by_ref().take(PORTION) {
        let mut machine = read.to_record();
        let spaces = machine.constraints.spaces.iter_mut().flatten();
        spaces.for_each(|word| *word = renamed(word, &from, &to));
        txn.update(key::machine(model, id), read, &machine);
    }
    if asking.peek().is_none() {
        txn.upsert(key::network(model), within.network.as_ref(), &network);
        txn.rests_on(key::model(model), record);
    }
    Ok(Decision::new(txn, false))
}

fn asks_for(machine: &Machine, name: &str) -> bool {
    machine.constraints.spaces.as_deref().is_some_and(|spaces| wishes(spaces).any(|(one, _)| one == name))
}

/// What moved, or why nothing did: the machines whose wishes for spaces would not hold any more, unless `force`.
pub fn move_subnets(
    beliefs: &Beliefs,
    model: ModelUuid,
    subnets: &[String],
    to: &str,
    force: bool,
    _: Given<'_>,
) -> Result<Decision<Vec<Moved>>, Refusal> {
    let (within, record) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let before = within.network();
    let mut network = before.clone().into_owned();
    let to = network.space(to).cloned().ok_or_else(|| not_found(to))?;
    let mut moved = Vec::new();
    for id in subnets {
        let known = network.subnets.iter_mut().find(|subnet| subnet.id == *id);
        let known = known.ok_or_else(|| Refusal::not_found("subnet", format!("{id:?}")))?;
        moved.push(Moved { subnet: known.clone(), from: before.space_name(&known.space).to_owned() });
        known.space.clone_from(&to.id);
    }
    if !force {
        check_model(within, &network)?;
        let alive = within.machines().filter(|(_, _, machine)| machine.life == Life::Alive);
        for (id, all, machine) in alive {
            if holds(&before, all, machine) && !holds(&network, all, machine) {
                let asked = machine.constraints.spaces.as_deref().unwrap_or_default().join(",");
                let words = format!("machine {id} asked for spaces={asked}, which would not hold any more");
                return Err(Refusal::plain(words));
            }
        }
    }
    let Decision { txn, .. } = put_of_model(record, key::network(model), within.network.as_ref(), &network);
    Ok(Decision::new(txn, moved))
}

/// Whether a machine is where it asked to be.
fn holds(network: &Network, all: &AMachine, machine: &Machine) -> bool {
    let is_in = |name: &str| network.space(name).is_some_and(|space| is_in(network, all, space));
    let asked = machine.constraints.spaces.as_deref().unwrap_or_default();
    wishes(asked).all(|(name, is_wanted)| is_in(name) == is_wanted)
}

/// The model's own wish for spaces must be one that new machines can be started with.
fn check_model(within: &InModel, network: &Network) -> Result<(), Refusal> {
    let asked = within.constraints.as_ref().and_then(|all| all.0.spaces.as_deref()).unwrap_or_default();
    let before = within.network();
    match (crate::query::network::check(&before, asked), crate::query::network::check(network, asked)) {
        (Ok(()), Err(refusal)) => {
            let words =
                format!("the model's constraint spaces={} would not hold: {}", asked.join(","), refusal.words());
            Err(Refusal::plain(words))
        }
        _ => Ok(()),
    }
}

/// Who names a space.
pub fn uses(within: &InModel, name: &str) -> Uses {
    let names = |spaces: Option<&Vec<String>>| spaces.is_some_and(|all| wishes(all).any(|(one, _)| one == name));
    Uses {
        by_model: names(within.constraints.as_ref().and_then(|all| all.0.spaces.as_ref())),
        by_machines: waiting(within, name).map(|(id, _)| id.clone()).collect(),
    }
}

/// The machines that ask for a space and are yet to start.
fn waiting<'a>(within: &'a InModel, name: &'a str) -> impl Iterator<Item = (&'a MachineId, &'a Stored<Machine>)> {
    let all = within.machines().filter(|(_, all, machine)| {
        machine.life == Life::Alive && all.instance.as_ref().is_none_or(|instance| !instance.is_provisioned())
    });
    all.filter(move |(_, _, machine)| asks_for(machine, name)).map(|(id, _, machine)| (id, machine))
}

/// Removes a space; its subnets are in `alpha` then. Who names it is answered, and without `force` nothing is removed then.
pub fn remove(
    beliefs: &Beliefs,
    model: ModelUuid,
    name: &str,
    force: bool,
    _: Given<'_>,
) -> Result<Decision<Uses>, Refusal> {
    let (within, record) = beliefs.model(model)?;
    block::check(within, BlockKind::Remove)?;
    let mut network = within.network().into_owned();
    let space = network.space(name).cloned().ok_or_else(|| not_found(name))?;
    if space.id == ALPHA_ID {
        return Err(Refusal::plain("the alpha space cannot be removed"));
    }
    let uses = uses(within, name);
    if !uses.is_empty() && !force {
        return Ok(Decision::nothing(uses));
    }
    network.spaces.retain(|one| one.id != space.id);
    for subnet in network.subnets.iter_mut().filter(|subnet| subnet.space == space.id) {
        ALPHA_ID.clone_into(&mut subnet.space);
    }
    let Decision { mut txn, .. } = put_of_model(record, key::network(model), within.network.as_ref(), &network);
    let is_kept = |word: &String| word.strip_prefix('^').unwrap_or(word) != name;
    change_model_wish(&mut txn, model, within, |word| is_kept(word).then(|| word.clone()));
    let waiting: Vec<_> = waiting(within, name).collect();
    if waiting.len() > PORTION {
        let words = format!("{} machines that ask for space {name:?} are yet to start, try again then", waiting.len());
        return Err(Refusal::new(Kind::TryAgain, words));
    }
    for (id, read) in waiting {
        let mut machine = read.to_record();
        machine.constraints.spaces =
            left(machine.constraints.spaces.iter().flatten().filter(|word| is_kept(word)).cloned());
        txn.update(key::machine(model, id), read, &machine);
    }
    Ok(Decision::new(txn, Uses::default()))
}

/// Changes what the model's constraints say of spaces.
fn change_model_wish(txn: &mut Txn, model: ModelUuid, within: &InModel, how: impl Fn(&String) -> Option<String>) {
    let Some(read) = &within.constraints else { return };
    let mut all = read.0.clone();
    all.spaces = left(all.spaces.iter().flatten().filter_map(how));
    if all != read.0 {
        txn.update(key::constraints(model), read, &ModelConstraints(all));
    }
}

/// No wish at all, when nothing is left of it.
fn left(words: impl Iterator<Item = String>) -> Option<Vec<String>> {
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then_some(words)
}

fn not_found(name: &str) -> Refusal {
    Refusal::not_found("space", format!("{name:?}"))
}
