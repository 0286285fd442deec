//! Commands on the noun `user`.

use super::Command;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[];
