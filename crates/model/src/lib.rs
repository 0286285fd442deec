//! What the controller believes: records, the pure changes that may be made to them, and the questions asked of them.
//! It knows no wire and no cloud, does no IO of its own beyond the store, and reads no clock: time, chance and ids are given.
//! The surprise: nobody edits a record in place. A change is a function from the beliefs and a request to a transaction or a refusal; what
//! comes of it is seen when the store's watch brings it back.

pub mod access;
pub mod alarms;
pub mod beliefs;
pub mod change;
pub mod controller_config;
pub mod key;
pub mod output;
pub mod presence;
pub mod query;
pub mod record;
pub mod settings;
mod state;
#[cfg(test)]
mod tests;
pub mod watch;

pub use alarms::Alarms;
pub use beliefs::{AMachine, Beliefs, InModel, Stored};
pub use change::{Decision, Given};
pub use presence::{Presence, Present};
pub use state::{Read, State};
