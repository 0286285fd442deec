//! Commands on the noun `credential`: how one gets into a cloud.

use super::Command;

mod add;
mod ask;
mod autoload;
mod default;
mod found;
mod list;
pub mod local;
mod remove;
mod set;
mod show;
mod trust;
mod update;
mod upload;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[
    &add::COMMAND,
    &autoload::COMMAND,
    &default::COMMAND,
    &list::COMMAND,
    &remove::COMMAND,
    &set::COMMAND,
    &show::COMMAND,
    &update::COMMAND,
];
