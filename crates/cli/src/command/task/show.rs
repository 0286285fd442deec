//! `show-task`: one task's result, now or when it is done.

use std::time::Duration;

use super::follow::{self, Follow};
use super::{outcome, result, wait};
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "show-task",
    args: "<task ID>",
    arguments: &[&[Noun::Task]],
    purpose: "Show results of a task by ID.",
    doc: "Shows what a task printed and returned. With --wait or --watch it waits for the task's end. With --follow, or with\n\
          --watch on a terminal, what the task writes is shown from its beginning and while it is written; how it ended is\n\
          told if that was not well.",
    examples: "\n    juju show-task 2\n    juju show-task 2 --wait=2m\n    juju show-task 2 --watch\n    juju show-task 2 --follow",
    see_also: &["cancel-task", "exec", "operations", "show-operation"],
    flags: &[
        Flag::bool(&["follow"], "Show what the task writes while it runs"),
        super::operations::UTC,
        super::operations::WAIT,
        super::operations::WATCH,
    ],
    formats: &["plain", "json", "yaml"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

/// How long to wait: not at all, for a time, for ever.
pub(super) enum Patience {
    None,
    For(Duration),
    Ever,
}

pub(super) fn patience(context: &Context) -> Result<Patience> {
    let wait = context.args.duration_nanos("wait");
    if context.args.is_set("watch") {
        if wait.is_some() {
            return Err(Error::usage("specify either --watch or --wait but not both"));
        }
        return Ok(Patience::Ever);
    }
    Ok(match wait {
        Some(nanos) if nanos >= 0 => Patience::For(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))),
        _ => Patience::None,
    })
}

async fn run(context: &mut Context) -> Result<()> {
    let patience = patience(context)?;
    let id = match context.args.get(0) {
        Some(id) => id.to_owned(),
        None => return Err(Error::usage("no task ID specified")),
    };
    id.parse::<base::TaskId>().map_err(|_| Error::usage(format!("task ID {id:?} not valid")))?;
    context.args.at_most(1)?;
    let follow = context.args.is_set("follow");
    if follow && context.format() != "plain" {
        return Err(Error::usage(format!("cannot specify both --follow and --format {}", context.format())));
    }
    let tag = format!("action-{id}");
    let api = context.model_api().await?;
    let live = context.format() == "plain" && context.io.stdout_is_terminal && follow::check(&api).is_ok();
    if follow || (matches!(patience, Patience::Ever) && live) {
        return run_live(context, &api, &tag, &patience).await;
    }
    let task = match patience {
        Patience::None => wait::fetch(&api, &tag).await?,
        Patience::For(_) | Patience::Ever => {
            let deadline = match patience {
                Patience::For(time) => Some(tokio::time::Instant::now() + time),
                _ => None,
            };
            let first = wait::fetch(&api, &tag).await?;
            if wait::is_final(&first.status) {
                first
            } else {
                let mut progress = wait::Progress::start(context, &api, &tag).await?;
                let found = wait::until_final(context, &api, &tag, Some(&mut progress), deadline).await;
                progress.stop(context, &api).await;
                let found = found?.ok_or_else(|| Error::failed("maximum wait time reached"))?;
                context.info("");
                found
            }
        }
    };
    if context.format() == "plain" {
        return context.result(result::plain(&task));
    }
    let zone = if context.args.is_set("utc") { jiff::tz::TimeZone::UTC } else { context.zone() };
    context.result_node(&result::object(&task, &zone))
}

/// Shows the output as it comes. Nothing is cancelled by Ctrl-C: the task is not this command's own.
async fn run_live(context: &mut Context, api: &Api, tag: &str, patience: &Patience) -> Result<()> {
    follow::check(api)?;
    let task = wait::fetch(api, tag).await?;
    let deadline = match patience {
        Patience::For(time) => Some(tokio::time::Instant::now() + *time),
        Patience::None | Patience::Ever => None,
    };
    let ended = Follow::new(std::slice::from_ref(&task)).until_the_end(context, api, deadline).await?;
    outcome::tell_of_cuts(context, &ended);
    for one in &ended {
        if let Some(words) = outcome::not_well(one) {
            context.info(format!("Task {} {words}", result::id(one)));
        }
    }
    Ok(())
}
