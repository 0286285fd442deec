//! The first records of a controller, written before its process starts, so that it finds a whole state or none.

use super::failed;
use crate::layout::Layout;
use crate::seals::Sealer;
use crate::world;
use base::chance::SystemChance;
use base::clock::SystemClock;
use base::{Constraints, Hardware, OsBase};
use cli::bootstrap::{BootstrapError, BootstrapParams, MANUAL};
use model::State;
use model::change::controller::{Bootstrap, ControllerMachine, Said, bootstrap};
use model::change::storage;
use model::record::address::{Address, Endpoint};
use model::record::cloud::{Cloud, Region};
use model::record::credential::Credential;
use model::record::model_defaults::ModelDefaults;
use model::record::storage::Pool;
use rpc::tls::Authority;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use store::sqlite::{Options, Sqlite};
use store::{Directory, OpenError};

/// The first user.
pub const ADMIN: &str = "admin";

/// Writes them; the database is closed again afterwards.
pub async fn write(
    params: &BootstrapParams,
    layout: &Layout,
    authority: &Authority,
    hosts: &[Address],
    port: u16,
) -> Result<(), BootstrapError> {
    let with = first_records(params, layout, authority, hosts, port)?;
    let (state, directory) = open(layout).await?;
    let written = async {
        state.change(|beliefs, given| bootstrap(beliefs, &with, given)).await?;
        match pool(params) {
            Some((name, pool)) => {
                state.change(|beliefs, given| storage::create(beliefs, with.model_uuid, name, &pool, given)).await
            }
            None => Ok(()),
        }
    }
    .await;
    close(state, directory).await;
    written.map_err(|refusal| failed(format!("cannot bootstrap: {}", refusal.words())))
}

/// Opens the database of a controller that does not run.
pub async fn open(layout: &Layout) -> Result<(State, Arc<Directory>), BootstrapError> {
    let opened = directory(layout).await;
    let directory = Arc::new(opened.map_err(|error| failed(format!("cannot open the data directory: {error}")))?);
    let store = Sqlite::open(directory.clone(), Options::default())
        .map_err(|error| failed(format!("cannot open the database: {error}")))?;
    let state = State::open(Arc::new(store), Arc::new(SystemClock), Arc::new(SystemChance))
        .await
        .map_err(|error| failed(format!("cannot open the database: {error}")))?;
    Ok((state, directory))
}

/// How long one waits for a process that holds the data directory and is about to end.
const PREDECESSOR: Duration = Duration::from_secs(5);

/// A controller that was killed a moment ago, or is done, may still be dying.
pub async fn directory(layout: &Layout) -> Result<Directory, OpenError> {
    let begun = tokio::time::Instant::now();
    loop {
        match Directory::open(&layout.dir()) {
            Err(OpenError::Locked { .. }) if begun.elapsed() < PREDECESSOR => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            other => return other,
        }
    }
}

/// The database's own thread lets the directory go a moment later, and whoever comes next must find it free.
pub async fn close(state: State, directory: Arc<Directory>) {
    drop(state);
    while Arc::strong_count(&directory) > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// What of the user's wishes could not be written.
pub fn check(params: &BootstrapParams) -> Result<(), BootstrapError> {
    let (config, model_config) = split_config(&params.config);
    let said = Said {
        cloud: &cloud(params, auth_type(params)),
        region: &params.region,
        config: &config,
        model_config: &model_config,
        model_defaults: &params.model_defaults,
        version: &base::current_version().to_string(),
    };
    said.check().map_err(|refusal| failed(refusal.words()))?;
    match pool(params) {
        Some((name, pool)) => storage::checked(name, &pool).map_err(|refusal| failed(refusal.words())),
        None => Ok(()),
    }
}

/// The storage pool of the controller's model that was asked for, with its name.
fn pool(params: &BootstrapParams) -> Option<(&str, Pool)> {
    let mut attributes = params.storage_pool.clone();
    let (name, provider) = (params.storage_pool.get("name")?, attributes.remove("type")?);
    attributes.remove("name");
    Some((name, Pool { provider, attributes }))
}

fn first_records(
    params: &BootstrapParams,
    layout: &Layout,
    authority: &Authority,
    hosts: &[Address],
    port: u16,
) -> Result<Bootstrap, BootstrapError> {
    let facts = host::facts::read();
    let password_hash = api::Passwords::hash_now(params.admin_password.reveal(), &SystemChance)
        .map_err(|error| failed(error.to_string()))?;
    let (config, model_config) = split_config(&params.config);
    let base = OsBase::parse(&facts.base).or_else(|_| OsBase::new("linux", "unknown"));
    let (description, instance_id) = match params.cloud_type.as_str() {
        MANUAL => ("Hosts that are there already", model::record::instance::MANUAL.to_owned()),
        world::CLOUD => ("Containers on the controller's own host", facts.hostname.clone()),
        "lxd" => ("LXD Container Hypervisor", params.instance.clone()),
        _ => ("", params.instance.clone()),
    };
    let credential = credential(params, layout)?;
    let (constraints, machine_constraints) = constraints(params)?;
    Ok(Bootstrap {
        uuid: params.controller_uuid.clone(),
        name: params.controller_name.clone(),
        model_uuid: params
            .controller_model_uuid
            .parse()
            .map_err(|error| failed(format!("cannot bootstrap: {error}")))?,
        cloud: Cloud { description: description.into(), ..cloud(params, &credential.auth_type) },
        region: params.region.clone(),
        credential: Some(credential),
        ca_cert: authority.cert_pem.clone(),
        endpoints: hosts.iter().map(|address| Endpoint { address: address.clone(), port }).collect(),
        config,
        model_config,
        model_defaults: params.model_defaults.clone(),
        constraints,
        version: base::current_version().to_string(),
        user: ADMIN.into(),
        password_hash,
        keys: params
            .authorized_keys
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect(),
        machine: ControllerMachine {
            base: base.map_err(|error| failed(error.to_string()))?,
            constraints: machine_constraints,
            instance_id,
            hostname: facts.hostname.clone(),
            hardware: Hardware {
                arch: Some(facts.arch.clone()),
                cpu_cores: Some(facts.cores),
                mem: Some(facts.mem),
                root_disk: Some(facts.root_disk),
                ..Hardware::default()
            },
        },
    })
}

/// As the user defined it, and what is known of it by now.
fn cloud(params: &BootstrapParams, auth_type: &str) -> Cloud {
    let mut cloud = api::kept_cloud(params.cloud.clone(), params.definition.clone());
    cloud.kind.clone_from(&params.cloud_type);
    cloud.endpoint.clone_from(params.account.as_ref().map_or(&params.endpoint, |account| &account.endpoint));
    if !cloud.auth_types.iter().any(|one| one == auth_type) {
        cloud.auth_types.push(auth_type.to_owned());
    }
    if !cloud.regions.iter().any(|region| region.name == params.region) {
        cloud.regions.push(Region { name: params.region.clone(), ..Region::default() });
    }
    cloud
}

/// What the controller's model is set to: its own over what its cloud's models begin with, as far as that can be said before there is a controller.
pub fn settings(params: &BootstrapParams) -> BTreeMap<String, Value> {
    let set = ModelDefaults { controller: params.model_defaults.clone(), ..ModelDefaults::default() };
    let definition = api::kept_cloud(params.cloud.clone(), params.definition.clone());
    let mut all = model::settings::merged(Some(&set), Some(&definition)).in_region(&params.region);
    all.extend(split_config(&params.config).1.into_iter().filter(|(_, value)| value != ""));
    all
}

/// The controller model's, and those of its machine: its own over them.
pub fn constraints(params: &BootstrapParams) -> Result<(Constraints, Constraints), BootstrapError> {
    let read = |text: &str| Constraints::parse(text).map_err(|error| failed(error.to_string()));
    let of_model = read(&params.constraints)?;
    let own = read(&params.bootstrap_constraints)?.or(&of_model);
    Ok((of_model, own))
}

fn auth_type(params: &BootstrapParams) -> &str {
    params.account.as_ref().map_or("empty", |account| &account.auth_type)
}

/// What the cloud is used with; clouds that want no credential have one that is empty.
fn credential(params: &BootstrapParams, layout: &Layout) -> Result<Credential, BootstrapError> {
    let mut credential = Credential {
        cloud: params.cloud.clone(),
        owner: ADMIN.into(),
        name: params.account.as_ref().map_or("default", |account| &account.name).to_owned(),
        auth_type: auth_type(params).to_owned(),
        attributes: BTreeMap::new(),
        sealed: String::new(),
        invalid: false,
        invalid_reason: String::new(),
    };
    if let Some(account) = &params.account {
        let sealer = Sealer::open(layout, Arc::new(SystemChance));
        let sealed = api::sealed(&sealer, &credential.id(), &account.attributes);
        credential.sealed = sealed.map_err(|refusal| failed(refusal.words()))?;
    }
    Ok(credential)
}

/// Settings of the controller, and the rest, which are its model's. Whose values are checked stay text: what becomes of them is up to the key.
fn split_config(config: &BTreeMap<String, String>) -> (BTreeMap<String, Value>, BTreeMap<String, Value>) {
    let is_updatable = model::controller_config::is_updatable;
    let typed = |text: &str| serde_json::from_str(text).ok().filter(|v: &Value| v.is_boolean() || v.is_i64());
    let one = |(key, text): (&String, &String)| match is_updatable(key) {
        Some(false) => (key.clone(), typed(text).unwrap_or_else(|| text.as_str().into())),
        _ => (key.clone(), text.as_str().into()),
    };
    config.iter().map(one).partition(|(key, _): &(String, Value)| is_updatable(key).is_some())
}
