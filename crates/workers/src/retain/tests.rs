//! The bounds, on real append stores in memory.

use super::*;
use crate::disk::{Disk, Space};
use crate::driver::{Shutdown, spawn};
use crate::identity::Root;
use crate::{Newcomer, Outfit, Outfitted};
use base::chance::SystemChance;
use base::clock::Clock;
use base::{ModelUuid, TaskId};
use model::State;
use model::output::{self, Stream};
use model::watch::history;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::Value;
use store::append::{Append, Level, Line, LogBounds, Micros};
use tokio::time::Instant;

struct TestClock(Time, Instant);

impl Clock for TestClock {
    fn now(&self) -> Time {
        self.0.plus(self.1.elapsed())
    }
}

struct Bare;

impl Outfit for Bare {
    fn outfit(&self, _: &Newcomer<'_>) -> Outfitted {
        Outfitted::default()
    }
}

const FREE: u64 = 1 << 40;

async fn parts(append: &Append, free: &Arc<AtomicU64>) -> Parts {
    let clock = Arc::new(TestClock(Time::from_unix(1_700_000_000), Instant::now()));
    let state = State::open(Arc::new(store::memory::Memory::new()), clock, Arc::new(SystemChance)).await;
    let free = free.clone();
    Parts {
        state: state.expect("opens"),
        clouds: Arc::default(),
        root: Root::new(&[7; 32]),
        outfit: Arc::new(Bare),
        kept: Arc::new(append.clone()),
        room: Arc::new(move || Ok(Space::of_bytes(free.load(Ordering::SeqCst), FREE))),
    }
}

fn line(at: Micros) -> Line {
    Line {
        at,
        entity: "machine-0".into(),
        level: Level::Info,
        module: String::new(),
        location: String::new(),
        message: "x".into(),
        labels: Default::default(),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_old_goes_by_itself_and_what_is_new_stays() {
    let append = Append::memory().expect("opens");
    let parts = parts(&append, &Arc::new(AtomicU64::new(FREE))).await;
    let (state, model) =
        (parts.state.clone(), "a0a0a0a0-0000-4000-8000-00000000a0a0".parse::<ModelUuid>().expect("valid"));
    let name = |task: u64| output::blob(model, TaskId(task), Stream::Stdout);
    let entity = history::key(model, "machine", "0");
    let write = async |task: u64| {
        let at = Micros::try_from(state.now().unix_nanos() / 1000).expect("fits");
        append.blobs().append(&name(task), None, b"out".to_vec(), 100, at).await.expect("written");
        append.blobs().finish(&name(task), at).await.expect("finished");
        append.logs().append(&model.to_string(), vec![line(at)], LogBounds::default()).await.expect("written");
        append.history().append(&entity, at, Value::of(&task).expect("valid"), 500).await.expect("written");
    };
    let there = async || {
        let mut outputs = Vec::new();
        for task in 1..=2 {
            outputs.push(append.blobs().read(&name(task), 0, 9).await.expect("read").is_some());
        }
        let logs = append.logs().backlog(&model.to_string(), None, |_| true).await.expect("read").0.len();
        (outputs, logs, append.history().newest(&entity, 9, None).await.expect("read").len())
    };
    // The stores work on a thread of their own, for which the paused clock does not wait: a pass may be seen a moment late.
    let until = async |expected: (Vec<bool>, usize, usize)| {
        let mut seen = there().await;
        for _ in 0..20 {
            if seen == expected {
                return;
            }
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
            seen = there().await;
        }
        assert_eq!(seen, expected);
    };
    write(1).await;
    let shutdown = Shutdown::default();
    let worker = spawn(Retain::new(parts), state.clone(), shutdown.clone());
    tokio::time::sleep(DAY * 15).await;
    until((vec![true, false], 1, 0)).await;
    tokio::time::sleep(DAY * 2).await;
    until((vec![false, false], 1, 0)).await;
    write(2).await;
    tokio::time::sleep(DAY * 10).await;
    until((vec![false, true], 2, 1)).await;
    tokio::time::sleep(DAY * 64).await;
    until((vec![false, false], 1, 0)).await;
    shutdown.begin();
    worker.ended().await;
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fills_up_is_told_in_time_and_mends() {
    let append = Append::memory().expect("opens");
    let free = Arc::new(AtomicU64::new(FREE));
    let parts = parts(&append, &free).await;
    let state = parts.state.clone();
    let shutdown = Shutdown::default();
    let worker = spawn(Disk::new(parts), state.clone(), shutdown.clone());
    for (left, words) in [
        (FREE, ""),
        (400 << 20, "controller's disk is nearly full: 400 MiB left of 1048576 MiB"),
        (63 << 20, "controller's disk is full: 63 MiB left of 1048576 MiB, changes are about to fail"),
        (0, "controller's disk is full: 0 MiB left of 1048576 MiB, changes are about to fail"),
        (FREE / 2, ""),
    ] {
        free.store(left, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(31)).await;
        assert_eq!(state.alarms().after(""), words);
    }
    assert_eq!(worker.report().failed, 0);
    shutdown.begin();
    worker.ended().await;
}
