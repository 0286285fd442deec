//! What went wrong between us and a server, and what that means for whoever asked the cloud.
//! The surprise: the API has no code for "busy"; only there its words are looked at.

use std::time::Duration;

use cloud::Error;

/// Why a server's answer could not be had, or what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// No connection, or it broke.
    #[error("cannot reach {server}: {why}")]
    Reach { server: String, why: String },
    /// The server does not know our certificate, or does not let it do this.
    #[error("{server} does not let us in: {words}; give it a credential that it trusts (update-credential)")]
    Denied { server: String, words: String },
    /// The server said no, with a status of HTTP.
    #[error("{words}")]
    Said { status: u16, words: String },
    /// The server asks us to come again later, and sometimes says when.
    #[error("{words}")]
    Busy { words: String, after: Option<Duration> },
    /// Long work ended badly.
    #[error("{0}")]
    Operation(String),
    /// Long work did not end in time; it may go on.
    #[error("{what} takes longer than {} seconds", limit.as_secs())]
    Late { what: String, limit: Duration },
    /// What came is no answer of this API.
    #[error("{server} gave an answer that is none: {why}")]
    Garbled { server: String, why: String },
}

impl Failed {
    /// The same, saying what could not be done.
    #[must_use]
    pub fn at(self, what: &str) -> Failed {
        match self {
            Failed::Said { status, words } => Failed::Said { status, words: format!("cannot {what}: {words}") },
            Failed::Operation(words) => Failed::Operation(format!("cannot {what}: {words}")),
            Failed::Busy { words, after } => Failed::Busy { words: format!("cannot {what}: {words}"), after },
            other => other,
        }
    }

    pub fn is_missing(&self) -> bool {
        matches!(self, Failed::Said { status: 404, .. })
    }

    /// There is no such file in an instance. Older servers do not tell that by the status.
    pub fn is_no_file(&self) -> bool {
        match self {
            Failed::Said { words, .. } => {
                self.is_missing() || words.contains("not found") || words.contains("not exist")
            }
            _ => false,
        }
    }

    /// Something of that name is there already.
    pub fn is_taken(&self) -> bool {
        match self {
            Failed::Said { status: 409, .. } => true,
            Failed::Said { words, .. } | Failed::Operation(words) => words.contains("already exists"),
            _ => false,
        }
    }

    /// Somebody works on the same thing right now.
    pub fn is_busy(&self) -> bool {
        match self {
            Failed::Said { words, .. } | Failed::Operation(words) => {
                words.contains("is busy") || words.contains("already running") || words.contains("in progress")
            }
            _ => false,
        }
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Error {
        let detail = failed.to_string();
        match failed {
            Failed::Busy { after, .. } => Error::Throttled { detail, after },
            Failed::Said { status: 404, words } => {
                Error::NotFound { what: words.trim_end_matches(" not found").into() }
            }
            Failed::Said { status: 400..500, .. } if !failed.is_busy() => Error::Permanent { detail },
            Failed::Denied { .. } => Error::Denied { detail },
            Failed::Reach { .. }
            | Failed::Said { .. }
            | Failed::Operation(_)
            | Failed::Late { .. }
            | Failed::Garbled { .. } => Error::Transient { detail, after: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloud::Retry;

    #[test]
    fn what_may_pass_is_tried_again() {
        let said = |status, words: &str| Failed::Said { status, words: words.into() };
        let again = |failed: Failed| Error::from(failed).retry() == Retry::After(None);
        assert!(again(said(500, "no space left on device")) && again(said(503, "shutting down")));
        let after = Some(Duration::from_secs(9));
        assert_eq!(Error::from(Failed::Busy { words: "slow down".into(), after }).retry(), Retry::After(after));
        assert!(again(said(400, "Instance is busy running a \"stop\" operation")));
        assert!(again(Failed::Operation("Failed start".into())));
        assert!(!again(said(400, "Unknown configuration key")) && !again(said(409, "already exists")));
        assert_eq!(Error::from(said(404, "Image not found")), Error::not_found("Image"));
    }
}
