//! The commands of a played agent, and its memory of them.
//! The surprise: a command is begun at most once, however often it is ordered; and how it ended is said again until it is acknowledged.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use wire::agent::{FromAgent, MAX_CHUNK, Outcome, Stream, TaskDone, TaskOrder};

#[derive(Default)]
pub(super) struct Tasks {
    known: BTreeMap<String, Known>,
    /// Those that may be forgotten, but for this.
    begun: BTreeMap<String, u32>,
}

struct Known {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    outcome: Option<Outcome>,
}

impl Tasks {
    pub(super) fn begun(&self) -> Vec<(String, u32)> {
        self.begun.iter().map(|(id, times)| (id.clone(), *times)).collect()
    }

    /// Running, and finished.
    pub(super) fn summary(&self) -> (Vec<String>, Vec<String>) {
        let (done, running): (Vec<_>, Vec<_>) = self.known.iter().partition(|(_, task)| task.outcome.is_some());
        let ids = |tasks: Vec<(&String, &Known)>| tasks.into_iter().map(|(id, _)| id.clone()).collect();
        (ids(running), ids(done))
    }

    pub(super) fn order(&mut self, order: TaskOrder) -> Vec<FromAgent> {
        let id = order.id.clone();
        if !self.known.contains_key(&id) {
            if order.cancel {
                self.known.insert(
                    id.clone(),
                    Known { stdout: Vec::new(), stderr: Vec::new(), outcome: Some(Outcome::Cancelled) },
                );
                return self.say(&id);
            }
            *self.begun.entry(id.clone()).or_default() += 1;
            self.known.insert(id.clone(), run(&order.command));
            let mut said = vec![FromAgent::TaskStarted { id: id.clone(), at: 1 }];
            said.extend(self.say(&id));
            return said;
        }
        match order.cancel {
            true => self.cancel(&id),
            false => Vec::new(),
        }
    }

    pub(super) fn cancel(&mut self, id: &str) -> Vec<FromAgent> {
        match self.known.get_mut(id) {
            Some(task) if task.outcome.is_none() => {
                task.outcome = Some(Outcome::Cancelled);
                self.say(id)
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn acknowledge(&mut self, id: &str) {
        self.known.remove(id);
    }

    pub(super) fn interrupt(&mut self) {
        for task in self.known.values_mut().filter(|task| task.outcome.is_none()) {
            task.outcome = Some(Outcome::Interrupted);
        }
    }

    /// On a new connection: everything from its beginning.
    pub(super) fn say_again(&self) -> Vec<FromAgent> {
        let begun = |id: &String| self.begun.contains_key(id).then(|| FromAgent::TaskStarted { id: id.clone(), at: 1 });
        self.known.keys().flat_map(|id| begun(id).into_iter().chain(self.say(id))).collect()
    }

    fn say(&self, id: &str) -> Vec<FromAgent> {
        let Some(task) = self.known.get(id) else { return Vec::new() };
        let mut said = Vec::new();
        for (stream, bytes) in [(Stream::Stdout, &task.stdout), (Stream::Stderr, &task.stderr)] {
            for (n, chunk) in bytes.chunks(MAX_CHUNK).enumerate() {
                let offset = (n * MAX_CHUNK) as u64;
                said.push(FromAgent::TaskOutput { id: id.into(), stream, offset, data: STANDARD.encode(chunk) });
            }
        }
        if let Some(outcome) = task.outcome.clone() {
            said.push(FromAgent::TaskDone(TaskDone {
                id: id.into(),
                outcome,
                started: 1,
                completed: 2,
                stdout_len: task.stdout.len() as u64,
                stderr_len: task.stderr.len() as u64,
                dropped: 0,
            }));
        }
        said
    }
}

fn run(command: &str) -> Known {
    let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
    let done = |stdout: Vec<u8>, stderr: &str, code| Known {
        stdout,
        stderr: stderr.into(),
        outcome: Some(Outcome::Exited { code }),
    };
    match word {
        "echo" => done(format!("{rest}\n").into_bytes(), "", 0),
        "fail" => done(Vec::new(), "failed\n", rest.parse().unwrap_or(1)),
        "flood" => done(vec![b'x'; rest.parse().unwrap_or(0)], "", 0),
        "hang" => Known { stdout: b"begun\n".to_vec(), stderr: Vec::new(), outcome: None },
        _ => done(Vec::new(), "no such command\n", 127),
    }
}
