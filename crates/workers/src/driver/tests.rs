//! The loop, with a worker that is all script.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::chance::SystemChance;
use base::clock::SystemClock;
use model::State;
use store::memory::Memory;

use super::*;

/// Wants everything in `due`; an act takes it away, unless `act` says otherwise.
#[derive(Default)]
struct Script {
    due: Mutex<Vec<u32>>,
    acts: Mutex<Vec<u32>>,
    failures: AtomicU32,
    running: AtomicU32,
    most: AtomicU32,
}

const FAILS_TWICE: u32 = 1;
const NEVER_DONE: u32 = 2;
const PANICS: u32 = 3;
const HANGS: u32 = 4;
/// While it is due, decisions take their time.
const PONDERED: u32 = 5;

struct Scripted(Arc<Script>);

impl Worker for Scripted {
    type Item = u32;

    fn name(&self) -> &'static str {
        "scripted"
    }

    fn decide(&self, _: &Beliefs, _: Time) -> Decision<u32> {
        let due = self.0.due.lock().expect("no panic under it").clone();
        let began = std::time::Instant::now();
        while due.contains(&PONDERED) && began.elapsed() < Duration::from_millis(3) {}
        Decision { due, again: None }
    }

    async fn act(&self, item: u32) -> Result<(), Failure> {
        let script = &self.0;
        script.acts.lock().expect("no panic under it").push(item);
        let running = script.running.fetch_add(1, Ordering::SeqCst) + 1;
        script.most.fetch_max(running, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(10)).await;
        script.running.fetch_sub(1, Ordering::SeqCst);
        match item {
            FAILS_TWICE if script.failures.fetch_add(1, Ordering::SeqCst) < 2 => return Err(Failure::new("not yet")),
            NEVER_DONE => return Ok(()),
            PONDERED => return Err(Failure::new("not yet")),
            PANICS => panic!("scripted"),
            HANGS => std::future::pending().await,
            _ => {}
        }
        script.due.lock().expect("no panic under it").retain(|due| *due != item);
        Ok(())
    }

    fn pace(&self) -> Pace {
        Pace { at_once: 4, give_up_after: Duration::from_secs(60), ..Pace::default() }
    }
}

async fn run(due: Vec<u32>, time: Duration) -> (Arc<Script>, Report, Handle) {
    let script = Arc::new(Script { due: Mutex::new(due), ..Script::default() });
    let state =
        State::open(Arc::new(Memory::new()), Arc::new(SystemClock), Arc::new(SystemChance)).await.expect("opens");
    let handle = spawn(Scripted(script.clone()), state, Shutdown::default());
    tokio::time::sleep(time).await;
    let report = handle.report();
    (script, report, handle)
}

#[tokio::test(start_paused = true)]
async fn everything_due_is_done_and_not_too_much_at_once() {
    let (script, report, _handle) = run((10..40).collect(), Duration::from_secs(5)).await;
    assert_eq!(script.acts.lock().expect("fine").len(), 30);
    assert_eq!(script.most.load(Ordering::SeqCst), 4);
    assert_eq!((report.done, report.failed, report.items), (30, 0, vec![]));
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_is_tried_again_and_stops_no_other() {
    let (script, report, _handle) = run(vec![FAILS_TWICE, 10, 11], Duration::from_secs(5)).await;
    assert!(script.due.lock().expect("fine").is_empty());
    assert_eq!((report.done, report.failed), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn one_that_panics_or_hangs_is_shown_and_stops_no_other() {
    let (script, report, handle) = run(vec![PANICS, HANGS, 10], Duration::from_secs(50)).await;
    assert_eq!(*script.due.lock().expect("fine"), [PANICS, HANGS]);
    let shown: Vec<_> = report.items.iter().map(|item| (item.item.as_str(), item.last_error.as_str())).collect();
    assert_eq!(shown, [("3", "it panicked"), ("4", "")]);
    assert!(matches!(report.items[0].progress, Progress::Waiting { .. }), "{report:?}");
    assert!(matches!(report.items[1].progress, Progress::Running { .. }), "{report:?}");
    tokio::time::sleep(Duration::from_secs(12)).await;
    let report = handle.report();
    assert_eq!(report.items[1].last_error, "gave up after 60s");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_never_done_is_slowed_down() {
    let (script, ..) = run(vec![NEVER_DONE], Duration::from_secs(600)).await;
    let acts = script.acts.lock().expect("fine").len();
    assert!((40..100).contains(&acts), "{acts} acts in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn a_wake_by_hand_waits_for_no_pause_and_no_rest() {
    let (script, _, handle) = run(vec![PONDERED], Duration::from_secs(120)).await;
    let before = script.acts.lock().expect("fine").len();
    handle.wake();
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(script.acts.lock().expect("fine").len(), before + 1);
}

#[test]
fn pauses_double_up_to_the_longest() {
    let pace = Pace::default();
    let check = |failures, millis| assert_eq!(pace.pause(failures), Duration::from_millis(millis), "{failures}");
    check(1, 200);
    check(2, 400);
    check(8, 25_600);
    check(9, 30_000);
    check(u32::MAX, 30_000);
}
