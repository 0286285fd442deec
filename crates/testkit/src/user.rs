//! Somebody who uses a controller by changing its state directly: what a client would ask for over the wire, without the wire.
//! It must not know whether a controller runs. The surprise: all waits are on conditions, and end with a panic that says what never came.

use std::time::Duration;

use base::status::{AgentStatus, TaskStatus};
use base::{MachineId, ModelUuid, OsBase, TaskId};
use model::change::{self, Given};
use model::output::{self, Stream};
use model::query::machine::agent_status;
use model::record::task::Task;
use model::{Beliefs, Read, State};
use store::append::Append;

/// How long anything may take.
const LONG: Duration = Duration::from_secs(60);

/// Cheap to clone.
#[derive(Clone)]
pub struct User {
    pub state: State,
    append: Append,
}

impl User {
    pub fn new(state: State, append: Append) -> User {
        User { state, append }
    }

    /// Waits until the state is so.
    pub async fn until(&self, what: &str, is: impl Fn(&Beliefs) -> bool) -> Read {
        let mut changes = self.state.view().changes();
        let wait = async {
            loop {
                let state = changes.next().await.expect("the view goes on");
                if is(state.projection()) {
                    return Read::of(state);
                }
            }
        };
        tokio::time::timeout(LONG, wait).await.unwrap_or_else(|_| panic!("never: {what}"))
    }

    pub async fn add_model(&self, name: &str) -> ModelUuid {
        let wanted = change::model::CreateModel { name: name.into(), owner: "admin".into(), ..Default::default() };
        let create = |beliefs: &Beliefs, given: Given<'_>| change::model::create(beliefs, &wanted, given);
        self.state.change(create).await.expect("made")
    }

    pub async fn add_machines(&self, model: ModelUuid, count: usize) -> Vec<MachineId> {
        let base = OsBase::parse("ubuntu@24.04").expect("valid");
        let all = vec![change::machine::AddMachine::default(); count];
        let add = |beliefs: &Beliefs, given: Given<'_>| change::machine::add(beliefs, model, &all, &base, given);
        self.state.change(add).await.expect("added").into_iter().map(|id| id.expect("this one too")).collect()
    }

    /// Waits until all of them have started.
    pub async fn started(&self, model: ModelUuid, ids: &[MachineId]) {
        let is = |beliefs: &Beliefs| {
            ids.iter().all(|id| {
                let agent = beliefs.models[&model].machines[id].agent.as_ref();
                agent.is_some_and(|agent| agent.status.current == AgentStatus::Started)
            })
        };
        self.until("all are started", is).await;
    }

    /// As `status` shows it.
    pub fn shown(&self, model: ModelUuid, id: &MachineId) -> AgentStatus {
        let read = self.state.read();
        let all = &read.models[&model].machines[id];
        agent_status(model, all.machine.as_ref().expect("there"), all, self.state.presence()).current
    }

    pub async fn exec(&self, model: ModelUuid, machine: &MachineId, command: &str) -> TaskId {
        self.exec_for(model, machine, command, Duration::ZERO).await
    }

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
        self.state.change(run).await.expect("enqueued").tasks.remove(0).expect("this one too").id
    }

    pub async fn until_task(&self, model: ModelUuid, id: TaskId, status: TaskStatus) -> Task {
        let what = format!("task {id} is {status}");
        let seen = self.until(&what, |beliefs| beliefs.models[&model].tasks[&id].status == status).await;
        seen.models[&model].tasks[&id].to_record()
    }

    /// All that a task wrote.
    pub async fn wrote(&self, model: ModelUuid, id: TaskId, stream: Stream) -> Vec<u8> {
        let (mut all, mut offset) = (Vec::new(), 0);
        let name = output::blob(model, id, stream);
        while let Some(part) = self.append.blobs().read(&name, offset, 1 << 20).await.expect("read") {
            if part.bytes.is_empty() {
                break;
            }
            offset = part.next;
            all.extend(part.bytes);
        }
        all
    }

    pub async fn remove(&self, model: ModelUuid, id: &MachineId) {
        let how = change::machine::Destroy::default();
        let destroy = |beliefs: &Beliefs, given: Given<'_>| change::machine::destroy(beliefs, model, id, how, given);
        self.state.change(destroy).await.expect("is to go");
    }

    pub async fn destroy_model(&self, model: ModelUuid) {
        let destroy =
            |beliefs: &Beliefs, given: Given<'_>| change::model::destroy(beliefs, model, Default::default(), given);
        self.state.change(destroy).await.expect("is to go");
    }
}
