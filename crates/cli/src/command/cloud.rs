//! Commands on the noun `cloud`, and `bootstrap`, which starts a controller on one.

use super::Command;

mod bootstrap;
pub mod known;
mod list;
mod regions;
mod show;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[&bootstrap::COMMAND, &list::COMMAND, &regions::COMMAND, &show::COMMAND];
