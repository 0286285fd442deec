//! A controller without its doors: a store in memory, the fake cloud, all workers; a user who asks for things, and agents that do as told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::chance::Chance;
use base::clock::{Clock, Time};
use base::status::{InstanceStatus, TaskStatus};
use base::{Hardware, Life, MachineId, ModelUuid, OsBase, TaskId};
use cloud::fake::{Fake, Fault};
use model::change::{self, Given};
use model::record::status::AgentStatus;
use model::{Beliefs, Read, State};
use store::faulty::Faulty;
use store::memory::Memory;
use store::{Prefix, Store};
use tokio::task::JoinHandle;

use super::clock::TestClock;
use super::dice::Dice;
use super::first;
use super::printed::Printed;
use crate::disk::{Room, Space};
use crate::identity::Root;
use crate::parts::{Newcomer, Outfit, Outfitted, Parts};
use crate::spawn::{Handle, spawn};

struct Nothing;

impl Room for Nothing {
    fn space(&self) -> std::io::Result<Space> {
        Ok(Space::of_bytes(1 << 40, 1 << 40))
    }
}

impl Outfit for Nothing {
    fn outfit(&self, newcomer: &Newcomer<'_>) -> Outfitted {
        assert!(!newcomer.token.is_empty());
        Outfitted::default()
    }
}

pub(super) struct Bed {
    pub user: State,
    store: Arc<dyn Store>,
    pub faulty: Arc<Faulty>,
    pub cloud: Fake,
    /// As the workers find it.
    pub clouds: Arc<cloud::Clouds>,
    pub clock: Arc<TestClock>,
    chance: Arc<dyn Chance>,
    workers: Arc<Mutex<Option<(Handle, State)>>>,
    printed: Arc<Printed>,
    /// All that was ever said of an instance or a model.
    said: Arc<Mutex<BTreeSet<String>>>,
    begun: Arc<Mutex<BTreeMap<(ModelUuid, TaskId), u32>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

pub(super) const CONTROLLER: &str = "c0c0c0c0-0000-4000-8000-00000000c0c0";

/// Of the tasks, the agents'.
const AGENTS: usize = 1;

fn add_host(
    beliefs: &Beliefs,
    model: ModelUuid,
    instance_id: &str,
    given: Given<'_>,
) -> Result<change::Decision<Vec<Result<MachineId, base::Refusal>>>, base::Refusal> {
    let base = OsBase::parse("ubuntu@24.04").expect("valid");
    let existing = change::machine::Existing {
        instance_id: instance_id.to_owned(),
        addresses: Vec::new(),
        hardware: Hardware::default(),
    };
    let one = change::machine::AddMachine { existing: Some(existing), ..Default::default() };
    change::machine::add(beliefs, model, &[one], &base, given)
}

/// No story takes longer.
const LONG: Duration = Duration::from_secs(4 * 3600);

impl Bed {
    pub async fn new() -> Bed {
        Bed::seeded(0).await
    }

    /// Ids and tokens are the same for the same seed.
    pub async fn seeded(seed: u64) -> Bed {
        let chance: Arc<dyn Chance> = Arc::new(Dice::new(seed));
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let told = Arc::new(TestClock::new());
        let clock: Arc<dyn Clock> = told.clone();
        let user = State::open(store.clone(), clock.clone(), chance.clone()).await.expect("opens");
        user.change(|beliefs, given| change::controller::bootstrap(beliefs, &first::records(), given))
            .await
            .expect("bootstraps");
        let faulty = Faulty::new(store.clone());
        let (clock_told, cloud) = (told, Fake::new());
        let printed = Arc::<Printed>::default();
        let opened: Arc<dyn cloud::Cloud> = Arc::new(cloud.clone());
        let clouds = cloud::Clouds::new([("fake".to_owned(), opened)]);
        let first = start(faulty.clone(), (clock.clone(), chance.clone()), &clouds, &printed).await;
        let workers = Arc::new(Mutex::new(Some(first)));
        // Whoever is killed comes back, with a store that works.
        let (again, told, all, kept) = (workers.clone(), faulty.clone(), clouds.clone(), printed.clone());
        let dice = chance.clone();
        let reviver = tokio::spawn(async move {
            loop {
                told.died().await;
                drop(again.lock().expect("no panic").take());
                let fresh = start(told.clone(), (clock.clone(), dice.clone()), &all, &kept).await;
                *again.lock().expect("no panic") = Some(fresh);
            }
        });
        let (said, begun) = (Arc::default(), Arc::default());
        let agents = tokio::spawn(agents(user.clone(), Arc::clone(&begun)));
        let listener = tokio::spawn(listen(user.clone(), Arc::clone(&said)));
        let tasks = vec![reviver, agents, listener];
        Bed { user, store, faulty, cloud, clouds, clock: clock_told, chance, workers, printed, said, begun, tasks }
    }

    /// The process ends when the cloud was called for the `n`-th time; `done`: the cloud does what was asked of it all the same.
    pub fn die_at_call(&mut self, n: usize, done: bool) {
        self.cloud.nth(n, if done { Fault::HangAfter } else { Fault::Hang });
        let (cloud, faulty) = (self.cloud.clone(), self.faulty.clone());
        self.tasks.push(tokio::spawn(async move {
            while cloud.calls().len() <= n {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            faulty.die();
        }));
    }

    /// The controller ends in order.
    pub async fn stop(&self) {
        let running = self.workers.lock().expect("no panic").take();
        if let Some((handle, _)) = running {
            handle.shutdown().await;
        }
    }

    pub async fn go_on(&self) {
        let fresh =
            start(self.faulty.clone(), (self.clock.clone(), self.chance.clone()), &self.clouds, &self.printed).await;
        *self.workers.lock().expect("no panic") = Some(fresh);
    }

    /// Who is connected to the controller.
    pub fn presence(&self) -> model::Presence {
        let workers = self.workers.lock().expect("no panic");
        workers.as_ref().expect("it runs").1.presence().clone()
    }

    /// All that was ever said of an instance or a model.
    pub fn said(&self) -> BTreeSet<String> {
        self.said.lock().expect("no panic").clone()
    }

    /// What is kept of what instances printed that did not come up.
    pub fn printed(&self, model: ModelUuid, machine: &MachineId) -> Option<String> {
        self.printed.0.lock().expect("no panic").get(&(model, machine.clone())).cloned()
    }

    /// No task was begun twice.
    pub fn begun_once(&self) {
        let begun = self.begun.lock().expect("no panic").clone();
        assert!(begun.values().all(|times| *times == 1), "{begun:?}");
    }

    pub fn now(&self) -> Time {
        self.user.now()
    }

    pub fn leaks(&self) -> Vec<String> {
        let workers = self.workers.lock().expect("no panic");
        workers.as_ref().map(|(handle, _)| handle.leaks().into_values().flatten().collect()).unwrap_or_default()
    }

    /// Waits until the state is so.
    pub async fn until(&self, what: &str, is: impl Fn(&Beliefs) -> bool) -> Read {
        let mut changes = self.user.view().changes();
        let wait = async {
            loop {
                let state = changes.next().await.expect("the view goes on");
                if is(state.projection()) {
                    return Read::of(state);
                }
            }
        };
        let done = tokio::time::timeout(LONG, wait).await;
        done.unwrap_or_else(|_| {
            let reports = self.workers.lock().expect("no panic").as_ref().map(|(handle, _)| handle.reports());
            panic!("never: {what}\n{reports:#?}\n{:?}", self.cloud.calls())
        })
    }

    /// Waits until something is so that no record tells of.
    pub async fn eventually(&self, what: &str, is: impl Fn() -> bool) {
        let wait = async {
            while !is() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::time::timeout(LONG, wait).await.unwrap_or_else(|_| panic!("never: {what}\n{:?}", self.cloud.calls()));
    }

    /// Sets a setting of a model.
    pub async fn set(&self, model: ModelUuid, name: &str, value: &str) {
        let values = BTreeMap::from([(name.to_owned(), value.into())]);
        let set = |beliefs: &Beliefs, given: Given<'_>| change::settings::set(beliefs, model, &values, given);
        self.user.change(set).await.expect("is set");
    }

    /// Waits until the cloud has made the machine's instance.
    pub async fn until_runs(&self, model: ModelUuid, machine: &MachineId) -> Read {
        let made = |beliefs: &Beliefs| {
            let instance = beliefs.models[&model].machines[machine].instance.as_ref();
            instance.is_some_and(|instance| instance.is_provisioned())
        };
        self.until("it runs", made).await
    }

    /// Keys in the store, uuids that differ from run to run left out.
    pub async fn keys(&self) -> Vec<String> {
        let asked = |all: &Beliefs| all.models().all(|(m, one)| one.life != Life::Alive || m.network.is_some());
        self.until("every cloud was asked for its subnets", asked).await;
        let snapshot = self.store.snapshot(&Prefix::all()).await.expect("memory");
        snapshot.entries.into_iter().map(|(key, _)| key.to_string()).collect()
    }

    pub async fn add_model(&self, name: &str) -> ModelUuid {
        let wanted = change::model::CreateModel { name: name.into(), owner: "admin".into(), ..Default::default() };
        self.user.change(|beliefs, given| change::model::create(beliefs, &wanted, given)).await.expect("model is made")
    }

    pub async fn add_machine(&self, model: ModelUuid) -> MachineId {
        self.add_machines(model, &[Default::default()]).await.remove(0)
    }

    pub async fn add_machines(&self, model: ModelUuid, all: &[change::machine::AddMachine]) -> Vec<MachineId> {
        let base = OsBase::parse("ubuntu@24.04").expect("valid");
        let add = |beliefs: &Beliefs, given: Given<'_>| change::machine::add(beliefs, model, all, &base, given);
        let added = self.user.change(add).await.expect("machines are added");
        added.into_iter().map(|one| one.expect("this one too")).collect()
    }

    /// A host that was there before.
    pub async fn take_in(&self, model: ModelUuid, instance_id: &str) -> MachineId {
        let add = |beliefs: &Beliefs, given: Given<'_>| add_host(beliefs, model, instance_id, given);
        self.user.change(add).await.expect("hosts are added").remove(0).expect("this one too")
    }

    /// The same, and before its agent can say a word it is to go again.
    pub async fn take_in_unheard(&self, model: ModelUuid, instance_id: &str) -> MachineId {
        self.tasks[AGENTS].abort();
        let host = self.take_in(model, instance_id).await;
        self.remove(model, &host, false).await;
        host
    }

    pub async fn agent_says(&self, model: ModelUuid, machine: &MachineId, status: AgentStatus) {
        let says = |agent: &mut model::record::agent::Agent, given: Given<'_>| agent.says(status, "", given);
        let said = |beliefs: &Beliefs, given: Given<'_>| change::agent::set(beliefs, model, machine, given, says);
        self.user.change(said).await.expect("is said");
    }

    /// Shows a token and a key, as the agent of a host that is taken in does.
    pub async fn enrols(&self, model: ModelUuid, machine: &MachineId) {
        let issue = |beliefs: &Beliefs, given: Given<'_>| {
            change::enrolment::issue_to_host(beliefs, model, machine, "token", given)
        };
        self.user.change(issue).await.expect("is issued");
        let bind = |beliefs: &Beliefs, given: Given<'_>| {
            change::enrolment::bind(beliefs, model, machine, "token", "key", given)
        };
        self.user.change(bind).await.expect("is bound");
    }

    /// The agent of a host that was taken in has taken itself off it.
    pub async fn agent_leaves(&self, model: ModelUuid, machine: &MachineId) {
        let leaves = |agent: &mut model::record::agent::Agent, given: Given<'_>| {
            agent.has_left = true;
            agent.says(AgentStatus::Stopped, "", given);
        };
        let said = |beliefs: &Beliefs, given: Given<'_>| change::agent::set(beliefs, model, machine, given, leaves);
        self.user.change(said).await.expect("is said");
        let left = |beliefs: &Beliefs, given: Given<'_>| change::enrolment::agent_left(beliefs, model, machine, given);
        self.user.change(left).await.expect("is noted");
    }

    pub async fn exec(&self, model: ModelUuid, machine: &MachineId, command: &str) -> TaskId {
        self.exec_for(model, machine, command, Duration::ZERO).await
    }

    /// Command `hang` never ends, and `wait` is never taken up.
    pub async fn exec_for(&self, model: ModelUuid, machine: &MachineId, command: &str, limit: Duration) -> TaskId {
        let exec = change::task::Exec {
            command: command.into(),
            timeout: i64::try_from(limit.as_nanos()).expect("short"),
            parallel: true,
            execution_group: String::new(),
            by: "admin".into(),
            targets: vec![machine.to_string()],
            refused: Vec::new(),
        };
        let targets = exec.targets.clone();
        let run =
            |beliefs: &Beliefs, given: Given<'_>| change::task::enqueue(beliefs, model, &exec, &targets, None, given);
        self.user.change(run).await.expect("is enqueued").tasks.remove(0).expect("this one too").id
    }

    pub async fn remove(&self, model: ModelUuid, machine: &MachineId, force: bool) {
        self.destroy(model, machine, change::machine::Destroy { force, ..Default::default() }).await;
    }

    /// By force, and nothing is waited for.
    pub async fn force_at_once(&self, model: ModelUuid, machine: &MachineId) {
        let how = change::machine::Destroy { force: true, max_wait: Some(Duration::ZERO), ..Default::default() };
        self.destroy(model, machine, how).await;
    }

    pub async fn keep(&self, model: ModelUuid, machine: &MachineId) {
        self.destroy(model, machine, change::machine::Destroy { keep_instance: true, ..Default::default() }).await;
    }

    async fn destroy(&self, model: ModelUuid, machine: &MachineId, how: change::machine::Destroy) {
        let destroy =
            |beliefs: &Beliefs, given: Given<'_>| change::machine::destroy(beliefs, model, machine, how, given);
        self.user.change(destroy).await.expect("is to go");
    }

    pub async fn retry(&self, model: ModelUuid, machine: &MachineId) {
        let ids = [machine.clone()];
        let retry = |beliefs: &Beliefs, given: Given<'_>| change::machine::retry(beliefs, model, &ids, false, given);
        assert!(self.user.change(retry).await.expect("is tried again").is_empty());
    }

    pub async fn destroy_model(&self, model: ModelUuid) {
        let destroy =
            |beliefs: &Beliefs, given: Given<'_>| change::model::destroy(beliefs, model, Default::default(), given);
        self.user.change(destroy).await.expect("is to go");
    }

    /// A user who sees that a machine did not start for good, and asks for another try.
    pub fn retry_what_fails(&mut self, model: ModelUuid) {
        let user = self.user.clone();
        self.tasks.push(tokio::spawn(async move {
            let mut changes = user.view().changes();
            while let Ok(read) = changes.next().await {
                let Some(within) = read.projection().models.get(&model) else { return };
                let failed = within.machines().filter(|(_, whole, _)| {
                    let instance = whole.instance.as_ref();
                    instance.is_some_and(|one| one.status.current == InstanceStatus::ProvisioningError)
                });
                let failed: Vec<MachineId> = failed.map(|(id, ..)| id.clone()).collect();
                if !failed.is_empty() {
                    tokio::time::sleep(Duration::from_secs(5)).await;
                    let retry = |beliefs: &Beliefs, given: Given<'_>| {
                        change::machine::retry(beliefs, model, &failed, false, given)
                    };
                    user.change(retry).await.expect("is tried again");
                }
            }
        }));
    }

    pub async fn destroy_model_by_force(&self, model: ModelUuid) {
        let how = change::model::DestroyModel { force: true, max_wait: None };
        self.user.change(|beliefs, given| change::model::destroy(beliefs, model, how, given)).await.expect("is to go");
    }

    pub async fn destroy_controller(&self) {
        let how = change::controller::DestroyController { destroy_models: true, ..Default::default() };
        self.user.change(|beliefs, given| change::controller::destroy(beliefs, how, given)).await.expect("is to go");
    }
}

/// Where time and ids come from.
type Seams = (Arc<dyn Clock>, Arc<dyn Chance>);

async fn start(
    faulty: Arc<Faulty>,
    seams: Seams,
    clouds: &Arc<cloud::Clouds>,
    printed: &Arc<Printed>,
) -> (Handle, State) {
    let state = State::open(faulty, seams.0, seams.1).await.expect("opens");
    let handle = spawn(Parts {
        state: state.clone(),
        clouds: clouds.clone(),
        root: Root::new(&[7; 32]),
        outfit: Arc::new(Nothing),
        kept: printed.clone(),
        room: Arc::new(Nothing),
    });
    (handle, state)
}

/// Hears all that is said of instances and models.
async fn listen(state: State, said: Arc<Mutex<BTreeSet<String>>>) {
    let (_, mut feed) = state.follow();
    while let Ok(step) = feed.next().await {
        let mut said = said.lock().expect("no panic");
        for (within, model) in step.state.projection().models() {
            said.insert(model.status.message.clone());
            said.extend(
                within.machines().filter_map(|(_, whole, _)| Some(whole.instance.as_ref()?.status.message.clone())),
            );
        }
    }
}

/// Machines that run have agents that started, and do what they are asked.
async fn agents(state: State, begun: Arc<Mutex<BTreeMap<(ModelUuid, TaskId), u32>>>) {
    let mut changes = state.view().changes();
    while let Ok(read) = changes.next().await {
        let (mut silent, mut asked) = (Vec::new(), Vec::new());
        for (within, model) in read.projection().models() {
            for (id, whole, machine) in within.machines() {
                let runs = whole.instance.as_ref().is_some_and(|instance| instance.is_provisioned());
                if runs && whole.agent.as_ref().is_some_and(|agent| agent.status.current == AgentStatus::Pending) {
                    silent.push((model.uuid, id.clone()));
                }
                let tasks =
                    within.tasks.values().filter(|task| task.machine == *id && task.status == TaskStatus::Pending);
                if runs && machine.life == base::Life::Alive {
                    asked
                        .extend(tasks.filter(|task| task.command != "wait").map(|task| (model.uuid, task.to_record())));
                }
            }
        }
        for (model, id) in silent {
            let says =
                |agent: &mut model::record::agent::Agent, given: Given<'_>| agent.says(AgentStatus::Started, "", given);
            // Its machine may have gone meanwhile.
            let said = state.change(|beliefs, given| change::agent::set(beliefs, model, &id, given, says)).await;
            drop(said);
        }
        for (model, task) in asked {
            *begun.lock().expect("no panic").entry((model, task.id)).or_default() += 1;
            state
                .change(|beliefs, given| change::task::started(beliefs, model, task.id, given))
                .await
                .expect("is said");
            if task.command == "hang" {
                continue;
            }
            let ended = change::task::Ended {
                status: TaskStatus::Completed,
                message: String::new(),
                return_code: Some(0),
                started: None,
                stdout_len: 0,
                stderr_len: 0,
                dropped: 0,
            };
            let end = |beliefs: &Beliefs, given: Given<'_>| change::task::ended(beliefs, model, task.id, &ended, given);
            state.change(end).await.expect("is said");
        }
    }
}
