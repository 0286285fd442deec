//! Refusals become errors of the wire here, and nowhere else.
//! The surprise: what the log is told (the context) is told here too, since this is the last place that has it.

use base::{Kind, Refusal};
use wire::{Error, code};

pub fn wire(refusal: &Refusal) -> Error {
    if let Some(context) = refusal.context() {
        match refusal.kind() {
            Kind::Internal => tracing::error!(words = refusal.words(), context, "a request failed"),
            _ => tracing::debug!(words = refusal.words(), context, "a request was refused"),
        }
    }
    Error::new(refusal.words(), code_of(refusal.kind()))
}

/// Juju's code for a kind; every kind has its line.
fn code_of(kind: Kind) -> &'static str {
    match kind {
        Kind::NotFound => code::NOT_FOUND,
        Kind::UserNotFound => code::USER_NOT_FOUND,
        Kind::ModelNotFound => code::MODEL_NOT_FOUND,
        Kind::AlreadyExists => code::ALREADY_EXISTS,
        Kind::Unauthorized => code::UNAUTHORIZED,
        Kind::NotValid => code::NOT_VALID,
        Kind::BadRequest => code::BAD_REQUEST,
        Kind::NotSupported => code::NOT_SUPPORTED,
        Kind::NotImplemented => code::NOT_IMPLEMENTED,
        Kind::NotProvisioned => code::NOT_PROVISIONED,
        Kind::Blocked => code::BLOCKED,
        Kind::HasHostedModels => code::HAS_HOSTED_MODELS,
        Kind::HasContainers => code::HAS_CONTAINERS,
        Kind::TryAgain => code::TRY_AGAIN,
        Kind::Stopped => code::STOPPED,
        Kind::ModelNotEmpty => code::MODEL_NOT_EMPTY,
        Kind::IncompatibleClouds => code::INCOMPATIBLE_CLOUDS,
        Kind::Plain | Kind::Internal => "",
    }
}

/// What blocks changes refuses the whole call, not one item of it, as Juju does.
pub fn whole<T>(result: Result<T, Refusal>) -> Result<Result<T, Refusal>, Refusal> {
    match result {
        Err(refusal) if refusal.kind() == Kind::Blocked => Err(refusal),
        other => Ok(other),
    }
}

/// For the items of bulk results.
pub trait IntoItem<T> {
    fn into_item(self) -> Result<T, Error>;
}

impl<T> IntoItem<T> for Result<T, Refusal> {
    fn into_item(self) -> Result<T, Error> {
        self.map_err(|refusal| wire(&refusal))
    }
}

/// The error of an item, if it has one.
pub fn item<T>(result: Result<T, Refusal>) -> Option<Error> {
    result.err().map(|refusal| wire(&refusal))
}
