//! Bases that machines of this host may have, looked at and changed where they lie: the builtin cloud's directory.
//! A controller that runs here sees each change by itself, since it looks at that directory whenever it starts a machine.

use super::failed;
use crate::bootstrap;
use crate::layout::Layout;
use crate::world;
use cli::bootstrap::{BootstrapError, Progress};
use cli::operating::{AddBaseParams, HostBase};
use clouds::builtin::{Base, Builtin};

/// The cloud, for root alone: images are closed to everybody else.
fn cloud() -> Result<Builtin, BootstrapError> {
    match rustix::process::geteuid().is_root() {
        true => Ok(world::builtin(&Layout::new(""), None)),
        false => Err(failed("root is needed to look after the bases of this host")),
    }
}

fn told(error: cloud::Error) -> BootstrapError {
    failed(error.to_string())
}

fn shown(base: Base) -> HostBase {
    HostBase {
        name: base.name,
        source: base.source,
        detail: base.detail,
        is_ready: base.is_ready,
        is_default: base.is_default,
        is_added: base.is_added,
        files: base.files,
        bytes: base.bytes,
        machines: base.instances,
    }
}

pub async fn list() -> Result<Vec<HostBase>, BootstrapError> {
    let bases = cloud()?.list_bases().await.map_err(told)?;
    Ok(bases.into_iter().map(shown).collect())
}

pub async fn add(params: &AddBaseParams, progress: Progress<'_>) -> Result<HostBase, BootstrapError> {
    let cloud = cloud()?;
    // The work is done by a thread that may wait; its words come back here.
    let (say, mut words) = tokio::sync::mpsc::unbounded_channel::<String>();
    let hears = move |word: &str| {
        // Nobody listens any more when the command was interrupted.
        let _ = say.send(word.to_owned());
    };
    let (archive, mirror) = (params.archive.clone(), params.mirror.clone());
    let mut adding = cloud.add_base(&params.name, archive, mirror, params.unlike, hears);
    let outcome = loop {
        tokio::select! {
            biased;
            Some(word) = words.recv() => progress(&word),
            outcome = &mut adding => break outcome,
        }
    };
    while let Ok(word) = words.try_recv() {
        progress(&word);
    }
    outcome.map(shown).map_err(told)
}

pub async fn remove(name: &str) -> Result<(), BootstrapError> {
    cloud()?.remove_base(name).await.map_err(told)?;
    bootstrap::remove_unused(&Layout::new(""));
    Ok(())
}
