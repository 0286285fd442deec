//! Opening SQLite files, and its errors in our words.
//!
//! It knows no table. The surprise: a file of a newer schema is refused before anything in it is touched, also before the
//! journal mode is.

use crate::error::{Cause, Failure, OpenError};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;
use std::sync::Arc;

/// Opens a file that exists; makes the schema when it is empty.
pub(crate) fn open(
    path: &Path,
    application: i32,
    version: i64,
    schema: &str,
    synchronous: &str,
) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failure)?;
    let found: i64 = pragma(&connection, "user_version")?;
    let owner: i64 = pragma(&connection, "application_id")?;
    if owner != i64::from(application) && (owner != 0 || found != 0 || has_tables(&connection)?) {
        return Err(OpenError::Foreign { path: path.into() });
    }
    if found > version {
        return Err(OpenError::NewerSchema { path: path.into(), found, known: version });
    }
    set(&connection, "journal_mode", "WAL")?;
    set(&connection, "synchronous", synchronous)?;
    set(&connection, "wal_autocheckpoint", "4000")?;
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
