//! A wall clock that runs by the runtime's (paused) time, and jumps when it is told; and what must happen when it does.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base::clock::{Clock, Time};
use base::status::{InstanceStatus, TaskStatus};
use cloud::Error;
use cloud::fake::{Call, Fault};
use store::faulty::Break;
use tokio::time::Instant;

use super::bed::Bed;

pub(super) struct TestClock {
    began: Instant,
    set_by: AtomicI64,
}

impl TestClock {
    pub fn new() -> TestClock {
        TestClock { began: Instant::now(), set_by: AtomicI64::new(0) }
    }

    pub fn jump(&self, seconds: i64) {
        self.set_by.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Time {
        Time::from_unix(1_700_000_000 + self.set_by.load(Ordering::SeqCst)).plus(self.began.elapsed())
    }
}

const DAY: i64 = 86_400;

#[tokio::test(start_paused = true)]
async fn the_clock_jumps_at_each_commit() {
    let expected = super::story(&mut Bed::new().await).await;
    for by in [DAY, -DAY] {
        for n in 0.. {
            let mut bed = Bed::new().await;
            let clock = bed.clock.clone();
            bed.faulty.nth(n, Break::Meanwhile(Arc::new(move || clock.jump(by))));
            let began = Instant::now();
            assert_eq!(super::story(&mut bed).await, expected, "the clock jumped by {by} s at commit {n}");
            assert!(began.elapsed() < Duration::from_secs(1800), "commit {n}, {by} s: it took {:?}", began.elapsed());
            if bed.faulty.commits() <= n {
                assert!(n > 8, "only {n} commits were tried");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_waits_for_its_next_try_does_not_wait_for_the_old_time() {
    for by in [DAY, -DAY] {
        let bed = Bed::new().await;
        for _ in 0..5 {
            bed.cloud.next(Call::Start, Fault::transient());
        }
        let model = bed.add_model("m").await;
        let machine = bed.add_machine(model).await;
        bed.until("it waits", |beliefs| {
            let instance = beliefs.models[&model].machines[&machine].instance.as_ref();
            instance
                .is_some_and(|instance| instance.provisioning.attempts == 5 && instance.provisioning.next_try.is_some())
        })
        .await;
        bed.clock.jump(by);
        let began = Instant::now();
        bed.until("it runs", |beliefs| {
            let instance = beliefs.models[&model].machines[&machine].instance.as_ref();
            instance.is_some_and(|instance| instance.status.current == InstanceStatus::Running)
        })
        .await;
        assert!(began.elapsed() < Duration::from_secs(120), "{by} s: after {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_forced_removal_ends_in_its_time_and_leaks_nothing_that_stops() {
    let faults = [Fault::Hang, Fault::FailAfter(Error::transient("reset")), Fault::Late(Duration::from_secs(20))];
    for by in [DAY, -DAY] {
        for fault in &faults {
            let bed = Bed::new().await;
            let model = bed.add_model("m").await;
            let machine = bed.add_machine(model).await;
            bed.until_runs(model, &machine).await;
            bed.cloud.always(Call::Stop, None, fault.clone());
            bed.remove(model, &machine, true).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            bed.clock.jump(by);
            let began = Instant::now();
            bed.until("it is gone", |beliefs| !beliefs.models[&model].machines.contains_key(&machine)).await;
            assert!(began.elapsed() < Duration::from_secs(900), "{by} s, {fault:?}: after {:?}", began.elapsed());
            let left = bed.cloud.objects().iter().any(|object| object.starts_with("instance"));
            assert_eq!(left, matches!(fault, Fault::Hang), "{by} s, {fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_forced_away_does_not_wait_for_the_old_time() {
    for by in [DAY, -DAY] {
        let bed = Bed::new().await;
        let model = bed.add_model("m").await;
        bed.cloud.always(Call::DestroyModel, None, Fault::transient());
        bed.destroy_model_by_force(model).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        bed.clock.jump(by);
        let began = Instant::now();
        bed.until("model is gone", |beliefs| !beliefs.models.contains_key(&model)).await;
        assert!(began.elapsed() < Duration::from_secs(600), "{by} s: after {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_vanishes_after_a_jump_is_missed_all_the_same() {
    for by in [DAY, -DAY] {
        let bed = Bed::new().await;
        let model = bed.add_model("m").await;
        let machine = bed.add_machine(model).await;
        let seen = bed.until_runs(model, &machine).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        bed.clock.jump(by);
        let id = seen.models[&model].machines[&machine].instance.as_ref().expect("there").instance_id.clone();
        bed.cloud.vanish(&cloud::InstanceId(id));
        let began = Instant::now();
        bed.until("it is missed", |beliefs| {
            let instance = beliefs.models[&model].machines[&machine].instance.as_ref();
            instance.is_some_and(|instance| instance.status.current == InstanceStatus::Unknown)
        })
        .await;
        assert!(began.elapsed() < Duration::from_secs(1300), "{by} s: after {:?}", began.elapsed());
    }
}

/// The machine's agent is there, or was a moment ago: nothing of it expires by a clock that was set.
#[tokio::test(start_paused = true)]
async fn tasks_do_not_expire_by_a_jump_and_end_without_one() {
    for by in [DAY, -DAY] {
        let bed = Bed::new().await;
        let model = bed.add_model("m").await;
        let machine = bed.add_machine(model).await;
        bed.until_runs(model, &machine).await;
        let present = bed.presence().connected(model, machine.clone());
        let task = bed.exec_for(model, &machine, "hang", Duration::from_secs(300)).await;
        bed.until("it runs", |beliefs| beliefs.models[&model].tasks[&task].status == TaskStatus::Running).await;
        bed.clock.jump(by);
        tokio::time::sleep(Duration::from_secs(600)).await;
        present.leave();
        tokio::time::sleep(Duration::from_secs(30)).await;
        let present = bed.presence().connected(model, machine.clone());
        tokio::time::sleep(Duration::from_secs(600)).await;
        let read = bed.until("anything", |_| true).await;
        assert_eq!(
            read.models[&model].tasks[&task].status,
            TaskStatus::Running,
            "{by} s: its agent was there all the time"
        );
        present.leave();
        let began = Instant::now();
        bed.until("it is lost", |beliefs| beliefs.models[&model].tasks[&task].status == TaskStatus::Failed).await;
        assert!(began.elapsed() < Duration::from_secs(500), "{by} s: after {:?}", began.elapsed());
    }
}

/// A controller that begins knows no agent yet, and must not take that for their absence.
#[tokio::test(start_paused = true)]
async fn a_controller_that_was_away_hears_the_agents_before_it_ends_their_tasks() {
    let bed = Bed::new().await;
    let model = bed.add_model("m").await;
    let machine = bed.add_machine(model).await;
    bed.until_runs(model, &machine).await;
    let task = bed.exec_for(model, &machine, "hang", Duration::from_secs(30)).await;
    bed.until("it runs", |beliefs| beliefs.models[&model].tasks[&task].status == TaskStatus::Running).await;
    bed.stop().await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    bed.go_on().await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let read = bed.until("anything", |_| true).await;
    assert_eq!(read.models[&model].tasks[&task].status, TaskStatus::Running, "its agent had no time to come back");
    bed.until("it is lost", |beliefs| beliefs.models[&model].tasks[&task].status == TaskStatus::Failed).await;
}
