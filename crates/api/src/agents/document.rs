//! What a machine should be, in the agents' words: a pure function of the state.

use base::{Life, TaskId};
use model::State;
use model::beliefs::Beliefs;
use model::record::status::TaskStatus;
use model::record::task::Task;
use model::record::upgrade::Phase;
use model::settings;
use rpc::tls::AgentIdentity;
use wire::agent::{self, Document, ProxySettings, TaskOrder};

use super::router::News;

/// The parts of a machine's document that `news` names. A machine that is not there is dead; `unknown` too when nothing says that it was
/// removed.
pub(super) fn document(state: &State, who: &AgentIdentity, open: &[TaskId], news: News) -> Document {
    let read = state.read();
    Document { revision: read.revision().0, ..parts(&read, who, open, news) }
}

fn parts(beliefs: &Beliefs, who: &AgentIdentity, open: &[TaskId], news: News) -> Document {
    let full = news == News::ALL;
    let within = beliefs.models.get(&who.model);
    let Some(machine) = within.and_then(|within| within.machines.get(&who.machine)?.machine.as_ref()) else {
        let unknown = !within.is_some_and(|within| within.is_left_behind(&who.machine));
        return Document { full, life: Some(agent::Life::Dead), unknown, ..Document::default() };
    };
    let mut document = Document { full, ..Document::default() };
    if news.has(News::LIFE) {
        document.life = Some(life(machine.life));
    }
    if news.has(News::LIFE) {
        document.upgrade = machine.upgrade.as_deref().and_then(|upgrade| match upgrade.phase {
            Phase::PrepareStarted => Some(agent::UpgradeStep::Prepare),
            Phase::CompleteStarted => Some(agent::UpgradeStep::Complete),
            Phase::PrepareCompleted | Phase::Completed => None,
        });
    }
    if let (true, Some(controller)) = (news.has(News::ADDRESSES), &beliefs.controller) {
        document.addresses = Some(controller.endpoints.iter().map(|endpoint| endpoint.dial()).collect());
        document.ca_certs = Some(controller.ca_cert.clone());
    }
    let Some(within) = within else { return document };
    if let (true, Some(model)) = (news.has(News::VERSION), &within.model) {
        document.desired_version = Some(model.agent_version.clone());
    }
    if news.has(News::KEYS) {
        document.authorized_keys = Some(within.keys.as_ref().map(|keys| keys.0.clone()).unwrap_or_default());
    }
    if news.has(News::SETTINGS) {
        let [all, apt] = [settings::proxies(within), settings::apt_proxies(within)].map(proxies);
        document.proxies = Some(Box::new(ProxySettings { all, apt }));
        document.logging = Some(settings::text(within, "logging-config"));
    }
    // What runs on a machine that is to go is cancelled: whoever removes a machine does not want to wait for it.
    let goes = machine.life != Life::Alive;
    if news.has(News::TASKS) || news.has(News::LIFE) && goes {
        let tasks = open.iter().filter_map(|id| within.tasks.get(id)).filter(|task| !task.status.is_final());
        let ours = tasks.filter(|task| task.machine == who.machine);
        document.tasks = Some(fitting(ours.map(|task| order(task, goes))));
    }
    document
}

fn proxies(of: settings::Proxies) -> agent::Proxies {
    agent::Proxies { http: of.http, https: of.https, ftp: of.ftp, no_proxy: of.no_proxy }
}

/// Bytes of a document's tasks, as JSON.
const TASKS: usize = 2 << 20;

/// The oldest, as many as fit in a message; the rest come when these are over. One always fits: commands are bounded.
fn fitting(orders: impl Iterator<Item = TaskOrder>) -> Vec<TaskOrder> {
    let mut bytes = 0;
    let mut fits = |order: &TaskOrder| {
        bytes += serde_json::to_string(order).map_or(0, |text| text.len());
        bytes <= TASKS
    };
    orders.take_while(|order| fits(order)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_never_longer_than_a_message() {
        let order = |id: usize| TaskOrder {
            id: id.to_string(),
            // Six bytes each, as JSON.
            command: "\u{1}".repeat(model::change::task::MAX_COMMAND),
            timeout: 0,
            run_as: None,
            env: Vec::new(),
            parallel: true,
            execution_group: String::new(),
            cancel: false,
        };
        let kept = fitting((0..256).map(order));
        let ids: Vec<_> = kept.iter().map(|order| order.id.as_str()).collect();
        assert_eq!(ids, ["0", "1"], "the oldest come first");
        let document = Document { tasks: Some(kept), ..Document::default() };
        let text = serde_json::to_string(&agent::ToAgent::Document(document)).expect("plain data");
        assert!(text.len() <= agent::MAX_MESSAGE);
    }
}
