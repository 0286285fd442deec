//! Commands on the noun `key`.

use super::Command;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[];
