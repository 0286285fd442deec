//! One recording: the command line, its surroundings, what was printed, what was exchanged.
//!
//! Reads the files of a case and judges nothing. The surprise: outputs are bytes, a few are no valid UTF-8.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// One request of the recording with its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The path of the connection, query and all.
    pub path: String,
    pub request: Value,
    /// Absent when the answer was still awaited when the command ended.
    pub response: Option<Value>,
}

/// A stream of text messages: the log.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    pub path: String,
    pub messages: Vec<String>,
}

/// Something posted over plain HTTP, and what came back.
#[derive(Debug, Clone, Default)]
pub struct Posted {
    /// Without its query.
    pub path: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub answer: Value,
}

#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// `3.6/status`.
    pub group: String,
    pub case: String,
    /// Where `stores/` is.
    pub release: PathBuf,
    pub line: String,
    pub stdin: Option<Vec<u8>>,
    pub exit: i32,
    pub env: Vec<(String, String)>,
    pub store: Option<String>,
    /// How the Login answer differed.
    pub login: Value,
    pub controller_access: Option<String>,
    pub files: Vec<(String, Vec<u8>)>,
    pub seconds: f64,
    /// When the user pressed Ctrl-C: seconds since the start, and since the time before.
    pub interrupts: Vec<f64>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// What the command wrote with `-o`.
    pub written: Vec<(String, Vec<u8>)>,
    pub exchanges: Vec<Exchange>,
    pub streams: Vec<Stream>,
    pub posted: Vec<Posted>,
    /// What the stand-ins for ssh and scp saw, when it was kept apart from the output.
    pub ssh: Option<Vec<u8>>,
}

impl Recording {
    pub fn read(file: &Path) -> io::Result<Self> {
        let folder = file.parent().unwrap_or(Path::new("."));
        let name = |p: &Path| p.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
        let release = folder.parent().unwrap_or(Path::new(".")).to_owned();
        let mut recording = Recording {
            group: format!("{}/{}", name(&release), name(folder)),
            case: name(file).trim_end_matches(".txt").to_owned(),
            release,
            login: Value::Null,
            ..Recording::default()
        };
        recording.read_text(&std::fs::read(file)?);
        let beside = |ending: &str| folder.join(format!("{}.{ending}", recording.case));
        let (rpc, ssh) = (beside("rpc"), beside("ssh"));
        if rpc.exists() {
            recording.read_rpc(&String::from_utf8_lossy(&std::fs::read(rpc)?));
        }
        if ssh.exists() {
            recording.ssh = Some(std::fs::read(ssh)?);
        }
        Ok(recording)
    }

    /// The command's name: `status`.
    #[must_use]
    pub fn command(&self) -> String {
        let mut words = self.line.split_whitespace().skip_while(|w| *w != "juju").skip(1);
        words.find(|w| !w.starts_with('-')).unwrap_or_default().to_owned()
    }

    fn read_text(&mut self, text: &[u8]) {
        let mut section: Option<&'static str> = None;
        let mut head = Vec::new();
        for line in text.split_inclusive(|b| *b == b'\n') {
            let words = line.strip_suffix(b"\n").unwrap_or(line);
            match words {
                b"--- stdout" => section = Some("stdout"),
                b"--- stderr" => section = Some("stderr"),
                _ if words.starts_with(b"--- file ") && section.is_some() => {
                    section = Some("file");
                    self.written.push((String::from_utf8_lossy(&words[9..]).into_owned(), Vec::new()));
                }
                // A question that stands at the end of what was printed, its line not ended.
                _ if section == Some("stdout") && words.ends_with(b"? --- stderr") => {
                    self.stdout.extend_from_slice(words.strip_suffix(b"--- stderr").unwrap_or(words));
                    section = Some("stderr");
                }
                _ => match section {
                    None => head.extend_from_slice(line),
                    Some("stdout") => self.stdout.extend_from_slice(line),
                    Some("stderr") => self.stderr.extend_from_slice(line),
                    Some(_) => {
                        if let Some((_, content)) = self.written.last_mut() {
                            content.extend_from_slice(line);
                        }
                    }
                },
            }
        }
        self.read_head(&String::from_utf8_lossy(&head));
    }

    fn read_head(&mut self, head: &str) {
        let (line, rest) = head.split_once("\n# client:").unwrap_or((head, ""));
        self.line = line.strip_prefix("$ ").unwrap_or(line).trim_end_matches('\n').to_owned();
        for line in rest.lines() {
            let Some((key, value)) = line.strip_prefix("# ").and_then(|l| l.split_once(": ")) else { continue };
            match key {
                "stdin" => self.stdin = (value != "None").then(|| python_text(value).into_bytes()),
                "exit" => self.exit = value.trim().parse().unwrap_or(-1),
                "store" => self.store = Some(value.trim().to_owned()),
                "login" => self.login = serde_json::from_str(value).unwrap_or(Value::Null),
                "login controller-access" => self.controller_access = Some(value.trim().to_owned()),
                "SIGINT after" => self.interrupts = serde_json::from_str(value).unwrap_or_default(),
                "seconds" => self.seconds = value.trim().parse().unwrap_or(0.0),
                "env" => match serde_json::from_str::<serde_json::Map<String, Value>>(value) {
                    Ok(map) => {
                        self.env
                            .extend(map.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned())));
                    }
                    Err(_) => {
                        if let Some((k, v)) = value.split_once('=') {
                            self.env.push((k.to_owned(), v.to_owned()));
                        }
                    }
                },
                "files" => {
                    if let Ok(map) = serde_json::from_str::<serde_json::Map<String, Value>>(value) {
                        let files = map.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().into()));
                        self.files.extend(files);
                    }
                }
                "input file" => {
                    if let Some((name, content)) = value.split_once(' ') {
                        self.files.push((name.to_owned(), python_text(content).into_bytes()));
                    }
                }
                _ => {}
            }
        }
    }

    fn read_rpc(&mut self, text: &str) {
        let mut open: VecDeque<usize> = VecDeque::new();
        for line in text.lines() {
            let mut parts = line.splitn(3, ' ');
            let (Some(side), Some(path)) = (parts.next(), parts.next()) else { continue };
            let body = parts.next();
            match side {
                ">HTTP" => {
                    let target = body.and_then(|body| body.split(' ').next()).unwrap_or_default();
                    let path = target.split('?').next().unwrap_or_default().to_owned();
                    self.posted.push(Posted { path, ..Posted::default() });
                    continue;
                }
                "<HTTP" => {
                    if let Some(posted) = self.posted.last_mut() {
                        posted.answered(path, body.unwrap_or_default());
                    }
                    continue;
                }
                _ => {}
            }
            let message: Option<Value> = body.and_then(|b| serde_json::from_str(b).ok());
            if path.contains("/log") {
                match (side, body) {
                    (">", _) => self.streams.push(Stream { path: path.to_owned(), messages: Vec::new() }),
                    (_, Some(body)) => {
                        if let Some(stream) = self.streams.iter_mut().rev().find(|s| s.path.starts_with(path)) {
                            stream.messages.push(body.to_owned());
                        }
                    }
                    _ => {}
                }
                continue;
            }
            let Some(message) = message else { continue };
            if side == ">" {
                open.push_back(self.exchanges.len());
                self.exchanges.push(Exchange { path: path.to_owned(), request: message, response: None });
            } else {
                let fits = |at: &usize| {
                    let exchange = &self.exchanges[*at];
                    exchange.path == path && exchange.request["request-id"] == message["request-id"]
                };
                if let Some(found) = open.iter().position(fits)
                    && let Some(at) = open.remove(found)
                {
                    self.exchanges[at].response = Some(message);
                }
            }
        }
    }
}

impl Posted {
    /// Reads `STATUS`, and `{headers} TYPE {answer}`.
    fn answered(&mut self, status: &str, rest: &str) {
        self.status = status.parse().unwrap_or_default();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        if let Some(Ok(Value::Object(headers))) = values.next() {
            let text = |value: Value| value.as_str().unwrap_or_default().to_owned();
            self.headers = headers.into_iter().map(|(name, value)| (name, text(value))).collect();
        }
        let rest = rest.get(values.byte_offset()..).unwrap_or_default().trim_start();
        let answer = rest.split_once(' ').map_or("", |(_, answer)| answer);
        self.answer = serde_json::from_str(answer).unwrap_or_default();
    }
}

/// A text as Python's `repr` writes it.
fn python_text(text: &str) -> String {
    let text = text.trim();
    let inner = ['\'', '"'].iter().find_map(|q| text.strip_prefix(*q)?.strip_suffix(*q)).unwrap_or(text);
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('x') => {
                let code: String = chars.by_ref().take(2).collect();
                out.extend(u8::from_str_radix(&code, 16).ok().map(char::from));
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_read_whole() {
        let text = b"$ juju exec --machine 0 -- echo 'a\nb'\n# client: juju 3.6.28\n# stdin: 'y\\n'\n# exit: 1\n# env: TZ=Asia/Tokyo\n# store: std\n--- stdout\nx\n--- stderr\nERROR \xff\n--- file out\nz";
        let mut recording = Recording::default();
        recording.read_text(text);
        assert_eq!(recording.line, "juju exec --machine 0 -- echo 'a\nb'");
        assert_eq!(recording.command(), "exec");
        assert_eq!(recording.stdin.as_deref(), Some(&b"y\n"[..]));
        assert_eq!((recording.exit, recording.store.as_deref()), (1, Some("std")));
        assert_eq!(recording.env, [("TZ".to_owned(), "Asia/Tokyo".to_owned())]);
        assert_eq!((&recording.stdout[..], &recording.stderr[..]), (&b"x\n"[..], &b"ERROR \xff\n"[..]));
        assert_eq!(recording.written, [("out".to_owned(), b"z".to_vec())]);
        recording.read_rpc("> /api {\"request-id\":2,\"request\":\"A\"}\n> /api {\"request-id\":3,\"request\":\"B\"}\n< /api {\"request-id\":3,\"response\":{}}\n> /m/log?x=1\n< /m/log {}\n");
        assert!(recording.exchanges[0].response.is_none() && recording.exchanges[1].response.is_some());
        assert_eq!(recording.streams[0].messages, ["{}"]);
    }
}
