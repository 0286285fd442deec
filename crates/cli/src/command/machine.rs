//! Commands on the noun `machine`.

use super::Command;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[];
