//! Questions to the user, on stderr.
//!
//! The surprise: a `y` at the end of input without a newline counts, blanks around it do not (seen-commands.md 21).

use super::Context;
use crate::error::{Error, Result};

impl Context {
    /// `Continue [y/N]? `; anything but yes is `<prefix>: aborted`.
    pub fn confirm(&mut self, prefix: &str) -> Result<()> {
        self.note("\nContinue [y/N]? ");
        let answer = self.io.read_line()?.unwrap_or_default().to_lowercase();
        match answer.as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Error::failed(format!("{prefix}: aborted"))),
        }
    }

    /// Asks for a thing's name to be typed; `kind` is `model` or `controller`.
    pub fn confirm_name(&mut self, kind: &str, name: &str, prefix: &str) -> Result<()> {
        self.note(format!("\nTo continue, enter the name of the {kind} to be unregistered: "));
        let answer = self.io.read_line()?.unwrap_or_default().to_lowercase();
        match answer == name {
            true => Ok(()),
            false => Err(Error::failed(format!("{prefix}: aborted"))),
        }
    }

    /// A line the user types.
    pub fn ask(&mut self, question: &str) -> Result<Option<String>> {
        self.note(question);
        Ok(self.io.read_line()?)
    }
}
