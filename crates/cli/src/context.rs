//! What a running command holds: its surroundings, its flags, the client store; how it speaks to the user.
//!
//! Must not know any command. The surprise: with `--show-log` or `--debug` what would be a line for the user becomes a
//! line of the log, on the same stderr.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

use base::version::current_version;
use client::files::{Account, Store};

use crate::Injected;
use crate::command::{Command, Scope};
use crate::error::{Error, Result};
use crate::flags::Args;
use crate::io::Io;
use crate::select::{self, ModelRef};

pub mod connect;
mod output;
mod prompt;

pub use connect::{Api, each};
pub use output::reason;

/// One run of one command.
pub struct Context {
    pub io: Io,
    pub args: Args,
    pub store: Store,
    pub command: &'static Command,
    pub injected: Arc<Injected>,
    /// The program's name as it was called, `juju` or `grigri`.
    pub program: String,
    /// The whole line, for the controller's audit.
    pub line: Vec<String>,
    pub(crate) selected: Option<ModelRef>,
    wrote_stdout: bool,
    /// The file of `-o`, open while a result comes in parts.
    parts: Option<std::fs::File>,
    log_file: Option<PathBuf>,
}

impl Context {
    pub(crate) fn new(
        io: Io,
        args: Args,
        command: &'static Command,
        injected: Arc<Injected>,
        program: String,
        line: Vec<String>,
    ) -> Context {
        let tmp = PathBuf::from(io.var("TMPDIR").unwrap_or("/tmp"));
        let store = Store::new(io.data_dir(), &tmp);
        let log_file = args.maybe("log-file").map(|p| io.path(p));
        Context {
            io,
            args,
            store,
            command,
            injected,
            program,
            line,
            selected: None,
            wrote_stdout: false,
            parts: None,
            log_file,
        }
    }

    /// What holds before a command's own arguments are looked at: no contradiction between flags, a model selected.
    pub(crate) fn prepare(&mut self) -> Result<()> {
        if self.quiet() && self.args.is_set("v") {
            return Err(Error::failed("\"verbose\" and \"quiet\" flags clash, please use one or the other, not both"));
        }
        let formats = self.command.formats;
        if let Some(format) = self.args.maybe("format").filter(|f| !formats.is_empty() && !formats.contains(f)) {
            return Err(Error::usage(format!(
                "invalid value {format:?} for option --format: unknown format {format:?}"
            )));
        }
        if self.command.scope == Scope::Model && !(self.command.names_model && self.args.get(0).is_some()) {
            let selected = select::model(&self.store, &self.io, self.args.text("m"))?;
            if self.command.machines_only && self.is_container_model(&selected)? {
                return Err(Error::usage(format!(
                    "Juju command \"{}\" not supported on container models",
                    self.command.name
                )));
            }
            self.selected = Some(selected);
        }
        Ok(())
    }

    fn is_container_model(&self, selected: &ModelRef) -> Result<bool> {
        let models = self.store.models()?;
        let Some(entry) = models.controllers.get(&selected.controller) else { return Ok(false) };
        let user = self.user(&selected.controller).unwrap_or_default();
        let name = select::qualify(&selected.model, &user).unwrap_or_else(|_| selected.model.clone());
        Ok(entry.models.get(&name).is_some_and(|m| m.model_type == "caas"))
    }

    pub fn quiet(&self) -> bool {
        self.args.is_set("q")
    }

    pub fn verbose(&self) -> bool {
        self.args.is_set("v")
    }

    fn logs(&self) -> bool {
        self.args.is_set("show-log") || self.args.is_set("debug")
    }

    /// The version `version` prints: number, release, architecture.
    pub fn binary_version(&self) -> String {
        format!("{}-{}-{}", self.client_version(), self.injected.release, architecture())
    }

    /// This client's version. `GRIGRI_CLIENT_VERSION` names another, for those who play sessions back.
    pub fn client_version(&self) -> String {
        self.io.var("GRIGRI_CLIENT_VERSION").map_or_else(|| current_version().to_string(), str::to_owned)
    }

    /// The controller this command works on, of flags, environment or store.
    pub fn controller_name(&self) -> Result<String> {
        match &self.selected {
            Some(selected) => Ok(selected.controller.clone()),
            None => select::controller(&self.store, &self.io, self.args.maybe("c")),
        }
    }

    pub fn account(&self, controller: &str) -> Result<Option<Account>> {
        Ok(self.store.accounts()?.controllers.get(controller).cloned())
    }

    /// The user's name on a controller.
    pub fn user(&self, controller: &str) -> Result<String> {
        self.account(controller)?
            .map(|account| account.user)
            .ok_or_else(|| Error::failed(format!("account details for controller {controller} not found")))
    }

    /// A line for the user, unless `--quiet`.
    pub fn info(&mut self, line: impl AsRef<str>) {
        if self.logs() {
            self.log("INFO", "cmd", line.as_ref());
        } else if !self.quiet() {
            self.note(format!("{}\n", line.as_ref()));
        }
    }

    /// A line for the user who asked for more.
    pub fn detail(&mut self, line: impl AsRef<str>) {
        if self.verbose() {
            self.info(line);
        }
    }

    /// Text on stderr, as it is, whatever the flags.
    pub fn note(&mut self, text: impl AsRef<str>) {
        self.note_bytes(text.as_ref().as_bytes());
    }

    pub fn note_bytes(&mut self, bytes: &[u8]) {
        // When stderr is gone nobody is left to be told.
        let _ = self.io.stderr.write_all(bytes);
        let _ = self.io.stderr.flush();
    }

    /// `WARNING …`; not even `--quiet` hides it.
    pub fn warn(&mut self, message: impl AsRef<str>) {
        self.io.log_line("WARNING", message.as_ref());
    }

    /// `ERROR …` of something that does not end the command.
    pub fn log_error(&mut self, message: impl AsRef<str>) {
        self.io.log_line("ERROR", message.as_ref());
    }

    /// A line of the log: shown with `--show-log` (DEBUG only with `--debug`), kept with `--log-file`.
    pub fn log(&mut self, level: &str, module: &str, message: &str) {
        let shown = self.logs() && (level != "DEBUG" || self.args.is_set("debug"));
        if !shown && self.log_file.is_none() {
            return;
        }
        let zone = self.zone();
        let now = (self.io.now)().to_zoned_datetime(zone).strftime("%H:%M:%S").to_string();
        let line = format!("{now} {level:<5} {module} {message}\n");
        if shown {
            self.note(&line);
        }
        if let Some(path) = &self.log_file {
            let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
            // A log that cannot be written must not stop the command.
            let _ = file.and_then(|mut f| f.write_all(line.as_bytes()));
        }
    }

    /// The user's time zone, `TZ` first.
    pub fn zone(&self) -> jiff::tz::TimeZone {
        match self.io.env.get("TZ").map(String::as_str) {
            Some("" | "UTC") => jiff::tz::TimeZone::UTC,
            Some(name) => jiff::tz::TimeZone::get(name).unwrap_or(jiff::tz::TimeZone::UTC),
            None => jiff::tz::TimeZone::system(),
        }
    }

    /// Comes true when the user presses Ctrl-C. From the call on, not only from the first poll, Ctrl-C no longer ends the process by itself.
    pub fn interrupted(&self) -> impl Future<Output = ()> + use<> {
        let played = self.io.interrupt.clone();
        let signal = played.is_none().then(|| signal(SignalKind::interrupt()));
        async move {
            match (played, signal) {
                (Some(notify), _) => notify.notified().await,
                (None, Some(Ok(mut signal))) => _ = signal.recv().await,
                (None, _) => std::future::pending().await,
            }
        }
    }
}

/// This machine's architecture by Juju's name.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "powerpc64" => "ppc64el",
        other => other,
    }
}
