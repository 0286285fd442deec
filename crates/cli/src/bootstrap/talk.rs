//! A talk with our program elsewhere, whatever carries it: a line of JSON for each request and each answer.
//! It does not know how the program came there, nor why a talk was lost; whoever opened the way does.

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, Lines};

use super::{Asked, BootstrapError, Progress, Told};

/// What the program says.
pub type Output = Box<dyn AsyncRead + Send + Unpin>;
/// What it is told.
pub type Input = Box<dyn AsyncWrite + Send + Unpin>;

pub struct Talk {
    lines: Lines<BufReader<Output>>,
    input: Option<Input>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Ended {
    /// By the program's own word.
    Failed(BootstrapError),
    /// The way to it is gone, or it is.
    Lost,
}

impl Talk {
    pub fn new(output: Output, input: Input) -> Talk {
        Talk { lines: BufReader::new(output).lines(), input: Some(input) }
    }

    /// Asks once the program listens, and gives the first answer that is no step.
    pub async fn ask(&mut self, asked: &Asked, progress: Progress<'_>) -> Result<Told, Ended> {
        loop {
            match self.told().await? {
                // Until then its input was another's.
                Told::Ready => {
                    let request = serde_json::to_string(asked).map_err(|_| Ended::Lost)?;
                    self.say(&(request + "\n")).await?;
                }
                Told::Step(step) => progress(&step),
                Told::Failed(error) => return Err(Ended::Failed(error)),
                other => return Ok(other),
            }
        }
    }

    pub async fn say(&mut self, text: &str) -> Result<(), Ended> {
        let input = self.input()?;
        let written = async {
            input.write_all(text.as_bytes()).await?;
            input.flush().await
        };
        written.await.map_err(|_| Ended::Lost)
    }

    pub fn input(&mut self) -> Result<&mut Input, Ended> {
        self.input.as_mut().ok_or(Ended::Lost)
    }

    /// What comes next.
    pub async fn told(&mut self) -> Result<Told, Ended> {
        loop {
            match self.lines.next_line().await {
                Ok(Some(line)) => match serde_json::from_str(&line) {
                    Ok(told) => return Ok(told),
                    // Whatever a login says by itself.
                    Err(_) => continue,
                },
                Ok(None) | Err(_) => return Err(Ended::Lost),
            }
        }
    }

    /// Says no more.
    pub fn hush(&mut self) {
        self.input = None;
    }
}
