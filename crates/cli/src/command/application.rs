//! Commands on the noun `application`.

use super::Command;

mod constraints;
mod set_constraints;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[&constraints::COMMAND, &set_constraints::COMMAND];

/// Whether a word can name an application: lower-case words joined by hyphens, each with a letter.
fn is_name(name: &str) -> bool {
    let word = |w: &str| {
        w.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()) && w.contains(|c: char| c.is_ascii_lowercase())
    };
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.split('-').all(word)
}
