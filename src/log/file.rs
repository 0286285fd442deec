//! The controller's log file: where stderr goes, kept small by the controller itself.
//! It knows no line. The surprise: the file is stderr, so that what a panic or a library says is in it too; turning over opens a new file and
//! puts it in stderr's place.
//!
//! ```text
//! controller.log  --(full)-->  controller.log.1  --(the next is full)-->  controller.log.2  --(the next)-->  gone
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of one file, and how many older ones stay.
const FULL: u64 = 10 << 20;
const OLDER: u32 = 2;

/// Cheap to clone.
#[derive(Clone)]
pub struct LogFile(Arc<Mutex<Inner>>);

struct Inner {
    path: PathBuf,
    file: File,
    written: u64,
    full: u64,
    /// Puts the file in the place of stderr; nothing in tests.
    take_place: fn(&File) -> io::Result<()>,
}

impl LogFile {
    /// Opens or goes on with the file, and makes it stdout and stderr of this process.
    pub fn open(path: &Path) -> io::Result<LogFile> {
        LogFile::open_with(path, FULL, |file| {
            rustix::stdio::dup2_stdout(file)?;
            Ok(rustix::stdio::dup2_stderr(file)?)
        })
    }

    fn open_with(path: &Path, full: u64, take_place: fn(&File) -> io::Result<()>) -> io::Result<LogFile> {
        let (file, written) = open(path)?;
        take_place(&file)?;
        Ok(LogFile(Arc::new(Mutex::new(Inner { path: path.to_owned(), file, written, full, take_place }))))
    }

    /// Opens the file anew: somebody has moved it away.
    pub fn reopen(&self) -> io::Result<()> {
        self.lock().reopen()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // A panic while writing leaves at worst a part of a line.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let written = file.metadata()?.len();
    Ok((file, written))
}

fn older(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

impl Inner {
    fn reopen(&mut self) -> io::Result<()> {
        let (file, written) = open(&self.path)?;
        (self.take_place)(&file)?;
        (self.file, self.written) = (file, written);
        Ok(())
    }

    fn turn_over(&mut self) -> io::Result<()> {
        for number in (1..OLDER).rev() {
            match fs::rename(older(&self.path, number), older(&self.path, number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        match fs::rename(&self.path, older(&self.path, 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.reopen()
    }
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut inner = self.lock();
        if inner.written > 0 && inner.written + line.len() as u64 > inner.full {
            // On a full disk the old file is written on: a log that is too long is better than none. Not tried again at every line.
            if inner.turn_over().is_err() {
                inner.written = 0;
            }
        }
        inner.file.write_all(line)?;
        inner.written += line.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_log(full: u64) -> (tempfile::TempDir, PathBuf, LogFile) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("controller.log");
        let log = LogFile::open_with(&path, full, |_| Ok(())).expect("opened");
        (dir, path, log)
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap_or_else(|_| "none".into())
    }

    #[test]
    fn lines_are_whole_and_two_older_files_stay() {
        let (dir, path, mut log) = a_log(10);
        for line in ["one..\n", "two..\n", "three\n", "four.\n", "more than a file\n"] {
            log.write_all(line.as_bytes()).expect("written");
        }
        assert_eq!(
            (read(&path), read(&older(&path, 1)), read(&older(&path, 2))),
            ("more than a file\n".into(), "four.\n".into(), "three\n".into())
        );
        assert_eq!(fs::read_dir(dir.path()).expect("there").count(), 3);
    }

    #[test]
    fn a_file_goes_on_where_it_ended_and_is_opened_anew_when_told() {
        let (_dir, path, mut log) = a_log(10);
        log.write_all(b"12345\n").expect("written");
        drop(log);
        let mut log = LogFile::open_with(&path, 10, |_| Ok(())).expect("opened again");
        log.write_all(b"67890\n").expect("written");
        assert_eq!((read(&path), read(&older(&path, 1))), ("67890\n".into(), "12345\n".into()));
        fs::rename(&path, path.with_extension("moved")).expect("moved");
        log.reopen().expect("opened");
        log.write_all(b"new\n").expect("written");
        assert_eq!(read(&path), "new\n");
    }
}
