//! The one loop that runs every reconciler: woken by a change of the state, by time or by hand, it asks what should be done and has it
//! done, several things at once, each thing tried again at its own pace.
//! It must not know what the things are. The surprise: a reconciler keeps nothing. All that is remembered between two passes is here
//! (what runs, what failed and when it is tried again), and losing it costs nothing but a retry that comes too early.
//!
//! ```text
//!                 decide says so             act is over, well
//!      ( ) ----------------------> running ---------------------> ( )      (decided anew: it should be due no more)
//!                                  ^    |
//!              its pause is over   |    | act failed
//!                                  |    v
//!                                  waiting --(decide says so no more)--> ( )
//! ```

mod report;
mod run;

use std::fmt::Display;
use std::hash::Hash;
use std::time::Duration;

use base::clock::Time;
use model::beliefs::Beliefs;

pub use report::{ItemReport, Progress, Report};
pub use run::{Handle, Reporter, Shutdown, spawn};

/// What a worker does: pure decisions, and acts that may be done twice.
pub trait Worker: Send + Sync + 'static {
    /// One thing to do; its text is shown in reports.
    type Item: Clone + Eq + Hash + Ord + Display + Send + Sync + 'static;

    fn name(&self) -> &'static str;

    /// What is to be done now. Pure: the same state and time give the same answer. The first in the list starts first.
    fn decide(&self, beliefs: &Beliefs, now: Time) -> Decision<Self::Item>;

    /// Does one thing, however often it was done already. When it returns, the view shows what it wrote, so that the next decision is made
    /// on news.
    fn act(&self, item: Self::Item) -> impl Future<Output = Result<(), Failure>> + Send;

    /// How it is run.
    fn pace(&self) -> Pace {
        Pace::default()
    }
}

impl<W: Worker> Worker for std::sync::Arc<W> {
    type Item = W::Item;

    fn name(&self) -> &'static str {
        W::name(self)
    }

    fn decide(&self, beliefs: &Beliefs, now: Time) -> Decision<W::Item> {
        W::decide(self, beliefs, now)
    }

    fn act(&self, item: W::Item) -> impl Future<Output = Result<(), Failure>> + Send {
        W::act(self, item)
    }

    fn pace(&self) -> Pace {
        W::pace(self)
    }
}

/// The answer of [`Worker::decide`].
#[derive(Debug, PartialEq, Eq)]
pub struct Decision<I> {
    pub due: Vec<I>,
    /// When to ask again though nothing has changed.
    pub again: Option<Time>,
}

impl<I> Default for Decision<I> {
    fn default() -> Self {
        Decision { due: Vec::new(), again: None }
    }
}

impl<I> Decision<I> {
    /// Notes a time to look again; the earliest counts.
    pub fn at(&mut self, time: Time) {
        self.again = Some(self.again.map_or(time, |already| already.min(time)));
    }
}

/// Why an act did not succeed. It is logged once and shown in the report; users read the record that the act left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub words: String,
    /// Not before this much time; without one, by the worker's pace.
    pub after: Option<Duration>,
}

impl Failure {
    pub fn new(words: impl Into<String>) -> Self {
        Failure { words: words.into(), after: None }
    }
}

/// How a worker is run.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How many things at once.
    pub at_once: usize,
    /// The pause after a first failure; it doubles up to `longest_pause`.
    pub first_pause: Duration,
    pub longest_pause: Duration,
    /// An act that takes longer is logged.
    pub slow_after: Duration,
    /// An act that takes longer is given up, and tried again like one that failed.
    pub give_up_after: Duration,
    /// Asked at least this often, in case the world changed without a word.
    pub at_least_every: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            at_once: 16,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(30),
            slow_after: Duration::from_secs(10),
            give_up_after: Duration::from_secs(600),
            at_least_every: Duration::from_secs(300),
        }
    }
}

impl Pace {
    /// The pause after so many failures in a row.
    pub fn pause(&self, failures: u32) -> Duration {
        let doubled = self.first_pause.saturating_mul(1 << failures.saturating_sub(1).min(20));
        doubled.min(self.longest_pause)
    }
}

#[cfg(test)]
mod tests;
