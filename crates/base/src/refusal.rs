//! Why a request was turned down: a kind for programs, words for the user, and private context for the log.
//! The words and the context are never mixed: only the words leave the process.

use std::fmt;

/// What sort of refusal it is; `api` maps each to one of Juju's codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    NotFound,
    UserNotFound,
    ModelNotFound,
    AlreadyExists,
    Unauthorized,
    NotValid,
    BadRequest,
    NotSupported,
    NotImplemented,
    NotProvisioned,
    Blocked,
    HasHostedModels,
    HasContainers,
    TryAgain,
    Stopped,
    ModelNotEmpty,
    IncompatibleClouds,
    /// Plain text without a code: what Juju answers to most failed validations.
    Plain,
    /// Something of ours failed; the words say so and the context says what.
    Internal,
}

/// A refused request.
#[derive(Clone)]
pub struct Refusal {
    kind: Kind,
    words: String,
    context: Option<String>,
}

impl Refusal {
    /// Words in the form: lower case, no final period, what was attempted, on which named thing, why.
    pub fn new(kind: Kind, words: impl Into<String>) -> Refusal {
        Refusal { kind, words: words.into(), context: None }
    }

    /// `x "name" not found`, the form that Juju's users know.
    pub fn not_found(what: &str, name: impl fmt::Display) -> Refusal {
        Refusal::new(Kind::NotFound, format!("{what} {name} not found"))
    }

    /// The one text for lacking access.
    pub fn denied() -> Refusal {
        Refusal::new(Kind::Unauthorized, "permission denied")
    }

    /// Validation failed; no code.
    pub fn plain(words: impl Into<String>) -> Refusal {
        Refusal::new(Kind::Plain, words)
    }

    /// A fault of ours: `context` is for the log only.
    pub fn internal(words: impl Into<String>, context: impl fmt::Display) -> Refusal {
        Refusal { kind: Kind::Internal, words: words.into(), context: Some(context.to_string()) }
    }

    /// Adds what only the log may tell.
    pub fn with_context(mut self, context: impl fmt::Display) -> Refusal {
        self.context = Some(context.to_string());
        self
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// For the user.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// For the log.
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal").field("kind", &self.kind).field("words", &self.words).finish_non_exhaustive()
    }
}
