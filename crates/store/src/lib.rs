//! The store: a revisioned key-value state with guards and watch, and beside it what only grows.
//!
//! It knows nothing of machines, models or users: keys are paths, values are JSON text. The words of an engine
//! (SQL, etcd) stay inside its back end. The one surprise: reads go to a [`View`], the whole state in memory, and never
//! to a back end; whoever replies to a write waits until the view has reached the commit's revision.
//!
//! ```text
//!   change (pure) -> Txn -> Store::commit -> revision        View::wait_for(revision) -> reply
//!                               |                               ^
//!                               +----> Watch (batches) -> View -+-> Feed (watchers), changed (reconcilers)
//! ```

mod backend;
mod directory;
mod error;
mod key;
mod txn;
mod value;
mod view;
mod watch;

pub mod append;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
#[cfg(test)]
mod disk;
#[cfg(feature = "faulty")]
pub mod faulty;
pub mod memory;
pub mod sqlite;

pub use backend::{Boxed, Committed, Entry, Snapshot, Store};
pub use directory::Directory;
pub use error::{Cause, CommitError, Failure, OpenError, Retry, WatchError};
pub use key::{InvalidKey, Key, Prefix};
pub use txn::{Guard, MAX_KEY_BYTES, MAX_OPERATIONS, MAX_TXN_BYTES, MAX_VALUE_BYTES, Txn};
pub use value::{InvalidValue, Revision, Value};
pub use view::{Changes, Entries, Feed, Limits, Lost, Project, State, Step, Stopped, View};
pub use watch::{Batch, Change, Watch};
