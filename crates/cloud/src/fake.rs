//! A cloud in memory, for tests: it keeps what it was asked to make, and goes wrong as it is told to.
//! It must not know who uses it. The surprise: it passes the same contract as real clouds, so a test that it serves may trust it.
//!
//! Faults are scripted: `fake.next(Call::Start, Fault::Fail(error))` spoils the next such call, `fake.always` all of them until
//! `fake.heal`. Waiting is by tokio's clock, which tests pause.

mod fault;
mod state;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use fault::{Call, Fault};
use state::State;

use crate::{
    Answer, Cloud, Constraints, Disk, Error, InstanceId, InstanceInfo, ModelRef, Progress, StartRequest, Started, Thing,
};

/// What happens in the cloud, for those who play the machines in it (simulated agents).
#[derive(Debug, Clone)]
pub enum Event {
    Started(InstanceId, Box<StartRequest>),
    Stopped(InstanceId),
}

type Watch = Arc<dyn Fn(&Event) + Send + Sync>;

/// Cheap to clone; all clones are one cloud.
#[derive(Clone, Default)]
pub struct Fake {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    state: State,
    once: VecDeque<(Call, Option<String>, Fault)>,
    always: Vec<(Call, Option<String>, Fault)>,
    numbered: HashMap<usize, Fault>,
    calls: Vec<(Call, String)>,
    zones: Vec<String>,
    /// Those that it says once it has learned them.
    unlearned_zones: Vec<String>,
    /// Machines are brought to it; what it says to those who ask for some.
    instead: Option<String>,
    /// Why its machines can have none inside.
    hosts_none: Option<String>,
    watch: Option<Watch>,
}

impl Fake {
    pub fn new() -> Self {
        Fake::default()
    }

    /// Gives it zones that it does not know before it has looked.
    pub fn set_unlearned_zones(&self, zones: &[&str]) {
        self.lock().unlearned_zones = zones.iter().map(|zone| (*zone).to_owned()).collect();
    }

    /// Gives it zones; without any it takes every name for one, and puts nothing anywhere.
    pub fn set_zones(&self, zones: &[&str]) {
        self.lock().zones = zones.iter().map(|zone| (*zone).to_owned()).collect();
    }

    /// From now on it makes no machines, and says this instead.
    pub fn makes_none(&self, instead: &str) {
        self.lock().instead = Some(instead.to_owned());
    }

    /// From now on none of its machines can have others inside, for this reason.
    pub fn hosts_none(&self, why: &str) {
        self.lock().hosts_none = Some(why.to_owned());
    }

    /// Spoils the next call of this kind.
    pub fn next(&self, call: Call, fault: Fault) {
        self.lock().once.push_back((call, None, fault));
    }

    /// Spoils the next call of this kind about this machine, instance or model.
    pub fn next_for(&self, call: Call, whom: &str, fault: Fault) {
        self.lock().once.push_back((call, Some(whom.into()), fault));
    }

    /// Spoils all calls of this kind (about `whom`, if anybody; a start is about `zone=ZONE` too) until [`Fake::heal`].
    pub fn always(&self, call: Call, whom: Option<&str>, fault: Fault) {
        self.lock().always.push((call, whom.map(str::to_owned), fault));
    }

    /// Spoils the call number `n` from now, whatever is asked; 0 is the next.
    pub fn nth(&self, n: usize, fault: Fault) {
        let mut shared = self.lock();
        let at = shared.calls.len() + n;
        shared.numbered.insert(at, fault);
    }

    /// Forgets all faults. Calls that hang go on hanging.
    pub fn heal(&self) {
        let mut shared = self.lock();
        shared.once.clear();
        shared.numbered.clear();
        shared.always.clear();
    }

    /// Instances that were let go.
    pub fn kept(&self) -> Vec<InstanceId> {
        self.lock().state.kept()
    }

    /// Who is told of instances started and stopped.
    pub fn watch(&self, watch: impl Fn(&Event) + Send + Sync + 'static) {
        self.lock().watch = Some(Arc::new(watch));
    }

    /// An instance goes away by itself, as clouds have it.
    pub fn vanish(&self, id: &InstanceId) {
        let gone = self.really(|state| {
            state.remove(id);
            Ok(())
        });
        debug_assert!(gone.is_ok());
    }

    /// All calls so far, with whom each was about.
    pub fn calls(&self) -> Vec<(Call, String)> {
        self.lock().calls.clone()
    }

    /// How often it was called so.
    pub fn count(&self, call: Call) -> usize {
        self.lock().calls.iter().filter(|(c, _)| *c == call).count()
    }

    /// All that exists in the cloud, one line each, sorted: what a leak test compares.
    pub fn objects(&self) -> Vec<String> {
        self.lock().state.objects()
    }

    /// What an instance was started with.
    pub fn request(&self, id: &InstanceId) -> Option<StartRequest> {
        self.lock().state.request(id)
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // A test that panicked while it held the lock has failed already.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the call down and finds the fault for it.
    fn begin(&self, call: Call, whom: &[&str]) -> Option<Fault> {
        let mut shared = self.lock();
        let number = shared.calls.len();
        shared.calls.push((call, whom.first().copied().unwrap_or_default().to_owned()));
        if let Some(fault) = shared.numbered.remove(&number) {
            return Some(fault);
        }
        let fits = |(c, w, _): &(Call, Option<String>, Fault)| {
            *c == call && w.as_ref().is_none_or(|w| whom.iter().any(|one| w == one))
        };
        if let Some(at) = shared.once.iter().position(fits) {
            return shared.once.remove(at).map(|(_, _, fault)| fault);
        }
        shared.always.iter().find(|entry| fits(entry)).map(|(_, _, fault)| fault.clone())
    }

    /// One call: the fault, if there is one, around the work.
    async fn call<T>(
        &self,
        call: Call,
        whom: &[&str],
        lie: impl FnOnce() -> T,
        work: impl FnOnce(&mut State) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.call_telling(call, whom, lie, work, &Progress::silent()).await
    }

    /// The same, of a start that somebody follows.
    async fn call_telling<T>(
        &self,
        call: Call,
        whom: &[&str],
        lie: impl FnOnce() -> T,
        work: impl FnOnce(&mut State) -> Result<T, Error>,
        progress: &Progress,
    ) -> Result<T, Error> {
        let fault = self.begin(call, whom);
        match fault {
            None => self.really(work),
            Some(Fault::Fail(error)) => Err(error),
            Some(Fault::Print(text, error)) => {
                progress.printed(&text);
                Err(error)
            }
            Some(Fault::FailAfter(error)) => self.really(work).and(Err(error)),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::HangAfter) => {
                self.really(work)?;
                std::future::pending().await
            }
            Some(Fault::Late(wait)) => {
                tokio::time::sleep(wait).await;
                self.really(work)
            }
            Some(Fault::Steps(seconds)) => {
                for _ in 0..seconds {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    progress.go_on()?;
                }
                self.really(work)
            }
            Some(Fault::Lie) => Ok(lie()),
        }
    }

    /// The work, and the news of it.
    fn really<T>(&self, work: impl FnOnce(&mut State) -> Result<T, Error>) -> Result<T, Error> {
        let (done, news, watch) = {
            let mut shared = self.lock();
            (work(&mut shared.state), shared.state.news(), shared.watch.clone())
        };
        if let Some(watch) = watch {
            news.iter().for_each(|news| watch(news));
        }
        done
    }
}

impl Cloud for Fake {
    fn kind(&self) -> &'static str {
        "fake"
    }

    fn preflight(&self) -> Answer<'_, ()> {
        Box::pin(async { self.call(Call::Preflight, &[], || (), |_| Ok(())).await })
    }

    fn bases(&self) -> Answer<'_, Vec<String>> {
        let known = || vec!["ubuntu@24.04".to_owned(), "ubuntu@22.04".to_owned()];
        Box::pin(async move { self.call(Call::Bases, &[], Vec::new, |_| Ok(known())).await })
    }

    fn check_constraints(&self, wanted: &Constraints) -> Result<Vec<&'static str>, Error> {
        state::check(wanted)
    }

    fn check_disks(&self, disks: &[Disk]) -> Result<(), Error> {
        state::check_disks(disks)
    }

    fn check_makes_machines(&self) -> Result<(), Error> {
        self.lock().instead.clone().map_or(Ok(()), |instead| Err(Error::permanent(instead)))
    }

    fn check_hosts(&self, _: &str) -> Result<(), Error> {
        self.lock().hosts_none.clone().map_or(Ok(()), |why| Err(Error::permanent(why)))
    }

    fn check_placement(&self, directive: &str) -> Result<(), Error> {
        state::check_placement(directive, &self.zones())
    }

    fn zones(&self) -> Vec<String> {
        self.lock().zones.clone()
    }

    fn learn_zones(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let mut state = self.lock();
            if !state.unlearned_zones.is_empty() {
                state.zones = std::mem::take(&mut state.unlearned_zones);
            }
            Ok(())
        })
    }

    fn prepare_model<'a>(&'a self, model: &'a ModelRef) -> Answer<'a, ()> {
        Box::pin(async move {
            let work = |state: &mut State| {
                state.prepare(model);
                Ok(())
            };
            self.call(Call::PrepareModel, &[&model.model], || (), work).await
        })
    }

    fn start_instance<'a>(&'a self, request: &'a StartRequest, progress: &'a Progress) -> Answer<'a, Started> {
        progress.say("Creating container");
        Box::pin(async move {
            let zone = format!("zone={}", request.zone.as_deref().unwrap_or_default());
            let whom = [request.machine.as_str(), request.name.as_str(), zone.as_str()];
            let work = |state: &mut State| state.start(request);
            self.call_telling(Call::Start, &whom, || state::answer(request), work, progress).await
        })
    }

    fn instances<'a>(&'a self, controller: &'a str) -> Answer<'a, Vec<InstanceInfo>> {
        Box::pin(async move {
            self.call(Call::Instances, &[controller], Vec::new, |state| Ok(state.instances(controller))).await
        })
    }

    fn stop_instance<'a>(&'a self, controller: &'a str, id: &'a InstanceId) -> Answer<'a, ()> {
        Box::pin(async move {
            let work = |state: &mut State| {
                state.stop(controller, id);
                Ok(())
            };
            self.call(Call::Stop, &[&id.0], || (), work).await
        })
    }

    fn release_instance<'a>(&'a self, controller: &'a str, id: &'a InstanceId, _: &'a [String]) -> Answer<'a, ()> {
        Box::pin(async move {
            let work = |state: &mut State| {
                state.release(controller, id);
                Ok(())
            };
            self.call(Call::Release, &[&id.0], || (), work).await
        })
    }

    fn things<'a>(&'a self, controller: &'a str) -> Answer<'a, Vec<Thing>> {
        Box::pin(
            async move { self.call(Call::Things, &[controller], Vec::new, |state| Ok(state.things(controller))).await },
        )
    }

    fn remove_thing<'a>(&'a self, controller: &'a str, thing: &'a Thing) -> Answer<'a, ()> {
        Box::pin(async move {
            let work = |state: &mut State| {
                state.remove_thing(controller, thing);
                Ok(())
            };
            self.call(Call::RemoveThing, &[&thing.id], || (), work).await
        })
    }

    fn destroy_model<'a>(&'a self, model: &'a ModelRef) -> Answer<'a, ()> {
        Box::pin(async move {
            let work = |state: &mut State| {
                state.destroy_model(model);
                Ok(())
            };
            self.call(Call::DestroyModel, &[&model.model], || (), work).await
        })
    }

    fn destroy_controller<'a>(&'a self, controller: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let work = |state: &mut State| {
                state.destroy_controller(controller);
                Ok(())
            };
            self.call(Call::DestroyController, &[controller], || (), work).await
        })
    }

    fn console_log<'a>(&'a self, controller: &'a str, id: &'a InstanceId) -> Answer<'a, String> {
        Box::pin(async move {
            let work = |state: &mut State| match state.has(controller, id) {
                true => Ok(format!("{id} started\n")),
                false => Err(Error::not_found(format!("instance {id}"))),
            };
            self.call(Call::ConsoleLog, &[&id.0], String::new, work).await
        })
    }

    fn restore<'a>(&'a self, _controller: &'a str) -> Answer<'a, ()> {
        Box::pin(async { self.call(Call::Restore, &[], || (), |_| Ok(())).await })
    }
}

#[cfg(test)]
mod tests;
