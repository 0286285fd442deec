//! The ssh keys that a model's machines let in.

use super::{Decision, Given, TxnExt, block};
use crate::beliefs::{Beliefs, InModel};
use crate::key;
use crate::record::block::BlockKind;
use crate::record::key::{Keys, comment, is_internal};
use base::ssh_key::{KeyId, PublicKey};
use base::{ModelUuid, Refusal};
use std::collections::HashSet;
use store::Txn;

type Outcome = Vec<Result<(), Refusal>>;

/// More are a mistake, or mischief: all of a model's keys are one record, which must fit into the store and into the agents' documents.
pub const MOST: usize = 500;
/// Bytes of all of them.
pub const ROOM: usize = 256 << 10;

/// Each line by itself; those that are good are let in, whatever the others are.
pub fn add(beliefs: &Beliefs, model: ModelUuid, lines: &[String], _: Given<'_>) -> Result<Decision<Outcome>, Refusal> {
    let (within, _) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let mut keys = Room::of(within);
    let outcome: Outcome = lines.iter().map(|line| add_one(&mut keys, line)).collect();
    Ok(put(within, model, &keys.keys, outcome))
}

/// A model's keys while some are added. A call may bring thousands of lines: none of them may cost a look at all that are there.
struct Room {
    keys: Keys,
    bytes: usize,
    bodies: HashSet<Vec<u8>>,
}

impl Room {
    fn of(within: &InModel) -> Room {
        let keys = within.keys.as_ref().map(|read| read.to_record()).unwrap_or_default();
        let bytes = keys.0.iter().map(String::len).sum();
        let bodies = keys.0.iter().filter_map(|line| PublicKey::parse(line)).map(PublicKey::into_body).collect();
        Room { keys, bytes, bodies }
    }
}

fn add_one(room: &mut Room, line: &str) -> Result<(), Refusal> {
    let key = PublicKey::parse(line).ok_or_else(|| Refusal::plain(format!("invalid ssh key: {}", line.trim())))?;
    if is_internal(key.line) {
        let comment = key.comment.unwrap_or_default();
        return Err(Refusal::plain(format!("may not add key with comment {comment}: {}", key.line)));
    }
    let line = key.line;
    let body = key.into_body();
    if room.bodies.contains(&body) {
        return Err(Refusal::plain(format!("duplicate ssh key: {line}")));
    }
    if room.keys.0.len() >= MOST || room.bytes + line.len() > ROOM {
        return Err(Refusal::plain("model has as many ssh keys as it can hold, remove some first"));
    }
    room.keys.0.push(line.to_owned());
    room.bytes += line.len();
    room.bodies.insert(body);
    Ok(())
}

/// What was published under an id, or why it could not be had.
pub type Published = (KeyId, Result<Vec<String>, Refusal>);

/// Published keys are let in, each with the comment `# ssh-import-id ID` that tells where it came from. An id of whose keys the model
/// had all is refused as a duplicate; one of whose keys some are new is not. Lines that are no keys are told of, the others come in.
pub fn import(
    beliefs: &Beliefs,
    model: ModelUuid,
    published: &[Published],
    _: Given<'_>,
) -> Result<Decision<Outcome>, Refusal> {
    let (within, _) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let mut keys = Room::of(within);
    let import_one = |(id, lines): &Published| match lines {
        Ok(lines) => import_one(&mut keys, id, lines),
        Err(refusal) => Err(refusal.clone()),
    };
    let outcome: Outcome = published.iter().map(import_one).collect();
    Ok(put(within, model, &keys.keys, outcome))
}

fn import_one(keys: &mut Room, id: &KeyId, lines: &[String]) -> Result<(), Refusal> {
    let lines: Vec<&str> =
        lines.iter().map(|line| line.trim()).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    if lines.is_empty() {
        return Err(Refusal::plain(format!("no ssh keys are published for {id}")));
    }
    // A comment there may say anything, `juju-client-key` too; the mark makes it a comment of ours.
    let marked = lines.iter().map(|line| add_one(keys, &format!("{line} # ssh-import-id {id}")));
    let outcome: Vec<Result<(), Refusal>> = marked.collect();
    if let Some(line) = lines.iter().find(|line| PublicKey::parse(line).is_none()) {
        return Err(Refusal::plain(format!("invalid ssh key: {line}")));
    }
    if outcome.iter().any(Result::is_ok) {
        return Ok(());
    }
    outcome.into_iter().next().unwrap_or(Ok(()))
}

/// `names`: each is a fingerprint (MD5 or SHA256), a comment or a whole key. A comment that several keys have means all of them.
pub fn remove(
    beliefs: &Beliefs,
    model: ModelUuid,
    names: &[String],
    _: Given<'_>,
) -> Result<Decision<Outcome>, Refusal> {
    let (within, _) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let mut keys = within.keys.as_ref().map(|read| read.to_record()).unwrap_or_default();
    let outcome: Outcome = names.iter().map(|name| remove_one(&mut keys, name)).collect();
    Ok(put(within, model, &keys, outcome))
}

fn remove_one(keys: &mut Keys, name: &str) -> Result<(), Refusal> {
    // What came with a model's configuration need not be a key that we can read: its comment and its whole line name it too.
    let is_named = |line: &String| match PublicKey::parse(line) {
        Some(key) => key.is_named(name),
        None => comment(line) == Some(name.trim()) || line.trim() == name.trim(),
    };
    let named: Vec<bool> = keys.0.iter().map(is_named).collect();
    if !named.contains(&true) {
        return Err(Refusal::plain(format!("key not found: {name}")));
    }
    if keys.0.iter().zip(&named).any(|(line, named)| *named && is_internal(line)) {
        return Err(Refusal::plain(format!("may not delete internal key: {name}")));
    }
    if !named.contains(&false) {
        return Err(Refusal::plain("cannot delete all keys"));
    }
    let mut named = named.into_iter();
    keys.0.retain(|_| !named.next().unwrap_or_default());
    Ok(())
}

fn put(within: &InModel, model: ModelUuid, keys: &Keys, outcome: Outcome) -> Decision<Outcome> {
    let mut txn = Txn::new();
    if within.keys.as_deref() != Some(keys) {
        txn.upsert(key::keys(model), within.keys.as_ref(), keys);
    }
    Decision::new(txn, outcome)
}
