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

    /// The same; Ctrl-C is no answer either. The read that is left behind keeps the input: nothing can be asked after it.
    pub async fn ask_or_interrupted(&mut self, question: &str) -> Result<Option<String>> {
        self.note(question);
        Ok(self.line_or_interrupted().await?.ok().flatten())
    }

    /// The same for what nobody is to see: a terminal shows nothing of it, and shows again what is typed afterwards, come what may. The line is
    /// ended for the user.
    pub async fn ask_unseen(&mut self, question: &str) -> Result<Option<String>> {
        self.note(question);
        let answer = {
            let _quiet = self.io.stdin_is_terminal.then(host::terminal::Unseen::start);
            self.line_or_interrupted().await
        };
        self.note("\n");
        answer?.map_err(|Interrupted| Error::silent(130))
    }

    async fn line_or_interrupted(&mut self) -> Result<Result<Option<String>, Interrupted>> {
        let stopped = self.interrupted();
        let mut stdin = std::mem::replace(&mut self.io.stdin, Box::new(std::io::empty()));
        let reading = tokio::task::spawn_blocking(move || (crate::io::read_line(&mut stdin), stdin));
        tokio::select! {
            biased;
            () = stopped => Ok(Err(Interrupted)),
            read = reading => {
                let (line, stdin) = read.map_err(|e| Error::failed(format!("cannot read the answer: {e}")))?;
                self.io.stdin = stdin;
                Ok(Ok(line?))
            }
        }
    }
}

/// The user pressed Ctrl-C.
struct Interrupted;
