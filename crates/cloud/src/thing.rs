//! What a controller has in a cloud beside its instances, as far as it can be left over.
//! It must not know what a model record is: `model` is the mark that the thing bears.

use base::clock::Time;

/// What machines of a model share, or what a call left that was interrupted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// A word for people: `profile`, `network`, `directory`.
    pub kind: String,
    /// The cloud's own name of it, once for each kind.
    pub id: String,
    /// The model's uuid that it bears; empty: it is of no model, and of no use to anybody.
    pub model: String,
    /// When it was made, where the cloud knows.
    pub since: Option<Time>,
}
