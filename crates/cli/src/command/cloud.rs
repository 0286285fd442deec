//! Commands on the noun `cloud`, and `bootstrap`, which starts a controller on one.

use super::Command;

pub mod account;
mod add;
mod ask;
mod bootstrap;
mod default_region;
mod definition;
pub mod known;
pub mod list;
mod regions;
mod remove;
mod show;
mod update;
mod update_public;
pub mod whose;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[
    &add::COMMAND,
    &bootstrap::COMMAND,
    &default_region::COMMAND,
    &list::COMMAND,
    &regions::COMMAND,
    &remove::COMMAND,
    &show::COMMAND,
    &update::COMMAND,
    &update_public::COMMAND,
];
