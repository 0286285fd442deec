//! Commands on the noun `cloud`.

use super::Command;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[];
