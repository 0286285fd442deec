//! Where a thing stands between made and gone.
//!
//! ```text
//! alive --(user removes)--> dying --(nothing of it is left in the world)--> dead --(record pruned)--> gone
//! ```

use serde::{Deserialize, Serialize};
use std::fmt;

/// Life of a model, machine, application or unit. It never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Life {
    #[default]
    Alive,
    Dying,
    Dead,
}

impl Life {
    /// Juju's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Life::Alive => "alive",
            Life::Dying => "dying",
            Life::Dead => "dead",
        }
    }

    /// The word as FullStatus shows it: empty while alive.
    pub fn status_str(self) -> &'static str {
        match self {
            Life::Alive => "",
            other => other.as_str(),
        }
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
