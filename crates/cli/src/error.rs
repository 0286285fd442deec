//! How a command fails: a kind, words for the user, the exit code.
//!
//! Must not print. The surprise: Juju prints the code of a failed *call* behind its message, `permission denied
//! (unauthorized access)`, but not the code of an error inside a result list: `from_call` and `from_result` differ
//! in nothing else.

use std::fmt;

/// Why a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Kind {
    /// Flags or arguments do not hold; exit 2.
    Usage,
    /// Everything else; exit 1.
    #[default]
    Failed,
    /// Already told on stderr; no `ERROR` line.
    Silent,
    /// The controller answered with this code.
    Refused(String),
    /// The controller could not be reached, or did not let us in.
    Connection,
}

/// The one error of commands. `Display` is what stands behind `ERROR `.
#[derive(Debug, Clone, Default)]
pub struct Error {
    kind: Kind,
    message: String,
    /// Printed on stderr before the `ERROR` line.
    before: String,
    exit: i32,
    unproven: bool,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Arguments that make no sense; exit 2.
    pub fn usage(message: impl Into<String>) -> Error {
        Error { kind: Kind::Usage, message: message.into(), exit: 2, ..Error::default() }
    }

    /// The command ran and failed; exit 1.
    pub fn failed(message: impl Into<String>) -> Error {
        Error { message: message.into(), exit: 1, ..Error::default() }
    }

    pub fn connection(message: impl Into<String>) -> Error {
        Error { kind: Kind::Connection, ..Error::failed(message) }
    }

    /// Ends with this exit code and no further word.
    pub fn silent(exit: i32) -> Error {
        Error { kind: Kind::Silent, exit, ..Error::default() }
    }

    /// A call that the controller refused as a whole: the code is shown.
    pub fn from_call(message: &str, code: &str) -> Error {
        if code == "not implemented" {
            return Error {
                kind: Kind::Refused(code.into()),
                ..Error::failed(format!(
                    "\njuju client not compatible with server: {message} (not implemented)\n\
                     re-install your juju client to match the version running on the controller"
                ))
            };
        }
        let text = if code.is_empty() { message.to_owned() } else { format!("{message} ({code})") };
        Error { kind: Kind::Refused(code.into()), ..Error::failed(text) }
    }

    /// An error inside a result list: the code is not shown.
    pub fn from_result(message: &str, code: &str) -> Error {
        Error { kind: Kind::Refused(code.into()), ..Error::failed(message) }
    }

    /// Nobody proved who asks: whoever tries again asks the user again.
    #[must_use]
    pub fn unproven(self) -> Error {
        Error { unproven: true, ..self }
    }

    pub fn is_unproven(&self) -> bool {
        self.unproven
    }

    /// `prefix: message`, as Juju annotates.
    pub fn context(mut self, prefix: &str) -> Error {
        self.message = format!("{prefix}: {}", self.message);
        self
    }

    /// Lines that stderr gets before the `ERROR` line.
    pub fn with_before(mut self, text: impl Into<String>) -> Error {
        self.before = text.into();
        self
    }

    pub fn with_message(mut self, message: impl Into<String>) -> Error {
        self.message = message.into();
        self
    }

    pub fn with_exit(mut self, exit: i32) -> Error {
        self.exit = exit;
        self
    }

    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    pub fn before(&self) -> &str {
        &self.before
    }

    pub fn exit(&self) -> i32 {
        self.exit
    }

    pub fn is_silent(&self) -> bool {
        self.kind == Kind::Silent
    }

    /// The controller's code, if it is the one who refused.
    pub fn code(&self) -> &str {
        match &self.kind {
            Kind::Refused(code) => code,
            Kind::Usage | Kind::Failed | Kind::Silent | Kind::Connection => "",
        }
    }

    pub fn is_not_found(&self) -> bool {
        matches!(self.code(), "not found" | "model not found" | "user not found")
    }

    /// Whether the same may go well a little later: the controller is away for a while, or has too much to do.
    pub fn is_passing(&self) -> bool {
        self.kind == Kind::Connection || self.code() == wire::code::TRY_AGAIN
    }

    pub fn is_unauthorized(&self) -> bool {
        self.code() == "unauthorized access"
    }

    /// Adds what Juju says when a block stands in the way; `word` is what `enable-command` wants.
    pub fn explain_block(self, word: &str) -> Error {
        if self.code() != "operation is blocked" {
            return self;
        }
        let what = match word {
            "destroy-model" => {
                "destroy-model operation has been disabled for the current model.\nTo enable the command run"
            }
            "remove-object" => {
                "All operations that remove machines, applications, units or\n\
                 relations have been disabled for the current model.\nTo enable removal, run"
            }
            _ => "All operations that change model have been disabled for the current model.\nTo enable changes, run",
        };
        let text = format!("{}\n\n{what}\n\n    juju enable-command {word}\n\n", self.message);
        self.with_message(text)
    }

    /// Adds the advice to ask an administrator, when permission is what lacks; `action` as in `add a model`.
    pub fn explain_permission(self, action: &str) -> Error {
        if !self.is_unauthorized() {
            return self;
        }
        self.with_before(format!(
            "\nYou do not have permission to {action}.\n\
             You may ask an administrator to grant you access with \"juju grant\".\n\n"
        ))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Error {
        Error::failed(e.to_string())
    }
}
