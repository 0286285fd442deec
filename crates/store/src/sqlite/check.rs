//! Looking at the database files of a directory that may be somebody else's at this moment: are they whole, how large are they.
//!
//! It takes no lock and writes nothing. The surprise: SQLite's own check reads every page, so it takes a second for a gigabyte.

use super::connection::failure;
use crate::error::Failure;
use base::chain;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// A database file as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub name: &'static str,
    /// What SQLite found broken; empty when it is whole.
    pub problems: Vec<String>,
    /// Of the file and its log.
    pub bytes: u64,
}

const FILES: [&str; 2] = [super::FILE, crate::append::FILE];
/// More are no news.
const MOST: usize = 5;

/// Checks every database of a data directory. A file that is missing is a problem of that file.
pub fn check(dir: &Path) -> Vec<Checked> {
    let size = |name: &str| std::fs::metadata(dir.join(name)).map_or(0, |meta| meta.len());
    FILES
        .into_iter()
        .map(|name| Checked {
            name,
            problems: problems(&dir.join(name)).unwrap_or_else(|failure| vec![chain(&failure)]),
            bytes: size(name) + size(&format!("{name}-wal")),
        })
        .collect()
}

fn problems(path: &Path) -> Result<Vec<String>, Failure> {
    if !path.exists() {
        return Ok(vec!["the file is missing".to_owned()]);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failure)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(failure)?;
    let mut statement = connection.prepare(&format!("PRAGMA quick_check({MOST})")).map_err(failure)?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).map_err(failure)?;
    let said: Result<Vec<String>, _> = rows.collect();
    Ok(said.map_err(failure)?.into_iter().filter(|line| line != "ok").collect())
}

#[cfg(test)]
mod tests {
    use super::super::{Options, Sqlite};
    use super::*;
    use crate::{Directory, Key, Store, Txn, Value};
    use std::sync::Arc;

    async fn filled(dir: &Path) -> Sqlite {
        let directory = Arc::new(Directory::open(dir).unwrap_or_else(|e| panic!("{e}")));
        drop(crate::append::Append::open(directory.clone()).unwrap_or_else(|e| panic!("{e}")));
        let store = Sqlite::open(directory, Options::default()).unwrap_or_else(|e| panic!("{e}"));
        for n in 0..200 {
            let mut txn = Txn::new();
            let key = Key::parse(&format!("/k/{n}")).unwrap_or_else(|e| panic!("{e}"));
            txn.put(key, Value::of(&"x".repeat(200)).unwrap_or_else(|e| panic!("{e}")));
            store.commit(txn).await.unwrap_or_else(|e| panic!("{e}"));
        }
        store
    }

    #[tokio::test]
    async fn whole_files_pass_while_they_are_in_use_and_afterwards() {
        let place = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let store = filled(place.path()).await;
        for checked in check(place.path()) {
            assert_eq!(checked.problems, Vec::<String>::new(), "{checked:?}");
            assert!(checked.bytes > 0, "{checked:?}");
        }
        drop(store);
        assert!(check(place.path()).iter().all(|one| one.problems.is_empty()));
    }

    #[tokio::test]
    async fn a_torn_file_and_a_missing_one_are_problems() {
        let place = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let directory = place.path().join("data");
        drop(filled(&directory).await);
        let copy = place.path().join("copy");
        std::fs::create_dir(&copy).unwrap_or_else(|e| panic!("{e}"));
        // Into the main file with what is in the log, as a clean end would have it.
        let connection = Connection::open(directory.join(super::super::FILE)).unwrap_or_else(|e| panic!("{e}"));
        let to = copy.join(super::super::FILE);
        connection.execute("VACUUM INTO ?1", [to.to_str().unwrap_or_default()]).unwrap_or_else(|e| panic!("{e}"));
        let mut bytes = std::fs::read(&to).unwrap_or_else(|e| panic!("{e}"));
        assert!(check(&copy)[0].problems.is_empty(), "the copy is whole");
        for byte in bytes.iter_mut().skip(4096).take(8192) {
            *byte = 0xa5;
        }
        std::fs::write(&to, bytes).unwrap_or_else(|e| panic!("{e}"));
        let found = check(&copy);
        assert!(!found[0].problems.is_empty(), "{found:?}");
        assert_eq!(found[1].problems, ["the file is missing"]);
    }
}
