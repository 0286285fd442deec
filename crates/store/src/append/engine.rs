//! One thread that owns the connection and runs jobs, many in one SQLite transaction.
//!
//! It knows no table. The surprise: each job has a savepoint, so a failed one takes back its own writes only; no
//! answer is given before the whole group is committed.

use crate::directory::Directory;
use crate::error::{Failure, OpenError};
use crate::sqlite::failure;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use tokio::sync::oneshot;

/// Runs on the connection; says afterwards whether its writes stay, and gives what to do once the group's fate is known.
type Job = Box<dyn FnOnce(&Connection) -> (bool, Answer) + Send>;
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
            let result = job(connection).map_err(failure);
            let keep = result.is_ok();
            let tell = move |fate: Option<&Failure>| {
                let _ = reply.send(match fate {
                    Some(failure) => Err(failure.clone()),
                    None => result,
                });
            };
            (keep, Box::new(tell))
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
    let mut fate = connection.execute_batch("BEGIN").err();
    let mut next = Some(first);
    while let Some(job) = next.take() {
        // After an error of the connection itself the jobs still run, for their answers; nothing of them is kept.
        fate = fate.or_else(|| step(connection, job, &mut answers).err());
        if answers.len() < GROUP && fate.is_none() {
            next = queue.try_recv().ok();
        }
    }
    fate = fate.or_else(|| connection.execute_batch("COMMIT").err());
    if fate.is_some()
        && !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::warn!(error = &error as &dyn std::error::Error, "failed group of appends was not rolled back");
    }
    let fate = fate.map(failure);
    for answer in answers {
        answer(fate.as_ref());
    }
}

fn step(connection: &Connection, job: Job, answers: &mut Vec<Answer>) -> rusqlite::Result<()> {
    connection.prepare_cached("SAVEPOINT job")?.execute([])?;
    let (keep, answer) = job(connection);
    answers.push(answer);
    if !keep {
        connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    connection.prepare_cached("RELEASE job")?.execute([]).map(drop)
}
