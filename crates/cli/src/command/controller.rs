//! Commands on the noun `controller`.

use super::Command;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[];
