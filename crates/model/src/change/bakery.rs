//! The secret of macaroons: made once, and made anew when the one that is there cannot be opened any more.

use super::{Decision, Given, TxnExt};
use crate::beliefs::Beliefs;
use crate::key;
use crate::record::bakery::Bakery;
use base::Refusal;
use store::Txn;

/// Puts a secret in the place of `unusable`, the one that was read; what is there when another was quicker. Answers with the one in force.
pub fn bake(
    beliefs: &Beliefs,
    sealed: &str,
    unusable: Option<&str>,
    _: Given<'_>,
) -> Result<Decision<String>, Refusal> {
    let read = beliefs.bakery.as_ref();
    if let Some(there) = read.filter(|there| Some(there.sealed.as_str()) != unusable) {
        return Ok(Decision::nothing(there.sealed.clone()));
    }
    let mut txn = Txn::new();
    txn.upsert(key::bakery(), read, &Bakery { sealed: sealed.to_owned() });
    Ok(Decision::new(txn, sealed.to_owned()))
}
