//! `complete`: called by the completion scripts at every tab. Hidden.
//!
//! The surprise: it never fails, never asks for anything and writes nothing, not even what a login teaches: a tab that
//! cannot be answered within a second is answered with what this client knows by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::command::Command;
use crate::completion::{self, Noun, Slot};
use crate::context::Context;
use crate::error::Result;
use crate::flags::Flag;
use crate::{alias, select};

mod live;

pub const COMMAND: Command = Command {
    name: "complete",
    args: "-- <word> ...",
    purpose: "Print what the last word of a command line may become.",
    flags: &[
        Flag::text(&["line"], "The line up to the cursor, as the shell has it, instead of its words"),
        Flag::text(&["breaks"], "Where the shell cuts words beside blanks"),
    ],
    flags_among: false,
    hidden: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

/// For all of it: whoever pressed the key is waiting.
const PATIENCE: Duration = Duration::from_millis(900);

async fn run(context: &mut Context) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    let line = context.args.text("line").map(completion::split);
    let words = line.map_or_else(|| context.args.positional().to_vec(), |words| words.into_iter().skip(1).collect());
    let words = alias::expand(&context.io.data_dir(), words);
    let slot = completion::slot(&words);
    let mut found = completion::fitting(&slot, names(context, &slot, until).await);
    if let Some(breaks) = context.args.text("breaks") {
        let kept = completion::after_break(&slot.typed, breaks);
        found = found.into_iter().filter_map(|word| word.get(kept..).map(str::to_owned)).collect();
    }
    if slot.nouns.contains(&Noun::File) {
        found.push(completion::FILES.to_owned());
    }
    context.out(found.into_iter().map(|c| c + "\n").collect::<String>())
}

/// All names of what may stand in the slot.
async fn names(context: &Context, slot: &Slot, until: Instant) -> Vec<String> {
    let wants = |noun: Noun| slot.nouns.contains(&noun);
    if slot.nouns.iter().all(|noun| *noun == Noun::File) {
        return Vec::new();
    }
    // Whoever holds the store's lock for long must not hold up the prompt; once it was read, reading it again is quick.
    let store = context.store.clone();
    let reading = tokio::task::spawn_blocking(move || store.controllers());
    let Ok(Ok(Ok(known))) = tokio::time::timeout_at(until, reading).await else { return Vec::new() };
    let mut names = Vec::new();
    if wants(Noun::Controller) {
        names.extend(known.controllers.keys().cloned());
    }
    if wants(Noun::Cloud) {
        let clouds = super::super::cloud::known::of_client(context).unwrap_or_default();
        names.extend(clouds.into_iter().map(|cloud| cloud.name));
    }
    if wants(Noun::Credential) {
        let of_cloud = |cloud: &str| slot.cloud.as_deref().is_none_or(|named| named == cloud);
        let known = context.store.credentials().unwrap_or_default().credentials;
        names.extend(known.into_iter().filter(|(cloud, _)| of_cloud(cloud)).flat_map(|(_, one)| one.named.into_keys()));
    }
    if wants(Noun::Base)
        && let Some(operator) = &context.injected.operator
        && let Ok(Ok(bases)) = tokio::time::timeout_at(until, operator.bases()).await
    {
        names.extend(bases.into_iter().map(|base| base.name));
    }
    let controller = slot.controller.clone().filter(|name| !name.is_empty());
    let controller = controller.or_else(|| select::current_controller(&known, &context.io));
    let learned = match &controller {
        Some(controller) => live::look(context, slot, controller, until).await,
        None => BTreeMap::new(),
    };
    for noun in &slot.nouns {
        match learned.get(noun) {
            Some(some) => names.extend(some.iter().cloned()),
            None if *noun == Noun::Model => names.extend(remembered(context, controller.as_deref())),
            None => {}
        }
    }
    // A model of another controller is named with it.
    if wants(Noun::Model) && !wants(Noun::Controller) && slot.suffix.is_empty() && !slot.kept.ends_with(':') {
        names.extend(known.controllers.keys().map(|name| format!("{name}:")));
    }
    names
}

/// The models that the client store has of a controller.
fn remembered(context: &Context, controller: Option<&str>) -> Vec<String> {
    let all = context.store.models().unwrap_or_default();
    let Some(controller) = controller else { return Vec::new() };
    let user = context.user(controller).unwrap_or_default();
    let entry = all.controllers.get(controller);
    entry.map(|entry| entry.models.keys().map(|name| select::shown(name, &user)).collect()).unwrap_or_default()
}
