//! The ssh keys that a model's machines let in.

use super::{Decision, Given, TxnExt, block};
use crate::beliefs::Beliefs;
use crate::key;
use crate::record::block::BlockKind;
use crate::record::key::{Keys, comment, is_internal};
use base::{ModelUuid, Refusal};
use store::Txn;

type Outcome = Vec<Result<(), Refusal>>;

/// Whether a line looks like a public key: a kind, base64, perhaps a comment.
fn check(line: &str) -> Result<&str, Refusal> {
    let line = line.trim();
    let mut words = line.split_whitespace();
    let (kind, body) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let known = ["ssh-rsa", "ssh-ed25519", "ecdsa-sha2-", "ssh-dss", "sk-ssh-", "sk-ecdsa-"];
    let good = known.iter().any(|known| kind.starts_with(known))
        && body.len() >= 16
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
        && !line.contains(['\n', '\r', '\0']);
    match good {
        true => Ok(line),
        false => Err(Refusal::plain(format!("invalid ssh key: {line}"))),
    }
}

fn body(line: &str) -> &str {
    line.split_whitespace().nth(1).unwrap_or_default()
}

pub fn add(beliefs: &Beliefs, model: ModelUuid, lines: &[String], _: Given<'_>) -> Result<Decision<Outcome>, Refusal> {
    let (within, _) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let mut keys = within.keys.as_ref().map(|read| read.to_record()).unwrap_or_default();
    let outcome: Outcome = lines.iter().map(|line| add_one(&mut keys, line)).collect();
    Ok(put(within, model, &keys, outcome))
}

fn add_one(keys: &mut Keys, line: &str) -> Result<(), Refusal> {
    let line = check(line)?;
    if is_internal(line) {
        let comment = comment(line).unwrap_or_default();
        return Err(Refusal::plain(format!("may not add key with comment {comment}: {line}")));
    }
    if keys.0.iter().any(|known| body(known) == body(line)) {
        return Err(Refusal::plain(format!("duplicate ssh key: {line}")));
    }
    keys.0.push(line.to_owned());
    Ok(())
}

/// `names`: each is a fingerprint, a comment or a whole key. `fingerprint` gives a line's.
pub fn remove(
    beliefs: &Beliefs,
    model: ModelUuid,
    names: &[String],
    fingerprint: &dyn Fn(&str) -> Option<String>,
    _: Given<'_>,
) -> Result<Decision<Outcome>, Refusal> {
    let (within, _) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let mut keys = within.keys.as_ref().map(|read| read.to_record()).unwrap_or_default();
    let mut outcome: Outcome = Vec::new();
    for name in names {
        let is_named = |line: &String| {
            comment(line) == Some(name.as_str()) || line == name || fingerprint(line).as_deref() == Some(name.as_str())
        };
        outcome.push(match keys.0.iter().position(is_named) {
            None => Err(Refusal::plain(format!("key not found: {name}"))),
            Some(at) if is_internal(&keys.0[at]) => Err(Refusal::plain(format!("may not delete internal key: {name}"))),
            Some(_) if keys.0.len() == 1 => Err(Refusal::plain("cannot delete all keys")),
            Some(at) => {
                keys.0.remove(at);
                Ok(())
            }
        });
    }
    Ok(put(within, model, &keys, outcome))
}

fn put(within: &crate::beliefs::InModel, model: ModelUuid, keys: &Keys, outcome: Outcome) -> Decision<Outcome> {
    let mut txn = Txn::new();
    if within.keys.as_deref() != Some(keys) {
        txn.upsert(key::keys(model), within.keys.as_ref(), keys);
    }
    Decision::new(txn, outcome)
}
