//! Holding our command line to recordings of the original's: the controller's side of a recording is played to it, and
//! what it prints is compared byte for byte.
//!
//! It knows the layout of a recording folder and nothing of how commands are built: the binary is a path. The
//! surprise: requests need not be the recorded ones when what is printed is; one that nothing answers is told as a
//! finding beside the case.

mod certificates;
mod compare;
mod deviations;
mod recording;
mod report;
mod run;
mod server;
mod store;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use recording::Recording;
pub use report::{Outcome, Report};

/// What to play, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder with `3.6/…`, or one release's folder, or one group's.
    pub folder: PathBuf,
    pub binary: PathBuf,
    /// Only cases whose `release/group` contains this.
    pub group: Option<String>,
    /// Only cases whose name contains this.
    pub case: Option<String>,
    /// Only these commands (the first word of the command line); empty for all.
    pub commands: Vec<String>,
    pub parallel: usize,
}

impl Options {
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, binary: impl Into<PathBuf>) -> Self {
        Options {
            folder: folder.into(),
            binary: binary.into(),
            group: None,
            case: None,
            commands: Vec::new(),
            parallel: std::thread::available_parallelism().map_or(2, |n| n.get() * 2),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no recordings in {0}")]
    NoRecordings(PathBuf),
    #[error("the command line to hold to the recordings is not at {0}")]
    NoBinary(PathBuf),
    #[error("cannot read the recording {0}")]
    Recording(PathBuf, #[source] std::io::Error),
    #[error("cannot make the controller's certificate")]
    Certificate(#[from] server::IdentityError),
    #[error("cannot prepare a case")]
    Prepare(#[from] std::io::Error),
}

/// Plays every recording that the options name.
pub async fn play(options: &Options) -> Result<Report, Error> {
    if !options.binary.exists() {
        return Err(Error::NoBinary(options.binary.clone()));
    }
    let files = recordings(&options.folder);
    if files.is_empty() {
        return Err(Error::NoRecordings(options.folder.clone()));
    }
    let identity = Arc::new(server::Identity::make()?);
    let gate = Arc::new(tokio::sync::Semaphore::new(options.parallel.max(1)));
    let mut tasks = tokio::task::JoinSet::new();
    for file in files {
        let recording = Recording::read(&file).map_err(|e| Error::Recording(file.clone(), e))?;
        if !wanted(options, &recording) {
            continue;
        }
        let (identity, gate, binary) = (identity.clone(), gate.clone(), options.binary.clone());
        tasks.spawn(async move {
            let _permit = gate.acquire_owned().await;
            let outcome = match deviations::skipped(&recording) {
                Some(reason) => Outcome::Skipped(reason.to_owned()),
                None => match run::case(&recording, &binary, &identity).await {
                    Ok(seen) => compare::judge(&recording, &seen),
                    Err(e) => {
                        Outcome::Failed { diff: format!("the case could not be played: {e}\n"), findings: vec![] }
                    }
                },
            };
            (recording, outcome)
        });
    }
    let mut report = Report::default();
    while let Some(done) = tasks.join_next().await {
        if let Ok((recording, outcome)) = done {
            report.add(&recording, outcome);
        }
    }
    report.sort();
    Ok(report)
}

fn wanted(options: &Options, recording: &Recording) -> bool {
    let fits = |filter: &Option<String>, text: &str| filter.as_ref().is_none_or(|f| text.contains(f.as_str()));
    fits(&options.group, &recording.group)
        && fits(&options.case, &recording.case)
        && (options.commands.is_empty() || options.commands.iter().any(|c| *c == recording.command()))
}

/// Where the recordings are: `GRIGRI_GOLDEN`, else `../shared/golden` beside the repository. `None` when there are none.
#[must_use]
pub fn golden_folder() -> Option<PathBuf> {
    let folder = match std::env::var_os("GRIGRI_GOLDEN") {
        Some(folder) => PathBuf::from(folder),
        None => {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
            ["../shared/golden", "../../shared/golden"].iter().map(|p| root.join(p)).find(|p| p.is_dir())?
        }
    };
    folder.is_dir().then_some(folder)
}

fn recordings(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                // Client stores and hand-made requests are not command lines.
                if !matches!(path.file_name().and_then(|n| n.to_str()), Some("stores" | "raw")) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| e == "txt") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
