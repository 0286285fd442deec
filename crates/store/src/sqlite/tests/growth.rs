//! Files do not grow with time: the same keys written again and again, with small values and with big ones, leave a bounded file and a
//! bounded journal.

use super::work::{OURS, Place, medium};
use super::*;
use crate::{Txn, Value};

/// Writes keys over and over, `count` commits of `size` bytes, in groups.
async fn write(store: &Arc<Sqlite>, count: usize, size: usize) {
    for round in 0..count / 20 {
        let tasks: Vec<_> = (0..20)
            .map(|number| {
                let (store, mut txn) = (store.clone(), Txn::new());
                txn.put(key(&format!("/{}", number % 7)), Value::of(&(round, "x".repeat(size))).unwrap());
                tokio::spawn(async move { store.commit(txn).await })
            })
            .collect();
        for task in tasks {
            soon(task).await.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn the_same_keys_written_for_ever_leave_bounded_files() {
    // Many small values are bound by their number, big ones by their bytes, also when each opening adds but little.
    let (always, few) = (u64::MAX, 300_000);
    for (history, history_bytes, size, count, openings) in
        [(500, always, 100, 2000, 6), (always, few, 5000, 400, 6), (always, few, 5000, 40, 40)]
    {
        let place = Place::new(OURS);
        let open = || {
            let directory = Arc::new(Directory::open(place.directory.path()).unwrap());
            let options = Options { history, history_bytes, ..Options::default() };
            Arc::new(Sqlite::open_on(&medium(&place.bench, OURS), directory, options).unwrap())
        };
        let mut sizes = Vec::new();
        for _ in 0..openings {
            // A store that was opened again still knows how much history there is.
            let store = open();
            write(&store, count, size).await;
            sizes.push(place.bench.disk().used());
            assert_eq!(store.snapshot(&Prefix::all()).await.unwrap().entries.len(), 7);
        }
        // The journal's length is a matter of when it was last written back.
        let most = sizes.iter().max().copied().unwrap_or(0);
        assert!(most < 1_000_000, "{size} bytes a value: {sizes:?}");
    }
}
