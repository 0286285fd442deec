//! Commands on the noun `log`.

use super::Command;

mod audit;
mod debug;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[&audit::COMMAND, &debug::COMMAND];
