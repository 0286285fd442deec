//! Commands on the noun `machine`.

use super::Command;

mod add;
mod config;
pub mod disks;
mod first_boot;
mod list;
mod manual;
mod remove;
mod retry;
mod show;
mod upgrade;
mod why;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[
    &add::COMMAND,
    &list::COMMAND,
    &remove::COMMAND,
    &retry::COMMAND,
    &show::COMMAND,
    &upgrade::COMMAND,
    &why::COMMAND,
];
