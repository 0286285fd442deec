//! All workers together: started once, asked for reports, ended in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::Life;

use crate::disk::Disk;
use crate::driver::{self, Report, Shutdown};
use crate::parts::Parts;
use crate::poll::Poll;
use crate::provision::Provision;
use crate::prune::Prune;
use crate::remove::Remove;
use crate::retain::Retain;
use crate::survey::Survey;
use crate::tasks::Tasks;
use crate::undertake::Undertake;
use cloud::turn::Turns;

/// The workers as they run.
pub struct Handle {
    workers: Vec<driver::Handle>,
    shutdown: Shutdown,
    parts: Parts,
    leaks: Arc<dyn Fn() -> BTreeMap<String, Vec<String>> + Send + Sync>,
}

/// Starts all workers. What a restart of a cloud's host stopped is started again first, in the background.
pub fn spawn(parts: Parts) -> Handle {
    let shutdown = Shutdown::default();
    let turns = Turns::default();
    let poll = Arc::new(Poll::new(parts.clone()));
    let leaks = {
        let poll = poll.clone();
        Arc::new(move || poll.leaks())
    };
    let state = || parts.state.clone();
    let workers = vec![
        driver::spawn(Provision::new(parts.clone(), turns.clone()), state(), shutdown.clone()),
        driver::spawn(Remove::new(parts.clone(), turns), state(), shutdown.clone()),
        driver::spawn(Undertake::new(parts.clone()), state(), shutdown.clone()),
        driver::spawn(Tasks::new(state()), state(), shutdown.clone()),
        driver::spawn(poll, state(), shutdown.clone()),
        driver::spawn(Prune::new(parts.clone()), state(), shutdown.clone()),
        driver::spawn(Retain::new(parts.clone()), state(), shutdown.clone()),
        driver::spawn(Survey::new(parts.clone()), state(), shutdown.clone()),
        driver::spawn(Disk::new(parts.clone()), state(), shutdown.clone()),
    ];
    tokio::spawn(restore(parts.clone(), shutdown.clone()));
    Handle { workers, shutdown, parts, leaks }
}

async fn restore(parts: Parts, shutdown: Shutdown) {
    let Ok(controller) = parts.state.read().controller().map(|controller| controller.uuid.clone()) else { return };
    for (name, cloud) in parts.clouds.all() {
        tokio::select! {
            restored = cloud.restore(&controller) => if let Err(error) = restored {
                tracing::error!("cannot start again the instances of cloud {name:?}: {error}");
            },
            () = shutdown.begun() => return,
        }
    }
}

impl Handle {
    /// What each worker is at.
    pub fn reports(&self) -> Vec<Report> {
        self.workers.iter().map(driver::Handle::report).collect()
    }

    /// The same from elsewhere, for as long as somebody asks.
    pub fn reporter(&self) -> impl Fn() -> Vec<Report> + Send + Sync + use<> {
        let each: Vec<driver::Reporter> = self.workers.iter().map(driver::Handle::reporter).collect();
        move || each.iter().map(|report| report()).collect()
    }

    /// Instances that belong to no machine, by cloud.
    pub fn leaks(&self) -> BTreeMap<String, Vec<String>> {
        (self.leaks)()
    }

    /// Has every worker look now, whatever it waits for.
    pub fn wake(&self) {
        self.workers.iter().for_each(driver::Handle::wake);
    }

    /// Returns when the controller was destroyed by its user's wish and nothing of it is left in any cloud: the process may clean up
    /// after itself and go. Never, otherwise.
    pub fn destroyed(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut changes = self.parts.state.view().changes();
        async move {
            while let Ok(state) = changes.next().await {
                let dead =
                    state.projection().controller.as_ref().is_some_and(|controller| controller.life == Life::Dead);
                if dead {
                    return;
                }
            }
            std::future::pending().await
        }
    }

    /// Ends all workers. What they were at goes on when they are started again.
    pub async fn shutdown(self) {
        self.shutdown.begin();
        for worker in self.workers {
            worker.ended().await;
        }
    }
}
