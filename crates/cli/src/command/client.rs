//! Commands on the client itself: its version, its completion.

use super::Command;

mod complete;
mod completion;
mod version;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[&version::COMMAND, &completion::COMMAND, &complete::COMMAND];
