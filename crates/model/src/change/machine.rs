//! Adding machines and asking for their end. Whether the cloud can make them is not decided here, nor what becomes of the instance:
//! that is the reconcilers' (`record/machine.rs` draws the life).

mod add;
mod remove;
mod retry;
pub mod upgrade;

pub use add::{AddMachine, Existing, MAX_AT_ONCE, Where, add, asked_for};
pub use remove::{Destroy, Destroyed, FORCE_WAIT, destroy, mark_dead, preview, remove_record, set_keep};
pub use retry::{retry, retrying};
