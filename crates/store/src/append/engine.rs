//! One thread that owns the connection and runs jobs, many in one SQLite transaction.
//!
//! It knows no table. The surprise: each job has a savepoint, so a failed one takes back its own writes only; no
//! answer is given before the whole group is committed.

use crate::directory::Directory;
use crate::error::{Failure, OpenError};
use crate::sqlite::{failure, refined};
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use tokio::sync::oneshot;

/// Runs on the connection, or not when there is none for it; says why its writes do not stay, if so, and gives what to do once the group's
/// fate is known.
type Job = Box<dyn FnOnce(Result<&Connection, &Failure>) -> (Option<Failure>, Answer) + Send>;
type Answer = Box<dyn FnOnce(Option<&Failure>) + Send>;

const GROUP: usize = 256;

pub(super) struct Engine {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Engine {
    pub fn start(connection: Connection, directory: Option<Arc<Directory>>) -> Result<Engine, OpenError> {
        let (jobs, queue) = mpsc::channel();
        let thread = std::thread::Builder::new().name("store-append".into()).spawn(move || {
            while let Ok(first) = queue.recv() {
                group(&connection, first, &queue);
            }
            drop(connection);
            drop(directory);
        });
        let thread = thread.map_err(|source| OpenError::File { path: PathBuf::from("store-append"), source })?;
        Ok(Engine { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs a job; its writes are kept when it succeeds. It runs also when this future is dropped.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = match connection {
                Ok(connection) => job(connection).map_err(|error| refined(connection, failure(error))),
                Err(failure) => Err(failure.clone()),
            };
            let failed = result.as_ref().err().cloned();
            let tell = move |fate: Option<&Failure>| {
                // Its own failure says more than what that did to the group.
                let _ = reply.send(match fate {
                    Some(failure) => result.and_then(|_| Err(failure.clone())),
                    None => result,
                });
            };
            (failed, Box::new(tell))
        });
        let jobs = self.jobs.as_ref().ok_or(Failure::Closed)?;
        jobs.send(job).map_err(|_| Failure::Closed)?;
        answer.await.map_err(|_| Failure::Closed)?
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn group(connection: &Connection, first: Job, queue: &mpsc::Receiver<Job>) {
    let mut answers: Vec<Answer> = Vec::new();
    let mut next = Some(first);
    let mut fate = execute(connection, "BEGIN");
    while let Some(job) = next.take() {
        match &fate {
            Ok(()) => fate = step(connection, job, &mut answers),
            Err(failure) => answers.push(job(Err(failure)).1),
        }
        if answers.len() < GROUP && fate.is_ok() {
            next = queue.try_recv().ok();
        }
    }
    let fate = fate.and_then(|()| execute(connection, "COMMIT"));
    if fate.is_err()
        && !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::warn!(error = &error as &dyn std::error::Error, "failed group of appends was not rolled back");
    }
    for answer in answers {
        answer(fate.as_ref().err());
    }
}

fn execute(connection: &Connection, statement: &str) -> Result<(), Failure> {
    let done = connection.prepare_cached(statement).and_then(|mut statement| statement.execute([]));
    done.map(drop).map_err(|error| refined(connection, failure(error)))
}

/// Runs one job; an error is one of the whole group.
fn step(connection: &Connection, job: Job, answers: &mut Vec<Answer>) -> Result<(), Failure> {
    if let Err(failure) = execute(connection, "SAVEPOINT job") {
        answers.push(job(Err(&failure)).1);
        return Err(failure);
    }
    let (failed, answer) = job(Ok(connection));
    answers.push(answer);
    if let Some(failure) = failed {
        // Of a full or broken disk SQLite ends the whole transaction by itself: what came before is lost for the same reason.
        if connection.is_autocommit() {
            return Err(failure);
        }
        execute(connection, "ROLLBACK TO job")?;
    }
    execute(connection, "RELEASE job")
}
