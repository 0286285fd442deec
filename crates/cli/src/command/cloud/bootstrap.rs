//! `bootstrap`: starts a controller and makes it the current one.
//!
//! ```text
//! check -> note it in the client store -> Bootstrapper (steps on stderr) -> write addresses, CA, account
//!                    ^                        | fails, Ctrl-C
//!                    +---- take it out <------+  after all that was made is taken away
//! ```
//! The surprise: the store knows the controller before it exists, so that one whose birth was cut short by a crash
//! can be ended by `kill-controller`.

mod choice;
mod params;

use std::time::Duration;

use client::files::{Accounts, BootstrapConfig, BootstrapConfigs, Controller, Controllers, Model, Models};
use serde_json::{Value, json};

use crate::bootstrap::{BUILTIN, BootstrapParams, BootstrapResult, Bootstrapper, KillParams, MANUAL, SERVERS};
use crate::command::Command;
use crate::command::cloud::known;
use crate::command::credential::local;
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::manual::controller::Elsewhere;
use crate::steps::steps;

pub const COMMAND: Command = Command {
    name: "bootstrap",
    args: "[<cloud name>[/region] [<controller name>]]",
    arguments: &[&[Noun::Cloud, Noun::Word(&["manual/"])]],
    purpose: "Initializes a cloud environment.",
    doc: "Starts a controller, which machines and models are then made with.\n\
          The cloud 'builtin' is always there: its machines are containers on this host, and the\n\
          controller is a process of this host. It needs root.\n\n\
          On 'localhost', the LXD server of this host, on 'incus', the Incus server of this host, and on clouds of\n\
          these types that were added ('juju add-cloud'), the controller is in a container of the server.\n\
          That of this host comes to listen on the network and to trust a certificate that is made for it.\n\n\
          With 'manual/[user@]host[:port]' the controller is on a host that is there already: any Linux of\n\
          this program's architecture with sshd and a POSIX shell, as root or as a user who may become root\n\
          by sudo without a password. It is logged in to with your own ssh and its settings. Machines of\n\
          such a controller are other hosts: 'juju add-machine ssh:[user@]host'. What fails leaves nothing\n\
          on the host, and 'destroy-controller' leaves it as it was.",
    examples: "\n    juju bootstrap builtin\n    juju bootstrap builtin mycontroller --add-model first --model-default proxy-ssh=true\n    \
               juju bootstrap localhost\n    \
               juju bootstrap localhost --bootstrap-base debian@12 --bootstrap-constraints mem=1G\n    \
               juju bootstrap manual/root@10.0.0.7 mycontroller",
    see_also: &[
        "add-machine",
        "add-model",
        "clouds",
        "controller-config",
        "controllers",
        "destroy-controller",
        "kill-controller",
        "model-defaults",
    ],
    flags: &[
        Flag::text(&["add-model"], "Name of an initial model to create on the new controller"),
        Flag::text(&["agent-version"], "Version of agent binaries to use for Juju agents"),
        Flag::bool(&["B", "no-browser-login"], "Do not use web browser for authentication"),
        Flag::text(&["bootstrap-base"], "Specify the base of the bootstrap machine"),
        Flag::texts(&["bootstrap-constraints"], "Specify bootstrap machine constraints"),
        Flag::bool(&["clouds"], "Print the available clouds which can be used to bootstrap a Juju environment"),
        Flag::texts(&["config"], "Specify a controller configuration file, or one or more configuration options"),
        Flag::texts(&["constraints"], "Set model constraints"),
        Flag::text(&["credential"], "Credentials to use when bootstrapping"),
        Flag::bool(&["force"], "Allow the bypassing of checks such as supported base"),
        Flag::bool(&["keep-broken"], "Do not destroy the provisioned controller instance if bootstrap fails"),
        Flag::texts(
            &["model-default"],
            "Specify a configuration file, or one or more options to be set for all models",
        ),
        // Taken so that a program that passes it on learns what to do instead.
        Flag::text(
            &["metadata-source"],
            "Local path to use as agent and/or image metadata source; not in this release",
        ),
        Flag::bool(&["no-switch"], "Do not switch to the newly created controller"),
        Flag::text(&["regions"], "Print the available regions for the specified cloud"),
        Flag::texts(
            &["storage-pool"],
            "Specify options for an initial storage pool: 'name' and 'type' are required, plus any additional attributes",
        ),
        Flag::text(&["to"], "Placement directive indicating an instance to bootstrap"),
    ],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(2)?;
    if context.args.is_set("clouds") {
        return print_clouds(context);
    }
    if let Some(cloud) = context.args.text("regions").map(str::to_owned) {
        return print_regions(context, &cloud);
    }
    let mut params = params::of(context)?;
    let injected = context.injected.clone();
    let elsewhere = match params.cloud_type.as_str() {
        MANUAL => Some(Elsewhere::find(context, &params.endpoint).await?),
        _ => None,
    };
    let Some(here) = &injected.bootstrapper else {
        return Err(Error::failed("this program is the command line alone, and cannot start a controller"));
    };
    let bootstrapper: &dyn Bootstrapper = elsewhere.as_ref().map_or(here.as_ref(), |elsewhere| elsewhere);
    if let Some(account) = params.account.take() {
        params.account = Some(bootstrapper.account(&params.cloud_type, account, context.store.dir()).await?);
    }
    here.check_settings(&params)?;
    bootstrapper.check(&params).await?;
    if let Some(elsewhere) = &elsewhere {
        params.known_as = elsewhere.known_as().await;
    }
    ignored(context, &params);
    let keep = params.keep_broken;
    context
        .info(format!("Creating Juju controller \"{}\" on {}/{}", params.controller_name, params.cloud, params.region));
    let before = context.store.controllers()?.current_controller;
    // Before anything is written: whoever interrupts in between must not leave a name without a controller.
    let interrupted = context.interrupted();
    note(context, &params)?;
    match start(context, bootstrapper, &params, interrupted).await {
        Ok(result) => finish(context, &params, &result).await,
        Err(error) if keep => {
            context.info("Bootstrap failed; what was made is kept, as asked. Remove it with \"juju kill-controller\".");
            Err(error)
        }
        Err(error) => {
            let kill = KillParams {
                controller_name: params.controller_name.clone(),
                uuid: params.controller_uuid.clone(),
                cloud_type: params.cloud_type.clone(),
                account: params.account.clone(),
            };
            let cleaned = bootstrapper.kill(&kill, &|_| {}).await;
            if let Err(left) = cleaned {
                // Stays in the store, so that the user can try again to remove it.
                context.log_error(format!("cannot take away what was made: {}", Error::from(left)));
                return Err(error);
            }
            forget(context, &params, before)?;
            Err(error)
        }
    }
}

/// Says what of the user's wishes means nothing here: the controller is a process of a host that is there, not a machine of its own.
fn ignored(context: &mut Context, params: &BootstrapParams) {
    if params.account.is_some() {
        return;
    }
    let wishes = [
        ("--to", !params.placement.is_empty()),
        ("--bootstrap-constraints", !params.bootstrap_constraints.is_empty()),
        ("--bootstrap-base", !params.bootstrap_base.is_empty()),
    ];
    let host = if params.cloud_type == MANUAL { "its" } else { "this" };
    for (flag, _) in wishes.iter().filter(|(_, wished)| *wished) {
        context
            .warn(format!("{flag} is ignored: the controller is a process of {host} host, with its system and memory"));
    }
}

/// Enters the controller in the store, without addresses.
fn note(context: &Context, params: &BootstrapParams) -> Result<()> {
    let name = params.controller_name.clone();
    context.store.update(|all: &mut Controllers| {
        if all.controllers.contains_key(&name) {
            return Err(Error::failed(format!("controller {name:?} already exists")));
        }
        let entry = Controller {
            uuid: params.controller_uuid.clone(),
            cloud: params.cloud.clone(),
            region: Some(params.region.clone()),
            cloud_type: Some(params.cloud_type.clone()),
            agent_version: Some(context.client_version()),
            ..Controller::default()
        };
        all.controllers.insert(name.clone(), entry);
        Ok(())
    })?;
    if params.endpoint.is_empty() && params.account.is_none() {
        return Ok(());
    }
    // Where to look for it, should this end here.
    context.store.update(|all: &mut BootstrapConfigs| {
        let entry = BootstrapConfig {
            cloud: params.cloud.clone(),
            cloud_type: params.cloud_type.clone(),
            region: Some(params.region.clone()),
            credential: params.account.as_ref().map(|account| account.name.clone()),
            endpoint: Some(params.endpoint.clone()).filter(|endpoint| !endpoint.is_empty()),
            ..BootstrapConfig::default()
        };
        all.controllers.insert(name.clone(), entry);
        Ok::<_, Error>(())
    })
}

/// Runs the bootstrapper, showing its steps, until it ends or the user has had enough.
async fn start(
    context: &mut Context,
    bootstrapper: &dyn Bootstrapper,
    params: &BootstrapParams,
    interrupted: impl Future<Output = ()>,
) -> Result<BootstrapResult> {
    let (tell, steps) = steps();
    tokio::pin!(interrupted);
    // Held here, so that after Ctrl-C the user is told before it is dropped and cleans up.
    let mut work = bootstrapper.bootstrap(params, &tell);
    let outcome = tokio::select! {
        biased;
        outcome = steps.show(context, &mut work) => Some(outcome),
        () = &mut interrupted => None,
    };
    let error = match outcome {
        Some(Ok(result)) => return Ok(result),
        Some(Err(error)) => Some(error),
        None => None,
    };
    // Ctrl-C is for ssh too, whose end may be noticed first.
    if let Some(error) = error
        && tokio::time::timeout(Duration::from_millis(100), &mut interrupted).await.is_err()
    {
        return Err(error.into());
    }
    context.info("Ctrl-C pressed, attempting to stop bootstrap and clean up resources");
    Err(Error::silent(1))
}

/// Writes what is needed to use the controller.
async fn finish(context: &mut Context, params: &BootstrapParams, result: &BootstrapResult) -> Result<()> {
    let name = params.controller_name.clone();
    context.store.update(|all: &mut Controllers| {
        let entry = all.controllers.entry(name.clone()).or_default();
        entry.uuid.clone_from(&result.uuid);
        entry.api_endpoints.clone_from(&result.endpoints);
        entry.ca_cert.clone_from(&result.ca_cert);
        entry.cloud_type = Some(result.cloud_type.clone());
        entry.region = Some(result.region.clone());
        entry.agent_version = Some(result.agent_version.clone());
        entry.controller_machine_count = 1;
        entry.active_controller_machine_count = 1;
        entry.machine_count = Some(1);
        if !context.args.is_set("no-switch") {
            all.current_controller = Some(name.clone());
        }
        Ok::<_, Error>(())
    })?;
    context.store.update(|all: &mut Accounts| {
        let account = client::files::Account {
            user: "admin".to_owned(),
            password: Some(params.admin_password.clone()),
            last_known_access: Some("superuser".to_owned()),
            ..client::files::Account::default()
        };
        all.controllers.insert(name.clone(), account);
        Ok::<_, Error>(())
    })?;
    context.store.update(|all: &mut Models| {
        let entry = all.controllers.entry(name.clone()).or_default();
        entry.models.insert("admin/controller".to_owned(), Model::new(&result.controller_model_uuid, "iaas"));
        entry.current_model = Some("admin/controller".to_owned());
        Ok::<_, Error>(())
    })?;
    context.store.update(|all: &mut BootstrapConfigs| {
        let config = json!({"name": "controller", "type": result.cloud_type, "uuid": result.controller_model_uuid});
        let entry = BootstrapConfig {
            controller_config: params.config.iter().map(|(k, v)| (k.clone(), json!(v))).collect(),
            model_config: config.as_object().cloned().unwrap_or_default(),
            controller_model_uuid: result.controller_model_uuid.clone(),
            cloud: params.cloud.clone(),
            cloud_type: result.cloud_type.clone(),
            region: Some(result.region.clone()),
            credential: params.account.as_ref().map(|account| account.name.clone()),
            endpoint: Some(params.endpoint.clone()).filter(|endpoint| !endpoint.is_empty()),
            ..BootstrapConfig::default()
        };
        all.controllers.insert(name.clone(), entry);
        Ok::<_, Error>(())
    })?;
    context.store.ensure_cookies(&name)?;
    context.info(format!(
        "\nBootstrap complete, controller {name:?} is now available\n\
         Controller machines are in the \"controller\" model"
    ));
    match context
        .args
        .text("add-model")
        .map(str::to_owned)
        .or_else(|| context.io.var("JUJU_BOOTSTRAP_MODEL").map(str::to_owned))
    {
        Some(model) => first_model(context, params, &model).await,
        None => {
            context.info("Now you can run\n\tjuju add-model <model-name>\nto create a new model to deploy workloads.");
            Ok(())
        }
    }
}

async fn first_model(context: &mut Context, params: &BootstrapParams, model: &str) -> Result<()> {
    let name = &params.controller_name;
    let api = context.controller_api_of(name).await?;
    let mut request = json!({
        "name": model,
        "owner-tag": format!("user-{}", api.user),
        "config": {"authorized-keys": params.authorized_keys},
        "cloud-tag": format!("cloud-{}", params.cloud),
    });
    if let Some(account) = &params.account {
        request["credential"] = json!(local::tag(&params.cloud, &api.user, &account.name));
    }
    let made: Value = api.call("ModelManager", "CreateModel", request).await?;
    let text = |key: &str| made.get(key).and_then(Value::as_str).unwrap_or("");
    let qualified = format!("{}/{model}", api.user);
    context.store.update(|all: &mut Models| {
        let entry = all.controllers.entry(name.clone()).or_default();
        entry.models.insert(qualified.clone(), Model::new(text("uuid"), text("type")));
        entry.current_model = Some(qualified);
        Ok::<_, Error>(())
    })?;
    context.info(format!("Initial model {model:?} added"));
    Ok(())
}

/// Takes the controller out of the store, and makes current what was.
fn forget(context: &Context, params: &BootstrapParams, before: Option<String>) -> Result<()> {
    context.store.remove_controller(&params.controller_name)?;
    context.store.update(|all: &mut Controllers| {
        all.current_controller = before.filter(|name| all.controllers.contains_key(name));
        Ok::<_, Error>(())
    })
}

fn print_clouds(context: &mut Context) -> Result<()> {
    let mut table = crate::output::table::Table::new();
    table.row(&["Cloud", "Credentials", "Default Region"]);
    let can = |kind: &str| kind == BUILTIN || SERVERS.contains(&kind);
    for known in known::of_client(context)?.into_iter().filter(|known| can(&known.cloud.cloud_type)) {
        let region = known.cloud.regions.keys().next().cloned().unwrap_or_default();
        table.row(&[known.name, String::new(), region]);
    }
    context.out("You can bootstrap on these clouds. See '--regions <cloud>' for all regions.\n")?;
    context.out_bytes(&table.finish())
}

fn print_regions(context: &mut Context, cloud: &str) -> Result<()> {
    let found = known::of_client(context)?.into_iter().find(|k| k.name == cloud);
    let Some(found) = found else { return Err(Error::failed(format!("unknown cloud {cloud:?}"))) };
    let names: Vec<String> = found.cloud.regions.keys().map(|r| format!("{r}\n")).collect();
    context.out(format!("Showing regions for {cloud}:\n{}", names.concat()))
}
