//! What agents say becomes changes of the model, and output in the append store.
//! It trusts an agent with its own machine alone: a task of another machine is as good as unknown. The surprise: everything may be said twice.

use base::clock::Time;
use base::{Hardware, OsBase, Refusal, SeenSubnet, TaskId};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use model::beliefs::Beliefs;
use model::change::task::Ended;
use model::change::{self, Given};
use model::output;
use model::record::address::Address;
use model::record::agent::{Agent, Interface};
use model::record::status::{AgentStatus, TaskStatus};
use model::record::task::Task;
use model::record::upgrade::Phase;
use rpc::tls::AgentIdentity;
use store::append::{Level, Line, LogBounds};
use wire::agent::{self, FromAgent, Outcome, ToAgent};

use super::allowance::{self, Verdict};
use super::{Door, bounds};

/// What an agent says of itself, gathered until there is a pause, then written at once.
pub(super) type Sayings = Vec<FromAgent>;

/// Whether a message can be gathered with others.
pub(super) fn is_saying(message: &FromAgent) -> bool {
    match message {
        FromAgent::Hello(_) | FromAgent::Facts(_) | FromAgent::Status { .. } => true,
        FromAgent::TaskStarted { .. }
        | FromAgent::TaskOutput { .. }
        | FromAgent::TaskDone(_)
        | FromAgent::Log { .. }
        | FromAgent::Upgraded { .. }
        | FromAgent::Renew { .. }
        | FromAgent::Pong { .. }
        | FromAgent::Unknown => false,
    }
}

fn has_left(said: &FromAgent) -> bool {
    matches!(said, FromAgent::Status { status: agent::AgentStatus::Left, .. })
}

impl Door {
    /// Takes over what was gathered, in one change.
    pub(super) async fn take_sayings(&self, who: &AgentIdentity, sayings: &Sayings) -> Result<(), Refusal> {
        let take = |agent: &mut Agent, given: Given<'_>| sayings.iter().for_each(|said| take_one(agent, said, given));
        self.state.change(|beliefs, given| change::agent::set(beliefs, who.model, &who.machine, given, take)).await?;
        if sayings.iter().any(|said| matches!(said, FromAgent::Facts(_))) {
            self.learn_subnets(who).await?;
        }
        if sayings.iter().any(has_left) {
            // Of a machine that was forgotten before its agent had left, this was the last that was waited for.
            self.state
                .change(|beliefs, given| change::enrolment::agent_left(beliefs, who.model, &who.machine, given))
                .await?;
        }
        Ok(())
    }

    /// Subnets that nobody knew before this machine was in them.
    async fn learn_subnets(&self, who: &AgentIdentity) -> Result<(), Refusal> {
        let seen = {
            let read = self.state.read();
            let Some(within) = read.models.get(&who.model) else { return Ok(()) };
            let Some(agent) = within.machines.get(&who.machine).and_then(|all| all.agent.as_ref()) else {
                return Ok(());
            };
            let network = within.network();
            let cidrs = agent.addresses.iter().filter_map(|address| address.cidr.parse::<IpNet>().ok());
            // The route to one host is no subnet.
            let cidrs = cidrs.filter(|cidr| cidr.prefix_len() < cidr.max_prefix_len());
            cidrs.filter(|cidr| network.subnet(cidr).is_none()).map(SeenSubnet::on_machine).collect::<Vec<_>>()
        };
        if seen.is_empty() {
            return Ok(());
        }
        let learn =
            |beliefs: &Beliefs, given: Given<'_>| change::network::learn(beliefs, who.model, &seen, false, given);
        self.state.change(learn).await
    }

    /// Takes one other message; the answer goes back to the agent.
    pub(super) async fn take(&self, who: &AgentIdentity, message: FromAgent) -> Result<Option<ToAgent>, Refusal> {
        match message {
            FromAgent::TaskStarted { id, .. } => {
                if let Some(task) = self.task_of(who, &id) {
                    self.state
                        .change(|beliefs, given| change::task::started(beliefs, who.model, task.id, given))
                        .await?;
                }
                Ok(None)
            }
            FromAgent::TaskOutput { id, stream, offset, data } => {
                self.take_output(who, &id, stream, offset, &data).await?;
                Ok(None)
            }
            FromAgent::TaskDone(done) => {
                self.take_end(who, &done).await?;
                Ok(Some(ToAgent::TaskAck { id: done.id }))
            }
            FromAgent::Log { at, level, module, message } => {
                let at = i64::try_from(at).unwrap_or(i64::MAX).saturating_mul(1000);
                let line = bounds::line(who, at, self.state.now(), level_of(&level), &module, &message);
                match self.allowances.line(who, line.message.len() + line.module.len()) {
                    Verdict::Drop => {}
                    Verdict::Keep(dropped) => self.log(who, line, dropped).await?,
                }
                Ok(None)
            }
            FromAgent::Renew { csr_pem } => {
                if !self.may_renew(who, &csr_pem) {
                    return Err(Refusal::plain("certificate request is not of the key that enrolled"));
                }
                self.pace(who, 1).await;
                let certificate_pem = self.signer.sign(&csr_pem, who)?;
                Ok(Some(ToAgent::Certificate { certificate_pem, ca_cert_pem: self.signer.ca_cert_pem() }))
            }
            FromAgent::Upgraded { step, base } => {
                let phase = match step {
                    agent::UpgradeStep::Prepare => Phase::PrepareStarted,
                    agent::UpgradeStep::Complete => Phase::CompleteStarted,
                };
                let now = OsBase::parse(&bounds::word(&base)).ok();
                let did = |beliefs: &Beliefs, given: Given<'_>| {
                    change::machine::upgrade::agent_did(beliefs, who.model, &who.machine, phase, now.clone(), given)
                };
                self.state.change(did).await.map(|()| None)
            }
            // That something came is all that a pong says.
            FromAgent::Pong { .. } | FromAgent::Unknown => Ok(None),
            FromAgent::Hello(_) | FromAgent::Facts(_) | FromAgent::Status { .. } => {
                self.take_sayings(who, &vec![message]).await.map(|()| None)
            }
        }
    }

    async fn log(&self, who: &AgentIdentity, line: Line, dropped: u64) -> Result<(), Refusal> {
        let mut lines: Vec<Line> = (dropped > 0).then(|| self.of_dropped(who, dropped)).into_iter().collect();
        lines.push(line);
        self.append.logs().append(&who.model.to_string(), lines, LogBounds::default()).await.map_err(kept)
    }

    /// Says what was dropped, when the agent has gone silent before it could be said.
    pub(super) async fn tell_dropped(&self, who: &AgentIdentity) -> Result<(), Refusal> {
        match self.allowances.dropped(who) {
            0 => Ok(()),
            dropped => {
                let lines = vec![self.of_dropped(who, dropped)];
                self.append.logs().append(&who.model.to_string(), lines, LogBounds::default()).await.map_err(kept)
            }
        }
    }

    fn of_dropped(&self, who: &AgentIdentity, dropped: u64) -> Line {
        let (lines, bytes) = (allowance::LINES.a_second, allowance::LINE_BYTES.a_second / 1024.0);
        let words =
            format!("{dropped} lines dropped: the machine logs more than {lines} lines or {bytes} KiB a second");
        let now = self.state.now();
        bounds::line(who, micros(now), now, Level::Warning, "grigri.log", &words)
    }

    /// Waits until an agent may say so much of itself; nothing more of it is read meanwhile.
    pub(super) async fn pace(&self, who: &AgentIdentity, sayings: usize) {
        let wait = self.allowances.say(who, sayings);
        if !wait.is_zero() {
            tracing::debug!(model = %who.model, machine = %who.machine, ?wait, "agent says much of itself and waits");
            tokio::time::sleep(wait).await;
        }
    }

    /// A task of this agent's machine.
    fn task_of(&self, who: &AgentIdentity, id: &str) -> Option<Task> {
        let id: TaskId = id.parse().ok()?;
        let read = self.state.read();
        let task = read.models.get(&who.model)?.tasks.get(&id)?;
        (task.machine == who.machine).then(|| task.to_record())
    }

    async fn take_output(
        &self,
        who: &AgentIdentity,
        id: &str,
        stream: agent::Stream,
        offset: u64,
        data: &str,
    ) -> Result<(), Refusal> {
        let Some(task) = self.task_of(who, id).filter(|task| !task.status.is_final()) else { return Ok(()) };
        let Ok(bytes) = STANDARD.decode(data) else { return Err(Refusal::plain("output is not base64")) };
        if bytes.len() > agent::MAX_CHUNK {
            return Err(Refusal::plain("chunk of output is too long"));
        }
        let name = output::blob(who.model, task.id, stream_of(stream));
        let now = micros(self.state.now());
        let blob =
            self.append.blobs().append(&name, Some(offset), bytes, agent::MAX_OUTPUT, now).await.map_err(kept)?;
        if blob.received < offset {
            tracing::debug!(task = id, offset, received = blob.received, "output has a gap: the agent sends it again");
        }
        Ok(())
    }

    async fn take_end(&self, who: &AgentIdentity, done: &agent::TaskDone) -> Result<(), Refusal> {
        // Unknown or forgotten: the agent may forget it too.
        let Some(task) = self.task_of(who, &done.id) else { return Ok(()) };
        if task.status.is_final() {
            return Ok(());
        }
        // The output is whole before anybody is told that the task ended.
        let now = micros(self.state.now());
        for (stream, len) in [(output::Stream::Stdout, done.stdout_len), (output::Stream::Stderr, done.stderr_len)] {
            if len > 0 {
                self.append.blobs().finish(&output::blob(who.model, task.id, stream), now).await.map_err(kept)?;
            }
        }
        let ended = ended(done);
        self.state.change(|beliefs, given| change::task::ended(beliefs, who.model, task.id, &ended, given)).await?;
        Ok(())
    }
}

fn take_one(agent: &mut Agent, said: &FromAgent, given: Given<'_>) {
    match said {
        FromAgent::Hello(hello) => {
            agent.version = bounds::word(&hello.agent_version);
            agent.boot_id = bounds::word(&hello.boot_id);
        }
        FromAgent::Facts(facts) => {
            let facts = bounds::facts(facts);
            agent.hostname = facts.hostname;
            agent.boot_id = facts.boot_id;
            agent.base = facts.base;
            agent.hardware = Hardware {
                arch: Some(facts.arch).filter(|arch| !arch.is_empty()),
                cpu_cores: Some(facts.cores).filter(|cores| *cores > 0),
                mem: Some(facts.mem).filter(|mem| *mem > 0),
                root_disk: Some(facts.root_disk).filter(|disk| *disk > 0),
                ..Hardware::default()
            };
            agent.interfaces = facts.interfaces.iter().filter(|one| !one.loopback).map(interface).collect();
            agent.addresses = addresses(&facts.interfaces);
            if !facts.ssh_host_keys.is_empty() {
                agent.ssh_host_keys = facts.ssh_host_keys;
            }
        }
        FromAgent::Status { status, message } => {
            let word = match status {
                agent::AgentStatus::Started => AgentStatus::Started,
                agent::AgentStatus::Stopped | agent::AgentStatus::Left => AgentStatus::Stopped,
                agent::AgentStatus::Error => AgentStatus::Error,
            };
            agent.has_left = *status == agent::AgentStatus::Left;
            agent.says(word, &bounds::sentence(message), given);
        }
        _ => {}
    }
}

fn interface(seen: &agent::Interface) -> Interface {
    Interface {
        name: seen.name.clone(),
        mac: seen.mac.clone(),
        up: seen.up,
        addresses: seen.addresses.iter().map(|address| bare(address).to_owned()).collect(),
        gateway: seen.gateway.clone(),
    }
}

/// All addresses that may be dialled from elsewhere.
fn addresses(interfaces: &[agent::Interface]) -> Vec<Address> {
    let outside = interfaces.iter().filter(|one| one.up && !one.loopback);
    let found =
        outside.flat_map(|one| &one.addresses).map(|text| Address { cidr: network(text), ..Address::of(bare(text)) });
    // What is no number would be taken for a name by whoever dials it, and by the shells that ssh runs.
    let is_number = |one: &Address| one.value.parse::<std::net::IpAddr>().is_ok();
    found.filter(|one| is_number(one) && one.is_usable_from_outside()).collect()
}

/// `10.0.0.5` of `10.0.0.5/24`.
fn bare(text: &str) -> &str {
    text.split_once('/').map_or(text, |(address, _)| address)
}

/// `10.0.0.0/24` of `10.0.0.5/24`; empty when it is no such text.
fn network(text: &str) -> String {
    text.parse::<IpNet>().map(|net| net.trunc().to_string()).unwrap_or_default()
}

fn ended(done: &agent::TaskDone) -> Ended {
    let (status, message, return_code) = match &done.outcome {
        Outcome::Exited { code } => (TaskStatus::Completed, String::new(), Some(*code)),
        // As a shell would say it.
        Outcome::Signalled { signal } => (TaskStatus::Completed, String::new(), Some(signal.saturating_add(128))),
        Outcome::TimedOut => (TaskStatus::Failed, "command cancelled".into(), None),
        Outcome::Cancelled => (TaskStatus::Cancelled, "command cancelled".into(), None),
        Outcome::Interrupted => {
            (TaskStatus::Failed, "interrupted: the machine or its agent stopped while it ran".into(), None)
        }
        Outcome::Failed { message } => (TaskStatus::Failed, bounds::sentence(message), None),
    };
    // What is over the bound was not kept, whatever the agent counted.
    let [stdout_len, stderr_len] = [done.stdout_len, done.stderr_len].map(|len| len.min(agent::MAX_OUTPUT));
    let over = done.stdout_len.saturating_add(done.stderr_len) - stdout_len - stderr_len;
    let dropped = done.dropped.saturating_add(over);
    Ended {
        status,
        message,
        return_code,
        started: (done.started > 0).then(|| Time::from_unix(i64::try_from(done.started / 1000).unwrap_or(0))),
        stdout_len,
        stderr_len,
        dropped,
    }
}

fn stream_of(stream: agent::Stream) -> output::Stream {
    match stream {
        agent::Stream::Stdout => output::Stream::Stdout,
        agent::Stream::Stderr => output::Stream::Stderr,
    }
}

fn level_of(word: &str) -> Level {
    match word.to_ascii_uppercase().as_str() {
        "TRACE" => Level::Trace,
        "DEBUG" => Level::Debug,
        "WARN" | "WARNING" => Level::Warning,
        "ERROR" => Level::Error,
        "CRITICAL" => Level::Critical,
        _ => Level::Info,
    }
}

fn micros(time: Time) -> i64 {
    i64::try_from(time.unix_nanos() / 1000).unwrap_or(i64::MAX)
}

fn kept(failure: store::Failure) -> Refusal {
    Refusal::internal("controller could not store what an agent sent", failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_of_addresses() {
        let check = |text: &str, expected: &str| assert_eq!(network(text), expected, "{text}");
        check("10.0.0.5/24", "10.0.0.0/24");
        check("10.0.0.5/32", "10.0.0.5/32");
        check("10.0.0.5/0", "0.0.0.0/0");
        check("fd00::5/64", "fd00::/64");
        check("10.0.0.5/33", "");
        check("10.0.0.5", "");
        check("nonsense/8", "");
    }

    #[test]
    fn only_addresses_that_lead_here_from_elsewhere_count() {
        let one = |name: &str, loopback, up, addresses: &[&str]| agent::Interface {
            name: name.into(),
            loopback,
            up,
            addresses: addresses.iter().map(|text| (*text).to_owned()).collect(),
            ..agent::Interface::default()
        };
        let all = [
            one("lo", true, true, &["127.0.0.1/8", "::1/128"]),
            one("eth0", false, true, &["10.0.0.5/24", "fe80::1/64", "$(id)/24", "-oProxyCommand=id"]),
            one("eth1", false, false, &["10.9.0.5/24"]),
        ];
        let found: Vec<_> = addresses(&all).into_iter().map(|address| (address.value, address.cidr)).collect();
        assert_eq!(found, [("10.0.0.5".to_owned(), "10.0.0.0/24".to_owned())]);
    }
}
