//! Commands on the noun `ssh-key`: who may log in to the machines of a model.

use super::Command;

mod add;
mod import;
mod list;
mod remove;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[&add::COMMAND, &import::COMMAND, &list::COMMAND, &remove::COMMAND];
