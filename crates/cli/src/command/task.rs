//! Commands on the noun `task`.

use super::Command;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[];
