//! Tests of the append stores, on memory and on a file.
#![allow(clippy::unwrap_used, reason = "tests")]

mod faults;

use super::*;
use crate::contract::{key, soon, value};
use crate::{Key, Prefix};

fn line(number: i64, entity: &str) -> Line {
    Line {
        at: number,
        entity: entity.into(),
        level: Level::Info,
        module: "juju.worker".into(),
        location: "a.rs:1".into(),
        message: format!("message {number}"),
        labels: [("charm".to_string(), "x".to_string())].into(),
    }
}

fn times(lines: &[Logged]) -> Vec<i64> {
    lines.iter().map(|logged| logged.line.at).collect()
}

fn below(text: &str) -> Prefix {
    Prefix::parse(text).unwrap()
}

#[tokio::test]
async fn a_log_gives_the_last_lines_and_then_what_comes() {
    let logs = Append::memory().unwrap().logs();
    let many: Vec<_> = (0..3000).map(|n| line(n, if n % 1000 == 0 { "machine-1" } else { "machine-0" })).collect();
    logs.append("m", many, LogBounds::default()).await.unwrap();
    logs.append("other", vec![line(9, "machine-0")], LogBounds::default()).await.unwrap();
    let (last, _) = logs.backlog("m", Some(3), |_| true).await.unwrap();
    assert_eq!(times(&last), [2997, 2998, 2999]);
    assert_eq!(last[0].line, line(2997, "machine-0"));
    // Wanted lines are found beyond a page.
    let (rare, end) = logs.backlog("m", Some(2), |line| line.entity == "machine-1").await.unwrap();
    assert_eq!(times(&rare), [1000, 2000]);
    assert_eq!(logs.backlog("m", None, |_| true).await.unwrap().0.len(), 3000);
    assert_eq!(logs.backlog("none", Some(5), |_| true).await.unwrap().0, []);
    let mut tail = logs.tail("m", end, |line| line.entity == "machine-1");
    logs.append("m", vec![line(3000, "machine-0"), line(3001, "machine-1")], LogBounds::default()).await.unwrap();
    assert_eq!(times(&soon(tail.next()).await.unwrap()), [3001]);
    let waiting = tokio::spawn(async move { tail.next().await });
    tokio::task::yield_now().await;
    logs.append("m", vec![line(3002, "machine-1")], LogBounds::default()).await.unwrap();
    assert_eq!(times(&soon(waiting).await.unwrap().unwrap()), [3002]);
}

#[tokio::test]
async fn a_log_is_bounded_by_size_and_age() {
    let logs = Append::memory().unwrap().logs();
    let bounds = LogBounds { bytes: 10_000 };
    for n in 0..1000 {
        logs.append("m", vec![line(n, "machine-0")], bounds).await.unwrap();
    }
    logs.append("other", vec![line(5, "machine-0")], bounds).await.unwrap();
    let (all, _) = logs.backlog("m", None, |_| true).await.unwrap();
    assert!((80..130).contains(&all.len()), "{} lines are left", all.len());
    assert_eq!(all.last().map(|logged| logged.line.at), Some(999));
    assert_eq!(logs.prune(990).await.unwrap(), all.len() - 10 + 1);
    assert_eq!(times(&logs.backlog("m", None, |_| true).await.unwrap().0), (990..1000).collect::<Vec<_>>());
    // The sum follows what is pruned: there is room again.
    for n in 1000..1060 {
        logs.append("m", vec![line(n, "machine-0")], bounds).await.unwrap();
    }
    assert_eq!(logs.backlog("m", None, |_| true).await.unwrap().0.len(), 70);
    assert_eq!(logs.delete("m").await.unwrap(), 70);
}

#[tokio::test]
async fn all_logs_together_are_bounded_at_the_cost_of_the_biggest() {
    let logs = Append::memory().unwrap().logs();
    for (model, count) in [("small", 10), ("middle", 60), ("big", 400)] {
        logs.append(model, (0..count).map(|n| line(n, "machine-0")).collect(), LogBounds::default()).await.unwrap();
    }
    let one = 32 + "machine-0juju.workera.rs:1message 100{\"charm\":\"x\"}".len() as u64;
    assert_eq!(logs.shrink(one * 500).await.unwrap(), 0);
    assert_eq!(logs.shrink(one * 170).await.unwrap(), 1);
    let left = async |model| times(&logs.backlog(model, None, |_| true).await.unwrap().0);
    assert_eq!((left("small").await.len(), left("middle").await.len()), (10, 60));
    let big = left("big").await;
    assert!((95..=102).contains(&big.len()) && big.ends_with(&[399]), "{big:?}");
    assert_eq!(logs.shrink(one * 30).await.unwrap(), 2);
    assert_eq!((left("small").await.len(), left("middle").await.last()), (10, Some(&59)));
    assert!(left("middle").await.len() + left("big").await.len() <= 22);
}

#[tokio::test]
async fn bytes_sent_again_are_taken_once() {
    let blobs = Append::memory().unwrap().blobs();
    let name = key("/m/tasks/1/stdout");
    let put = async |offset, text: &str| blobs.append(&name, offset, text.into(), 12, 1).await.unwrap();
    assert_eq!(put(Some(0), "hello").await.received, 5);
    assert_eq!(put(Some(0), "hello").await.received, 5);
    assert_eq!(put(Some(3), "lo wo").await.received, 8);
    // Beyond a gap nothing is taken.
    assert_eq!(put(Some(20), "x").await, Blob { size: 8, received: 8, finished: false });
    assert!(!put(None, "rld!").await.truncated());
    let over = put(None, "and more").await;
    assert_eq!((over.size, over.received, over.truncated()), (12, 20, true));
    // After the first dropped byte nothing is kept, whatever the bound is then.
    let more = blobs.append(&name, None, b"y".to_vec(), 1000, 2).await.unwrap();
    assert_eq!((more.size, more.received), (12, 21));
    for (offset, most, bytes, next) in
        [(0, 100, "hello world!", 12), (3, 4, "lo w", 7), (6, 1, "w", 7), (12, 9, "", 12), (50, 9, "", 50)]
    {
        let part = blobs.read(&name, offset, most).await.unwrap().unwrap();
        assert_eq!((part.bytes.as_slice(), part.next), (bytes.as_bytes(), next), "from {offset}");
    }
    assert_eq!(blobs.read(&key("/none"), 0, 1).await.unwrap(), None);
}

#[tokio::test]
async fn who_listens_hears_of_growth_of_the_end_and_of_deletion() {
    let blobs = Append::memory().unwrap().blobs();
    let (name, other) = (key("/m/1"), key("/m/2"));
    let bell = blobs.listen(&[name.clone(), other.clone()]);
    // All of a blob that is longer than a row, read as it comes.
    let reader = blobs.clone();
    let long: Vec<u8> = (0..700_000_u32).map(|n| n as u8).collect();
    let reading = tokio::spawn(async move {
        let mut all: Vec<u8> = Vec::new();
        loop {
            let part = reader.read(&key("/m/1"), all.len() as u64, 256 << 10).await.unwrap();
            let (bytes, finished) = part.map(|part| (part.bytes, part.blob.finished)).unwrap_or_default();
            match bytes.is_empty() {
                true if finished => return (all, bell),
                true => bell.rung().await,
                false => all.extend(bytes),
            }
        }
    });
    for piece in long.chunks(300_000) {
        blobs.append(&name, None, piece.to_vec(), u64::MAX, 1).await.unwrap();
        tokio::task::yield_now().await;
    }
    blobs.finish(&name, 2).await.unwrap();
    let (all, bell) = soon(reading).await.unwrap();
    assert!(all == long, "what was read differs from what was written");
    blobs.append(&other, None, b"x".to_vec(), 9, 1).await.unwrap();
    soon(bell.rung()).await;
    assert_eq!(blobs.delete(&below("/m/")).await.unwrap(), 2);
    soon(bell.rung()).await;
}

#[tokio::test]
async fn old_blobs_go_and_running_ones_stay() {
    let blobs = Append::memory().unwrap().blobs();
    let name = |number: i64| Key::of(["m", &number.to_string()]);
    for number in 0..10 {
        blobs.append(&name(number), None, vec![0; 100], 1000, number).await.unwrap();
        if number != 0 {
            blobs.finish(&name(number), number).await.unwrap();
        }
    }
    // Nobody will finish what nothing came for since long ago.
    blobs.append(&name(100), None, vec![0; 100], 1000, 4 - (91 * 24 * 3600 * 1_000_000)).await.unwrap();
    assert_eq!(blobs.prune(4).await.unwrap(), 4);
    assert_eq!(blobs.shrink(350).await.unwrap(), 3);
    let mut left = Vec::new();
    for number in 0..10 {
        if blobs.read(&name(number), 0, 1000).await.unwrap().is_some_and(|part| part.bytes.len() == 100) {
            left.push(number);
        }
    }
    assert_eq!(left, [0, 7, 8, 9]);
}

#[tokio::test]
async fn history_keeps_the_last_and_survives_reopening() {
    let place = tempfile::tempdir().unwrap();
    let open = || Append::open(Arc::new(Directory::open(place.path()).unwrap())).unwrap();
    let history = open().history();
    for number in 0..30 {
        history.append(&key("/m/machine-0"), number, value(number as u64), 20).await.unwrap();
        history.append(&key("/m/machine-1"), number, value(number as u64), 20).await.unwrap();
    }
    drop(history);
    let history = open().history();
    let newest = history.newest(&key("/m/machine-0"), 3, None).await.unwrap();
    assert_eq!(newest.iter().map(|past| past.at).collect::<Vec<_>>(), [29, 28, 27]);
    assert_eq!(newest[0].body, value(29));
    let rest = history.newest(&key("/m/machine-0"), 100, newest.last().map(|past| past.id)).await.unwrap();
    assert_eq!(rest.iter().map(|past| past.at).collect::<Vec<_>>(), (10..27).rev().collect::<Vec<_>>());
    assert_eq!(history.prune(15).await.unwrap(), 10);
    assert_eq!(history.delete(&below("/m/")).await.unwrap(), 30);
}

#[tokio::test]
async fn a_failed_job_takes_back_only_its_own() {
    let append = Append::memory().unwrap();
    let insert = |text: &'static str| {
        append.engine().run(move |connection| {
            connection.execute("INSERT INTO status (entity, at, body) VALUES (?1, 1, '1')", [text])?;
            if text == "/bad" { Err(rusqlite::Error::InvalidQuery) } else { Ok(()) }
        })
    };
    let (good, bad, other) = tokio::join!(insert("/good"), insert("/bad"), insert("/other"));
    assert!(good.is_ok() && bad.is_err() && other.is_ok());
    let count = async |name| append.history().newest(&key(name), 9, None).await.unwrap().len();
    assert_eq!([count("/good").await, count("/bad").await, count("/other").await], [1, 0, 1]);
}
