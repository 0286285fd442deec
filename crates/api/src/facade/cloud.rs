//! Facade `Cloud`: clouds and the credentials for them. Secret parts of a credential go only to its owner, and only when asked for.

use crate::call::{Call, NoParams, Nothing};
use crate::error::{self, IntoItem, item};
use base::{Kind, Refusal, Secret, Tag};
use model::Read;
use model::access::{self, CloudLevel};
use model::change;
use model::key::Object;
use model::record;
use serde::Serialize;
use std::collections::BTreeMap;
use wire::facade::cloud::*;

fn invalid(error: base::tag::TagError) -> Refusal {
    Refusal::plain(error.to_string())
}

fn cloud_name(tag: &str) -> Result<String, Refusal> {
    match tag.parse().map_err(invalid)? {
        Tag::Cloud(name) => Ok(name),
        _ => Err(Refusal::plain(format!("{tag:?} is not a valid cloud tag"))),
    }
}

fn shown(read: &Read, cloud: &record::cloud::Cloud) -> Cloud {
    let region = |region: &record::cloud::Region| CloudRegion {
        name: region.name.clone(),
        endpoint: region.endpoint.clone(),
        identity_endpoint: region.identity_endpoint.clone(),
        storage_endpoint: region.storage_endpoint.clone(),
    };
    Cloud {
        r#type: cloud.kind.clone(),
        auth_types: cloud.auth_types.clone(),
        endpoint: cloud.endpoint.clone(),
        identity_endpoint: cloud.identity_endpoint.clone(),
        storage_endpoint: cloud.storage_endpoint.clone(),
        regions: cloud.regions.iter().map(region).collect(),
        ca_certificates: cloud.ca_certificates.clone(),
        skip_tls_verify: cloud.skip_tls_verify,
        is_controller_cloud: read.controller.as_ref().is_some_and(|controller| controller.cloud == cloud.name),
        ..Cloud::default()
    }
}

fn find<'a>(call: &Call, read: &'a Read, tag: &str) -> Result<&'a model::Stored<record::cloud::Cloud>, Refusal> {
    let name = cloud_name(tag)?;
    let found = read.clouds.get(&name).filter(|_| access::on_cloud(read, &call.user, &name).is_some());
    found.ok_or_else(|| Refusal::new(Kind::NotFound, format!("cloud {name:?} not found")))
}

pub async fn clouds(call: Call, _: NoParams) -> Result<CloudsResult, Refusal> {
    let read = call.read();
    let visible = read.clouds.iter().filter(|(name, _)| access::on_cloud(&read, &call.user, name).is_some());
    let clouds = visible.map(|(name, cloud)| (Tag::Cloud(name.clone()).to_string(), shown(&read, cloud)));
    Ok(CloudsResult { clouds: clouds.collect() })
}

pub async fn cloud(call: Call, params: Entities) -> Result<CloudResults, Refusal> {
    let read = call.read();
    let results = params.entities.iter().map(|entity| match find(&call, &read, &entity.tag).into_item() {
        Ok(cloud) => CloudResult { cloud: Some(shown(&read, cloud)), error: None },
        Err(error) => CloudResult { cloud: None, error: Some(error) },
    });
    Ok(CloudResults { results: results.collect() })
}

#[derive(Serialize)]
pub struct DefaultCloud {
    result: String,
}

pub async fn default_cloud(call: Call, _: NoParams) -> Result<DefaultCloud, Refusal> {
    let read = call.read();
    Ok(DefaultCloud { result: Tag::Cloud(read.controller()?.cloud.clone()).to_string() })
}

/// The embedded parts stand beside the others on the wire.
#[derive(Serialize)]
pub struct InfoResults {
    results: Vec<InfoResult>,
}

#[derive(Serialize)]
struct InfoResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Info>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<wire::Error>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Info {
    #[serde(flatten)]
    details: Cloud,
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<Vec<CloudUserInfo>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_access: Option<String>,
}

pub async fn info(call: Call, params: Entities) -> Result<InfoResults, Refusal> {
    let read = call.read();
    let one = |tag: &str| {
        let cloud = find(&call, &read, tag)?;
        let is_admin = access::on_cloud(&read, &call.user, &cloud.name) == Some(CloudLevel::Admin);
        let users =
            read.access_on(&Object::Cloud(cloud.name.clone())).filter(|(user, _)| is_admin || *user == call.user);
        let users = users.map(|(user, level)| CloudUserInfo {
            user: user.to_owned(),
            display_name: read.users.get(user).map(|user| user.display_name.clone()).unwrap_or_default(),
            access: level.to_owned(),
        });
        Ok(Info { details: shown(&read, cloud), users: Some(users.collect()), user_access: None })
    };
    let results = params.entities.iter().map(|entity| match one(&entity.tag).into_item() {
        Ok(info) => InfoResult { result: Some(info), error: None },
        Err(error) => InfoResult { result: None, error: Some(error) },
    });
    Ok(InfoResults { results: results.collect() })
}

pub async fn list_info(call: Call, params: ListCloudsRequest) -> Result<InfoResults, Refusal> {
    let read = call.read();
    let user = match params.user_tag.as_str() {
        "" => call.user.clone(),
        tag => Tag::user(tag).map_err(invalid)?,
    };
    if user != call.user && !call.is_superuser(&read) {
        return Err(Refusal::denied());
    }
    let results = read.clouds.values().filter_map(|cloud| {
        let level = access::on_cloud(&read, &user, &cloud.name)?;
        let details = shown(&read, cloud);
        let info = Info { details, users: None, user_access: Some(level.as_str().to_owned()) };
        Some(InfoResult { result: Some(info), error: None })
    });
    Ok(InfoResults { results: results.collect() })
}

pub async fn add(call: Call, params: AddCloudArgs) -> Result<Nothing, Refusal> {
    let region = |region: CloudRegion| record::cloud::Region {
        name: region.name,
        endpoint: region.endpoint,
        identity_endpoint: region.identity_endpoint,
        storage_endpoint: region.storage_endpoint,
    };
    let given = params.cloud;
    let cloud = record::cloud::Cloud {
        name: params.name,
        kind: given.r#type,
        description: String::new(),
        auth_types: given.auth_types,
        endpoint: given.endpoint,
        identity_endpoint: given.identity_endpoint,
        storage_endpoint: given.storage_endpoint,
        regions: given.regions.into_iter().map(region).collect(),
        ca_certificates: given.ca_certificates,
        skip_tls_verify: given.skip_tls_verify,
        config: given.config,
        region_config: given.region_config,
    };
    call.state().change(|beliefs, given| change::cloud::add(beliefs, &cloud, &call.user, given)).await?;
    Ok(Nothing {})
}

pub async fn remove(call: Call, params: Entities) -> Result<ErrorResults, Refusal> {
    let mut results = Vec::new();
    for entity in &params.entities {
        let done = match cloud_name(&entity.tag) {
            Ok(name) => call.state().change(|beliefs, given| change::cloud::remove(beliefs, &name, given)).await,
            Err(refusal) => Err(refusal),
        };
        results.push(ErrorResult { error: item(done) });
    }
    Ok(ErrorResults { results })
}

pub async fn modify_access(call: Call, params: ModifyCloudAccessRequest) -> Result<ErrorResults, Refusal> {
    let mut results = Vec::new();
    for one in &params.changes {
        results.push(ErrorResult { error: item(modify_one(&call, one).await) });
    }
    Ok(ErrorResults { results })
}

async fn modify_one(call: &Call, one: &ModifyCloudAccess) -> Result<(), Refusal> {
    let name = cloud_name(&one.cloud_tag)?;
    let user = Tag::user(&one.user_tag).map_err(invalid)?;
    call.may_on_cloud(&call.read(), &name, CloudLevel::Admin)?;
    if user == call.user {
        return Err(Refusal::plain("cannot change your own cloud access"));
    }
    super::model_manager::modify(call, &Object::Cloud(name), &user, &one.action, &one.access).await
}

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

pub async fn user_credentials(call: Call, params: UserClouds) -> Result<StringsResults, Refusal> {
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
        // Every attribute may be secret: their names are told, their values not.
        let redacted = found.attributes.keys().cloned().collect();
        Ok(CloudCredential { auth_type: found.auth_type.clone(), attrs: BTreeMap::new(), redacted })
    };
    let results = params.entities.iter().map(|entity| match one(&entity.tag).into_item() {
        Ok(credential) => CloudCredentialResult { result: Some(credential), error: None },
        Err(error) => CloudCredentialResult { result: None, error: Some(error) },
    });
    Ok(CloudCredentialResults { results: results.collect() })
}

pub async fn credential_contents(call: Call, params: CloudCredentialArgs) -> Result<CredentialContentResults, Refusal> {
    let read = call.read();
    let wanted = &params.credentials;
    let own = read.credentials.iter().filter(|((_, owner, _), _)| *owner == call.user);
    let own = own.filter(|((cloud, _, name), _)| {
        wanted.is_empty() || wanted.iter().any(|one| one.cloud_name == *cloud && one.credential_name == *name)
    });
    let results = own.map(|(_, one)| {
        let secret = |(name, value): (&String, &Secret)| (name.clone(), value.reveal().to_owned());
        let attrs = one.attributes.iter().filter(|_| params.include_secrets).map(secret).collect();
        let users = read.models().filter(|(_, model)| model.credential == one.id());
        let models = users.map(|(_, model)| ModelAccess {
            model: format!("{}/{}", model.owner, model.name),
            access: access::on_model(&read, &call.user, model.uuid)
                .map(|level| level.as_str().to_owned())
                .unwrap_or_default(),
        });
        let content = CredentialContent {
            name: one.name.clone(),
            cloud: one.cloud.clone(),
            auth_type: one.auth_type.clone(),
            attrs,
            valid: !one.invalid,
        };
        let result = ControllerCredentialInfo { content: Some(content), models: models.collect() };
        CredentialContentResult { result: Some(result), error: None }
    });
    let mut results: Vec<_> = results.collect();
    if results.is_empty() && !wanted.is_empty() {
        results.extend(wanted.iter().map(|one| CredentialContentResult {
            error: Some(error::wire(&Refusal::new(
                Kind::NotFound,
                format!("credential {:?} not found", one.credential_name),
            ))),
            result: None,
        }));
    }
    Ok(CredentialContentResults { results })
}

async fn put(call: &Call, one: &TaggedCredential) -> Result<(), Refusal> {
    let (cloud, owner, name) = credential_of(call, &call.read(), &one.tag)?;
    let credential = record::credential::Credential {
        cloud,
        owner,
        name,
        auth_type: one.credential.auth_type.clone(),
        attributes: one
            .credential
            .attrs
            .iter()
            .map(|(name, value)| (name.clone(), Secret::new(value.clone())))
            .collect(),
        invalid: false,
        invalid_reason: String::new(),
    };
    call.state().change(|beliefs, given| change::credential::put(beliefs, &credential, given)).await
}

pub async fn add_credentials(call: Call, params: TaggedCredentials) -> Result<ErrorResults, Refusal> {
    let mut results = Vec::new();
    for one in &params.credentials {
        results.push(ErrorResult { error: item(put(&call, one).await) });
    }
    Ok(ErrorResults { results })
}

pub async fn update_credentials(call: Call, params: UpdateCredentialArgs) -> Result<UpdateCredentialResults, Refusal> {
    let mut results = Vec::new();
    for one in &params.credentials {
        let error = item(put(&call, one).await);
        results.push(UpdateCredentialResult { tag: one.tag.clone(), models: using(&call, &one.tag), error });
    }
    Ok(UpdateCredentialResults { results })
}

/// Models that a change of this credential touches.
fn using(call: &Call, tag: &str) -> Vec<UpdateCredentialModelResult> {
    let read = call.read();
    let Ok((cloud, owner, name)) = credential_of(call, &read, tag) else { return Vec::new() };
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

pub async fn check_credentials(call: Call, params: TaggedCredentials) -> Result<UpdateCredentialResults, Refusal> {
    let results = params.credentials.iter().map(|one| UpdateCredentialResult {
        tag: one.tag.clone(),
        models: using(&call, &one.tag),
        error: item(credential_of(&call, &call.read(), &one.tag)),
    });
    Ok(UpdateCredentialResults { results: results.collect() })
}

pub async fn revoke_credentials(call: Call, params: RevokeCredentialArgs) -> Result<ErrorResults, Refusal> {
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

pub async fn instance_types(_: Call, params: CloudInstanceTypesConstraints) -> Result<InstanceTypesResults, Refusal> {
    let none = || InstanceTypesResult {
        error: item::<()>(Err(Refusal::new(Kind::NotSupported, "InstanceTypes not supported"))),
        ..InstanceTypesResult::default()
    };
    Ok(InstanceTypesResults { results: params.constraints.iter().map(|_| none()).collect() })
}
