//! Faults that are not the end: a full disk, a read-only one, errors of single steps. Each fails what it must, writes nothing by halves,
//! and is over when the disk is well, without anybody opening the store again.

use super::work::{Diary, OURS, Place};
use super::*;
use crate::View;
use crate::disk::{Bench, Errno, Fate, Leaves, Step};

/// A store with some work behind it, and those who look at it.
struct Bed {
    place: Place,
    store: Arc<Sqlite>,
    view: View,
    watch: crate::Watch,
    diary: Diary,
}

impl Bed {
    async fn new() -> Bed {
        let place = Place::new(OURS);
        let store = Arc::new(place.open().unwrap());
        let view = View::start(store.clone()).await.unwrap();
        let watch = store.watch(Revision(0)).await.unwrap();
        let mut diary = Diary::default();
        for _ in 0..4 {
            diary.commit(&store, 2).await.unwrap();
        }
        Bed { place, store, view, watch, diary }
    }

    /// The view shows what the disk has, watches saw no more, and all is as the diary has it.
    async fn agree(&mut self, when: &str) {
        let snapshot = self.store.snapshot(&Prefix::all()).await.unwrap();
        let state = soon(self.view.wait_for(snapshot.revision)).await.unwrap();
        assert_eq!(state.revision(), snapshot.revision, "{when}");
        let seen: Vec<_> = state.entries().iter().map(|(key, entry)| (key.clone(), entry.clone())).collect();
        assert!(seen == snapshot.entries, "{when}: view and disk differ");
        self.diary.drain(&self.store, &mut self.watch).await;
        assert_eq!(self.diary.judge(&self.store).await, Ok(()), "{when}");
    }

    /// The same store works again, now and after a power failure.
    async fn mends(mut self, when: &str) {
        self.place.bench.disk().heal();
        assert_eq!(self.diary.goes_on(&self.store).await, Ok(()), "{when}");
        self.agree(when).await;
        let Bed { mut place, store, view, watch, diary } = self;
        place.bench = Bench::new(place.bench.disk().wreck(Leaves::Nothing));
        drop((view, watch));
        // The view's follower may hold the store a moment longer; the directory is free only after it.
        while Arc::strong_count(&store) > 1 {
            tokio::task::yield_now().await;
        }
        drop(store);
        let store = place.open().unwrap();
        assert_eq!(diary.judge(&store).await, Ok(()), "{when}, afterwards");
    }
}

/// Steps of one kind fail from the one with a number on; for one step, or until mended.
#[derive(Debug, Clone, Copy)]
struct Fault {
    step: Step,
    errno: Errno,
    from: u64,
    lasting: bool,
}

/// Commits with a fault, enough that the journal is written back too; gives the first error, if one showed.
async fn strike(bed: &mut Bed, fault: Fault) -> Option<CommitError> {
    let mut count = 0;
    bed.place.bench.disk().plan(move |step, _| {
        if step != fault.step {
            return Fate::Done;
        }
        count += 1;
        let hit = if fault.lasting { count > fault.from } else { count == fault.from + 1 };
        if hit { Fate::Fails(fault.errno) } else { Fate::Done }
    });
    for _ in 0..8 {
        if let Err(error) = bed.diary.commit(&bed.store, 2).await {
            return Some(error);
        }
    }
    None
}

#[tokio::test]
async fn a_fault_at_any_step_is_told_and_mends() {
    let mut told = std::collections::BTreeMap::new();
    for (step, errno) in [
        (Step::Write, Errno::NoSpace),
        (Step::Write, Errno::Quota),
        (Step::Write, Errno::Io),
        (Step::Write, Errno::ReadOnly),
        (Step::Sync, Errno::Io),
        (Step::Sync, Errno::NoSpace),
        (Step::Read, Errno::Io),
        (Step::Truncate, Errno::Io),
        (Step::Share, Errno::NoSpace),
    ] {
        for lasting in [false, true] {
            for from in (0..40).step_by(if lasting { 3 } else { 1 }) {
                let fault = Fault { step, errno, from, lasting };
                let when = format!("{fault:?}");
                let mut bed = Bed::new().await;
                if let Some(error) = strike(&mut bed, fault).await {
                    *told.entry((step, lasting)).or_insert(0) += 1;
                    let CommitError::Failed(failure) = &error else { panic!("{when}: {error:?}") };
                    let fits = matches!(
                        (failure, errno),
                        (Failure::Full { .. }, Errno::NoSpace | Errno::Quota)
                            | (Failure::Io { .. }, Errno::Io)
                            | (Failure::ReadOnly { .. }, Errno::ReadOnly)
                    );
                    assert!(fits, "{when}: {error:?}");
                }
                if step == Step::Read {
                    // Whoever looks would meet it too.
                    bed.place.bench.disk().heal();
                }
                bed.agree(&when).await;
                bed.mends(&when).await;
            }
        }
    }
    for (step, lasting, least) in [(Step::Write, false, 100), (Step::Write, true, 40), (Step::Sync, false, 10)] {
        assert!(told.get(&(step, lasting)).is_some_and(|count| *count >= least), "{step:?}, {lasting}: {told:?}");
    }
}

/// The disk fills up, whatever the next byte is that does not fit.
#[tokio::test]
async fn a_full_disk_refuses_commits_until_there_is_room() {
    for free in (0..40_000).step_by(1237) {
        let when = format!("{free} bytes left");
        let mut bed = Bed::new().await;
        bed.place.bench.disk().leave(free);
        let mut refused = None;
        for _ in 0..40 {
            if let Err(error) = bed.diary.commit(&bed.store, 1).await {
                refused = Some(error);
                break;
            }
        }
        let error = refused.unwrap_or_else(|| panic!("{when}: it all fitted"));
        assert!(matches!(error, CommitError::Failed(Failure::Full { .. })), "{when}: {error:?}");
        assert_eq!(error.retry(), Retry::Later);
        bed.agree(&when).await;
        // It is asked again and again meanwhile.
        for _ in 0..3 {
            assert!(bed.diary.commit(&bed.store, 3).await.is_err(), "{when}");
        }
        bed.agree(&when).await;
        bed.mends(&when).await;
    }
}
