//! Clouds that are used with a credential: opened when it comes, opened anew when it or the cloud changes, closed when it goes.
//! It knows which types of clouds there are; how one is talked to is in `clouds`. The surprise: a credential that does not work is no error
//! here. Its cloud is there all the same, and says itself what is wrong with it, to whoever starts a machine.

use crate::bootstrap::records;
use crate::layout::Layout;
use crate::seals::Sealer;
use api::{Attributes, CloudsAsked, Seals, opened};
use base::Secret;
use base::chance::SystemChance;
use cli::bootstrap::BootstrapError;
use clouds::lxd::{Certificates, Endpoint, Flavour, Lxd, Options};
use model::State;
use model::record::cloud::Cloud;
use model::record::credential::Credential;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// A change of state is often followed by another.
const REST: Duration = Duration::from_millis(200);

/// What an open cloud was made of.
#[derive(Clone, PartialEq)]
struct Account {
    cloud: Cloud,
    credential: Credential,
}

/// For as long as the controller runs.
pub async fn follow(state: State, clouds: Arc<cloud::Clouds>, advice: Arc<CloudsAsked>, seals: Arc<dyn Seals>) {
    let mut changes = state.view().changes();
    let mut open: BTreeMap<String, Account> = BTreeMap::new();
    loop {
        let wanted = accounts(&state);
        for gone in open.keys().filter(|key| !wanted.contains_key(*key)) {
            clouds.remove(gone);
        }
        for (key, account) in wanted.iter().filter(|(key, account)| open.get(*key) != Some(account)) {
            match of(account, &*seals) {
                Ok(opened) => {
                    tracing::info!(account = key, kind = account.cloud.kind, "cloud opened");
                    clouds.set(key.clone(), opened.clone());
                    let (advice, key) = (advice.clone(), key.clone());
                    // It may be far away, or not there at all.
                    tokio::spawn(async move { advice.learn_one(&key, &*opened).await });
                }
                Err(why) => {
                    tracing::warn!(account = key, "cloud cannot be used: {why}");
                    clouds.remove(key);
                }
            }
        }
        open = wanted;
        if changes.next().await.is_err() {
            return;
        }
        tokio::time::sleep(REST).await;
    }
}

/// Those of clouds that want a credential, by the credential's id.
fn accounts(state: &State) -> BTreeMap<String, Account> {
    let read = state.read();
    let of = |credential: &Credential| {
        let cloud = (**read.clouds.get(&credential.cloud)?).clone();
        Flavour::of(&cloud.kind)?;
        Some((credential.id(), Account { cloud, credential: credential.clone() }))
    };
    read.credentials.values().filter_map(|credential| of(credential)).collect()
}

/// Takes away what a controller that does not run has in the clouds that its models are in. An error names the cloud that keeps something, and
/// nothing is forgotten: it may be asked again.
pub async fn remove_all(layout: &Layout) -> Result<(), BootstrapError> {
    if !layout.database().exists() {
        return Ok(());
    }
    let (state, directory) = records::open(layout).await?;
    let removed = remove_each(&state, layout).await;
    records::close(state, directory).await;
    removed
}

async fn remove_each(state: &State, layout: &Layout) -> Result<(), BootstrapError> {
    let read = state.read();
    let models = read.models.values().filter_map(|within| within.model.as_ref());
    let used: BTreeSet<String> = models.map(|model| model.credential.clone()).collect();
    let seals = Sealer::open(layout, Arc::new(SystemChance));
    for (id, account) in accounts(state).iter().filter(|(id, _)| used.contains(*id)) {
        let removed = match of(account, &seals) {
            Ok(cloud) => cloud.destroy_controller(&layout.uuid).await.map_err(|error| error.to_string()),
            Err(why) => Err(why),
        };
        removed.map_err(|why| BootstrapError {
            message: format!(
                "cannot remove what is in cloud {:?}, used with credential {id}: {why}",
                account.cloud.name
            ),
            hints: vec![
                "Try again when that cloud answers. To leave there what is there, move this file away first:".into(),
                format!("    {}", layout.database().display()),
            ],
        })?;
    }
    Ok(())
}

fn of(account: &Account, seals: &dyn Seals) -> Result<Arc<dyn cloud::Cloud>, String> {
    let Account { cloud, credential } = account;
    let attributes = opened(seals, credential).map_err(|refusal| refusal.words().to_owned())?;
    open(cloud, &credential.auth_type, &attributes)?.ok_or_else(|| format!("no clouds of type {:?} here", cloud.kind))
}

/// A cloud as a credential opens it. None: clouds of its type are not opened with credentials.
pub fn open(cloud: &Cloud, auth_type: &str, attributes: &Attributes) -> Result<Option<Arc<dyn cloud::Cloud>>, String> {
    let opened = server(cloud, auth_type, attributes)?;
    Ok(opened.map(|server| -> Arc<dyn cloud::Cloud> { Arc::new(server) }))
}

/// The same of a server of containers.
pub fn server(cloud: &Cloud, auth_type: &str, attributes: &Attributes) -> Result<Option<Lxd>, String> {
    let Some(flavour) = Flavour::of(&cloud.kind) else { return Ok(None) };
    let attribute = |name: &str| {
        let value = attributes.get(name).filter(|value| !value.is_empty());
        value.map(Secret::reveal).ok_or_else(|| format!("the credential has no {name}"))
    };
    let endpoint = match auth_type {
        "certificate" => {
            let certificates = Certificates {
                client_cert: attribute("client-cert")?.to_owned(),
                client_key: Secret::new(attribute("client-key")?),
                server_cert: attribute("server-cert")?.to_owned(),
            };
            Endpoint::https(&cloud.endpoint, &certificates)?
        }
        other => return Err(format!("cannot be used with a credential of type {other:?}: certificate is wanted")),
    };
    let text = |key: &str| cloud.config.get(key).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
    let options = Options {
        endpoint,
        project: text("project").or(attribute("project").ok()).unwrap_or("default").to_owned(),
        image_servers: text("image-metadata-url").into_iter().map(str::to_owned).collect(),
        relay: Some(agent::RELAY_MODE),
    };
    Ok(Some(Lxd::new(flavour, options)))
}
