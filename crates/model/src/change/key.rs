//! The ssh keys that a model's machines let in.

use super::{Decision, Given, TxnExt, block};
use crate::beliefs::Beliefs;
use crate::key;
use crate::record::block::BlockKind;
use crate::record::key::{Keys, comment, is_internal};
use base::ssh_key::{KeyId, PublicKey};
use base::{ModelUuid, Refusal};
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
    let mut keys = within.keys.as_ref().map(|read| read.to_record()).unwrap_or_default();
    let outcome: Outcome = lines.iter().map(|line| add_one(&mut keys, line)).collect();
    Ok(put(within, model, &keys, outcome))
}

fn add_one(keys: &mut Keys, line: &str) -> Result<(), Refusal> {
    let key = PublicKey::parse(line).ok_or_else(|| Refusal::plain(format!("invalid ssh key: {}", line.trim())))?;
    if is_internal(key.line) {
        let comment = key.comment.unwrap_or_default();
        return Err(Refusal::plain(format!("may not add key with comment {comment}: {}", key.line)));
    }
    if holds(keys, &key) {
        return Err(Refusal::plain(format!("duplicate ssh key: {}", key.line)));
    }
    let bytes: usize = keys.0.iter().map(String::len).sum();
    if keys.0.len() >= MOST || bytes + key.line.len() > ROOM {
        return Err(Refusal::plain("model has as many ssh keys as it can hold, remove some first"));
    }
    keys.0.push(key.line.to_owned());
    Ok(())
}

fn holds(keys: &Keys, key: &PublicKey<'_>) -> bool {
    keys.0.iter().filter_map(|known| PublicKey::parse(known)).any(|known| known.is_same(key))
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
    let mut keys = within.keys.as_ref().map(|read| read.to_record()).unwrap_or_default();
    let import_one = |(id, lines): &Published| match lines {
        Ok(lines) => import_one(&mut keys, id, lines),
        Err(refusal) => Err(refusal.clone()),
    };
    let outcome: Outcome = published.iter().map(import_one).collect();
    Ok(put(within, model, &keys, outcome))
}

fn import_one(keys: &mut Keys, id: &KeyId, lines: &[String]) -> Result<(), Refusal> {
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

fn put(within: &crate::beliefs::InModel, model: ModelUuid, keys: &Keys, outcome: Outcome) -> Decision<Outcome> {
    let mut txn = Txn::new();
    if within.keys.as_deref() != Some(keys) {
        txn.upsert(key::keys(model), within.keys.as_ref(), keys);
    }
    Decision::new(txn, outcome)
}
