//! Facade `Cloud`: the clouds. The credentials for them are in `credential`.

use crate::call::{Call, NoParams, Nothing};
use crate::error::{IntoItem, item};
use base::{Kind, Refusal, Tag};
use model::Read;
use model::access::{self, CloudLevel};
use model::change;
use model::key::Object;
use model::record;
use serde::Serialize;
use wire::facade::cloud::*;

pub(super) fn invalid(error: base::tag::TagError) -> Refusal {
    Refusal::plain(error.to_string())
}

pub(super) fn cloud_name(tag: &str) -> Result<String, Refusal> {
    match tag.parse().map_err(invalid)? {
        Tag::Cloud(name) => Ok(name),
        _ => Err(Refusal::plain(format!("{tag:?} is not a valid cloud tag"))),
    }
}

/// As a user sees it: what models begin with is for those who administer it, since a proxy's address often has a password in it.
fn shown(read: &Read, user: &str, cloud: &record::cloud::Cloud) -> Cloud {
    let is_admin = access::on_cloud(read, user, &cloud.name) == Some(CloudLevel::Admin);
    let (config, region_config) = match is_admin {
        true => (cloud.config.clone(), cloud.region_config.clone()),
        false => Default::default(),
    };
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
        config,
        region_config,
        ..Cloud::default()
    }
}

/// What the calls that list clouds give of one.
fn details(cloud: Cloud) -> CloudDetails {
    CloudDetails {
        r#type: cloud.r#type,
        auth_types: cloud.auth_types,
        endpoint: cloud.endpoint,
        identity_endpoint: cloud.identity_endpoint,
        storage_endpoint: cloud.storage_endpoint,
        regions: cloud.regions,
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
    let clouds = visible.map(|(name, cloud)| (Tag::Cloud(name.clone()).to_string(), shown(&read, &call.user, cloud)));
    Ok(CloudsResult { clouds: clouds.collect() })
}

pub async fn cloud(call: Call, params: Entities) -> Result<CloudResults, Refusal> {
    let read = call.read();
    let results = params.entities.iter().map(|entity| match find(&call, &read, &entity.tag).into_item() {
        Ok(cloud) => CloudResult { cloud: Some(shown(&read, &call.user, cloud)), error: None },
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
    details: CloudDetails,
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
        Ok(Info { details: details(shown(&read, &call.user, cloud)), users: Some(users.collect()), user_access: None })
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
        let details = details(shown(&read, &user, cloud));
        let info = Info { details, users: None, user_access: Some(level.as_str().to_owned()) };
        Some(InfoResult { result: Some(info), error: None })
    });
    Ok(InfoResults { results: results.collect() })
}

/// A cloud as it is kept, by its name and its definition.
pub fn kept(name: String, given: Cloud) -> record::cloud::Cloud {
    let region = |region: CloudRegion| record::cloud::Region {
        name: region.name,
        endpoint: region.endpoint,
        identity_endpoint: region.identity_endpoint,
        storage_endpoint: region.storage_endpoint,
    };
    record::cloud::Cloud {
        name,
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
    }
}

pub async fn add(call: Call, params: AddCloudArgs) -> Result<Nothing, Refusal> {
    let force = params.force;
    let cloud = kept(params.name, params.cloud);
    call.state().change(|beliefs, given| change::cloud::add(beliefs, &cloud, &call.user, force, given)).await?;
    Ok(Nothing {})
}

pub async fn update(call: Call, params: UpdateCloudArgs) -> Result<ErrorResults, Refusal> {
    let mut results = Vec::new();
    for one in params.clouds {
        let cloud = kept(one.name, one.cloud);
        let done = call.state().change(|beliefs, given| change::cloud::update(beliefs, &cloud, given)).await;
        results.push(ErrorResult { error: item(done) });
    }
    Ok(ErrorResults { results })
}

pub async fn remove(call: Call, params: Entities) -> Result<ErrorResults, Refusal> {
    let mut results = Vec::new();
    for entity in &params.entities {
        results.push(ErrorResult { error: item(remove_one(&call, &entity.tag).await) });
    }
    Ok(ErrorResults { results })
}

/// For those who administer the cloud.
async fn remove_one(call: &Call, tag: &str) -> Result<(), Refusal> {
    let name = cloud_name(tag)?;
    let read = call.read();
    if read.clouds.contains_key(&name) || !call.is_superuser(&read) {
        call.may_on_cloud(&read, &name, CloudLevel::Admin)?;
    }
    call.state().change(|beliefs, given| change::cloud::remove(beliefs, &name, given)).await
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

pub async fn instance_types(_: Call, params: CloudInstanceTypesConstraints) -> Result<InstanceTypesResults, Refusal> {
    let none = || InstanceTypesResult {
        error: item::<()>(Err(Refusal::new(Kind::NotSupported, "InstanceTypes not supported"))),
        ..InstanceTypesResult::default()
    };
    Ok(InstanceTypesResults { results: params.constraints.iter().map(|_| none()).collect() })
}
