//! How the fake cloud can go wrong.

use std::time::Duration;

use crate::Error;

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    Preflight,
    Bases,
    PrepareModel,
    Start,
    Instances,
    Stop,
    Release,
    DestroyModel,
    DestroyController,
    ConsoleLog,
    Restore,
    Things,
    RemoveThing,
}

#[derive(Debug, Clone)]
pub enum Fault {
    /// Nothing is done, and it says so. Throttling is an error like others.
    Fail(Error),
    /// The work is done, but the answer is an error: a connection that broke too late.
    FailAfter(Error),
    /// Of a start: the instance comes, prints this, and is removed again.
    Print(String, Error),
    /// It answers never; nothing is done.
    Hang,
    /// The work is done; it answers never. With [`Call::Stop`] and `always`: a removal that never ends.
    HangAfter,
    /// It answers well, but only after this much time.
    Late(Duration),
    /// It takes so many seconds, a step each, and asks between two whether to go on.
    Steps(u32),
    /// It says that it did, and did nothing. `instances` says that there are none.
    Lie,
}

impl Fault {
    /// A passing failure.
    pub fn transient() -> Self {
        Fault::Fail(Error::transient("the cloud is busy"))
    }

    /// Slow down.
    pub fn throttled(after: Duration) -> Self {
        Fault::Fail(Error::Throttled { detail: "too many requests".into(), after: Some(after) })
    }

    pub fn permanent() -> Self {
        Fault::Fail(Error::permanent("quota exceeded"))
    }
}
