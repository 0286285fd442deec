//! Keys of whoever takes a host in, and the model's, in the login user's `authorized_keys`: put there, and taken out again.
//! The surprise: the user's own lines are never touched, the model's are kept by `authorized` while the agent runs.

use std::io;

use host::Account;

use super::made::{Made, Note};
use crate::authorized;

/// Notes how the file was, and adds lines.
pub(super) fn add(note: &mut Note, user: &str, lines: &str) -> io::Result<()> {
    let Ok(account) = Account::find(user) else { return Ok(()) };
    let folder = account.home.join(".ssh");
    let had_file = folder.join("authorized_keys").exists();
    note.add(Made::Keys { user: user.to_owned(), had_file, had_folder: folder.is_dir() })?;
    authorized::add(&account, lines)
}

/// Takes every line of ours out; a file and a folder that were not there before go, when nothing else is in them.
pub(super) fn remove(user: &str, had_file: bool, had_folder: bool) -> io::Result<()> {
    let Ok(account) = Account::find(user) else { return Ok(()) };
    let folder = account.home.join(".ssh");
    let file = folder.join("authorized_keys");
    authorized::take_out(&account)?;
    if !had_file && std::fs::metadata(&file).is_ok_and(|found| found.len() == 0) {
        std::fs::remove_file(&file)?;
    }
    if !had_folder {
        // With anything else in it, it stays.
        let _ = std::fs::remove_dir(&folder);
    }
    Ok(())
}
