//! What happened to tasks, line by line in a file, so that none is started twice whatever dies.
//! It must not know how tasks run. The surprise: only a start is synced to the disk. A lost end makes an honest "interrupted" of
//! a task; a lost start would run it again.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use wire::agent::TaskDone;

const LONG: u64 = 256 << 10;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Started { id: String, at: u64, boot: String },
    Process { id: String, pid: u32, ticks: u64 },
    Done(TaskDone),
    Acknowledged(String),
}

/// A task that the journal holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub id: String,
    pub started: u64,
    pub boot: String,
    /// Its group's leader: number and start, which together name one process of a boot.
    pub process: Option<(u32, u64)>,
    pub done: Option<TaskDone>,
}

#[derive(Debug, Default)]
pub struct Contents {
    pub tasks: Vec<Kept>,
    pub acknowledged: VecDeque<String>,
}

pub struct Journal {
    path: PathBuf,
    file: File,
    boot: String,
    length: u64,
}

impl Journal {
    /// Reads what is there, and begins the file anew without what needs no keeping. A line that a crash tore is no line.
    pub fn open(path: PathBuf) -> io::Result<(Self, Contents)> {
        let text = match std::fs::read(&path) {
            Ok(text) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let contents = read(&text);
        host::files::write(&path, write(&contents).as_bytes(), 0o600)?;
        let (file, length) = open(&path)?;
        Ok((Self { path, file, boot: host::facts::boot_id(), length }, contents))
    }

    pub fn started(&mut self, id: &str, at: u64) -> io::Result<()> {
        self.append(&Line::Started { id: id.to_owned(), at, boot: self.boot.clone() })?;
        self.file.sync_data()
    }

    pub fn process(&mut self, id: &str, pid: u32, ticks: u64) -> io::Result<()> {
        self.append(&Line::Process { id: id.to_owned(), pid, ticks })
    }

    pub fn done(&mut self, done: &TaskDone) -> io::Result<()> {
        self.append(&Line::Done(done.clone()))
    }

    pub fn acknowledged(&mut self, id: &str) -> io::Result<()> {
        self.append(&Line::Acknowledged(id.to_owned()))
    }

    pub fn is_long(&self) -> bool {
        self.length > LONG
    }

    /// Begins the file anew.
    pub fn rewrite(&mut self, contents: &Contents) -> io::Result<()> {
        host::files::write(&self.path, write(contents).as_bytes(), 0o600)?;
        (self.file, self.length) = open(&self.path)?;
        Ok(())
    }

    fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let written = self.file.write_all(&text);
        match &written {
            Ok(()) => self.length += text.len() as u64,
            // A line that is torn would take the next one with it.
            Err(_) => _ = self.file.set_len(self.length),
        }
        written
    }
}

fn open(path: &PathBuf) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).mode(0o600).open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

/// What a journal's text says. A line that is none says nothing.
pub fn read(text: &str) -> Contents {
    let mut contents = Contents::default();
    for line in text.lines().filter_map(|l| serde_json::from_str(l).ok()) {
        let tasks = &mut contents.tasks;
        match line {
            Line::Started { id, at, boot } => {
                if !tasks.iter().any(|t| t.id == id) {
                    tasks.push(Kept { id, started: at, boot, process: None, done: None });
                }
            }
            Line::Process { id, pid, ticks } => {
                if let Some(task) = tasks.iter_mut().find(|t| t.id == id && t.done.is_none()) {
                    task.process = Some((pid, ticks));
                }
            }
            Line::Done(done) => match tasks.iter_mut().find(|t| t.id == done.id) {
                Some(task) => task.done = Some(done),
                // It ended before it began.
                None => tasks.push(Kept {
                    id: done.id.clone(),
                    started: 0,
                    boot: String::new(),
                    process: None,
                    done: Some(done),
                }),
            },
            Line::Acknowledged(id) => {
                tasks.retain(|t| t.id != id);
                contents.acknowledged.push_back(id);
            }
        }
    }
    let surplus = contents.acknowledged.len().saturating_sub(super::REMEMBERED);
    contents.acknowledged.drain(..surplus);
    contents
}

/// The text that says this.
pub fn write(contents: &Contents) -> String {
    let mut lines: Vec<Line> = contents.acknowledged.iter().cloned().map(Line::Acknowledged).collect();
    for task in &contents.tasks {
        // By a clock that is before 1970 it began at 0; what ended before it began has no boot.
        if task.done.is_none() || task.started > 0 || !task.boot.is_empty() {
            lines.push(Line::Started { id: task.id.clone(), at: task.started, boot: task.boot.clone() });
        }
        if let Some((pid, ticks)) = task.process {
            lines.push(Line::Process { id: task.id.clone(), pid, ticks });
        }
        lines.extend(task.done.clone().map(Line::Done));
    }
    lines.iter().filter_map(|l| serde_json::to_string(l).ok()).map(|l| l + "\n").collect()
}

#[cfg(test)]
mod tests {
    use wire::agent::Outcome;

    use super::*;

    fn done(id: &str) -> TaskDone {
        let outcome = Outcome::Exited { code: 0 };
        TaskDone { id: id.into(), outcome, started: 1, completed: 2, stdout_len: 0, stderr_len: 0, dropped: 0 }
    }

    #[test]
    fn what_began_is_known_after_a_crash_in_any_byte() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("journal");
        let (mut journal, _) = Journal::open(path.clone()).expect("opened");
        journal.started("1", 1).expect("written");
        journal.process("1", 4, 5).expect("written");
        journal.done(&done("1")).expect("written");
        journal.started("2", 3).expect("written");
        journal.acknowledged("1").expect("written");
        let whole = std::fs::read_to_string(&path).expect("there");
        for cut in 0..=whole.len() {
            let contents = read(&whole[..cut]);
            let ids: Vec<(&str, bool)> = contents.tasks.iter().map(|t| (t.id.as_str(), t.done.is_some())).collect();
            let ends: Vec<usize> = whole.match_indices('\n').map(|(i, _)| i).collect();
            let expected: &[(&str, bool)] = match ends.iter().filter(|end| **end <= cut).count() {
                0 => &[],
                1 | 2 => &[("1", false)],
                3 => &[("1", true)],
                4 => &[("1", true), ("2", false)],
                _ => &[("2", false)],
            };
            assert_eq!(ids, expected, "cut at {cut}");
        }
        std::fs::write(&path, whole[..whole.len() - 5].to_owned() + "\u{0}\u{0}torn").expect("written");
        let (_, contents) = Journal::open(path.clone()).expect("opened again");
        assert_eq!(contents.tasks.len(), 2);
        assert_eq!(read(&std::fs::read_to_string(&path).expect("there")).tasks, contents.tasks);
    }
}
