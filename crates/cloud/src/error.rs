//! Why a cloud did not do what it was asked, and whether asking again makes sense.
//! It holds the cloud's own words in `detail` for people; nobody may decide by them.

use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It may go better later: the cloud is busy, a connection broke, a step took too long.
    #[error("{detail}")]
    Transient { detail: String, after: Option<Duration> },
    /// The cloud asked us to call less often.
    #[error("{detail}")]
    Throttled { detail: String, after: Option<Duration> },
    /// The cloud does not accept the credential, which its owner can change at any time.
    #[error("{detail}")]
    Denied { detail: String },
    /// It will fail the same way until somebody changes something.
    #[error("{detail}")]
    Permanent { detail: String },
    /// There is no such thing in the cloud.
    #[error("{what} not found")]
    NotFound { what: String },
    /// A constraint or a base that this cloud can never meet; `name` is the constraint's (`mem`, `base`).
    #[error("{detail}")]
    Unmet { name: String, detail: String },
}

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Ask again, not before this much time; without one, by the caller's own pace.
    After(Option<Duration>),
    /// Asking again changes nothing.
    Never,
}

impl Error {
    pub fn transient(detail: impl Into<String>) -> Self {
        Error::Transient { detail: detail.into(), after: None }
    }

    pub fn permanent(detail: impl Into<String>) -> Self {
        Error::Permanent { detail: detail.into() }
    }

    pub fn not_found(what: impl Into<String>) -> Self {
        Error::NotFound { what: what.into() }
    }

    pub fn unmet(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Error::Unmet { name: name.into(), detail: detail.into() }
    }

    pub fn retry(&self) -> Retry {
        match self {
            Error::Transient { after, .. } | Error::Throttled { after, .. } => Retry::After(*after),
            Error::Denied { .. } => Retry::After(None),
            Error::Permanent { .. } | Error::NotFound { .. } | Error::Unmet { .. } => Retry::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        assert_eq!(Error::transient("busy").retry(), Retry::After(None));
        assert_eq!(Error::Denied { detail: "who are you".into() }.retry(), Retry::After(None));
        let throttled = Error::Throttled { detail: "slow down".into(), after: Some(Duration::from_secs(3)) };
        assert_eq!(throttled.retry(), Retry::After(Some(Duration::from_secs(3))));
        for error in [Error::permanent("no"), Error::not_found("image"), Error::unmet("mem", "too much")] {
            assert_eq!(error.retry(), Retry::Never, "{error}");
        }
    }
}
