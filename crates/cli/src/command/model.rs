//! Commands on the noun `model`.

use super::Command;

mod add;
mod config;
mod destroy;
mod list;
mod show;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[&add::COMMAND, &config::COMMAND, &destroy::COMMAND, &list::COMMAND, &show::COMMAND];
