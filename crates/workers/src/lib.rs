//! The reconcilers: each compares what should be with what is, and does one step towards it, as often as it takes.
//! They know no wire: what clients see, `api` makes of the records. They know no cloud by name: clouds are injected.
//! The surprise: none of them has an input. What they do follows from the state and the clock alone, so a controller that was killed
//! anywhere goes on where it was.
//!
//! | worker | sees | does |
//! |---|---|---|
//! | `provision` | a living machine without an instance | starts one |
//! | `poll` | instances, and what their cloud says of them | notes what changed |
//! | `remove` | a dying machine | stops its instance, then forgets it |
//! | `undertake` | a dying model or controller | its machines die, its cloud is cleaned, it is forgotten |
//! | `tasks` | a task whose end nobody can tell any more | ends it |
//! | `prune` | operations that are old | forgets them |
//! | `retain` | output, logs and histories beyond their bounds | forgets them |
//! | `survey` | a model whose cloud was never asked for subnets | notes them |
//! | `disk` | how full the controller's disk is | raises an alarm, takes it back |

pub mod disk;
pub mod driver;
pub mod identity;
pub mod parts;
pub mod poll;
pub mod provision;
pub mod prune;
pub mod remove;
pub mod retain;
pub mod survey;
pub mod tasks;
pub mod undertake;

mod place;
mod spawn;

#[cfg(test)]
mod faults;

pub use driver::{Report, Shutdown};
pub use parts::{Kept, Newcomer, Outfit, Outfitted, Parts};
pub use spawn::{Handle, spawn};
