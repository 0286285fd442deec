//! Commands on the noun `controller`.

use super::Command;

mod config;
mod destroy;
mod kill;
mod leaks;
mod list;
pub mod reclaim;
pub mod refresh;
mod show;
mod start;
mod switch;
mod unregister;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[
    &config::COMMAND,
    &destroy::COMMAND,
    &kill::COMMAND,
    &leaks::COMMAND,
    &list::COMMAND,
    &show::COMMAND,
    &start::COMMAND,
    &switch::COMMAND,
    &unregister::COMMAND,
];
