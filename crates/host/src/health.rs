//! Whether this host can carry what is asked of it: values that are read (`probe`), and what is to be said of each (`judge`).
//! It must not know of controllers. The surprise: what cannot be read is a finding too, since an operator without root must learn
//! what nobody looked at.

pub mod judge;
pub mod probe;

pub use judge::judge;
pub use probe::{Space, Values, read, space};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Ok,
    /// It works, and will not with more machines, or nobody could look.
    Warning,
    /// Something does not work.
    Error,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub level: Level,
    /// Whose it is: `host`, a controller's name.
    pub of: String,
    /// `open files`.
    pub what: String,
    /// As it was found.
    pub value: String,
    /// What to do about it; empty when there is nothing to do.
    pub cure: String,
}

impl Finding {
    pub fn ok(of: &str, what: &str, value: impl Into<String>) -> Finding {
        Finding { level: Level::Ok, of: of.into(), what: what.into(), value: value.into(), cure: String::new() }
    }

    pub fn warning(of: &str, what: &str, value: impl Into<String>, cure: impl Into<String>) -> Finding {
        Finding { level: Level::Warning, cure: cure.into(), ..Finding::ok(of, what, value) }
    }

    pub fn error(of: &str, what: &str, value: impl Into<String>, cure: impl Into<String>) -> Finding {
        Finding { level: Level::Error, cure: cure.into(), ..Finding::ok(of, what, value) }
    }

    /// Nobody could look; `why` as in `permission denied`.
    pub fn unseen(of: &str, what: &str, why: &str, cure: impl Into<String>) -> Finding {
        Finding::warning(of, what, format!("not seen: {why}"), cure)
    }
}
