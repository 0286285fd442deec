//! A counter that never goes back: ids are not used twice.

use super::Record;
use serde::{Deserialize, Serialize};

/// The next number to give out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

impl Record for Sequence {
    const NOUN: &'static str = "sequence";
}
