//! `kill-controller`: ends a controller whatever state it is in; when its API does not help, without it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bootstrap::BUILTIN;
use crate::command::Command;
use crate::command::controller::reclaim::{self, Remaining, Told};
use crate::completion::Noun;
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::select;

pub const COMMAND: Command = Command {
    name: "kill-controller",
    args: "<controller name>",
    arguments: &[&[Noun::Controller]],
    purpose: "Forcibly terminate all machines and other associated resources for a Juju controller.",
    doc: "Destroys the controller and what it made, through its API if that answers.\n\
          Otherwise what the controller left on this host, in the cloud that it was made in, or on the host\n\
          that 'bootstrap manual/...' made it on, is taken away without it.\n\
          Models that are not gone after the timeout are ended directly.",
    examples: "\n    juju kill-controller mycontroller --timeout 10m",
    see_also: &["destroy-controller", "unregister"],
    flags: &[
        Flag::bool(&["B", "no-browser-login"], "Do not use web browser for authentication"),
        Flag::bool(&["no-prompt"], "Do not ask for confirmation"),
        Flag::duration(&["t", "timeout"], "5m0s", "Timeout before direct destruction"),
    ],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

const OPEN_PATIENCE: Duration = Duration::from_secs(10);
/// A controller of this host that does not answer can be ended without it.
const OPEN_PATIENCE_HERE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_secs(5);

async fn run(context: &mut Context) -> Result<()> {
    let Some(name) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("no controller specified"));
    };
    context.args.at_most(1)?;
    let timeout = context.args.duration("t").unwrap_or(Duration::from_secs(300));
    let all = context.store.controllers()?;
    if !all.controllers.contains_key(&name) {
        return Err(select::controller_not_found(&name));
    }
    let here = all.controllers.get(&name).and_then(|entry| entry.cloud_type.as_deref()) == Some(BUILTIN);
    let here = here && context.injected.bootstrapper.is_some();
    let patience = if here { OPEN_PATIENCE_HERE } else { OPEN_PATIENCE };
    let api = match context.controller_api_within(&name, patience).await {
        Ok(api) => Ok(api),
        Err(error) => {
            let refused = error.message().contains("connect: connection refused");
            let why = error.to_string();
            // What follows the first line is how to start it.
            let why = if refused { "open connection timed out" } else { why.lines().next().unwrap_or_default() };
            context.info(format!("Unable to open API: {why}"));
            Err(error)
        }
    };
    if !context.args.is_set("no-prompt") {
        context.warn(format!("This command will destroy the {name:?} controller and all its resources"));
        let warning = match &api {
            Ok(api) => Remaining::ask(api).await.map(|r| r.warning(false)).unwrap_or_default(),
            Err(_) => String::new(),
        };
        context.note(format!("\n{warning}"));
        context.confirm_name("controller", &name, "controller destruction")?;
    }
    reclaim::unless_interrupted(context, &name, async |context| {
        let told = match api {
            Ok(api) => through_api(context, &api, &name, timeout).await,
            Err(_) if reclaim::Beneath::find(context, &name).await?.is_some() => {
                context.info("Unable to connect to the API server, destroying through provider");
                Told::Nothing
            }
            Err(error) => return Err(error.context("cannot connect to model config API")),
        };
        reclaim::take_away(context, &name, told).await
    })
    .await
}

/// Whether the controller ends by itself now.
async fn through_api(context: &mut Context, api: &Api, name: &str, timeout: Duration) -> Told {
    let params = json!({"destroy-models": true, "destroy-storage": true});
    if let Err(error) = api.call::<Value>("Controller", "DestroyController", params).await {
        context.info(format!("Unable to destroy controller through the API: {error}\nDestroying through provider"));
        return Told::Nothing;
    }
    context.info(format!("Destroying controller {name:?}\nWaiting for resources to be reclaimed"));
    let start = tokio::time::Instant::now();
    let until = context.deadline(timeout);
    let mut first = true;
    loop {
        let now = match Remaining::ask(api).await {
            Ok(now) => now,
            Err(error) => {
                context.info(format!("Unable to get the controller summary from the API: {error}."));
                break;
            }
        };
        if !now.is_busy() {
            context.info("All models reclaimed, cleaning up controller machines");
            return Told::ToEnd;
        }
        // What there is to wait for is told once, however late the answer comes.
        if tokio::time::Instant::now() >= until && (!first || timeout.is_zero()) {
            break;
        }
        let left = timeout.saturating_sub(start.elapsed()).as_secs();
        let suffix = match first {
            true => String::new(),
            false => format!(", will kill machines directly in {}", go_duration(left)),
        };
        context.info(format!("{}{suffix}", now.summary()));
        if context.verbose() {
            context.info(now.model_lines().trim_end_matches('\n'));
        }
        first = false;
        context.sleep(PAUSE).await;
    }
    kill_directly(context, api).await;
    context.info("All models destroyed, cleaning up controller machines");
    // Of its models some are left, and it waits for them.
    Told::Nothing
}

/// The controller goes with all its machines in `take_away`; here their models are named.
async fn kill_directly(context: &mut Context, api: &Api) {
    let reply: Result<Value> = api.call("Controller", "HostedModelConfigs", json!({})).await;
    let models = reply.ok().and_then(|r| r.get("models").and_then(Value::as_array).cloned()).unwrap_or_default();
    for model in models {
        let text = |key: &str| model.get(key).and_then(Value::as_str).unwrap_or("");
        let owner = text("owner");
        let name = format!("{}/{}", owner.strip_prefix("user-").unwrap_or(owner), text("name"));
        context.info(format!("Killing {name} directly"));
        context.info("  done");
    }
}

/// Seconds as Go prints a duration.
fn go_duration(seconds: u64) -> String {
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (h, m) {
        (0, 0) => format!("{s}s"),
        (0, _) => format!("{m}m{s}s"),
        _ => format!("{h}h{m}m{s}s"),
    }
}
