//! The tasks of one operation, waited for together: in silence, or showing what they write.
//!
//! Must not know how results are printed. The surprise: a wait that Ctrl-C broke off begins again once the tasks were cancelled, so
//! waiting must lose nothing when it is dropped.

use std::time::Duration;

use wire::facade::action::ActionResult;

use super::follow::Follow;
use super::{interrupt, result, wait};
use crate::context::{Api, Context};
use crate::error::Result;
use crate::output::colour::{Ink, Paint};

/// How long cancelled tasks are waited for: an agent ends them politely first.
const MERCY: Duration = Duration::from_secs(30);

pub(super) struct Batch {
    /// Its number.
    pub operation: String,
    pub tasks: Vec<ActionResult>,
}

/// What is seen of the tasks meanwhile.
pub(super) enum Way {
    /// Nothing but, with `--verbose`, what is waited for.
    Wait,
    Follow(Follow),
}

pub(super) struct Ended {
    pub results: Vec<ActionResult>,
    /// By the user, who sat there waiting.
    pub cancelled: bool,
}

pub(super) fn receiver(task: &ActionResult) -> &str {
    task.action.as_ref().map(|a| a.receiver.as_str()).unwrap_or_default()
}

/// Colours of what is told while tasks run: asked for by flag alone.
pub(super) fn told_in(context: &Context) -> Paint {
    Paint(context.args.is_set("color") && !context.args.is_set("no-color"))
}

impl Batch {
    /// Waits until all have ended, at most for `patience`; Ctrl-C asks whether they are to be cancelled.
    pub(super) async fn attend(
        &self,
        context: &mut Context,
        api: &Api,
        patience: Option<Duration>,
        mut way: Way,
    ) -> Result<Ended> {
        self.announce(context);
        let mut deadline = patience.map(|time| tokio::time::Instant::now() + time);
        let mut cancelled = false;
        loop {
            let stopped = context.interrupted();
            let ended = tokio::select! {
                biased;
                () = stopped => None,
                ended = self.wait(context, api, &mut way, deadline) => Some(ended?),
            };
            match ended {
                Some(results) => return Ok(Ended { results, cancelled }),
                // Whoever asks twice wants to get away.
                None if cancelled => return Err(interrupt::left(self)),
                None => interrupt::ask(context, api, self).await?,
            }
            cancelled = true;
            deadline = Some(tokio::time::Instant::now() + MERCY);
        }
    }

    async fn wait(
        &self,
        context: &mut Context,
        api: &Api,
        way: &mut Way,
        deadline: wait::Deadline,
    ) -> Result<Vec<ActionResult>> {
        match way {
            Way::Follow(follow) => follow.until_the_end(context, api, deadline).await,
            Way::Wait => self.poll(context, api, deadline).await,
        }
    }

    fn announce(&self, context: &mut Context) {
        if !context.verbose() {
            return;
        }
        let paint = told_in(context);
        let many = if self.tasks.len() == 1 { "task" } else { "tasks" };
        let count = paint.ink(Ink::Number, &self.tasks.len().to_string());
        context.info(format!("Running operation {} with {count} {many}", paint.ink(Ink::Address, &self.operation)));
        for task in &self.tasks {
            let (id, on) = (paint.ink(Ink::Address, &result::id(task)), paint.ink(Ink::Header, receiver(task)));
            context.info(format!("  - task {id} on {on}"));
        }
        context.info("");
    }

    async fn poll(&self, context: &mut Context, api: &Api, deadline: wait::Deadline) -> Result<Vec<ActionResult>> {
        let paint = told_in(context);
        let verbose = context.verbose();
        let tag = |task: &ActionResult| task.action.as_ref().map(|a| a.tag.clone()).unwrap_or_default();
        let mut progress = match self.tasks.as_slice() {
            [one] => Some(wait::Progress::start(context, api, &tag(one)).await?),
            _ => None,
        };
        let mut results = Vec::new();
        for task in &self.tasks {
            if verbose {
                context.info(format!("Waiting for task {}...", paint.ink(Ink::Address, &result::id(task))));
            }
            match wait::until_final(context, api, &tag(task), progress.as_mut(), deadline).await? {
                Some(result) => results.push(result),
                None => break,
            }
        }
        let logged = match progress {
            Some(progress) => progress.stop(context, api).await,
            None => false,
        };
        if results.len() < self.tasks.len() {
            return wait::timed_out(self.tasks[results.len()..].iter().map(receiver));
        }
        if verbose && logged {
            context.info("");
        }
        Ok(results)
    }
}
