//! Switches against destroying, removing and changing; and the question that every other change asks first.

use super::{Decision, Given, TxnExt};
use crate::beliefs::{Beliefs, InModel};
use crate::key;
use crate::record::block::{Block, BlockKind};
use crate::record::sequence::Sequence;
use base::{Kind, ModelUuid, Refusal};
use store::Txn;

/// Bytes of the message that a user leaves for those who are held up: each refusal carries it.
pub const MESSAGE: usize = 1024;

/// Refuses when a switch of this kind, or of one that includes it, is on.
pub fn check(model: &InModel, kind: BlockKind) -> Result<(), Refusal> {
    match model.blocks.iter().find(|(on, _)| **on >= kind) {
        Some((_, block)) if block.message.is_empty() => {
            Err(Refusal::new(Kind::Blocked, "the operation has been blocked"))
        }
        Some((_, block)) => Err(Refusal::new(Kind::Blocked, block.message.clone())),
        None => Ok(()),
    }
}

/// One that is on already gets the new message.
pub fn switch_on(
    beliefs: &Beliefs,
    model: ModelUuid,
    kind: BlockKind,
    message: &str,
    _: Given<'_>,
) -> Result<Decision, Refusal> {
    let within = beliefs.in_model(model)?;
    if message.len() > MESSAGE {
        return Err(Refusal::plain(format!("message is longer than {MESSAGE} bytes")));
    }
    let mut txn = Txn::new();
    if let Some(on) = within.blocks.get(&kind) {
        if on.message != message {
            txn.update(key::block(model, kind), on, &Block { message: message.to_owned(), ..on.to_record() });
        }
        return Ok(Decision::new(txn, ()));
    }
    let next = within.sequence("block");
    let counter = key::sequence(model, "block");
    match within.sequences.get("block") {
        Some(read) => txn.replace(counter, read.revision, crate::record::encode(&Sequence(next + 1))),
        None => txn.create(counter, crate::record::encode(&Sequence(next + 1))),
    };
    txn.add(key::block(model, kind), &Block { id: next.to_string(), kind, message: message.to_owned() });
    Ok(Decision::new(txn, ()))
}

/// One that is off already is as it should be.
pub fn switch_off(beliefs: &Beliefs, model: ModelUuid, kind: BlockKind, _: Given<'_>) -> Result<Decision, Refusal> {
    let within = beliefs.in_model(model)?;
    let Some(block) = within.blocks.get(&kind) else {
        return Ok(Decision::nothing(()));
    };
    let mut txn = Txn::new();
    txn.remove(key::block(model, kind), block.revision);
    Ok(Decision::new(txn, ()))
}
