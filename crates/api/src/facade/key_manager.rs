//! Facade `KeyManager`: the ssh keys of a model. Any user named in a request is passed over: keys are the model's.

use crate::call::Call;
use crate::error::item;
use base::Refusal;
use base::ssh_key::{KeyId, PublicKey};
use futures_util::future::join_all;
use model::change::block;
use model::change::key::{self, Published};
use model::record::block::BlockKind;
use model::record::key::is_internal;
use wire::facade::key_manager::*;

/// People whose keys one call may ask others for.
pub(crate) const IMPORTS: usize = 20;

/// `fingerprint (comment)`, as the stock command shows it.
fn short(line: &str) -> Option<String> {
    let key = PublicKey::parse(line)?;
    let comment = key.comment.map(|comment| format!(" ({comment})")).unwrap_or_default();
    Some(format!("{}{comment}", key.md5()))
}

pub async fn list(call: Call, params: ListSSHKeys) -> Result<StringsResults, Refusal> {
    let model = call.model()?;
    let read = call.read();
    let keys = read.in_model(model)?.keys.as_ref().map(|keys| keys.0.clone()).unwrap_or_default();
    let shown: Vec<String> = keys
        .iter()
        .filter(|key| !is_internal(key))
        .filter_map(|key| if params.mode { Some(key.clone()) } else { short(key) })
        .collect();
    let results = params.entities.entities.iter().map(|_| StringsResult { result: shown.clone(), error: None });
    Ok(StringsResults { results: results.collect() })
}

fn results(outcome: Vec<Result<(), Refusal>>) -> ErrorResults {
    ErrorResults { results: outcome.into_iter().map(|one| ErrorResult { error: item(one) }).collect() }
}

pub async fn add(call: Call, params: ModifyUserSSHKeys) -> Result<ErrorResults, Refusal> {
    let model = call.model()?;
    let outcome = call.state().change(|beliefs, given| key::add(beliefs, model, &params.ssh_keys, given)).await?;
    Ok(results(outcome))
}

pub async fn delete(call: Call, params: ModifyUserSSHKeys) -> Result<ErrorResults, Refusal> {
    let model = call.model()?;
    let outcome = call.state().change(|beliefs, given| key::remove(beliefs, model, &params.ssh_keys, given)).await?;
    Ok(results(outcome))
}

/// Keys that others publish. They are asked before anything is decided: a change must not wait for strangers.
pub async fn import(call: Call, params: ModifyUserSSHKeys) -> Result<ErrorResults, Refusal> {
    let model = call.model()?;
    if params.ssh_keys.len() > IMPORTS {
        return Err(Refusal::plain(format!("cannot import more than {IMPORTS} key ids at once")));
    }
    block::check(call.read().in_model(model)?, BlockKind::Change)?;
    let source = &call.session.shared().key_source;
    let asked = params.ssh_keys.iter().map(|text| async move {
        match text.parse::<KeyId>() {
            Ok(id) => {
                let lines = source.lines(&id).await.map_err(|why| Refusal::plain(why.to_string()));
                Ok((id, lines))
            }
            Err(_) => Err(Refusal::plain(format!("invalid ssh key id: {text}"))),
        }
    });
    let asked: Vec<Result<Published, Refusal>> = join_all(asked).await;
    let published: Vec<Published> = asked.iter().filter_map(|one| one.as_ref().ok().cloned()).collect();
    let change = call.state().change(|beliefs, given| key::import(beliefs, model, &published, given)).await?;
    let mut imported = change.into_iter();
    Ok(results(asked.into_iter().map(|one| one.and_then(|_| imported.next().unwrap_or(Ok(())))).collect()))
}
