//! Commands on the client itself: its version, its completion, its documentation.

use super::Command;

mod complete;
mod completion;
mod documentation;
mod version;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] =
    &[&version::COMMAND, &completion::COMMAND, &complete::COMMAND, &documentation::COMMAND];
