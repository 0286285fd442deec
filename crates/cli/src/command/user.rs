//! Commands on the noun `user`.

use super::Command;

pub mod list;
mod show;
mod whoami;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[&list::COMMAND, &show::COMMAND, &whoami::COMMAND];
