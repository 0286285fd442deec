//! Tasks: making them, and every step of their life (`record/task.rs` draws it).
//! It does not know what a task wrote: that is in the output store. The surprise: each step may be told twice, and what is final stays as it is.

mod enqueue;
mod life;

pub use enqueue::{Enqueued, Exec, MAX_COMMAND, MAX_OPEN, MAX_OPEN_BYTES, MAX_TASKS_AT_ONCE, enqueue};
pub use life::{Ended, cancel, ended, started};
