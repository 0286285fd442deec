//! Commands on the noun `model`.

use super::Command;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[];
