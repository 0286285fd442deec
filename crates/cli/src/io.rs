//! What a command sees of the process it runs in: streams, environment, folder, clock, terminal.
//!
//! Must not know commands. Nothing else in this crate may touch `std::env`, `std::io::stdout` or the clock: that is
//! what lets a recorded session be played inside a test process. The surprise: standard input is read byte by byte up
//! to a line's end, because a child process (ssh, a plugin) may want what follows.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

/// The surroundings of one run of the command line.
pub struct Io {
    pub stdout: Box<dyn Write + Send>,
    pub stderr: Box<dyn Write + Send>,
    pub stdin: Box<dyn Read + Send>,
    pub stdout_is_terminal: bool,
    pub stderr_is_terminal: bool,
    pub stdin_is_terminal: bool,
    /// Children may inherit the process's own streams; false when the streams above are a test's buffers.
    pub inherits: bool,
    pub env: BTreeMap<String, String>,
    pub cwd: PathBuf,
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Fires instead of a SIGINT when a test plays the user's Ctrl-C.
    pub interrupt: Option<Arc<tokio::sync::Notify>>,
}

/// What a program that is run gets of the surroundings; apart from them, so that it may run while something is shown.
#[derive(Clone)]
pub struct Around {
    pub env: BTreeMap<String, String>,
    pub cwd: PathBuf,
    /// It may have the process's own streams.
    pub inherits: bool,
}

impl Io {
    pub fn around(&self) -> Around {
        Around { env: self.env.clone(), cwd: self.cwd.clone(), inherits: self.inherits }
    }

    /// The real process.
    pub fn process() -> Io {
        Io {
            stdout: Box::new(io::stdout()),
            stderr: Box::new(io::stderr()),
            stdin: Box::new(io::stdin()),
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
            stdin_is_terminal: io::stdin().is_terminal(),
            inherits: true,
            env: std::env::vars_os()
                .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
            cwd: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            now: Arc::new(Timestamp::now),
            interrupt: None,
        }
    }

    /// Surroundings for a test: nothing inherited, what is written is kept in the second value.
    pub fn captured(env: &[(&str, &str)], cwd: &Path, stdin: &str) -> (Io, Captured) {
        let captured = Captured::default();
        let io = Io {
            stdout: Box::new(Buffer(captured.stdout.clone())),
            stderr: Box::new(Buffer(captured.stderr.clone())),
            stdin: Box::new(io::Cursor::new(stdin.as_bytes().to_vec())),
            stdout_is_terminal: false,
            stderr_is_terminal: false,
            stdin_is_terminal: false,
            inherits: false,
            env: env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            cwd: cwd.to_owned(),
            now: Arc::new(Timestamp::now),
            interrupt: Some(Arc::default()),
        };
        (io, captured)
    }

    /// A variable's value; an empty one counts as absent, as in Juju.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    pub fn home(&self) -> PathBuf {
        PathBuf::from(self.var("HOME").unwrap_or("/root"))
    }

    /// The client store's folder (wire/protocol.md 6.1).
    pub fn data_dir(&self) -> PathBuf {
        if let Some(dir) = self.var("JUJU_DATA") {
            return self.cwd.join(dir);
        }
        match self.var("XDG_DATA_HOME") {
            Some(dir) => self.cwd.join(dir).join("juju"),
            None => self.home().join(".local/share/juju"),
        }
    }

    /// A path as the user typed it: `~/` is the home folder, relative ones stand on the working folder.
    pub fn path(&self, typed: &str) -> PathBuf {
        match typed.strip_prefix("~/") {
            Some(rest) => self.home().join(rest),
            None => self.cwd.join(typed),
        }
    }

    /// May what goes to a terminal be coloured at all?
    pub fn colour_allowed(&self) -> bool {
        self.var("NO_COLOR").is_none() && self.var("TERM") != Some("dumb")
    }

    /// One line of input without its end; `None` at the end of input before any byte.
    pub fn read_line(&mut self) -> io::Result<Option<String>> {
        read_line(&mut self.stdin)
    }

    pub fn read_all(&mut self) -> io::Result<String> {
        let mut text = Vec::new();
        self.stdin.read_to_end(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// A line of the `LEVEL message` kind, the level coloured on a terminal.
    pub fn log_line(&mut self, level: &str, message: &str) {
        let coloured = self.stderr_is_terminal && self.colour_allowed();
        let code = match level {
            "ERROR" => "31",
            "WARNING" => "33",
            _ => "34",
        };
        // Nothing is left to tell the user when stderr itself is gone.
        let _ = match coloured {
            true => writeln!(self.stderr, "\x1b[{code}m{level}\x1b[0m {message}"),
            false => writeln!(self.stderr, "{level} {message}"),
        };
        let _ = self.stderr.flush();
    }
}

/// As [`Io::read_line`], of any input.
pub(crate) fn read_line(input: &mut dyn Read) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let mut byte = [0u8; 1];
    loop {
        match input.read(&mut byte) {
            Ok(0) if line.is_empty() => return Ok(None),
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) => line.push(byte[0]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}

/// What a test's run wrote.
#[derive(Clone, Default)]
pub struct Captured {
    stdout: Arc<Mutex<Vec<u8>>>,
    stderr: Arc<Mutex<Vec<u8>>>,
}

impl Captured {
    pub fn stdout(&self) -> String {
        text(&self.stdout)
    }

    pub fn stderr(&self) -> String {
        text(&self.stderr)
    }
}

fn text(buffer: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&buffer.lock().unwrap_or_else(|e| e.into_inner())).into_owned()
}

struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
