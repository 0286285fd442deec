//! Durable commits a second, beside bare SQLite with the same rows, on the same disk, in the same run.
//!
//! It takes the directory to write in as its argument (else the system's for temporary files). The surprise: rounds of the
//! two alternate, and the median of each is printed, since a disk's mood changes within seconds.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, run by hand")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::sqlite::{Options, Sqlite};
use store::{Directory, Key, Store, Txn, Value, View};

const ROUNDS: usize = 5;
const SINGLE: usize = 1_000;
const GROUPED: usize = 50_000;
const GROUP: usize = 1_000;
const KEYS: usize = 10_000;

fn main() {
    let place = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, Into::into);
    let mut rates = [const { Vec::new() }; 4];
    let mut delays = Vec::new();
    for round in 0..ROUNDS {
        let directory = tempfile::tempdir_in(&place).unwrap();
        let bare = Bare::open(&directory.path().join("bare.sqlite"));
        rates[0].push(rate(SINGLE, || bare.write(SINGLE, 1)));
        rates[1].push(rate(GROUPED, || bare.write(GROUPED, GROUP)));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let held = Arc::new(Directory::open(&directory.path().join("store")).unwrap());
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(held, Options::default()).unwrap());
        rates[2].push(rate(SINGLE, || runtime.block_on(single(&store))));
        rates[3].push(rate(GROUPED, || runtime.block_on(grouped(&store))));
        delays.extend(runtime.block_on(delivery(&store)));
        println!("round {}: {:?}", round + 1, rates.each_ref().map(|rates| rates[round] as u64));
    }
    let [bare_single, bare_grouped, single, grouped] = rates.map(median);
    println!("single:  {single:.0}/s, bare {bare_single:.0}/s: {:.0} %", 100.0 * single / bare_single);
    println!("grouped: {grouped:.0}/s, bare {bare_grouped:.0}/s: {:.0} %", 100.0 * grouped / bare_grouped);
    delays.sort_unstable();
    let at = |part: usize| delays[(delays.len() * part / 100).min(delays.len() - 1)];
    println!("commit to view: median {:?}, p99 {:?}", at(50), at(99));
}

fn rate(count: usize, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    count as f64 / start.elapsed().as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn key(number: usize) -> String {
    format!("/models/6e4a2c51-5b1f-4c8e-8d6f-0b6c9d2f7a10/machines/{}", number % KEYS)
}

fn text(number: usize) -> String {
    format!(r#"{{"id":"{number}","life":"alive","status":"started","data":"{}"}}"#, "x".repeat(200))
}

/// The same rows as the store writes, without guards, revisions, watches and threads.
struct Bare(rusqlite::Connection);

impl Bare {
    fn open(path: &Path) -> Bare {
        let connection = rusqlite::Connection::open(path).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
                 CREATE TABLE log (id INTEGER PRIMARY KEY, key TEXT NOT NULL, value TEXT, replaced INTEGER);
                 CREATE TABLE head (key TEXT PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID;",
            )
            .unwrap();
        Bare(connection)
    }

    fn write(&self, count: usize, group: usize) {
        let mut log = self.0.prepare("INSERT INTO log (key, value) VALUES (?1, ?2)").unwrap();
        let mut head = self.0.prepare("INSERT OR REPLACE INTO head (key, id) VALUES (?1, ?2)").unwrap();
        for first in (0..count).step_by(group) {
            self.0.execute_batch("BEGIN IMMEDIATE").unwrap();
            for number in first..first + group {
                let id = log.insert((key(number), text(number))).unwrap();
                head.execute((key(number), id)).unwrap();
            }
            self.0.execute_batch("COMMIT").unwrap();
        }
    }
}

fn txn(number: usize) -> Txn {
    let mut txn = Txn::new();
    txn.put(Key::parse(&key(number)).unwrap(), Value::parse(&text(number)).unwrap());
    txn
}

async fn single(store: &Arc<dyn Store>) {
    for number in 0..SINGLE {
        store.commit(txn(number)).await.unwrap();
    }
}

/// As many callers as bare SQLite has rows in a group.
async fn grouped(store: &Arc<dyn Store>) {
    let callers: Vec<_> = (0..GROUP)
        .map(|caller| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in (caller..GROUPED).step_by(GROUP) {
                    store.commit(txn(number)).await.unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
}

/// From the end of a commit until the view shows it.
async fn delivery(store: &Arc<dyn Store>) -> Vec<Duration> {
    let view: View = View::start(store.clone()).await.unwrap();
    let mut delays = Vec::new();
    for number in 0..SINGLE {
        let revision = store.commit(txn(number)).await.unwrap().revision;
        let start = Instant::now();
        view.wait_for(revision).await.unwrap();
        delays.push(start.elapsed());
    }
    delays
}
