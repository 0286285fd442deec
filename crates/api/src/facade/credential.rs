//! Facade `Cloud`: credentials. They are their owner's; what is secret of them goes to nobody else, and only when asked for.
//! The surprise: a credential that its cloud refuses is not kept, unless a superuser insists.

use super::cloud::{cloud_name, invalid};
use crate::call::Call;
use crate::doors::{Attributes, opened, sealed};
use crate::error::{self, IntoItem, item};
use base::cloud_type::is_hidden;
use base::{Kind, Refusal, Secret, Tag};
use model::Read;
use model::access;
use model::change;
use model::record::credential::Credential;
use std::collections::BTreeMap;
use wire::facade::cloud::*;

/// The owner of a credential, who alone may see and change it (and superusers may change it).
fn credential_of(call: &Call, read: &Read, tag: &str) -> Result<(String, String, String), Refusal> {
    let Tag::Credential { cloud, owner, name } = tag.parse().map_err(invalid)? else {
        return Err(Refusal::plain(format!("{tag:?} is not a valid cloudcred tag")));
    };
    match owner == call.user || call.is_superuser(read) {
        true => Ok((cloud, owner, name)),
        false => Err(Refusal::denied()),
    }
}

pub async fn of_user(call: Call, params: UserClouds) -> Result<StringsResults, Refusal> {
    let read = call.read();
    let one = |user_tag: &str, cloud_tag: &str| {
        let user = Tag::user(user_tag).map_err(invalid)?;
        let cloud = cloud_name(cloud_tag)?;
        if user != call.user && !call.is_superuser(&read) {
            return Err(Refusal::denied());
        }
        let own = read.credentials.keys().filter(|(of, owner, _)| *of == cloud && *owner == user);
        Ok(own.map(|(cloud, owner, name)| tag(cloud, owner, name)).collect())
    };
    let results = params.user_clouds.iter().map(|asked| match one(&asked.user_tag, &asked.cloud_tag).into_item() {
        Ok(result) => StringsResult { result, error: None },
        Err(error) => StringsResult { result: Vec::new(), error: Some(error) },
    });
    Ok(StringsResults { results: results.collect() })
}

fn tag(cloud: &str, owner: &str, name: &str) -> String {
    Tag::Credential { cloud: cloud.into(), owner: owner.into(), name: name.into() }.to_string()
}

pub async fn credential(call: Call, params: Entities) -> Result<CloudCredentialResults, Refusal> {
    let read = call.read();
    let one = |tag: &str| {
        let id = credential_of(&call, &read, tag)?;
        let found = read.credentials.get(&id);
        let found = found.ok_or_else(|| Refusal::new(Kind::NotFound, format!("credential {:?} not found", id.2)))?;
        let attributes = opened(&*call.session.shared().seals, found)?;
        let (redacted, attrs) = parted(&read, found, attributes);
        Ok(CloudCredential { auth_type: found.auth_type.clone(), attrs, redacted: redacted.into_keys().collect() })
    };
    let results = params.entities.iter().map(|entity| match one(&entity.tag).into_item() {
        Ok(credential) => CloudCredentialResult { result: Some(credential), error: None },
        Err(error) => CloudCredentialResult { result: None, error: Some(error) },
    });
    Ok(CloudCredentialResults { results: results.collect() })
}

/// What is secret of a credential, and the rest.
fn parted(read: &Read, of: &Credential, all: Attributes) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let kind = read.clouds.get(&of.cloud).map_or("", |cloud| cloud.kind.as_str());
    let clear = all.into_iter().map(|(name, value)| (name, value.reveal().to_owned()));
    clear.partition(|(name, _)| is_hidden(kind, &of.auth_type, name))
}

pub async fn contents(call: Call, params: CloudCredentialArgs) -> Result<CredentialContentResults, Refusal> {
    let read = call.read();
    let one = |found: &Credential| {
        let attributes = opened(&*call.session.shared().seals, found)?;
        let (secret, mut attrs) = parted(&read, found, attributes);
        if params.include_secrets {
            attrs.extend(secret);
        }
        let users = read.models().filter(|(_, model)| model.credential == found.id());
        let models = users.map(|(_, model)| ModelAccess {
            // As its owner names it.
            model: match model.owner == call.user {
                true => model.name.clone(),
                false => format!("{}/{}", model.owner, model.name),
            },
            access: access::on_model(&read, &call.user, model.uuid)
                .map(|level| level.as_str().to_owned())
                .unwrap_or_default(),
        });
        let content = CredentialContent {
            name: found.name.clone(),
            cloud: found.cloud.clone(),
            auth_type: found.auth_type.clone(),
            attrs,
            valid: !found.invalid,
        };
        Ok(ControllerCredentialInfo { content: Some(content), models: models.collect() })
    };
    let told = |answer: Result<ControllerCredentialInfo, Refusal>| match answer.into_item() {
        Ok(result) => CredentialContentResult { result: Some(result), error: None },
        Err(error) => CredentialContentResult { result: None, error: Some(error) },
    };
    if params.credentials.is_empty() {
        let own = read.credentials.iter().filter(|((_, owner, _), _)| *owner == call.user);
        return Ok(CredentialContentResults { results: own.map(|(_, found)| told(one(found))).collect() });
    }
    let results = params.credentials.iter().map(|asked| {
        let id = (asked.cloud_name.clone(), call.user.clone(), asked.credential_name.clone());
        let missing = || Refusal::new(Kind::NotFound, format!("credential {:?} not found", asked.credential_name));
        told(read.credentials.get(&id).ok_or_else(missing).and_then(|found| one(found)))
    });
    Ok(CredentialContentResults { results: results.collect() })
}

/// A credential that somebody sent, as far as it may be theirs.
struct Sent {
    id: (String, String, String),
    auth_type: String,
    attributes: Attributes,
}

impl Sent {
    fn read(call: &Call, one: &TaggedCredential) -> Result<Sent, Refusal> {
        let attributes = one.credential.attrs.iter().map(|(name, value)| (name.clone(), Secret::new(value.clone())));
        Ok(Sent {
            id: credential_of(call, &call.read(), &one.tag)?,
            auth_type: one.credential.auth_type.clone(),
            attributes: attributes.collect(),
        })
    }

    /// What the cloud says against it, in words.
    async fn objection(&self, call: &Call) -> Option<String> {
        let read = call.read();
        // That there is no such cloud is told by whoever keeps it.
        let cloud = read.clouds.get(&self.id.0)?;
        let asked = call.session.shared().advice.check_credential(cloud, &self.auth_type, &self.attributes);
        asked.await.err()
    }

    async fn keep(&self, call: &Call) -> Result<(), Refusal> {
        let (cloud, owner, name) = self.id.clone();
        let mut credential = Credential {
            cloud,
            owner,
            name,
            auth_type: self.auth_type.clone(),
            attributes: BTreeMap::new(),
            sealed: String::new(),
            invalid: false,
            invalid_reason: String::new(),
        };
        credential.sealed = sealed(&*call.session.shared().seals, &credential.id(), &self.attributes)?;
        call.state().change(|beliefs, given| change::credential::put(beliefs, &credential, given)).await
    }
}

async fn add_one(call: &Call, one: &TaggedCredential) -> Result<(), Refusal> {
    let sent = Sent::read(call, one)?;
    match sent.objection(call).await {
        Some(words) => Err(Refusal::plain(words)),
        None => sent.keep(call).await,
    }
}

pub async fn add(call: Call, params: TaggedCredentials) -> Result<ErrorResults, Refusal> {
    let mut results = Vec::new();
    for one in &params.credentials {
        results.push(ErrorResult { error: item(add_one(&call, one).await) });
    }
    Ok(ErrorResults { results })
}

pub async fn update(call: Call, params: UpdateCredentialArgs) -> Result<UpdateCredentialResults, Refusal> {
    if params.force && !call.is_superuser(&call.read()) {
        return Err(Refusal::new(Kind::BadRequest, "unexpected force specified"));
    }
    let mut results = Vec::new();
    for one in &params.credentials {
        results.push(update_one(&call, one, params.force, true).await);
    }
    Ok(UpdateCredentialResults { results })
}

/// Without `keep` it is only asked whether it would do.
async fn update_one(call: &Call, one: &TaggedCredential, force: bool, keep: bool) -> UpdateCredentialResult {
    let told = |models, error| UpdateCredentialResult { tag: one.tag.clone(), models, error };
    let sent = match Sent::read(call, one) {
        Ok(sent) => sent,
        Err(refusal) => return told(Vec::new(), Some(error::wire(&refusal))),
    };
    let objection = sent.objection(call).await;
    let errors = || objection.iter().map(|words| ErrorResult { error: Some(error::wire(&Refusal::plain(words))) });
    let mut models = using(call, &sent.id);
    models.iter_mut().for_each(|model| model.errors = errors().collect());
    let refused = match &objection {
        Some(words) if models.is_empty() => Err(Refusal::plain(words)),
        Some(_) => Err(Refusal::plain("some models are no longer visible")),
        None => Ok(()),
    };
    let done = match refused {
        Err(refusal) if !force => Err(refusal),
        _ if keep => sent.keep(call).await,
        _ => Ok(()),
    };
    told(models, item(done))
}

/// Models that a change of this credential touches.
fn using(call: &Call, (cloud, owner, name): &(String, String, String)) -> Vec<UpdateCredentialModelResult> {
    let read = call.read();
    let id = format!("{cloud}/{owner}/{name}");
    let models = read.models().filter(|(_, model)| model.credential == id);
    models
        .map(|(_, model)| UpdateCredentialModelResult {
            uuid: model.uuid.to_string(),
            name: model.name.clone(),
            errors: Vec::new(),
        })
        .collect()
}

pub async fn check(call: Call, params: TaggedCredentials) -> Result<UpdateCredentialResults, Refusal> {
    let mut results = Vec::new();
    for one in &params.credentials {
        results.push(update_one(&call, one, false, false).await);
    }
    Ok(UpdateCredentialResults { results })
}

pub async fn revoke(call: Call, params: RevokeCredentialArgs) -> Result<ErrorResults, Refusal> {
    let mut results = Vec::new();
    for one in &params.credentials {
        let id = credential_of(&call, &call.read(), &one.tag);
        let done = match id {
            Ok((cloud, owner, name)) => {
                let revoke = |beliefs: &model::Beliefs, given: model::Given<'_>| {
                    change::credential::revoke(beliefs, &cloud, &owner, &name, one.force, given)
                };
                call.state().change(revoke).await
            }
            Err(refusal) => Err(refusal),
        };
        results.push(ErrorResult { error: item(done) });
    }
    Ok(ErrorResults { results })
}
