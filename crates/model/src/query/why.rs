//! What a machine waits for, and what that waits for in turn: a chain that ends where somebody, or a clock, must act.
//! It asks records and presence alone, and changes nothing. The surprise: it does not guess. What the records do not say (a cloud that is slow,
//! a host that lost its power) ends the chain with what is known: since when, how often it was tried, what the last failure said, the next try.

use crate::beliefs::{AMachine, InModel, Stored};
use crate::change::start::{LEAVING, STOPPING};
use crate::presence::Presence;
use crate::query::machine::{self, Contact};
use crate::record::instance::Instance;
use crate::record::machine::{FAREWELL, Machine};
use crate::record::status::{AgentStatus, InstanceStatus};
use crate::record::upgrade::{Phase, Upgrade};
use crate::settings;
use base::clock::Time;
use base::{Life, MachineId, ModelUuid, Refusal};

/// Of a host with many containers, the first so many are followed.
const FOLLOWED: usize = 10;
/// Links of a chain. A host that dies while a container on it has not heard of it yet would else wait for what waits for it.
const LONGEST: usize = 32;
/// Ids in one sentence.
const NAMED: usize = 10;

/// One link of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Who waits.
    pub machine: MachineId,
    pub what: What,
    /// For what, as the end of the sentence "machine 3 waits for ...".
    pub message: String,
    pub since: Option<Time>,
    /// Tries so far; 0 where nothing is tried.
    pub attempts: u32,
    pub last_error: String,
    /// When it is tried again, or when the waiting ends at the latest.
    pub next_try: Option<Time>,
    /// What its instance printed can be read, and may say more.
    pub first_boot: bool,
}

/// Who must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The controller, at once.
    Controller,
    /// The cloud, which has been asked.
    Cloud,
    /// The clock: its start failed, and is tried again.
    StartAgain,
    /// The clock: its end failed, and is tried again.
    StopAgain,
    /// A user: nothing goes on by itself.
    User,
    /// A user, who is to upgrade its operating system.
    Upgrade,
    /// A container's host.
    Host,
    /// The instance, which is not well.
    Instance,
    /// The agent, which has not come yet, or is not well.
    Agent,
    /// The agent, which was there and is missed.
    Contact,
    /// Tasks that run on it.
    Tasks,
    /// The containers on it.
    Containers,
    /// A forced removal's time.
    Force,
}

impl What {
    pub fn as_str(self) -> &'static str {
        match self {
            What::Controller => "controller",
            What::Cloud => "cloud",
            What::StartAgain => "start-again",
            What::StopAgain => "stop-again",
            What::User => "user",
            What::Upgrade => "upgrade",
            What::Host => "host",
            What::Instance => "instance",
            What::Agent => "agent",
            What::Contact => "contact",
            What::Tasks => "tasks",
            What::Containers => "containers",
            What::Force => "force",
        }
    }
}

/// What it is all seen with.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    pub model: ModelUuid,
    pub presence: &'a Presence,
    pub now: Time,
}

/// The chain of a machine, its own link first; empty when it waits for nothing. Refused when there is no such machine.
pub fn why(within: &InModel, seen: Seen<'_>, id: &MachineId) -> Result<Vec<Link>, Refusal> {
    let (whole, record) = within.machine(id)?;
    let mut chain = Vec::new();
    extend(&One { within, seen, whole, machine: record }, &mut chain);
    Ok(chain)
}

fn extend(one: &One<'_>, chain: &mut Vec<Link>) {
    match one.machine.life {
        _ if chain.len() >= LONGEST => {}
        // The controller's own machine has neither instance nor agent to wait for.
        _ if one.machine.is_controller() => {}
        Life::Alive => one.alive(chain),
        Life::Dying | Life::Dead => one.leaving(chain),
    }
}

#[derive(Clone, Copy)]
struct One<'a> {
    within: &'a InModel,
    seen: Seen<'a>,
    whole: &'a AMachine,
    machine: &'a Stored<Machine>,
}

impl One<'_> {
    fn link(&self, what: What, message: impl Into<String>, since: Option<Time>) -> Link {
        Link {
            machine: self.machine.id.clone(),
            what,
            message: message.into(),
            since,
            attempts: 0,
            last_error: String::new(),
            next_try: None,
            first_boot: false,
        }
    }

    /// What those wait for that this one waits for.
    fn follow(&self, id: &MachineId, chain: &mut Vec<Link>) {
        // A container that is gone by now has nothing to say.
        if let Ok((whole, machine)) = self.within.machine(id) {
            extend(&One { whole, machine, ..*self }, chain);
        }
    }

    fn alive(&self, chain: &mut Vec<Link>) {
        let Some(instance) = self.whole.instance.as_deref() else {
            return chain.push(self.link(What::Controller, "its turn to be started", Some(self.machine.created)));
        };
        match instance.is_provisioned() {
            false => self.without_instance(instance, chain),
            true => self.with_instance(instance, chain),
        }
    }

    fn without_instance(&self, instance: &Instance, chain: &mut Vec<Link>) {
        let work = &instance.provisioning;
        let host = self.machine.id.parent().filter(|host| !self.is_provisioned(host));
        if let Some(host) = host {
            chain.push(self.link(
                What::Host,
                format!("the instance of its host, machine {host}"),
                Some(self.machine.created),
            ));
            return self.follow(&host, chain);
        }
        if self.machine.retry {
            let link = self.link(What::Controller, "the start that was asked for again", None);
            return chain.push(after_tries(link, instance));
        }
        if instance.status.current == InstanceStatus::ProvisioningError {
            let link = self.link(What::User, "a user, since its start failed for good", Some(instance.status.since));
            return chain.push(after_tries(link, instance));
        }
        if let Some(next) = work.waits_until(self.seen.now) {
            let link = self.link(What::StartAgain, "the next try to start its instance", Some(instance.status.since));
            return chain.push(Link { next_try: Some(next), ..after_tries(link, instance) });
        }
        let link = match work.started {
            None => self.link(What::Controller, "its turn to be started", Some(self.machine.created)),
            Some(started) => {
                let step = if work.step.is_empty() { "starting" } else { work.step.as_str() };
                let message = format!("its cloud, which starts its instance ({step})");
                self.link(What::Cloud, message, Some(started))
            }
        };
        chain.push(after_tries(link, instance));
    }

    fn is_provisioned(&self, id: &MachineId) -> bool {
        let host = self.within.machines.get(id).and_then(|host| host.instance.as_ref());
        host.is_some_and(|instance| instance.is_provisioned())
    }

    fn with_instance(&self, instance: &Instance, chain: &mut Vec<Link>) {
        let status = &instance.status;
        if status.current != InstanceStatus::Running {
            let about = if status.message.is_empty() { String::new() } else { format!(": {}", status.message) };
            let message = format!("its instance, which is {}{about}", worded(status.current));
            chain.push(self.link(What::Instance, message, Some(status.since)));
        }
        let agent = self.whole.agent.as_deref().map(|agent| &agent.status);
        match agent.map_or(AgentStatus::Pending, |agent| agent.current) {
            AgentStatus::Pending => chain.push(self.agent_to_come(instance)),
            AgentStatus::Started => {}
            word @ (AgentStatus::Stopped | AgentStatus::Error | AgentStatus::Down) => {
                let about = agent.map(|agent| agent.message.as_str()).filter(|message| !message.is_empty());
                let about = about.map_or_else(String::new, |message| format!(": {message}"));
                let message = format!("its agent, which says {word}{about}");
                chain.push(self.link(What::Agent, message, agent.map(|agent| agent.since)));
            }
        }
        let contact = machine::contact(self.seen.model, self.machine, self.whole, self.seen.presence);
        if contact == Contact::Lost {
            let absent = self.seen.presence.absent(self.seen.model, &self.machine.id).unwrap_or_default();
            let ago = i64::try_from(absent.as_secs()).unwrap_or(i64::MAX);
            let since = Time::from_unix(self.seen.now.unix().saturating_sub(ago));
            chain.push(self.link(What::Contact, "its agent to connect again", Some(since)));
        }
        if let Some(upgrade) = self.machine.upgrade.as_deref() {
            chain.extend(self.upgraded(upgrade));
        }
    }

    fn upgraded(&self, upgrade: &Upgrade) -> Option<Link> {
        let to = &upgrade.to;
        let (what, message) = match upgrade.phase {
            Phase::PrepareStarted => (What::Agent, format!("its agent to make it ready for the upgrade to {to}")),
            Phase::PrepareCompleted => (What::Upgrade, format!("a user, who is to upgrade it to {to} and to say so")),
            Phase::CompleteStarted => (What::Agent, "its agent to bring it back into service".to_owned()),
            Phase::Completed => return None,
        };
        Some(self.link(what, message, Some(upgrade.since)))
    }

    fn agent_to_come(&self, instance: &Instance) -> Link {
        let (since, first_boot) = (Some(instance.status.since), !instance.is_manual());
        let enrolment = self.whole.enrolment.as_deref();
        if enrolment.is_some_and(|known| known.bound_key.is_some()) {
            return Link {
                first_boot,
                ..self.link(What::Agent, "its agent to connect: it has its certificate", since)
            };
        }
        if enrolment.is_some_and(|known| known.expires < self.seen.now) {
            let message = "a user, since its agent did not come while it was waited for";
            return Link { first_boot, ..self.link(What::User, message, since) };
        }
        let message = match instance.is_manual() {
            true => "the script that makes the host a machine to be run there",
            false => "its agent to come: its instance runs",
        };
        // The end of the waiting is days away, and no try: it would only mislead.
        Link { first_boot, ..self.link(What::Agent, message, since) }
    }

    fn leaving(&self, chain: &mut Vec<Link>) {
        let removal = self.machine.removal.as_ref();
        let since = removal.map(|removal| removal.asked);
        match self.within.under(&self.machine.id).next() {
            Some(_) => self.containers_to_go(since, chain),
            None => chain.push(self.goes(since)),
        }
        if let Some(at) = removal.and_then(|removal| removal.force_at) {
            let link = self.link(What::Force, "the end of the time that its removal was given", since);
            chain.push(Link { next_try: Some(at), ..link });
        }
    }

    fn containers_to_go(&self, since: Option<Time>, chain: &mut Vec<Link>) {
        let ids: Vec<MachineId> = self.within.under(&self.machine.id).map(|one| one.id.clone()).collect();
        let message = format!("the containers on it to go: {}", listed(ids.iter().map(MachineId::as_str)));
        chain.push(self.link(What::Containers, message, since));
        // Those inside others are followed from there.
        let direct = ids.iter().filter(|id| id.parent().as_ref() == Some(&self.machine.id));
        for id in direct.take(FOLLOWED) {
            self.follow(id, chain);
        }
    }

    fn goes(&self, since: Option<Time>) -> Link {
        let removal = self.machine.removal.as_ref();
        let tasks = self.within.tasks.values().filter(|task| task.machine == self.machine.id);
        let open: Vec<String> = tasks.filter(|task| !task.status.is_final()).map(|task| task.id.to_string()).collect();
        let until = removal.map_or(self.machine.created, |removal| removal.asked).plus(FAREWELL);
        let is_waited_for = self.machine.life == Life::Dying
            && removal.is_none_or(|removal| !removal.force)
            && until > self.seen.now
            && self.seen.presence.is_connected(self.seen.model, &self.machine.id);
        if is_waited_for && !open.is_empty() {
            let message = format!("its tasks to end: {}", listed(open.iter().map(String::as_str)));
            return Link { next_try: Some(until), ..self.link(What::Tasks, message, since) };
        }
        let Some(instance) = self.whole.instance.as_deref() else {
            return self.link(What::Controller, "the controller to forget it", since);
        };
        let work = &instance.provisioning;
        if work.step == LEAVING {
            return self.link(What::Agent, "its agent to take itself off the host", since);
        }
        let verb = if self.machine.keep_instance { "let go of" } else { "stop" };
        if work.step == STOPPING {
            let link = self.link(What::StopAgain, format!("the next try to {verb} its instance"), since);
            return Link {
                attempts: work.attempts,
                last_error: work.last_error.clone(),
                next_try: work.waits_until(self.seen.now),
                ..link
            };
        }
        if !instance.is_provisioned() && work.started.is_some() {
            let message = "its cloud to end the start of its instance, and to remove what that made";
            return self.link(What::Cloud, message, since);
        }
        let runs_on =
            instance.is_provisioned() && !self.machine.keep_instance && !settings::harvest(self.within).destroyed;
        match (instance.is_provisioned() || work.attempts > 0) && !runs_on {
            true => self.link(What::Cloud, format!("its cloud to {verb} its instance"), since),
            false => self.link(What::Controller, "the controller to forget it", since),
        }
    }
}

/// With what the tries to start it came to so far. It is told until one succeeds, whoever's turn it is now: else it is seen in the pauses alone.
fn after_tries(link: Link, instance: &Instance) -> Link {
    let work = &instance.provisioning;
    Link { attempts: work.attempts, last_error: work.last_error.clone(), first_boot: instance.first_boot, ..link }
}

fn worded(status: InstanceStatus) -> &'static str {
    match status {
        InstanceStatus::Empty => "of no status",
        _ => status.as_str(),
    }
}

/// The first few, and how many more there are.
fn listed<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let ids: Vec<&str> = ids.collect();
    match ids.len().checked_sub(NAMED) {
        None | Some(0) => ids.join(", "),
        Some(more) => format!("{} and {more} more", ids[..NAMED].join(", ")),
    }
}

#[cfg(test)]
mod tests;
