//! What a machine should be, in the agents' words: a pure function of the state.

use base::{Life, TaskId};
use model::State;
use model::beliefs::Beliefs;
use model::record::status::TaskStatus;
use model::record::task::Task;
use rpc::tls::AgentIdentity;
use wire::agent::{self, Document, TaskOrder};

use super::router::News;

/// The parts of a machine's document that `news` names. A machine that is not there is dead.
pub(super) fn document(state: &State, who: &AgentIdentity, open: &[TaskId], news: News) -> Document {
    let read = state.read();
    Document { revision: read.revision().0, ..parts(&read, who, open, news) }
}

fn parts(beliefs: &Beliefs, who: &AgentIdentity, open: &[TaskId], news: News) -> Document {
    let full = news == News::ALL;
    let within = beliefs.models.get(&who.model);
    let Some(machine) = within.and_then(|within| within.machines.get(&who.machine)?.machine.as_ref()) else {
        return Document { full, life: Some(agent::Life::Dead), ..Document::default() };
    };
    let mut document = Document { full, ..Document::default() };
    if news.has(News::LIFE) {
        document.life = Some(life(machine.life));
    }
    if let (true, Some(controller)) = (news.has(News::ADDRESSES), &beliefs.controller) {
        document.addresses = Some(controller.endpoints.iter().map(|endpoint| endpoint.dial()).collect());
    }
    let Some(within) = within else { return document };
    if let (true, Some(model)) = (news.has(News::VERSION), &within.model) {
        document.desired_version = Some(model.agent_version.clone());
    }
    if news.has(News::KEYS) {
        document.authorized_keys = Some(within.keys.as_ref().map(|keys| keys.0.clone()).unwrap_or_default());
    }
    // What runs on a machine that is to go is cancelled: whoever removes a machine does not want to wait for it.
    let goes = machine.life != Life::Alive;
    if news.has(News::TASKS) || news.has(News::LIFE) && goes {
        let tasks = open.iter().filter_map(|id| within.tasks.get(id)).filter(|task| !task.status.is_final());
        let ours = tasks.filter(|task| task.machine == who.machine);
        document.tasks = Some(ours.map(|task| order(task, goes)).collect());
    }
    document
}

fn order(task: &Task, goes: bool) -> TaskOrder {
    TaskOrder {
        id: task.id.to_string(),
        command: task.command.clone(),
        timeout: task.timeout,
        run_as: None,
        env: Vec::new(),
        parallel: task.parallel,
        execution_group: task.execution_group.clone(),
        cancel: goes || task.status == TaskStatus::Aborting,
    }
}

fn life(life: Life) -> agent::Life {
    match life {
        Life::Alive => agent::Life::Alive,
        Life::Dying => agent::Life::Dying,
        Life::Dead => agent::Life::Dead,
    }
}
