//! What is written down of an instance, before anything of it exists and until nothing does.
//! The surprise: the record comes first and goes last, so an instance that was half made or half removed is always seen.
//!
//! ```text
//!             start            started                stop
//!   (nothing) ------> starting -------> running -------------> stopping ------> (nothing)
//!                        |  ^ start again  | its processes end     ^
//!                        |  +--------------+ (host reboot)         |
//!                        +-----------------------------------------+
//!                                          | release
//!                                          +-------> kept ------------> (nothing, with its controller)
//! ```

use std::fs;
use std::io;

use base::Hardware;
use container::files;
use container::plan::Dir;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Starting,
    Running,
    Stopping,
    /// Let go: it runs, and is none of ours until its controller ends.
    Kept,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub controller: String,
    pub model: String,
    pub machine: String,
    /// The instance that this one lives inside.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent: Option<String>,
    pub base: String,
    /// Its number in the controller's network: the same address after every restart.
    pub number: u32,
    pub address: std::net::Ipv4Addr,
    pub hardware: Hardware,
    pub state: State,
}

const FILE: &str = "instance.json";

pub fn write(dir: &Dir, record: &Record) -> io::Result<()> {
    files::replace(&dir.path().join(FILE), &print(record)?, 0o600)
}

/// A record's file.
pub fn print(record: &Record) -> io::Result<Vec<u8>> {
    serde_json::to_vec_pretty(record).map_err(io::Error::other)
}

pub fn read(dir: &Dir) -> io::Result<Option<Record>> {
    match fs::read(dir.path().join(FILE)) {
        Ok(bytes) => parse(&bytes).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a record's file.
pub fn parse(bytes: &[u8]) -> io::Result<Record> {
    serde_json::from_slice(bytes).map_err(io::Error::other)
}
