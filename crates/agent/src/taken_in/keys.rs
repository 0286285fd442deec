//! Keys of whoever takes a host in, and the model's, in the login user's `authorized_keys`: put there, and taken out again.
//! The surprise: the user's own lines are never touched, the model's are kept by `authorized` while the agent runs.

use std::io;

use host::Account;

use super::made::{Made, Note};
use crate::authorized::{self, Before};

/// Notes how the file was, and adds lines.
pub(super) fn add(note: &mut Note, user: &str, lines: &str) -> io::Result<()> {
    let Ok(account) = Account::find(user) else { return Ok(()) };
    let before = authorized::look(&account)?;
    note.add(Made::Keys { user: user.to_owned(), had_file: before.file, had_folder: before.folder })?;
    authorized::add(&account, lines)
}

/// Takes every line of ours out; a file and a folder that were not there before go, when nothing else is in them.
pub(super) fn remove(user: &str, had_file: bool, had_folder: bool) -> io::Result<()> {
    let Ok(account) = Account::find(user) else { return Ok(()) };
    authorized::take_out(&account, Before { file: had_file, folder: had_folder })
}
