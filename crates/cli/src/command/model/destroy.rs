//! `destroy-model`: ends a model and waits, saying what is left, until it is gone.
//!
//! ```text
//! ModelStatus -> refuse (storage) -> ask the user -> DestroyModels -> poll: dots, changes -> gone
//!                                                                     Ctrl-C -> what is left, exit 1
//! ```
//! The surprise: the first line has no end until something else is printed, so that an error stands behind it, as in
//! the original.

use std::time::Duration;

use client::files::Models;
use serde_json::{Map, Value, json};

use crate::command::Command;
use crate::command::controller::reclaim::{counted, storage_line};
use crate::command::controller::refresh::{self, ModelView};
use crate::completion::Noun;
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output::table::Table;
use crate::select;

pub const COMMAND: Command = Command {
    name: "destroy-model",
    args: "[<controller name>:]<model name>",
    arguments: &[&[Noun::Model]],
    purpose: "Terminate all machines/containers and resources for a non-controller model.",
    doc: "Destroys the specified model. This results in the removal of all its machines,\n\
          and waits until they are gone. If the model has persistent storage, one of\n\
          '--destroy-storage' and '--release-storage' must be given.",
    examples: "\n    juju destroy-model --no-prompt mymodel\n    \
               juju destroy-model --no-prompt mymodel --release-storage\n    \
               juju destroy-model --no-prompt mymodel --force --no-wait",
    see_also: &["destroy-controller", "disable-command"],
    flags: &[
        Flag::bool(&["B", "no-browser-login"], "Do not use web browser for authentication"),
        Flag::bool(&["destroy-storage"], "Destroy all storage instances in the model"),
        Flag::bool(&["force"], "Force destroy model ignoring any errors"),
        Flag::bool(&["no-prompt"], "Do not ask for confirmation"),
        Flag::bool(&["no-wait"], "Rush through model destruction without waiting for each step to complete"),
        Flag::bool(&["release-storage"], "Release all storage instances from the model, without destroying them"),
        Flag::duration(&["t", "timeout"], "-1s", "Timeout for each step of force model destruction"),
    ],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let typed = check(context)?;
    let selected = select::model(&context.store, &context.io, Some(&typed))?;
    let (name, uuid) = context.find_model(&selected).await?;
    let api = context.controller_api_of(&selected.controller).await?;
    let model = (name.clone(), uuid.clone());
    let before = match status(&api, &model).await {
        Ok(Some(view)) => view,
        Ok(None) => return Err(Error::failed("getting model status: model not found")),
        Err(error) => return Err(error.context("getting model status")),
    };
    let short = select::shown(&name, &api.user);
    refuse_storage(context, &short, &before)?;
    if !context.args.is_set("no-prompt") {
        context.warn(format!(
            "This command will destroy the {short:?} model and affect the following resources. It cannot be stopped."
        ));
        let text = warning(&before, context.args.is_set("release-storage"));
        context.note(format!("\n{text}"));
        context.confirm_name("model", &short, "model destruction")?;
    }
    let mut interrupted = std::pin::pin!(context.interrupted());
    context.note("Destroying model");
    let params = json!({"models": [params(context, &uuid)]});
    let outcome = tokio::select! {
        biased;
        said = api.call_one("ModelManager", "DestroyModels", params) => said,
        () = &mut interrupted => return still_running(context, &before),
    };
    if let Err(error) = outcome {
        if error.code() != "operation is blocked" {
            context.log_error(format!("failed to destroy model {short:?}"));
        }
        return Err(error.context("cannot destroy model").explain_block("destroy-model"));
    }
    let mut left = before;
    tokio::select! {
        () = wait(context, &api, &model, &mut left) => {}
        () = &mut interrupted => return still_running(context, &left),
    }
    context.store.update(|all: &mut Models| {
        if let Some(entry) = all.controllers.get_mut(&selected.controller) {
            entry.forget(&name);
        }
        Ok::<_, Error>(())
    })
}

/// The flags' and arguments' own sense; gives the model as typed.
fn check(context: &Context) -> Result<String> {
    let args = &context.args;
    if args.is_set("destroy-storage") && args.is_set("release-storage") {
        return Err(Error::usage("--destroy-storage and --release-storage cannot both be specified"));
    }
    if args.given("t") && !args.is_set("force") {
        return Err(Error::usage("--timeout can only be used with --force (dangerous)"));
    }
    if args.duration_nanos("t").is_some_and(|nanos| nanos < 0) {
        return Err(Error::usage("--timeout must be zero or greater"));
    }
    let Some(typed) = args.get(0) else { return Err(Error::usage("no model specified")) };
    args.at_most(1)?;
    if args.is_set("no-wait") && !args.is_set("force") {
        return Err(Error::failed("--no-wait without --force not valid"));
    }
    Ok(typed.to_owned())
}

/// The model's status; none when it is gone.
async fn status(api: &Api, model: &(String, String)) -> Result<Option<ModelView>> {
    let models = [model.clone()];
    Ok(refresh::statuses(api, "ModelManager", &models).await?.into_iter().next())
}

fn refuse_storage(context: &Context, short: &str, view: &ModelView) -> Result<()> {
    let (volumes, filesystems) = view.persistent();
    let decided = context.args.is_set("destroy-storage") || context.args.is_set("release-storage");
    if volumes + filesystems == 0 || decided {
        return Ok(());
    }
    let mut text = format!("cannot destroy model {short:?}\n\nThe model has persistent storage remaining:\n");
    for (n, word) in [(volumes, "volume(s)"), (filesystems, "filesystem(s)")] {
        if n > 0 {
            text.push_str(&format!("    {n} {word}\n"));
        }
    }
    text.push_str(
        "\nTo destroy the storage, run the destroy-model\n\
         command again with the \"--destroy-storage\" option.\n\n\
         To release the storage from Juju's management\n\
         without destroying it, use the \"--release-storage\"\n\
         option instead. The storage can then be imported\n\
         into another Juju model.\n\n",
    );
    Err(Error::failed(text))
}

fn params(context: &Context, uuid: &str) -> Value {
    let args = &context.args;
    let mut params = Map::new();
    params.insert("model-tag".to_owned(), json!(format!("model-{uuid}")));
    if args.is_set("destroy-storage") || args.is_set("release-storage") {
        params.insert("destroy-storage".to_owned(), json!(args.is_set("destroy-storage")));
    }
    if args.is_set("force") {
        params.insert("force".to_owned(), json!(true));
    }
    if args.is_set("no-wait") {
        params.insert("max-wait".to_owned(), json!(0));
    }
    if let Some(nanos) = args.duration_nanos("t").and_then(|n| i64::try_from(n).ok()) {
        params.insert("timeout".to_owned(), json!(nanos));
    }
    Value::Object(params)
}

fn warning(view: &ModelView, release: bool) -> String {
    let text_of = |m: &Value, key: &str| m.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    let mut text = String::new();
    if view.hosted_machines > 0 {
        text.push_str(&format!(" - {} will be destroyed\n", counted(view.hosted_machines, "machine")));
        let names: Vec<String> = view
            .machines
            .iter()
            .map(|m| format!("{:?}", format!("{} ({})", text_of(m, "id"), text_of(m, "instance-id"))))
            .collect();
        text.push_str(&format!("  - machine list: {}\n", names.join(" ")));
    }
    text.push_str(&format!(" - {} will be removed\n", counted(view.applications, "application")));
    if !view.application_names.is_empty() {
        let names: Vec<String> = view.application_names.iter().map(|n| format!("{n:?}")).collect();
        text.push_str(&format!("  - application list: {}\n", names.join(" ")));
    }
    text.push_str(&storage_line(view.filesystems.len() as i64, view.volumes.len() as i64, release));
    text
}

/// `2 machine(s), 1 application(s)`, the parts that are not zero.
fn parts(view: &ModelView) -> Vec<String> {
    [
        (view.hosted_machines, "machine(s)"),
        (view.applications, "application(s)"),
        (view.volumes.len() as i64, "volume(s)"),
        (view.filesystems.len() as i64, "filesystems(s)"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, word)| format!("{n} {word}"))
    .collect()
}

/// What is in error: (kind, id, message).
fn errors(view: &ModelView) -> Vec<(&'static str, String, String)> {
    let mut found = Vec::new();
    for (kind, list) in [("Machine", &view.machines), ("Volume", &view.volumes), ("Filesystem", &view.filesystems)] {
        for item in list {
            let text = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
            if text("status") == "error" {
                found.push((kind, text("id"), text("message")));
            }
        }
    }
    found
}

/// Until the model is not found, or cannot be asked for any more. `left` is always the last known state.
async fn wait(context: &mut Context, api: &Api, model: &(String, String), left: &mut ModelView) {
    let mut shown = None;
    let mut pause = Duration::from_millis(10);
    let mut dots = 0;
    loop {
        context.sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
        let view = match status(api, model).await {
            Ok(Some(view)) => view,
            Ok(None) => {
                context.note("\nModel destroyed.\n");
                return;
            }
            Err(error) => {
                context.note(format!("Unable to get the model status from the API: {error}.\n"));
                return;
            }
        };
        let failed = errors(&view).len();
        let mut words = if failed > 0 { vec![format!("{failed} error(s)")] } else { Vec::new() };
        words.extend(parts(&view));
        let line = words.iter().map(|w| format!(", {w}")).collect::<String>();
        if shown.as_ref() == Some(&line) {
            dots += 1;
            context.note(if dots % 80 == 0 { ".\n" } else { "." });
        } else {
            dots = 0;
            context.note(format!("\nWaiting for model to be removed{line}..."));
            shown = Some(line);
        }
        *left = view;
    }
}

/// The user pressed Ctrl-C: the model goes on going.
fn still_running(context: &mut Context, left: &ModelView) -> Result<()> {
    context.note("\n\ndestroy model is still running in the background...\n");
    let failed = errors(left);
    if !failed.is_empty() {
        let mut table = Table::new();
        table.row(&["Resource", "ID", "Message"]);
        let mut last = "";
        for (kind, id, message) in &failed {
            table.row(&[if *kind == last { "" } else { kind }, id, message]);
            last = kind;
        }
        context.out(
            "\nThe following errors were encountered during destroying the model.\n\
             You can fix the problem causing the errors and run destroy-model again.\n\n",
        )?;
        context.out_bytes(&table.finish())?;
    }
    let parts = parts(left);
    if !parts.is_empty() {
        context.note("The following resources have not yet been removed:\n");
        for part in parts {
            context.note(format!(" - {part}\n"));
        }
    }
    Err(Error::silent(1))
}
