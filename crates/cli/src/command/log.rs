//! Commands on the noun `log`.

use super::Command;

mod debug;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[&debug::COMMAND];
