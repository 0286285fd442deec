//! `destroy-controller`: ends a controller with all its models, waiting until they are gone.
//!
//! ```text
//! look -> refuse (live models, storage)
//!   |  -> ask the user -> DestroyController -> wait for models -> take the controller away -> forget it
//! ```

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::command::controller::reclaim::{self, Remaining, counted};
use crate::command::{Command, block};
use crate::completion::Noun;
use crate::context::{Api, Context};
use crate::error::{Error, Kind, Result};
use crate::flags::Flag;
use crate::select;

pub const COMMAND: Command = Command {
    name: "destroy-controller",
    args: "<controller name>",
    arguments: &[&[Noun::Controller]],
    purpose: "Destroys a controller.",
    doc: "All workload models running on the controller will first need to be destroyed,\n\
          either in advance, or by specifying '--destroy-all-models'.\n\
          If there is persistent storage in any of the models, one of '--destroy-storage'\n\
          and '--release-storage' must be given.",
    examples: "\n    juju destroy-controller --destroy-all-models mycontroller\n    \
               juju destroy-controller --no-prompt mycontroller",
    see_also: &["enable-destroy-controller", "kill-controller", "unregister"],
    flags: &[
        Flag::bool(&["B", "no-browser-login"], "Do not use web browser for authentication"),
        Flag::bool(&["destroy-all-models"], "Destroy all models in the controller"),
        Flag::bool(&["destroy-storage"], "Destroy all storage instances in all models"),
        Flag::bool(&["force"], "Force destroy models ignoring any errors"),
        Flag::duration(&["model-timeout"], "-1s", "Timeout for each step of force model destruction"),
        Flag::bool(&["no-prompt"], "Do not ask for confirmation"),
        Flag::bool(&["no-wait"], "Rush through model destruction without waiting for each step to complete"),
        Flag::bool(&["release-storage"], "Release all storage instances from management, without destroying them"),
    ],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let args = &context.args;
    if args.is_set("destroy-storage") && args.is_set("release-storage") {
        return Err(Error::usage("--destroy-storage and --release-storage cannot both be specified"));
    }
    if args.given("model-timeout") && !args.is_set("force") {
        return Err(Error::usage("--model-timeout can only be used with --force (dangerous)"));
    }
    if args.duration_nanos("model-timeout").is_some_and(|nanos| nanos < 0) {
        return Err(Error::usage("--model-timeout must be zero or greater"));
    }
    let Some(name) = args.get(0).map(str::to_owned) else {
        return Err(Error::usage("no controller specified"));
    };
    args.at_most(1)?;
    if !context.store.controllers()?.controllers.contains_key(&name) {
        return Err(select::controller_not_found(&name));
    }
    let api = context.controller_api_of(&name).await?;
    context.warn(format!("This command will destroy the {name:?} controller and all its resources"));
    let before = Remaining::ask(&api).await?;
    check(context, &name, &before)?;
    if !context.args.is_set("no-prompt") {
        let warning = before.warning(context.args.is_set("release-storage"));
        context.note(format!("\n{warning}"));
        context.confirm_name("controller", &name, "controller destruction")?;
    }
    if context.args.is_set("no-wait") && !context.args.is_set("force") {
        return Err(Error::failed("--no-wait without --force not valid"));
    }
    reclaim::unless_interrupted(context, &name, async |context| {
        context.info("Destroying controller");
        let params = params(context);
        if let Err(error) = api.call::<Value>("Controller", "DestroyController", Value::Object(params)).await {
            return Err(explain(context, &api, &name, error).await);
        }
        context.info("Waiting for model resources to be reclaimed");
        wait(context, &api).await;
        context.info("All models reclaimed, cleaning up controller machines");
        reclaim::take_away(context, &name, reclaim::Told::ToEnd).await
    })
    .await
}

/// What is refused before the user is asked and before the controller is told.
fn check(context: &Context, name: &str, before: &Remaining) -> Result<()> {
    if before.hosted().next().is_some() && !context.args.is_set("destroy-all-models") {
        return Err(Error::failed(format!(
            "cannot destroy controller {name:?}\n\n\
             The controller has live models. If you want\n\
             to destroy all models in the controller,\n\
             run this command again with the --destroy-all-models\n\
             option.\n\n\
             Models:\n{}",
            before.model_lines()
        )));
    }
    let (volumes, filesystems, models) = before.persistent();
    let decided = context.args.is_set("destroy-storage") || context.args.is_set("release-storage");
    if volumes + filesystems == 0 || decided {
        return Ok(());
    }
    let parts: Vec<String> = [(volumes, "volume"), (filesystems, "filesystem")]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| counted(n, word))
        .collect();
    let across = if models == 1 { "in 1 model".to_owned() } else { format!("across {models} models") };
    Err(Error::failed(format!(
        "cannot destroy controller {name:?}\n\n\
         The controller has persistent storage remaining:\n\
         \t{} {across}\n\n\
         To destroy the storage, run the destroy-controller\n\
         command again with the \"--destroy-storage\" option.\n\n\
         To release the storage from Juju's management\n\
         without destroying it, use the \"--release-storage\"\n\
         option instead. The storage can then be imported\n\
         into another Juju model.\n\n",
        parts.join(" and ")
    )))
}

fn params(context: &Context) -> Map<String, Value> {
    let args = &context.args;
    let mut params = Map::new();
    params.insert("destroy-models".to_owned(), json!(args.is_set("destroy-all-models")));
    if args.is_set("destroy-storage") || args.is_set("release-storage") {
        params.insert("destroy-storage".to_owned(), json!(args.is_set("destroy-storage")));
    }
    if args.is_set("force") {
        params.insert("force".to_owned(), json!(true));
    }
    if args.is_set("no-wait") {
        params.insert("max-wait".to_owned(), json!(0));
    }
    if let Some(nanos) = args.duration_nanos("model-timeout").and_then(|n| i64::try_from(n).ok()) {
        params.insert("model-timeout".to_owned(), json!(nanos));
    }
    params
}

/// The controller would not: says why, and what can be done.
async fn explain(context: &mut Context, api: &Api, name: &str, error: Error) -> Error {
    if error.code() != "operation is blocked" {
        context.log_error(format!(
            "failed to destroy controller {name:?}\n\n\
             If the controller is unusable, then you may run\n\n\
             \x20   juju kill-controller\n\n\
             to forcibly destroy the controller. Upon doing so, review\n\
             your cloud provider console for any resources that need\n\
             to be cleaned up.\n"
        ));
        // The original leaves the code out here.
        let message = error.message().strip_suffix(&format!(" ({})", error.code())).unwrap_or(error.message());
        return Error::failed(format!("cannot destroy controller: {message}"));
    }
    context.log_error(
        "there are models with disabled commands preventing controller destruction\n\n\
         To enable controller destruction, please run:\n\n\
         \x20   juju enable-destroy-controller\n",
    );
    match block::blocked(api).await {
        Ok(models) => {
            context.note_bytes(&block::table(&models));
            Error::silent(1)
        }
        Err(error) => error.context("Unable to list models"),
    }
}

/// Until nothing of users' is left, saying what is.
async fn wait(context: &mut Context, api: &Api) {
    let mut last = String::new();
    let mut pause = Duration::from_millis(50);
    loop {
        let now = match Remaining::ask(api).await {
            Ok(now) => now,
            // A controller that was told to end closes its connections when nothing is left, between two questions too.
            Err(error) if *error.kind() == Kind::Connection => return,
            Err(error) => {
                context.note(format!("Unable to get the controller summary from the API: {error}.\n"));
                return;
            }
        };
        if !now.is_busy() {
            return;
        }
        let summary = now.summary();
        if summary != last {
            context.info(&summary);
            if context.verbose() {
                context.info(now.model_lines().trim_end_matches('\n'));
            }
            last = summary;
        }
        context.sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}
