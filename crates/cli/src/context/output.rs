//! Where a command's result goes: stdout, or the file of `-o`.
//!
//! The surprise: a command that was to print yaml or json and fails before it wrote anything leaves `{}` on stdout,
//! as the original does, so that a script's parser gets something.

use std::io::Write;

use wire::yaml::{Node, print};

use super::Context;
use crate::error::{Error, Result};

impl Context {
    /// The format asked for, or the command's own.
    pub fn format(&self) -> &str {
        self.args.maybe("format").unwrap_or_else(|| self.command.formats.first().copied().unwrap_or(""))
    }

    /// A command's own text on stdout.
    pub fn out(&mut self, text: impl AsRef<str>) -> Result<()> {
        self.out_bytes(text.as_ref().as_bytes())
    }

    pub fn out_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.wrote_stdout = true;
        self.io.stdout.write_all(bytes).and_then(|()| self.io.stdout.flush()).map_err(|e| {
            // A reader that went away (`| head`) is no error to talk about.
            if e.kind() == std::io::ErrorKind::BrokenPipe { Error::silent(1) } else { e.into() }
        })
    }

    /// A formatted result: to the file of `-o` if one was named.
    pub fn result(&mut self, text: impl AsRef<str>) -> Result<()> {
        self.result_bytes(text.as_ref().as_bytes())
    }

    pub fn result_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(typed) = self.args.maybe("o").filter(|p| !p.is_empty()).map(str::to_owned) else {
            return self.out_bytes(bytes);
        };
        let path = self.io.path(&typed);
        std::fs::write(&path, bytes).map_err(|e| Error::failed(format!("open {typed}: {}", reason(&e))))
    }

    /// A result that comes in parts; the first one makes the file of `-o`, be it empty.
    pub fn result_part(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(typed) = self.args.maybe("o").filter(|p| !p.is_empty()).map(str::to_owned) else {
            return if bytes.is_empty() { Ok(()) } else { self.out_bytes(bytes) };
        };
        let failed = |e: std::io::Error| Error::failed(format!("open {typed}: {}", reason(&e)));
        let mut file = match self.parts.take() {
            Some(file) => file,
            None => std::fs::File::create(self.io.path(&typed)).map_err(failed)?,
        };
        file.write_all(bytes).map_err(failed)?;
        self.parts = Some(file);
        Ok(())
    }

    /// A result in yaml or json, as asked. `yaml` and `json` differ only where the original's keys do.
    pub fn result_node(&mut self, node: &Node) -> Result<()> {
        let text = match self.format() {
            "json" => crate::output::json::print(node),
            _ => print(node),
        };
        self.result(text)
    }

    /// Whether the result is colourful: on a terminal, or when asked for.
    pub fn colour(&self) -> bool {
        let wanted = self.args.maybe("color") == Some("true");
        let refused = self.args.maybe("no-color") == Some("true");
        let to_file = self.args.maybe("o").is_some();
        wanted || (!refused && !to_file && self.io.stdout_is_terminal && self.io.colour_allowed())
    }

    /// What stdout gets when the command failed with exit 1 before it wrote anything.
    pub(crate) fn empty_result(&mut self) {
        let structured = matches!(self.format(), "yaml" | "json");
        if structured && !self.wrote_stdout && self.args.maybe("o").is_none() {
            // The failure itself is told on stderr next; this is only for parsers.
            let _ = self.out("{}\n");
        }
    }
}

/// An operating system's error in the words Go uses, which scripts and the recordings have.
pub fn reason(e: &std::io::Error) -> String {
    match e.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        std::io::ErrorKind::NotADirectory => "not a directory".to_owned(),
        _ => e.to_string(),
    }
}
