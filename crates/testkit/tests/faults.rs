//! A whole controller with its door, its agents over real TLS, and a store one of whose commits goes wrong: each once, in each way. What it
//! ends with must be the same, nothing may run twice, and nothing may be left over.

use std::sync::Arc;

use base::status::TaskStatus;
use model::State;
use model::output::Stream;
use store::faulty::{Break, Faulty};
use store::memory::Memory;
use store::{Prefix, Store};
use testkit::agents::SimAgent;
use testkit::controller::{TestController, With};
use testkit::user::User;

/// Tells the story with one commit of the controller broken. Returns what is left in the store, and how many commits there were.
async fn story(broken: Option<(usize, Break)>) -> (Vec<String>, usize) {
    let inner: Arc<dyn Store> = Arc::new(Memory::new());
    let faulty = Faulty::new(inner.clone());
    let mut controller = TestController::start_with(With { store: faulty.clone(), ..With::default() }).await;
    let (cloud, agents) = (controller.cloud.clone(), controller.agents.clone());
    // The user's own commits are never broken: whether to ask again is theirs to say.
    let clock = controller.state().clock().clone();
    let state = State::open(inner.clone(), clock, controller.state().chance().clone()).await.expect("opens");
    let user = User::new(state, controller.append().clone());
    let before = faulty.commits();
    if let Some((n, how)) = broken {
        faulty.nth(n, how);
    }
    let told = faulty.clone();
    let reviver = tokio::spawn(async move {
        loop {
            told.died().await;
            controller.kill();
            told.bury();
            controller.revive().await;
        }
    });
    let model = user.add_model("m").await;
    let ids = user.add_machines(model, 3).await;
    user.started(model, &ids).await;
    let agents: Vec<SimAgent> = ids.iter().map(|id| agents.of(model, id).expect("there")).collect();
    let mut tasks = Vec::new();
    for id in &ids {
        tasks.push(user.exec(model, id, "echo hello").await);
    }
    for task in &tasks {
        let ended = user.until_task(model, *task, TaskStatus::Completed).await;
        assert_eq!((ended.return_code, ended.stdout_len), (Some(0), 6));
        assert_eq!(user.wrote(model, *task, Stream::Stdout).await, b"hello\n");
    }
    let hang = user.exec(model, &ids[0], "hang").await;
    user.until_task(model, hang, TaskStatus::Running).await;
    user.remove(model, &ids[0]).await;
    user.until("it is gone, its command ended", |beliefs| {
        let within = &beliefs.models[&model];
        !within.machines.contains_key(&ids[0]) && within.tasks.values().all(|task| task.status.is_final())
    })
    .await;
    user.until("no start is on record any more", |beliefs| {
        let instances = ids[1..].iter().filter_map(|id| beliefs.models[&model].machines[id].instance.as_ref());
        instances.filter(|one| one.is_provisioned() && one.provisioning.is_idle()).count() == 2
    })
    .await;
    user.destroy_model(model).await;
    user.until("the model is gone", |beliefs| !beliefs.models.contains_key(&model)).await;
    for agent in agents {
        assert!(agent.begun().iter().all(|(_, times)| *times == 1), "{:?}", agent.begun());
    }
    assert_eq!(cloud.objects(), Vec::<String>::new(), "left over in the cloud");
    let commits = faulty.commits() - before;
    let left = inner.snapshot(&Prefix::all()).await.expect("memory").entries;
    reviver.abort();
    (left.into_iter().map(|(key, _)| key.to_string()).collect(), commits)
}

async fn each_commit(how: Break) {
    let (expected, commits) = story(None).await;
    assert!(commits > 15, "the story has {commits} commits");
    // The order of commits is not the same each time, so one more than there were is tried.
    let mut n = 0;
    loop {
        let (left, commits) = story(Some((n, how.clone()))).await;
        assert_eq!(left, expected, "commit {n} broke: {how:?}");
        n += 1;
        if n > commits {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_commit_is_refused_once() {
    each_commit(Break::Refuse).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_commit_happens_and_says_it_did_not() {
    each_commit(Break::Lose).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_controller_dies_before_each_commit() {
    each_commit(Break::DieBefore).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_controller_dies_after_each_commit() {
    each_commit(Break::DieAfter).await;
}
