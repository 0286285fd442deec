//! Many agents on one controller: what one costs, and how soon all are back. It prints, and fails only when something is broken: figures
//! belong into docs/benchmarks.md. `cargo test -p testkit --test many_agents -- --ignored --nocapture`; `AGENTS=N` for another number.

use std::time::{Duration, Instant};

use base::{OsBase, status::AgentStatus};
use model::Beliefs;
use model::change::{self, Given};
use testkit::controller::TestController;

/// Memory of this process, kB: the controller's and its agents' together.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
#[allow(clippy::print_stdout, reason = "a measurement")]
async fn many_agents_come_and_come_back() {
    let count: usize = std::env::var("AGENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let mut controller = TestController::start().await;
    let wanted = change::model::CreateModel { name: "m".into(), owner: "admin".into(), ..Default::default() };
    let make = |beliefs: &Beliefs, given: Given<'_>| change::model::create(beliefs, &wanted, given);
    let model = controller.state().change(make).await.expect("made");
    let base = OsBase::parse("ubuntu@24.04").expect("valid");
    let before = resident();
    let began = Instant::now();
    let mut left = count;
    while left > 0 {
        let portion = left.min(change::machine::MAX_AT_ONCE);
        let some = vec![change::machine::AddMachine::default(); portion];
        let add = |beliefs: &Beliefs, given: Given<'_>| change::machine::add(beliefs, model, &some, &base, given);
        controller.state().change(add).await.expect("added");
        left -= portion;
    }
    println!("{count} machines asked for: {:?}", began.elapsed());
    let started = |beliefs: &Beliefs| {
        let within = &beliefs.models[&model];
        let is = |agent: &model::record::agent::Agent| agent.status.current == AgentStatus::Started;
        within.machines.len() == count
            && within.machines.values().all(|whole| whole.agent.as_ref().is_some_and(|agent| is(agent)))
    };
    controller.until("all are started", started).await;
    println!(
        "all started: {:?}; both ends of one agent, its records included: {} kB",
        began.elapsed(),
        (resident() - before) / count as u64
    );
    controller.kill();
    controller.revive().await;
    let began = Instant::now();
    while controller.connected() < count {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(began.elapsed() < Duration::from_secs(300), "only {} are back", controller.connected());
    }
    println!("all back after a kill: {:?}", began.elapsed());
}
