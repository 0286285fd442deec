//! The append stores on a disk that fills up, fails and dies.
//!
//! The surprise: an acknowledged line may be lost in a power failure, but never one before a line that was kept.

use super::*;
use crate::disk::{Bench, Dice, Disk, Errno, Fate, Leaves, Step};
use crate::{Directory, Failure};
use std::sync::Arc;

struct Place {
    directory: tempfile::TempDir,
    bench: Bench,
}

impl Place {
    fn new() -> Place {
        Place { directory: tempfile::tempdir().unwrap(), bench: Bench::new(Disk::default()) }
    }

    fn open(&self) -> Append {
        let medium = Medium { vfs: Some(self.bench.vfs()), checkpoint: 30, journal: 64 << 10, ..Medium::APPEND };
        Append::open_on(&medium, Arc::new(Directory::open(self.directory.path()).unwrap())).unwrap()
    }
}

/// Writes one line and as many bytes of output, together.
async fn write(append: &Append, number: i64) -> Result<(), Failure> {
    let (logs, blobs, name) = (append.logs(), append.blobs(), key("/m/output"));
    let line = logs.append("m", vec![line(number, "machine-0")], LogBounds::default());
    let bytes = blobs.append(&name, None, vec![number as u8; 700], u64::MAX, number);
    let (line, bytes) = tokio::join!(line, bytes);
    line.and(bytes.map(drop))
}

async fn numbers(append: &Append) -> Vec<i64> {
    times(&append.logs().backlog("m", None, |_| true).await.unwrap().0)
}

#[tokio::test]
async fn a_full_disk_is_told_and_everything_goes_on_when_there_is_room() {
    for free in (0..30_000).step_by(1777) {
        let place = Place::new();
        let append = place.open();
        for number in 0..5 {
            write(&append, number).await.unwrap();
        }
        place.bench.disk().leave(free);
        let mut number = 5;
        let failure = loop {
            match write(&append, number).await {
                Ok(()) => number += 1,
                Err(failure) => break failure,
            }
            assert!(number < 500, "{free}: it all fitted");
        };
        assert!(matches!(failure, Failure::Full { .. }), "{free}: {failure:?}");
        // Several at once: each hears the reason, none that the store was closed.
        let (one, two, three) = tokio::join!(write(&append, 900), write(&append, 901), write(&append, 902));
        for told in [one, two, three] {
            assert!(matches!(told, Err(Failure::Full { .. })), "{free}: {told:?}");
        }
        place.bench.disk().heal();
        write(&append, 1000).await.unwrap();
        // The failed line may be there when only the output found no room.
        let there = numbers(&append).await;
        assert!(there.starts_with(&(0..number).collect::<Vec<_>>()) && there.ends_with(&[1000]), "{free}: {there:?}");
        assert_eq!(place.bench.disk().steps(Step::Open), 0, "{free}: files were opened again");
    }
}

#[tokio::test]
async fn a_fault_of_a_step_fails_a_group_and_no_more() {
    for (step, errno) in [(Step::Write, Errno::Io), (Step::Write, Errno::ReadOnly), (Step::Write, Errno::Quota)] {
        for from in 0..30 {
            let when = format!("{step:?} {errno:?} {from}");
            let place = Place::new();
            let append = place.open();
            write(&append, 0).await.unwrap();
            let mut count = 0;
            place.bench.disk().plan(move |at, _| {
                count += u64::from(at == step);
                if at == step && count == from + 1 { Fate::Fails(errno) } else { Fate::Done }
            });
            let mut good = vec![0];
            for number in 1..12 {
                match write(&append, number).await {
                    Ok(()) => good.push(number),
                    Err(Failure::Io { .. }) if errno == Errno::Io => {}
                    Err(Failure::ReadOnly { .. }) if errno == Errno::ReadOnly => {}
                    Err(Failure::Full { .. }) if errno == Errno::Quota => {}
                    Err(other) => panic!("{when}: {other:?}"),
                }
            }
            assert!(good.len() >= 11, "{when}: {good:?}");
            let there = numbers(&append).await;
            assert!(good.iter().all(|number| there.contains(number)), "{when}: {good:?}, {there:?}");
        }
    }
}

#[tokio::test]
async fn a_power_failure_takes_the_end_and_leaves_no_hole() {
    let mut dice = Dice(3);
    let mut lost = 0;
    for _ in 0..60 {
        let at = dice.throw() % 250;
        let leaves = if dice.yes() { Leaves::Nothing } else { Leaves::Some(dice.throw()) };
        let when = format!("crash at {at}, {leaves:?}");
        let mut place = Place::new();
        let append = place.open();
        place.bench.disk().plan(move |_, number| if number < at { Fate::Done } else { Fate::CrashBefore });
        let mut good = 0;
        while good < 40 && write(&append, good).await.is_ok() {
            good += 1;
        }
        drop(append);
        place.bench = Bench::new(place.bench.disk().wreck(leaves));
        let append = place.open();
        let there = numbers(&append).await;
        let count = there.len() as i64;
        assert_eq!(there, (0..count).collect::<Vec<_>>(), "{when}");
        lost += i64::from(count < good);
        write(&append, count).await.unwrap();
        assert_eq!(numbers(&append).await.len() as i64, count + 1, "{when}");
        let words = append
            .engine()
            .run(|connection| connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)));
        assert_eq!(words.await.unwrap(), "ok", "{when}");
    }
    assert!(lost > 0, "nothing was ever lost: the crash was none");
}
