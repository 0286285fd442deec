//! Commands on the noun `model`.

use super::Command;

mod add;
mod config;
pub mod constraints;
mod defaults;
mod destroy;
mod dump;
mod dump_db;
pub mod given;
mod list;
mod set_constraints;
mod show;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[
    &add::COMMAND,
    &config::COMMAND,
    &constraints::COMMAND,
    &defaults::COMMAND,
    &destroy::COMMAND,
    &dump::COMMAND,
    &dump_db::COMMAND,
    &list::COMMAND,
    &set_constraints::COMMAND,
    &show::COMMAND,
];
