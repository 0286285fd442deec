//! Commands on the noun `client`.

use super::Command;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[];
