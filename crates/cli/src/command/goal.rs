//! Commands on the noun `goal`: a state that something is to reach.

use super::Command;

mod query;
mod scope;
mod wait_for;

pub const COMMANDS: &[&Command] = &[&wait_for::COMMAND];
