//! Opening SQLite files, and its errors in our words.
//!
//! It knows no table. The surprise: a file of a newer schema is refused before anything in it is touched, also before the
//! journal mode is.

use crate::error::{Cause, Failure, OpenError};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

/// How files are read and written. The product knows two ways, [`STATE`](Medium::STATE) and [`APPEND`](Medium::APPEND); others are for
/// tests of durability, which bring a disk of their own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Medium {
    /// SQLite's name of a file layer; `None` for the system's.
    pub vfs: Option<&'static str>,
    pub synchronous: &'static str,
    /// Pages in the journal that have it written back to the file.
    pub checkpoint: u32,
    /// Bytes that the journal keeps on the disk once it is written back, however long it was.
    pub journal: u32,
}

impl Medium {
    /// A commit is on the disk when it returns. The journal is about 16 MiB, one group of commits more in between.
    pub const STATE: Medium = Medium { vfs: None, synchronous: "FULL", checkpoint: 4000, journal: 32 << 20 };

    /// A power failure may take the last moments, never the file's order.
    pub const APPEND: Medium = Medium { synchronous: "NORMAL", ..Medium::STATE };

    /// A connection to a file that exists.
    pub fn connect(&self, path: &Path) -> Result<Connection, Failure> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = match self.vfs {
            Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs),
            None => Connection::open_with_flags(path, flags),
        };
        opened.map_err(failure)
    }
}

/// Opens a file that exists; makes the schema when it is empty.
pub(crate) fn open(
    path: &Path,
    application: i32,
    version: i64,
    schema: &str,
    medium: &Medium,
) -> Result<Connection, OpenError> {
    let mut connection = medium.connect(path)?;
    let found: i64 = pragma(&connection, "user_version")?;
    let owner: i64 = pragma(&connection, "application_id")?;
    if owner != i64::from(application) && (owner != 0 || found != 0 || has_tables(&connection)?) {
        return Err(OpenError::Foreign { path: path.into() });
    }
    if found > version {
        return Err(OpenError::NewerSchema { path: path.into(), found, known: version });
    }
    set(&connection, "journal_mode", "WAL")?;
    set(&connection, "synchronous", medium.synchronous)?;
    set(&connection, "wal_autocheckpoint", &medium.checkpoint.to_string())?;
    set(&connection, "journal_size_limit", &medium.journal.to_string())?;
    if found == 0 {
        make(&mut connection, application, version, schema)?;
    }
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// A database that ends with its connection.
pub(crate) fn memory(application: i32, version: i64, schema: &str) -> Result<Connection, OpenError> {
    let mut connection = Connection::open_in_memory().map_err(failure)?;
    make(&mut connection, application, version, schema)?;
    Ok(connection)
}

fn make(connection: &mut Connection, application: i32, version: i64, schema: &str) -> Result<(), OpenError> {
    let transaction = connection.transaction().map_err(failure)?;
    transaction.execute_batch(schema).map_err(failure)?;
    set(&transaction, "application_id", &application.to_string())?;
    set(&transaction, "user_version", &version.to_string())?;
    transaction.commit().map_err(failure)?;
    Ok(())
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, OpenError> {
    Ok(connection.pragma_query_value(None, name, |row| row.get(0)).map_err(failure)?)
}

fn set(connection: &Connection, name: &str, value: &str) -> Result<(), OpenError> {
    // Some pragmas answer with a row, some do not.
    Ok(connection.pragma_update_and_check(None, name, value, |_| Ok(())).or_else(no_row).map_err(failure)?)
}

fn no_row(error: rusqlite::Error) -> rusqlite::Result<()> {
    match error {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        other => Err(other),
    }
}

fn has_tables(connection: &Connection) -> Result<bool, OpenError> {
    let count = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
    Ok(count.map_err(failure)? > 0)
}

/// The same, once it is known what the system said to this connection last: SQLite's own code for a write over a quota, or for a file
/// system that turned read-only, says no more than that the system failed.
#[allow(unsafe_code, reason = "the number of the system's error has no safe way out")]
pub(crate) fn refined(connection: &Connection, failure: Failure) -> Failure {
    let Failure::Io { source } = &failure else { return failure };
    let code = source.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
    if !matches!(code, Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen)) {
        return failure;
    }
    // SAFETY: the handle is of an open connection, and only a number is read.
    let number = unsafe { rusqlite::ffi::sqlite3_system_errno(connection.handle()) };
    let source = source.clone();
    match std::io::Error::from_raw_os_error(number).kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Failure::Full { source },
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Failure::ReadOnly { source },
        _ => failure,
    }
}

/// What an error of SQLite means to who asked.
pub(crate) fn failure(error: rusqlite::Error) -> Failure {
    let code = error.sqlite_error_code();
    let source: Cause = Arc::new(error);
    match code {
        Some(ErrorCode::DiskFull) => Failure::Full { source },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
            Failure::ReadOnly { source }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OutOfMemory) => {
            Failure::Unavailable { source }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Failure::Damaged { source },
        _ => Failure::Io { source },
    }
}
