//! The recorded sessions of the original, played to this command line: what the daily commands print must not differ.
//!
//! Needs the folder of recordings (`GRIGRI_GOLDEN`, else `../shared/golden` beside the repository); without it the test
//! says so and passes. What differs on purpose stands in testkit's list of deviations.

use std::io::Write;
use std::path::PathBuf;

use testkit::replay::{Options, golden_folder, play};

/// Commands that are held to every recording of theirs.
const HELD: &[&str] = &[
    "status",
    "machines",
    "show-machine",
    "add-machine",
    "remove-machine",
    "retry-provisioning",
    "debug-log",
    "show-status-log",
    "exec",
    "show-task",
    "show-operation",
    "operations",
    "cancel-task",
    "wait-for",
    "ssh",
    "scp",
    "controllers",
    "show-controller",
    "switch",
    "whoami",
    "clouds",
    "models",
    "show-model",
    "dump-model",
    "add-model",
    "destroy-model",
    "version",
    "users",
    "show-user",
    "model-config",
    "model-defaults",
    "controller-config",
    "disable-command",
    "enable-command",
    "disabled-commands",
    "enable-destroy-controller",
    "destroy-controller",
    "kill-controller",
    "unregister",
    "model-constraints",
    "set-model-constraints",
    "constraints",
    "set-constraints",
    "show-cloud",
    "regions",
    "ssh-keys",
    "add-ssh-key",
    "remove-ssh-key",
    "upgrade-machine",
    "spaces",
    "show-space",
    "add-space",
    "rename-space",
    "move-to-space",
    "remove-space",
    "reload-spaces",
    "subnets",
    "storage",
    "show-storage",
    "storage-pools",
    "add-cloud",
    "update-cloud",
    "remove-cloud",
    "default-region",
    "set-default-region",
    "default-credential",
    "set-default-credential",
    "set-default-credentials",
    "credentials",
    "show-credential",
    "add-credential",
    "update-credential",
    "remove-credential",
    "set-credential",
    "add-user",
    "register",
    "login",
    "logout",
    "change-user-password",
    "disable-user",
    "enable-user",
    "remove-user",
    "grant",
    "revoke",
    "grant-cloud",
    "revoke-cloud",
];

#[tokio::test]
async fn daily_commands_print_what_the_original_prints() {
    let Some(folder) = golden_folder() else {
        let _ = writeln!(std::io::stderr(), "no recordings: set GRIGRI_GOLDEN to their folder to play them");
        return;
    };
    let mut options = Options::new(folder, command_line());
    options.commands = HELD.iter().map(|c| (*c).to_owned()).collect();
    let report = play(&options).await.expect("the recordings can be played");
    assert!(report.sum().passed > 0, "nothing was played");
    assert_eq!(report.sum().failed, 0, "{}", report.text(true));
}

/// The example that cargo builds beside this test.
fn command_line() -> PathBuf {
    let mut path = std::env::current_exe().expect("a test knows its own file");
    path.pop();
    path.pop();
    path.join("examples").join("juju")
}
