//! Everything of Grigri goes from this host: controllers, machines, images, units, links to the program.
//! It leaves the program and client stores. The surprise: what bears the key of another data directory's controller is left alone, since it may
//! well be alive there; such things go one by one, by name.

use super::{failed, layouts};
use crate::bootstrap::{self, GRACE};
use crate::layout::{self, Layout};
use crate::{daemon, world};
use cli::bootstrap::{BootstrapError, Progress};
use cli::operating::UninstallParams;
use container::network::orphan;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub async fn uninstall(params: &UninstallParams, progress: Progress<'_>) -> Result<(), BootstrapError> {
    if !rustix::process::geteuid().is_root() {
        return Err(failed("root is needed to take things off this host"));
    }
    if !params.leftovers.is_empty() {
        return leftovers(&params.leftovers, progress).await;
    }
    let root = layout::root();
    if root.components().count() < 3 {
        return Err(failed(format!("{} is no directory to be removed as a whole", root.display())));
    }
    let here = layouts().map_err(|error| failed(format!("cannot look into {}: {error}", root.display())))?;
    if !here.is_empty() && !params.force {
        return Err(failed("controllers are on this host"));
    }
    for layout in here {
        progress(&format!("Ending controller {}", layout.uuid));
        daemon::stop(&layout, GRACE).map_err(|error| failed(format!("cannot end the controller: {error}")))?;
        world::remove(&layout).await?;
        bootstrap::remove_directory(&layout)
            .map_err(|error| failed(format!("cannot remove its directory: {error}")))?;
    }
    for uuid in world::controllers() {
        progress(&format!("Removing what controller {uuid} left"));
        world::remove(&Layout::new(&uuid)).await?;
    }
    for unit in daemon::units(&root) {
        progress(&format!("Removing {}", unit.display()));
        daemon::remove_unit(&unit).map_err(|error| failed(format!("cannot remove {}: {error}", unit.display())))?;
    }
    if root.exists() {
        progress(&format!("Removing {}", root.display()));
        remove_root(&root).map_err(|error| failed(format!("cannot remove {}: {error}", root.display())))?;
    }
    let program = std::env::current_exe().map_err(|error| failed(format!("cannot find this program: {error}")))?;
    for link in links(&program, &params.path) {
        progress(&format!("Removing {}", link.display()));
        fs::remove_file(&link).map_err(|error| failed(format!("cannot remove {}: {error}", link.display())))?;
    }
    Ok(())
}

async fn leftovers(keys: &[String], progress: Progress<'_>) -> Result<(), BootstrapError> {
    let (traces, alive) = (orphan::traces(), super::examine::alive());
    for key in keys {
        let Some(found) = traces.get(key) else {
            return Err(failed(format!("nothing on this host bears the key {key:?}")));
        };
        if let Some(owner) = found.controller.as_ref().filter(|owner| alive.contains(*owner)) {
            return Err(failed(format!(
                "key {key} is of controller {owner}, which is there: end it with kill-controller"
            )));
        }
        progress(&format!("Removing what bears key {key}: {}", found.describe()));
        if let Some(owner) = found.controller.as_ref().filter(|owner| world::controllers().contains(*owner)) {
            world::remove(&Layout::new(owner)).await?;
        }
        // Most of it is gone already when the directory's records led to it.
        let (key, removed) = (key.clone(), orphan::remove);
        let done = tokio::task::spawn_blocking(move || removed(&key)).await;
        done.map_err(|error| failed(error.to_string()))?.map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            failed(format!("{error}{cause}"))
        })?;
    }
    Ok(())
}

/// Refuses while something is mounted below it: removing would reach into what is mounted.
fn remove_root(root: &Path) -> io::Result<()> {
    let real = root.canonicalize()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(4));
    if let Some(point) = points.map(Path::new).find(|point| point.starts_with(&real)) {
        return Err(io::Error::other(format!("{} is mounted", point.display())));
    }
    fs::remove_dir_all(root)
}

/// Links named `juju` that lead to `program`, beside it and in the directories of `path`.
fn links(program: &Path, path: &str) -> Vec<PathBuf> {
    let beside = program.parent().map(Path::to_owned);
    let directories = std::env::split_paths(path).chain(beside);
    let mut links: Vec<PathBuf> = directories
        .map(|directory| directory.join("juju"))
        .filter(|link| link.is_symlink() && link.canonicalize().is_ok_and(|to| to == program))
        .collect();
    links.sort();
    links.dedup();
    links
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_links_to_the_program_itself_go() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().canonicalize().expect("there").join(name);
        for name in ["bin", "other", "real"] {
            fs::create_dir(at(name)).expect("made");
        }
        fs::write(at("bin/grigri"), "").expect("written");
        fs::write(at("other/theirs"), "").expect("written");
        symlink("grigri", at("bin/juju")).expect("linked");
        symlink("theirs", at("other/juju")).expect("linked");
        fs::write(at("real/juju"), "the stock command").expect("written");
        let path = format!("{}:{}:{}", at("bin").display(), at("other").display(), at("real").display());
        assert_eq!(links(&at("bin/grigri"), &path), [at("bin/juju")]);
    }
}
