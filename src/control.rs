//! A word to the running controller from its own host: a socket in its directory, one question and one answer a connection.
//! It knows no network; who may open the directory may ask. The surprise: the socket is reached through a file descriptor of the directory,
//! because a socket's path may be 108 bytes long and a data directory's longer.

use crate::layout::Layout;
use base::{Refusal, Secret};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

const SOCKET: &str = "control.sock";
/// A question is a few hundred bytes.
const LONGEST: u64 = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(30);

/// What may be asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Question {
    /// Sets a user's password and gives back all access. The hash, never the password.
    ResetPassword { user: String, hash: Secret },
    /// Begins a change of CA, says how far it is, or ends it.
    RotateCa { finish: bool, force: bool },
}

/// `error` is for people.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    #[serde(default)]
    pub said: serde_json::Value,
}

impl From<Result<serde_json::Value, Refusal>> for Answer {
    fn from(result: Result<serde_json::Value, Refusal>) -> Answer {
        match result {
            Ok(said) => Answer { error: None, said },
            Err(refusal) => Answer { error: Some(refusal.words().to_owned()), ..Answer::default() },
        }
    }
}

/// Answers questions.
pub trait Answers: Send + Sync + 'static {
    fn answer(&self, question: Question) -> impl Future<Output = Answer> + Send;
}

/// The directory, held open, and the socket's path through it.
fn place(layout: &Layout) -> io::Result<(File, PathBuf)> {
    let directory = File::open(layout.dir())?;
    let path = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", directory.as_raw_fd()));
    Ok((directory, path))
}

/// Opens the socket and answers from now on. The caller holds the directory's lock, so a socket that lies there is nobody's.
pub fn serve(layout: &Layout, answers: Arc<impl Answers>) -> io::Result<()> {
    let (directory, path) = place(layout)?;
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    drop(directory);
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let answers = answers.clone();
                    tokio::spawn(async move {
                        let talked = tokio::time::timeout(PATIENCE, talk(stream, &*answers)).await;
                        if let Ok(Err(error)) = talked {
                            tracing::debug!("control socket: {error}");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!("control socket: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    });
    Ok(())
}

async fn talk(mut stream: UnixStream, answers: &impl Answers) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    if peer != 0 && peer != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("user {peer} asked")));
    }
    let mut line = String::new();
    {
        let (reader, _) = stream.split();
        BufReader::new(reader.take(LONGEST)).read_line(&mut line).await?;
    }
    let answer = match serde_json::from_str(&line) {
        Ok(question) => answers.answer(question).await,
        // What was asked may hold a secret: it is not repeated.
        Err(_) => {
            Answer { error: Some("this controller does not understand the question".into()), ..Answer::default() }
        }
    };
    let mut text = serde_json::to_vec(&answer)?;
    text.push(b'\n');
    stream.write_all(&text).await
}

/// Asks the running controller. `NotFound` and `ConnectionRefused`: there is none.
pub async fn ask(layout: &Layout, question: &Question) -> io::Result<Answer> {
    let (_directory, path) = place(layout)?;
    let conversation = async {
        let mut stream = UnixStream::connect(&path).await?;
        let mut text = serde_json::to_vec(question)?;
        text.push(b'\n');
        stream.write_all(&text).await?;
        let mut answer = String::new();
        BufReader::new(stream.take(LONGEST)).read_line(&mut answer).await?;
        serde_json::from_str(&answer).map_err(io::Error::other)
    };
    tokio::time::timeout(PATIENCE, conversation).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Echo;

    impl Answers for Echo {
        async fn answer(&self, question: Question) -> Answer {
            let Question::ResetPassword { user, hash } = question else { return Answer::default() };
            match hash.reveal() {
                "bad" => Answer { error: Some("no".into()), ..Answer::default() },
                _ => Answer { error: None, said: user.into() },
            }
        }
    }

    #[tokio::test]
    async fn a_question_gets_its_answer_however_long_the_directory_is() {
        let root = tempfile::tempdir().expect("a directory");
        let layout = Layout { root: root.path().join("x".repeat(150)), uuid: "u".into() };
        std::fs::create_dir_all(layout.dir()).expect("made");
        let question = |hash: &str| Question::ResetPassword { user: "bob".into(), hash: Secret::new(hash) };
        let nobody = ask(&layout, &question("x")).await.expect_err("nobody is there");
        assert_eq!(nobody.kind(), io::ErrorKind::NotFound);
        serve(&layout, Arc::new(Echo)).expect("opens");
        assert_eq!(ask(&layout, &question("x")).await.expect("answers").said, "bob");
        assert_eq!(ask(&layout, &question("bad")).await.expect("answers").error.as_deref(), Some("no"));
        let (_directory, path) = place(&layout).expect("there");
        let mut raw = UnixStream::connect(&path).await.expect("connects");
        raw.write_all(b"{\"ask\":\"hunter2\"}\n").await.expect("written");
        let mut said = String::new();
        raw.read_to_string(&mut said).await.expect("answered");
        assert!(said.contains("does not understand") && !said.contains("hunter2"), "{said}");
    }
}
