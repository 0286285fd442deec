//! Commands on the noun `task`: running commands, and what became of them.

use super::Command;

mod batch;
mod cancel;
mod exec;
mod follow;
mod input;
mod interrupt;
mod operations;
mod outcome;
mod result;
mod show;
mod targets;
mod wait;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] =
    &[&cancel::COMMAND, &exec::COMMAND, &operations::LIST, &operations::SHOW, &show::COMMAND];
