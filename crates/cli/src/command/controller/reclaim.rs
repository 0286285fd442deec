//! What is left of a controller's models while it goes away, in words; shared by destroying and killing.

use std::sync::Arc;

use crate::Injected;
use crate::bootstrap::{BUILTIN, Bootstrapper, KillParams};
use crate::command::cloud::account;
use crate::command::controller::refresh::{self, ModelView};
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::manual::controller::{Elsewhere, is_ours};

/// All models of a controller at one moment.
pub struct Remaining {
    pub models: Vec<ModelView>,
}

/// `1 model`, `2 models`; `0` takes the singular, as the original has it.
pub fn counted(n: i64, word: &str) -> String {
    if n > 1 { format!("{n} {word}s") } else { format!("{n} {word}") }
}

impl Remaining {
    pub async fn ask(api: &Api) -> Result<Remaining> {
        let models = refresh::all_models(api).await?;
        let models = refresh::statuses(api, "Controller", &models).await?;
        Ok(Remaining { models })
    }

    /// The models of users.
    pub fn hosted(&self) -> impl Iterator<Item = &ModelView> {
        self.models.iter().filter(|m| !m.is_controller)
    }

    /// Storage that can outlive its machine: volumes, filesystems, models that have some.
    pub fn persistent(&self) -> (i64, i64, i64) {
        let each: Vec<(usize, usize)> = self.models.iter().map(ModelView::persistent).collect();
        let with = each.iter().filter(|(v, f)| v + f > 0).count();
        (each.iter().map(|e| e.0 as i64).sum(), each.iter().map(|e| e.1 as i64).sum(), with as i64)
    }

    /// Whether something must still go before the controller may: its own applications may stay.
    pub fn is_busy(&self) -> bool {
        self.hosted().next().is_some() || self.models.iter().any(|m| m.is_controller && m.hosted_machines > 0)
    }

    /// `Waiting for 2 models, 2 machines, 3 applications`.
    pub fn summary(&self) -> String {
        let sum = |f: fn(&ModelView) -> i64| self.models.iter().map(f).sum::<i64>();
        let mut text = format!("Waiting for {}", counted(self.hosted().count() as i64, "model"));
        for (n, word) in [
            (sum(|m| m.hosted_machines), "machine"),
            (sum(|m| m.applications), "application"),
            (sum(|m| m.volumes.len() as i64), "volume"),
            (sum(|m| m.filesystems.len() as i64), "filesystem"),
        ] {
            if n > 0 {
                text.push_str(&format!(", {}", counted(n, word)));
            }
        }
        text
    }

    /// One line for each model of a user.
    pub fn model_lines(&self) -> String {
        self.hosted().map(|m| format!("\t{}\n", line(m))).collect()
    }

    /// What the user is told would go.
    pub fn warning(&self, release: bool) -> String {
        let hosted: Vec<&ModelView> = self.hosted().collect();
        if hosted.is_empty() {
            return String::new();
        }
        let sum = |f: fn(&ModelView) -> i64| hosted.iter().map(|m| f(m)).sum::<i64>();
        let quoted = |names: Vec<String>| names.iter().map(|n| format!("{n:?}")).collect::<Vec<_>>().join(" ");
        let mut text = format!(" - {} will be destroyed\n", counted(hosted.len() as i64, "model"));
        let names = hosted.iter().map(|m| format!("{} ({})", m.name, m.life)).collect();
        text.push_str(&format!("  - model list: {}\n", quoted(names)));
        let machines = sum(|m| m.hosted_machines);
        if machines > 0 {
            text.push_str(&format!(" - {} will be destroyed\n", counted(machines, "machine")));
        }
        let applications = sum(|m| m.applications);
        text.push_str(&format!(" - {} will be removed\n", counted(applications, "application")));
        if applications > 0 {
            let names = hosted.iter().flat_map(|m| m.application_names.clone()).collect();
            text.push_str(&format!("  - application list: {}\n", quoted(names)));
        }
        text.push_str(&storage_line(sum(|m| m.filesystems.len() as i64), sum(|m| m.volumes.len() as i64), release));
        text
    }
}

/// ` - 1 filesystem and 2 volumes will be released`.
pub fn storage_line(filesystems: i64, volumes: i64, release: bool) -> String {
    let fate = if release { "released" } else { "destroyed" };
    format!(" - {} and {} will be {fate}\n", counted(filesystems, "filesystem"), counted(volumes, "volume"))
}

fn line(model: &ModelView) -> String {
    let mut text = format!("{} ({})", model.name, model.life);
    for (n, word) in [
        (model.hosted_machines, "machine"),
        (model.applications, "application"),
        (model.volumes.len() as i64, "volume"),
        (model.filesystems.len() as i64, "filesystem"),
    ] {
        if n > 0 {
            text.push_str(&format!(", {}", counted(n, word)));
        }
    }
    text
}

/// Which controller is meant, by the client's own notes.
pub fn params(context: &Context, name: &str) -> Result<KillParams> {
    let entry = context.store.controllers()?.controllers.get(name).cloned().unwrap_or_default();
    let is_ours = is_ours(entry.agent_version.as_deref().unwrap_or_default());
    let noted = context.store.bootstrap_configs()?.controllers.get(name).cloned();
    let account = match noted.filter(|_| is_ours) {
        Some(noted) => account::noted(context, &noted)?,
        None => None,
    };
    let cloud_type = entry.cloud_type.unwrap_or_default();
    Ok(KillParams { controller_name: name.to_owned(), uuid: entry.uuid, cloud_type, account })
}

/// Who can end a controller beneath its API: on this host, in its cloud, or on a host that is reached by ssh.
pub enum Beneath {
    Here(Arc<Injected>),
    Elsewhere(Box<Elsewhere>),
}

impl Beneath {
    /// None for a controller that others keep.
    pub async fn find(context: &Context, name: &str) -> Result<Option<Beneath>> {
        let params = params(context, name)?;
        let is_here = params.cloud_type == BUILTIN || params.account.is_some();
        if is_here && context.injected.bootstrapper.is_some() {
            return Ok(Some(Beneath::Here(context.injected.clone())));
        }
        let elsewhere = Elsewhere::of_controller(context, name).await?;
        Ok(elsewhere.map(|elsewhere| Beneath::Elsewhere(Box::new(elsewhere))))
    }

    /// It was told over its API to end, and does it by itself.
    fn destroyed(self) -> Beneath {
        match self {
            Beneath::Elsewhere(elsewhere) => Beneath::Elsewhere(Box::new(elsewhere.destroyed())),
            here => here,
        }
    }

    pub fn bootstrapper(&self) -> Option<&dyn Bootstrapper> {
        match self {
            Beneath::Here(injected) => injected.bootstrapper.as_deref(),
            Beneath::Elsewhere(elsewhere) => Some(elsewhere.as_ref()),
        }
    }
}

/// Whether the controller itself has been told to end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Told {
    ToEnd,
    Nothing,
}

/// The end of a controller, which Ctrl-C does not undo: who presses it is told what goes on, and how to see it through.
pub async fn unless_interrupted(
    context: &mut Context,
    name: &str,
    work: impl AsyncFnOnce(&mut Context) -> Result<()>,
) -> Result<()> {
    let interrupted = context.interrupted();
    tokio::select! {
        biased;
        ended = work(context) => ended,
        () = interrupted => Err(Error::failed(format!(
            "interrupted: what controller {name:?} began to remove it goes on removing; to see it through:\n\n    juju kill-controller {name}"
        ))
        .with_exit(130)),
    }
}

/// Takes away what lies on the controller's host, where that can be reached from here, and forgets the controller.
pub async fn take_away(context: &mut Context, name: &str, told: Told) -> Result<()> {
    let mut beneath = Beneath::find(context, name).await?;
    if told == Told::ToEnd {
        beneath = beneath.map(Beneath::destroyed);
    }
    if let Some(bootstrapper) = beneath.as_ref().and_then(Beneath::bootstrapper) {
        match (bootstrapper.kill(&params(context, name)?, &|_| {}).await, &beneath) {
            (Ok(()), _) => {}
            (Err(error), Some(Beneath::Elsewhere(elsewhere))) if told == Told::ToEnd => context.warn(format!(
                "the controller takes itself off {}, which could not be looked at: {}",
                elsewhere.destination(),
                Error::from(error)
            )),
            (Err(error), _) => return Err(error.into()),
        }
    }
    context.store.remove_controller(name)?;
    Ok(())
}
