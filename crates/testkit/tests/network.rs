//! The product's own agent and the product's own controller, with a network between them that goes wrong: cut, slow, one-way, half closed.
//! Bounds are set short; the conditions are those of the long ones. Commands run as whoever runs the tests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use agent::machine::Machine;
use api::agents::Pace;
use base::status::{AgentStatus, TaskStatus};
use base::{MachineId, ModelUuid};
use cloud::fake::Event;
use model::output::Stream;
use model::query::machine::Contact;
use model::watch::all::{AllWatcher, Delta, Entity};
use testkit::controller::{TestController, With};
use testkit::network::{Flow, Network, Toward};
use testkit::user::User;
use tokio::sync::oneshot;

const PACE: Pace = Pace {
    hello: Duration::from_secs(5),
    ping: Duration::from_millis(100),
    silence: Duration::from_millis(1000),
    answer: Duration::from_millis(500),
};
const SILENCE: Duration = Duration::from_millis(1500);

/// A real agent, in a thread of its own, as it has a process of its own elsewhere.
struct Living {
    folder: tempfile::TempDir,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Living {
    fn start(sent: &testkit::agents::Config) -> Living {
        let folder = tempfile::tempdir().expect("a directory");
        let mut config = agent::Config::new(
            sent.addresses.clone(),
            sent.ca_cert.clone(),
            sent.model.clone(),
            sent.machine.clone(),
            sent.token.clone(),
        );
        config.data_dir = folder.path().into();
        // Never a user that the tests' host may have: its keys would be replaced.
        config.login_user = "no-such-user".into();
        config.ssh_server = false;
        let file = folder.path().join("agent.conf");
        config.save(&file).expect("saved");
        let (end, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let mut machine = Machine::open(&file).expect("opened");
                machine.silence = SILENCE;
                tokio::select! {
                    () = machine.live() => {}
                    _ = ended => {}
                }
            });
        });
        Living { folder, end: Some(end), thread: Some(thread) }
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

type Agents = Arc<Mutex<HashMap<String, Living>>>;

struct Bed {
    controller: TestController,
    network: Network,
    user: User,
    agents: Agents,
    model: ModelUuid,
    id: MachineId,
}

/// A controller, a network, one machine that has started.
async fn bed() -> Bed {
    let network = Network::start().await;
    let with = With { advertised: Some(network.address), pace: PACE, ..With::default() };
    let controller = TestController::start_with(with).await;
    network.lead_to(controller.address);
    let agents = Agents::default();
    let told = agents.clone();
    controller.cloud.watch(move |event| match event {
        Event::Started(id, request) => {
            let cloud::Content::Bytes(file) = &request.files[0].content else { panic!("bytes") };
            let living = Living::start(&serde_json::from_slice(file).expect("our own"));
            told.lock().expect("no panic").insert(id.0.clone(), living);
        }
        Event::Stopped(id) => drop(told.lock().expect("no panic").remove(&id.0)),
    });
    let user = controller.user();
    let model = user.add_model("m").await;
    let id = user.add_machines(model, 1).await.remove(0);
    user.started(model, std::slice::from_ref(&id)).await;
    Bed { controller, network, user, agents, model, id }
}

impl Bed {
    async fn shown(&self, wanted: AgentStatus) {
        let what = format!("it is shown as {wanted}");
        until(&what, || self.user.shown(self.model, &self.id) == wanted).await;
    }

    /// A command that writes down that it ran, waits until it is let go, and says so.
    async fn command_in_flight(&self) -> (base::TaskId, std::path::PathBuf) {
        let folder = {
            let agents = self.agents.lock().expect("no panic");
            agents.values().next().expect("there").folder.path().to_owned()
        };
        let folder = folder.display();
        let command = format!(
            "echo ran >> {folder}/ran; until [ -e {folder}/go ]; do sleep 0.05; done; echo out; echo err >&2; exit 3"
        );
        let task = self.user.exec(self.model, &self.id, &command).await;
        self.user.until_task(self.model, task, TaskStatus::Running).await;
        (task, folder.to_string().into())
    }

    async fn ended_once(&self, task: base::TaskId, folder: &std::path::Path) {
        let ended = self.user.until_task(self.model, task, TaskStatus::Completed).await;
        assert_eq!(ended.return_code, Some(3));
        assert_eq!(self.user.wrote(self.model, task, Stream::Stdout).await, b"out\n");
        assert_eq!(self.user.wrote(self.model, task, Stream::Stderr).await, b"err\n");
        assert_eq!(std::fs::read_to_string(folder.join("ran")).expect("it ran"), "ran\n", "it ran twice");
    }
}

/// Looks again and again: presence is no part of the state.
async fn until(what: &str, is: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(60);
    while !is() {
        assert!(Instant::now() < limit, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_is_shown_and_told_and_a_command_in_flight_ends_once() {
    let bed = bed().await;
    let (task, folder) = bed.command_in_flight().await;
    let mut watcher = AllWatcher::new(&bed.user.state, bed.model);
    watcher.next().await.expect("all of it");
    let began = Instant::now();
    bed.network.cut();
    let mut told = async |wanted: Contact| {
        let lookup = async {
            loop {
                let (deltas, _) = watcher.next().await.expect("the model is there");
                let is = |(_, delta): &(_, Delta)| matches!(delta, Delta::Change(Entity::Machine(_, _, contact, _)) if *contact == wanted);
                if deltas.iter().any(is) {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), lookup)
            .await
            .unwrap_or_else(|_| panic!("never told: {wanted:?}"));
    };
    told(Contact::Lost).await;
    assert_eq!(bed.user.shown(bed.model, &bed.id), AgentStatus::Down);
    assert!(
        began.elapsed() > model::presence::GRACE,
        "down after {:?}: a reconnection would be shown",
        began.elapsed()
    );
    std::fs::write(folder.join("go"), "").expect("written");
    // It ends while nobody can be told.
    let unheard = bed.user.exec(bed.model, &bed.id, "echo later").await;
    assert_eq!(bed.user.state.read().models[&bed.model].tasks[&task].status, TaskStatus::Running);
    bed.network.mend();
    told(Contact::Kept).await;
    bed.shown(AgentStatus::Started).await;
    bed.ended_once(task, &folder).await;
    bed.user.until_task(bed.model, unheard, TaskStatus::Completed).await;
    assert_eq!(bed.user.wrote(bed.model, unheard, Stream::Stdout).await, b"later\n");
}

/// One direction is still: both ends find out, each by itself, and all is well when it is mended.
async fn one_way(toward: Toward) {
    let bed = bed().await;
    let (task, folder) = bed.command_in_flight().await;
    let before = bed.network.accepted();
    bed.network.set(toward, Flow::Still);
    until("the controller finds out", || bed.controller.connected() == 0).await;
    until("the agent finds out, and looks for the controller", || bed.network.accepted() > before).await;
    std::fs::write(folder.join("go"), "").expect("written");
    bed.shown(AgentStatus::Down).await;
    bed.network.mend();
    bed.shown(AgentStatus::Started).await;
    bed.ended_once(task, &folder).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_is_not_heard_is_missed_and_comes_back() {
    one_way(Toward::Controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_does_not_hear_finds_out_and_comes_back() {
    one_way(Toward::Agent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_whose_connection_is_half_closed_makes_another() {
    let bed = bed().await;
    let (task, folder) = bed.command_in_flight().await;
    let before = bed.network.accepted();
    bed.network.half_close();
    until("it connects again", || bed.network.accepted() > before).await;
    std::fs::write(folder.join("go"), "").expect("written");
    bed.ended_once(task, &folder).await;
    bed.shown(AgentStatus::Started).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn output_comes_whole_over_a_slow_link_that_breaks_in_the_middle() {
    let bed = bed().await;
    for toward in [Toward::Agent, Toward::Controller] {
        bed.network.set(toward, Flow::Slow { delay: Duration::from_millis(20), rate: 600_000 });
    }
    let command = "i=0; while [ $i -lt 16384 ]; do printf '%063d\\n' $i; i=$((i+1)); done";
    let task = bed.user.exec(bed.model, &bed.id, command).await;
    let begun = async || !bed.user.wrote(bed.model, task, Stream::Stdout).await.is_empty();
    let limit = Instant::now() + Duration::from_secs(60);
    while !begun().await {
        assert!(Instant::now() < limit, "never: some of it is there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bed.network.cut();
    until("the controller finds out", || bed.controller.connected() == 0).await;
    bed.network.mend();
    for toward in [Toward::Agent, Toward::Controller] {
        bed.network.set(toward, Flow::Slow { delay: Duration::from_millis(20), rate: 600_000 });
    }
    let ended = bed.user.until_task(bed.model, task, TaskStatus::Completed).await;
    assert_eq!((ended.return_code, ended.stdout_len), (Some(0), 1 << 20));
    let whole: String = (0..16384).map(|n| format!("{n:063}\n")).collect();
    assert!(bed.user.wrote(bed.model, task, Stream::Stdout).await == whole.as_bytes(), "it has holes or doubles");
}
