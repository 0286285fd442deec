//! Controllers that a suite left running, after it was killed in the middle: found by the client stores in its folder, and killed.
//! The surprise: a suite that ends by itself has removed its own, so that finding none here is the rule.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Client stores lie no deeper below a suite's folder.
const DEPTH: usize = 4;

/// Kills what is left; gives the names of those controllers.
pub fn remove(binary: &Path, folder: &Path) -> Vec<String> {
    let mut stores = Vec::new();
    find(folder, DEPTH, &mut stores);
    let mut left = Vec::new();
    for store in stores {
        for name in named(binary, &store) {
            let _ = command(binary, &store)
                .args(["kill-controller", &name, "--no-prompt", "--timeout", "0"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            left.push(name);
        }
    }
    left
}

fn command(binary: &Path, store: &Path) -> Command {
    let mut command = Command::new(binary);
    command.env("JUJU_DATA", store).stdin(Stdio::null());
    command
}

/// The folders with a client store.
fn find(folder: &Path, depth: usize, stores: &mut Vec<PathBuf>) {
    if folder.join("controllers.yaml").is_file() {
        stores.push(folder.to_owned());
    }
    let Some(depth) = depth.checked_sub(1) else { return };
    for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            find(&entry.path(), depth, stores);
        }
    }
}

fn named(binary: &Path, store: &Path) -> Vec<String> {
    let said = command(binary, store).args(["controllers", "--format", "json"]).stderr(Stdio::null()).output();
    let said = said.ok().and_then(|said| serde_json::from_slice::<serde_json::Value>(&said.stdout).ok());
    let controllers = said.as_ref().and_then(|said| said.get("controllers")?.as_object());
    controllers.map(|controllers| controllers.keys().cloned().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_a_store_names_is_killed() {
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let store = folder.path().join("client/data");
        let program = folder.path().join("grigri");
        let script = "#!/bin/sh\n[ $1 = controllers ] && echo '{\"controllers\":{\"left\":{}}}' && exit\necho \"$JUJU_DATA $*\" >> $0.said\n";
        fs::create_dir_all(&store).unwrap_or_else(|e| panic!("{e}"));
        fs::write(store.join("controllers.yaml"), "controllers: {}").unwrap_or_else(|e| panic!("{e}"));
        fs::write(&program, script).unwrap_or_else(|e| panic!("{e}"));
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(remove(&program, folder.path()), ["left"]);
        let said = fs::read_to_string(folder.path().join("grigri.said")).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(said, format!("{} kill-controller left --no-prompt --timeout 0\n", store.display()));
    }
}
