//! Facade `KeyManager`: the ssh keys of a model. Any user named in a request is passed over: keys are the model's.

use crate::call::Call;
use crate::error::item;
use base::Refusal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::change::key;
use model::record::key::{comment, is_internal};
use wire::facade::key_manager::*;

/// `aa:bb:..`, MD5 of the key itself, as OpenSSH once showed it and Juju still does.
fn fingerprint(line: &str) -> Option<String> {
    let body = STANDARD.decode(line.split_whitespace().nth(1)?).ok()?;
    let hex: Vec<String> = md5::compute(body).0.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(hex.join(":"))
}

pub async fn list(call: Call, params: ListSSHKeys) -> Result<StringsResults, Refusal> {
    let model = call.model()?;
    let read = call.read();
    let keys = read.in_model(model)?.keys.as_ref().map(|keys| keys.0.clone()).unwrap_or_default();
    let shown: Vec<String> = keys
        .iter()
        .filter(|key| !is_internal(key))
        .filter_map(|key| match params.mode {
            true => Some(key.clone()),
            false => {
                let comment = comment(key).map(|comment| format!(" ({comment})")).unwrap_or_default();
                Some(format!("{}{comment}", fingerprint(key)?))
            }
        })
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
    let remove = |beliefs: &model::Beliefs, given: model::Given<'_>| {
        key::remove(beliefs, model, &params.ssh_keys, &fingerprint, given)
    };
    Ok(results(call.state().change(remove).await?))
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn fingerprints_are_md5_of_the_key_itself() {
        // printf test | md5sum
        let expected = "09:8f:6b:cd:46:21:d3:73:ca:de:4e:83:26:27:b4:f6";
        assert_eq!(fingerprint("ssh-rsa dGVzdA== me@here").as_deref(), Some(expected));
        assert_eq!(fingerprint("ssh-rsa"), None);
        assert_eq!(fingerprint("ssh-rsa !!!"), None);
    }
}
