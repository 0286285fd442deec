//! A controller without its doors: a store in memory, the fake cloud, all workers; a user who asks for things, and agents that do as told.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::chance::SystemChance;
use base::clock::{Clock, Time};
use base::{Constraints, Hardware, MachineId, ModelUuid, OsBase, Secret, TaskId};
use cloud::fake::Fake;
use model::change::{self, Given};
use model::record::status::AgentStatus;
use model::{Beliefs, Read, State};
use store::memory::Memory;
use store::{Boxed, Prefix, Store};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::store::{Break, Faulty};
use crate::disk::{Room, Space};
use crate::identity::Root;
use crate::parts::{Kept, Newcomer, Outfit, Outfitted, Parts};
use crate::retain::Bounds;
use crate::spawn::{Handle, spawn};

/// Time by the runtime's clock, which tests pause.
struct TestClock(Time, Instant);

impl Clock for TestClock {
    fn now(&self) -> Time {
        self.0.plus(self.1.elapsed())
    }
}

struct Nothing;

impl Kept for Nothing {
    fn forget_task(&self, _: ModelUuid, _: TaskId) -> Boxed<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }

    fn forget_model(&self, _: ModelUuid) -> Boxed<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }

    fn retain(&self, _: Bounds) -> Boxed<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}

impl Room for Nothing {
    fn space(&self) -> std::io::Result<Space> {
        Ok(Space { free: 1 << 40, total: 1 << 40 })
    }
}

impl Outfit for Nothing {
    fn outfit(&self, newcomer: &Newcomer<'_>) -> Outfitted {
        assert!(!newcomer.token.is_empty());
        Outfitted::default()
    }
}

pub(super) struct Bed {
    user: State,
    store: Arc<dyn Store>,
    faulty: Arc<Faulty>,
    pub cloud: Fake,
    workers: Arc<Mutex<Option<Handle>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// No story takes longer.
const LONG: Duration = Duration::from_secs(4 * 3600);

impl Bed {
    pub async fn new() -> Bed {
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let clock: Arc<dyn Clock> = Arc::new(TestClock(Time::from_unix(1_700_000_000), Instant::now()));
        let user = State::open(store.clone(), clock.clone(), Arc::new(SystemChance)).await.expect("opens");
        user.change(|beliefs, given| change::controller::bootstrap(beliefs, &bootstrap(), given))
            .await
            .expect("bootstraps");
        let faulty = Arc::new(Faulty {
            inner: store.clone(),
            commits: Default::default(),
            plan: Default::default(),
            died: Default::default(),
        });
        let cloud = Fake::new();
        let workers = Arc::new(Mutex::new(Some(start(faulty.clone(), clock.clone(), &cloud).await)));
        // Whoever is killed comes back, with a store that works.
        let (again, told, fake) = (workers.clone(), faulty.clone(), cloud.clone());
        let reviver = tokio::spawn(async move {
            told.died.notified().await;
            drop(again.lock().expect("no panic").take());
            let fresh = start(told.clone(), clock, &fake).await;
            *again.lock().expect("no panic") = Some(fresh);
        });
        let agents = tokio::spawn(agents(user.clone()));
        Bed { user, store, faulty, cloud, workers, tasks: vec![reviver, agents] }
    }

    pub fn break_commit(&self, n: usize, how: Break) {
        *self.faulty.plan.lock().expect("no panic") = Some((self.commits() + n, how));
    }

    pub fn commits(&self) -> usize {
        self.faulty.commits.load(Ordering::SeqCst)
    }

    pub fn now(&self) -> Time {
        self.user.now()
    }

    pub fn leaks(&self) -> Vec<String> {
        let workers = self.workers.lock().expect("no panic");
        workers.as_ref().map(|handle| handle.leaks().into_values().flatten().collect()).unwrap_or_default()
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
            let reports = self.workers.lock().expect("no panic").as_ref().map(Handle::reports);
            panic!("never: {what}\n{reports:#?}\n{:?}", self.cloud.calls())
        })
    }

    /// Keys in the store, uuids that differ from run to run left out.
    pub async fn keys(&self) -> Vec<String> {
        let snapshot = self.store.snapshot(&Prefix::all()).await.expect("memory");
        snapshot.entries.into_iter().map(|(key, _)| key.to_string()).collect()
    }

    pub async fn add_model(&self, name: &str) -> ModelUuid {
        let wanted = change::model::CreateModel { name: name.into(), owner: "admin".into(), ..Default::default() };
        self.user.change(|beliefs, given| change::model::create(beliefs, &wanted, given)).await.expect("model is made")
    }

    pub async fn add_machine(&self, model: ModelUuid) -> MachineId {
        let base = OsBase::parse("ubuntu@24.04").expect("valid");
        let one = change::machine::AddMachine { constraints: Constraints::default(), ..Default::default() };
        let add = |beliefs: &Beliefs, given: Given<'_>| {
            change::machine::add(beliefs, model, std::slice::from_ref(&one), &base, given)
        };
        self.user.change(add).await.expect("machines are added").remove(0).expect("this one too")
    }

    pub async fn exec(&self, model: ModelUuid, machine: &MachineId) -> TaskId {
        let exec = change::task::Exec {
            command: "true".into(),
            timeout: 0,
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
        let how = change::machine::Destroy { force, ..Default::default() };
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

    pub async fn destroy_controller(&self) {
        let how = change::controller::DestroyController { destroy_models: true, ..Default::default() };
        self.user.change(|beliefs, given| change::controller::destroy(beliefs, how, given)).await.expect("is to go");
    }
}

async fn start(faulty: Arc<Faulty>, clock: Arc<dyn Clock>, cloud: &Fake) -> Handle {
    let state = State::open(faulty, clock, Arc::new(SystemChance)).await.expect("opens");
    let fake: Arc<dyn cloud::Cloud> = Arc::new(cloud.clone());
    spawn(Parts {
        state,
        clouds: Arc::new(BTreeMap::from([("fake".to_owned(), fake)])),
        root: Root::new(&[7; 32]),
        outfit: Arc::new(Nothing),
        kept: Arc::new(Nothing),
        room: Arc::new(Nothing),
    })
}

/// Machines that run have agents that started.
async fn agents(state: State) {
    let mut changes = state.view().changes();
    while let Ok(read) = changes.next().await {
        let mut silent = Vec::new();
        for (within, model) in read.projection().models() {
            for (id, whole, _) in within.machines() {
                let runs = whole.instance.as_ref().is_some_and(|instance| instance.is_provisioned());
                if runs && whole.agent.as_ref().is_some_and(|agent| agent.status.current == AgentStatus::Pending) {
                    silent.push((model.uuid, id.clone()));
                }
            }
        }
        for (model, id) in silent {
            let says =
                |agent: &mut model::record::agent::Agent, given: Given<'_>| agent.says(AgentStatus::Started, "", given);
            state.change(|beliefs, given| change::agent::set(beliefs, model, &id, given, says)).await.expect("is said");
        }
    }
}

fn bootstrap() -> change::controller::Bootstrap {
    change::controller::Bootstrap {
        uuid: "c0c0c0c0-0000-4000-8000-00000000c0c0".into(),
        name: "c".into(),
        model_uuid: "a0a0a0a0-0000-4000-8000-00000000a0a0".parse().expect("valid"),
        cloud: model::record::cloud::Cloud {
            name: "fake".into(),
            kind: "fake".into(),
            auth_types: vec!["empty".into()],
            ..Default::default()
        },
        region: String::new(),
        credential: None,
        ca_cert: String::new(),
        endpoints: Vec::new(),
        config: BTreeMap::new(),
        model_config: BTreeMap::new(),
        version: "3.6.100".into(),
        user: "admin".into(),
        password_hash: Secret::new(""),
        keys: Vec::new(),
        machine: change::controller::ControllerMachine {
            base: OsBase::parse("ubuntu@24.04").expect("valid"),
            instance_id: "localhost".into(),
            hostname: "localhost".into(),
            hardware: Hardware::default(),
        },
    }
}
