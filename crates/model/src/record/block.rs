//! A block: a user's switch against destroying, removing or changing things in a model.

use super::Record;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Block {
    pub id: String,
    pub kind: BlockKind,
    #[serde(default)]
    pub message: String,
}

/// Each includes those before it: what stops changes stops removal and destruction too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockKind {
    Destroy,
    Remove,
    Change,
}

impl BlockKind {
    pub const ALL: [BlockKind; 3] = [BlockKind::Destroy, BlockKind::Remove, BlockKind::Change];

    /// Juju's word for it: `BlockDestroy`.
    pub fn word(self) -> &'static str {
        match self {
            BlockKind::Destroy => "BlockDestroy",
            BlockKind::Remove => "BlockRemove",
            BlockKind::Change => "BlockChange",
        }
    }

    /// The last part of its key.
    pub fn slug(self) -> &'static str {
        match self {
            BlockKind::Destroy => "destroy",
            BlockKind::Remove => "remove",
            BlockKind::Change => "change",
        }
    }
}

impl Record for Block {
    const NOUN: &'static str = "block";
}
