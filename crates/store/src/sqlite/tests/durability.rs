//! Power failures: the store on a disk that forgets what was not synced, crashed at every sync and at random steps.
//!
//! Killing a process proves nothing of this: the kernel keeps its writes. The surprise: the same crashes without syncs must be caught,
//! else this test sees nothing.

use super::work::{Diary, OURS, Place};
use super::*;
use crate::disk::{Bench, Dice, Disk, Fate, Leaves, Step};
use std::sync::Mutex as Locked;

/// When the disk dies: a step's number, and whether its effect comes before.
#[derive(Debug, Clone, Copy)]
struct Crash {
    at: u64,
    after: bool,
}

const ROUNDS: usize = 14;

/// Commits in groups, forgets history now and then, closes and opens in between; until the end or the disk's.
async fn work(place: &Place, diary: &mut Diary) {
    for part in 0..2 {
        let Ok(store) = place.open() else { return };
        let Ok(mut watch) = store.watch(*store.shared.head.borrow()).await else { return };
        for round in 0..ROUNDS {
            let mut failed = diary.commit(&store, 1 + round % 4).await.is_err();
            diary.drain(&store, &mut watch).await;
            if round % 5 == 4 {
                failed |= diary.compact(&store).await.is_err();
            }
            if failed {
                return;
            }
        }
        assert!(diary.acked.len() > part * ROUNDS, "nothing was done");
    }
}

/// Works, crashes, opens what is left, and says what is wrong with it.
async fn crashed(synchronous: &'static str, crash: Crash, leaves: Leaves, lies: bool) -> Result<(), String> {
    let mut place = Place::new(synchronous);
    if lies {
        place.bench.disk().lie();
    }
    let mut diary = Diary::default();
    place.bench.disk().plan(move |step, number| match step {
        _ if number < crash.at => Fate::Done,
        _ if crash.after && number == crash.at && step.changes() => Fate::CrashAfter,
        _ => Fate::CrashBefore,
    });
    work(&place, &mut diary).await;
    let seed = match leaves {
        Leaves::Nothing => 0,
        Leaves::Some(seed) => seed,
    };
    place.bench = Bench::new(place.bench.disk().wreck(leaves));
    // The power fails once more while the store recovers.
    if seed % 3 == 1 {
        let again = seed % 23;
        place.bench.disk().plan(move |_, number| if number < again { Fate::Done } else { Fate::CrashBefore });
        drop(place.open());
        place.bench = Bench::new(place.bench.disk().wreck(leaves));
    }
    let store = place.open().map_err(|e| format!("does not open: {e:?}"))?;
    diary.judge(&store).await?;
    diary.goes_on(&store).await?;
    drop(store);
    place.integrity()
}

/// All steps of the work, in a run where nothing fails.
async fn steps() -> Vec<Step> {
    let place = Place::new(OURS);
    let seen = Arc::new(Locked::new(Vec::new()));
    let list = seen.clone();
    place.bench.disk().plan(move |step, _| {
        list.lock().unwrap().push(step);
        Fate::Done
    });
    let mut diary = Diary::default();
    work(&place, &mut diary).await;
    let store = place.open().unwrap();
    diary.judge(&store).await.unwrap();
    std::mem::take(&mut *seen.lock().unwrap())
}

fn number(seed: u64) -> u64 {
    // Longer runs by hand: GRIGRI_CRASHES=100000 cargo test -p store durability
    std::env::var("GRIGRI_CRASHES").ok().and_then(|text| text.parse().ok()).unwrap_or(seed)
}

#[tokio::test]
async fn no_crash_at_a_sync_loses_an_acknowledged_commit() {
    let steps = steps().await;
    let syncs: Vec<u64> = (0..).zip(&steps).filter(|(_, step)| **step == Step::Sync).map(|(at, _)| at).collect();
    assert!(syncs.len() > 2 * ROUNDS, "{} syncs", syncs.len());
    for at in syncs {
        for after in [false, true] {
            for leaves in [Leaves::Nothing, Leaves::Some(at)] {
                let crash = Crash { at, after };
                let judged = crashed(OURS, crash, leaves, false).await;
                assert_eq!(judged, Ok(()), "{crash:?}, {leaves:?}");
            }
        }
    }
}

#[tokio::test]
async fn no_crash_at_random_loses_an_acknowledged_commit() {
    let steps = steps().await.len() as u64;
    let mut dice = Dice(1);
    for _ in 0..number(200) {
        let crash = Crash { at: dice.throw() % steps, after: dice.yes() };
        let leaves = Leaves::Some(dice.throw());
        let judged = crashed(OURS, crash, leaves, false).await;
        assert_eq!(judged, Ok(()), "{crash:?}, {leaves:?}");
    }
}

/// The test of the test: without syncs, with fewer, and on a disk that lies about them, loss is seen.
#[tokio::test]
async fn what_does_not_sync_is_caught() {
    let steps = steps().await.len() as u64;
    for (synchronous, lies) in [("OFF", false), ("NORMAL", false), (OURS, true)] {
        let mut dice = Dice(2);
        let mut wrong = Vec::new();
        for _ in 0..40 {
            let crash = Crash { at: dice.throw() % steps, after: dice.yes() };
            let leaves = if dice.yes() { Leaves::Nothing } else { Leaves::Some(dice.throw()) };
            wrong.extend(crashed(synchronous, crash, leaves, lies).await.err());
        }
        let lost = wrong.iter().filter(|words| words.starts_with("lost")).count();
        assert!(lost > 0, "{synchronous}, lies {lies}: nothing was lost, {wrong:?}");
    }
}

/// A disk that keeps everything but the one thing it is asked about is seen too.
#[test]
fn a_disk_forgets_what_was_not_synced() {
    let bench = Bench::new(Disk::default());
    let connect = |bench: &Bench| {
        let connection = super::work::medium(bench, "").connect(Path::new("/some/file")).unwrap();
        connection.execute_batch("PRAGMA synchronous = OFF").unwrap();
        connection
    };
    let connection = connect(&bench);
    connection.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
    let kept = Bench::new(bench.disk().wreck(Leaves::Nothing));
    let count: i64 = connect(&kept).query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 0);
    assert!(connection.execute("INSERT INTO t VALUES (2)", []).is_err(), "a dead disk took a write");
}
