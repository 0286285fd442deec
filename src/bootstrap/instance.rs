//! A controller in an instance of a cloud: started, filled with this program, talked to as a host that is reached by ssh would be.
//! What it does there is `elsewhere`'s. The surprise: nothing of it is on this host; what fails midway is taken away in the cloud, by whoever
//! called, with `kill`.

use super::records::{self, constraints};
use super::{account, failed};
use base::chance::{Chance, SystemChance};
use cli::bootstrap::{
    Account, Asked, BootstrapError, BootstrapParams, BootstrapResult, Ended, HOST_MODE, KEEP, KillParams, PATIENCE,
    Progress, Talk, Told, reach,
};
use cloud::{Cloud, Content, File, InstanceId, ModelRef, Owner, Retry, StartRequest, instance_name};
use clouds::lxd::Lxd;
use std::time::Duration;
use workers::identity::Root;

/// Where this program waits in the instance until it is a controller's.
const PROGRAM: &str = "/var/lib/grigri-bootstrap";
/// Of its model.
const MACHINE: &str = "0";
const LAST_WORDS: Duration = Duration::from_secs(3);
/// Of taking it away, and the time between them.
const TRIES: u32 = 3;
const BETWEEN: Duration = Duration::from_secs(1);

fn words(error: cloud::Error) -> BootstrapError {
    failed(error.to_string())
}

fn account_of(account: Option<&Account>) -> Result<&Account, BootstrapError> {
    account.ok_or_else(|| failed("it is not known what to use the cloud with"))
}

pub async fn check(params: &BootstrapParams) -> Result<(), BootstrapError> {
    let server = account::open(&params.cloud_type, account_of(params.account.as_ref())?)?;
    server.preflight().await.map_err(words)?;
    let constraints = constraints(params)?.1;
    server.check_constraints(&constraints).map_err(words)?;
    cloud::first_zone(&constraints, &server.zones()).map_err(words)?;
    match params.placement.as_str() {
        "" => Ok(()),
        directive => server.check_placement(directive).map_err(words),
    }
}

pub async fn make(params: &BootstrapParams, progress: Progress<'_>) -> Result<BootstrapResult, BootstrapError> {
    let server = account::open(&params.cloud_type, account_of(params.account.as_ref())?)?;
    progress(&format!("Launching controller instance(s) on {}/{}...", params.cloud, params.region));
    let request = request(params, &server).await?;
    let started = server.start_controller(&request, &cloud::Progress::silent()).await.map_err(words)?;
    progress(&format!(" - {:<40}", format!("{} ({})", started.id, started.hardware)));
    progress("Installing Juju agent on bootstrap instance");
    progress("Waiting for address");
    let addresses = server.await_address(&started.id.0).await.map_err(words)?;
    let host = addresses.first().map(|address| address.value.to_string()).unwrap_or_default();
    let made = talk(params, &server, &started.id, &host, progress).await?;
    server.remove_file(&started.id.0, PROGRAM).await.map_err(words)?;
    Ok(made)
}

async fn request(params: &BootstrapParams, server: &Lxd) -> Result<StartRequest, BootstrapError> {
    let program = std::env::current_exe().map_err(|error| failed(format!("cannot find this program: {error}")))?;
    let settings = records::settings(params);
    let text = |key: &str| settings.get(key).and_then(|value| value.as_str()).unwrap_or_default();
    let base = [params.bootstrap_base.as_str(), text("default-base")];
    let base = match base.into_iter().find(|base| !base.is_empty()) {
        Some(base) => base.to_owned(),
        None => server.bases().await.map_err(words)?.into_iter().next().unwrap_or_default(),
    };
    let model = params.controller_model_uuid.parse();
    let mut secret = [0u8; 32];
    SystemChance.fill(&mut secret);
    let host_keys = model.map(|model| Root::new(&secret).host_keys(model, &base::MachineId::top(0)));
    let constraints = constraints(params)?.1;
    server.learn_zones().await.map_err(words)?;
    let zone = match params.placement.strip_prefix("zone=").unwrap_or(&params.placement) {
        "" => cloud::first_zone(&constraints, &server.zones()).map_err(words)?.map(str::to_owned),
        zone => Some(zone.to_owned()),
    };
    Ok(StartRequest {
        model: ModelRef {
            controller: params.controller_uuid.clone(),
            model: params.controller_model_uuid.clone(),
            name: "controller".into(),
        },
        machine: MACHINE.into(),
        name: instance_name(&params.controller_model_uuid, MACHINE),
        base,
        parent: None,
        constraints,
        disks: Vec::new(),
        zone,
        files: vec![File { path: PROGRAM.into(), mode: 0o700, owner: Owner::Root, content: Content::OnHost(program) }],
        agent: Vec::new(),
        heir: None,
        authorized_keys: params.authorized_keys.lines().map(str::to_owned).collect(),
        user_data: model::settings::cloud_init(text(model::settings::CLOUD_INIT))
            .map_err(|refusal| failed(refusal.words()))?,
        tags: model::settings::tags(settings.get("resource-tags")),
        host_keys: host_keys.unwrap_or_default(),
    })
}

async fn talk(
    params: &BootstrapParams,
    server: &Lxd,
    id: &InstanceId,
    host: &str,
    progress: Progress<'_>,
) -> Result<BootstrapResult, BootstrapError> {
    let command = [PROGRAM, HOST_MODE].map(str::to_owned);
    let open = server.talk(&id.0, &command).await.map_err(words)?;
    let mut talk = Talk::new(Box::new(open.output), Box::new(open.input));
    let asked = Asked::Make(Box::new(BootstrapParams { instance: id.0.clone(), ..params.clone() }));
    let done = async {
        let made = match talk.ask(&asked, progress).await? {
            Told::Made(made) => *made,
            other => return Err(unexpected(&other)),
        };
        reach(params, &made, host, PATIENCE, progress).await.map_err(Ended::Failed)?;
        talk.say(&format!("{KEEP}\n")).await?;
        match talk.told().await? {
            Told::Kept => Ok(made),
            other => Err(unexpected(&other)),
        }
    };
    match done.await {
        Ok(made) => Ok(made),
        Err(Ended::Failed(error)) => Err(error),
        Err(Ended::Lost) => {
            let said = tokio::time::timeout(LAST_WORDS, open.errors).await.ok().and_then(Result::ok);
            let said = said.filter(|said| !said.is_empty()).unwrap_or_else(|| "no reason was given".into());
            Err(failed(format!("the program in {id} ended: {said}")))
        }
    }
}

fn unexpected(told: &Told) -> Ended {
    Ended::Failed(failed(format!("the program in the instance gave an answer to another question: {told:?}")))
}

/// Starts the controller's instance where it is stopped; the system in it starts the controller. False: it runs already.
pub async fn start(params: &KillParams) -> Result<bool, BootstrapError> {
    let server = account::open(&params.cloud_type, account_of(params.account.as_ref())?)?;
    let started = server.start_controller_again(&params.uuid).await.map_err(words)?;
    started.ok_or_else(|| failed(format!("controller {:?} has no instance any more", params.controller_name)))
}

/// Takes away all that the controller has in this cloud, itself with it.
pub async fn kill(params: &KillParams, progress: Progress<'_>) -> Result<(), BootstrapError> {
    let server = account::open(&params.cloud_type, account_of(params.account.as_ref())?)?;
    progress("Removing its machines and its own instance");
    let mut tries = 1;
    loop {
        match server.remove_controller(&params.uuid).await {
            // Told to end, it takes itself away at the same time: what the server says of that may be over in a moment.
            Err(error) if tries < TRIES && matches!(error.retry(), Retry::After(_)) => tries += 1,
            done => return done.map_err(words),
        }
        tokio::time::sleep(BETWEEN).await;
    }
}
