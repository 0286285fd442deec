//! The command line against a whole controller in this process: models, machines, keys and users, made, looked at and taken away.

#[path = "command_line/dump.rs"]
mod dump;
#[path = "command_line/goals.rs"]
mod goals;
#[path = "command_line/host.rs"]
mod host;
#[path = "command_line/reach.rs"]
mod reach;
#[path = "command_line/report.rs"]
mod report;
#[path = "command_line/settings.rs"]
mod settings;
#[path = "command_line/tasks.rs"]
mod tasks;

use std::collections::BTreeMap;
use std::time::Duration;

use base::status::AgentStatus;
use cli::io::Captured;
use cli::{Injected, Io};
use client::files::{Account, Accounts, Controller, Controllers, Store};
use testkit::controller::{PASSWORD, TestController};
use tokio::sync::Notify;

/// No command takes longer.
const LONG: Duration = Duration::from_secs(60);

/// A controller and a user's folder that knows it.
struct Desk {
    controller: TestController,
    folder: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Desk {
        let desk = Desk { controller: TestController::start().await, folder: tempfile::tempdir().expect("a folder") };
        let store = Store::new(desk.folder.path().join("data"), desk.folder.path());
        let entry = Controller {
            uuid: "c0c0c0c0-0000-4000-8000-00000000c0c0".into(),
            api_endpoints: vec![desk.controller.address.to_string()],
            ca_cert: desk.controller.ca_cert().to_owned(),
            cloud: "fake".into(),
            ..Controller::default()
        };
        let account =
            Account { user: "admin".into(), password: Some(base::Secret::new(PASSWORD)), ..Account::default() };
        let known = |all: &mut Controllers| {
            all.controllers.insert("lab".into(), entry);
            all.current_controller = Some("lab".into());
            Ok::<_, client::files::Error>(())
        };
        store.update(known).expect("written");
        let logged_in = |all: &mut Accounts| {
            all.controllers.insert("lab".into(), account);
            Ok::<_, client::files::Error>(())
        };
        store.update(logged_in).expect("written");
        desk
    }

    /// Exit code, stdout, stderr. A `|` is a blank inside a word.
    async fn run(&self, line: &str) -> (i32, String, String) {
        let args = line.split_whitespace().map(|word| word.replace('|', " ")).collect();
        self.run_with(args, |_| {}, async |_, _| {}).await
    }

    /// The same at a user's desk: with the surroundings changed, and somebody who watches what is said and may press Ctrl-C.
    async fn run_with(
        &self,
        args: Vec<String>,
        change: impl FnOnce(&mut Io),
        user: impl AsyncFnOnce(&Captured, &Notify),
    ) -> (i32, String, String) {
        let home = self.folder.path().display().to_string();
        let data = format!("{home}/data");
        let env: BTreeMap<&str, &str> =
            [("HOME", home.as_str()), ("JUJU_DATA", &data), ("TMPDIR", &home), ("TZ", "UTC")].into();
        let env: Vec<(&str, &str)> = env.into_iter().collect();
        let (mut io, captured) = Io::captured(&env, self.folder.path(), "");
        change(&mut io);
        let interrupt = io.interrupt.clone().expect("a captured one has it");
        let words = args.iter().take(4).cloned().collect::<Vec<_>>().join(" ");
        let both = async { tokio::join!(cli::run(args, io, Injected::default()), user(&captured, &interrupt)) };
        let Ok(((code, _), ())) = tokio::time::timeout(LONG, both).await else {
            panic!("no end of {words}: {}", captured.stderr())
        };
        (code, captured.stdout(), captured.stderr())
    }

    /// A model with so many machines that have started.
    async fn with_machines(count: usize) -> Desk {
        let desk = Desk::new().await;
        desk.works("juju add-model m").await;
        desk.works(&format!("juju add-machine -n {count}")).await;
        let seen = |beliefs: &model::Beliefs| {
            let all = beliefs.models.values().flat_map(|model| model.machines.values());
            let agents = all.filter_map(|machine| machine.agent.as_ref());
            agents.filter(|agent| agent.status.current == AgentStatus::Started).count() >= count
        };
        desk.controller.until("the machines are started", seen).await;
        desk
    }

    /// Runs what must work, and gives stdout.
    async fn works(&self, line: &str) -> String {
        let (code, out, err) = self.run(line).await;
        assert_eq!(code, 0, "{line}: {err}");
        out
    }
}

#[tokio::test]
async fn a_day_with_a_controller() {
    let desk = Desk::new().await;
    assert!(desk.works("juju models").await.contains("controller  fake"));
    let (code, _, err) = desk.run("juju add-model m").await;
    assert_eq!((code, err.as_str()), (0, "Added 'm' model on fake for user 'admin'\n"));
    let (code, _, err) = desk.run("juju add-model m").await;
    assert_eq!((code, err.contains("already exists")), (1, true), "{err}");
    assert_eq!(desk.works("juju switch").await, "lab:admin/m\n");
    assert_eq!(
        desk.works("juju whoami --format json").await,
        "{\"controller\":\"lab\",\"model\":\"m\",\"user\":\"admin\"}\n"
    );
    let shown = desk.works("juju show-model").await;
    assert!(shown.starts_with("m:\n  name: admin/m\n  short-name: m\n"), "{shown}");

    desk.works("juju model-config http-proxy=http://10.0.0.1:3128").await;
    assert_eq!(desk.works("juju model-config http-proxy").await, "http://10.0.0.1:3128\n");
    desk.works("juju model-config --reset http-proxy").await;
    assert_eq!(desk.works("juju model-config http-proxy").await, "");
    desk.works("juju set-model-constraints mem=2G cores=1").await;
    assert_eq!(desk.works("juju model-constraints").await, "cores=1 mem=2048M\n");

    assert!(desk.works("juju users").await.contains("admin*"));
    assert!(desk.works("juju show-user").await.starts_with("user-name: admin\n"));
    assert!(desk.works("juju clouds -c lab").await.contains("fake"));
    // The client's own key opens the machines and is not shown.
    assert_eq!(desk.works("juju ssh-keys --full").await, "");
    let key = "ssh-ed25519|AAAAC3NzaC1lZDI1NTE5AAAAIAXcPYjNSne8WLcXxgOVCnObMrHJExS0kQZws51BP/wr|me@home";
    desk.works(&format!("juju add-ssh-key {key}")).await;
    let keys = desk.works("juju ssh-keys --full").await;
    assert_eq!(keys, format!("Keys used in model: admin/m\n{}\n", key.replace('|', " ")));
    desk.works("juju remove-ssh-key me@home").await;
    assert_eq!(desk.works("juju ssh-keys").await, "");
    let shown = desk.works("juju show-controller").await;
    assert!(
        shown.starts_with("lab:\n  details:\n    controller-uuid: c0c0c0c0") && !shown.contains("errors:"),
        "{shown}"
    );
    assert!(desk.works("juju controllers --refresh").await.contains("lab*"));

    let (code, _, err) = desk.run("juju destroy-model m --no-prompt").await;
    assert!(code == 0 && err.starts_with("Destroying model") && err.ends_with("Model destroyed.\n"), "{err}");
    assert!(!desk.works("juju models").await.contains("\nm"));
}

#[tokio::test]
async fn machines_come_and_go() {
    let desk = Desk::new().await;
    desk.works("juju add-model m").await;
    let (code, _, err) = desk.run("juju add-machine -n 3").await;
    assert_eq!((code, err.as_str()), (0, "created machine 0\ncreated machine 1\ncreated machine 2\n"));
    let seen = |beliefs: &model::Beliefs| {
        let all = beliefs.models.values().flat_map(|model| model.machines.values());
        let agents = all.filter_map(|machine| machine.agent.as_ref());
        agents.filter(|agent| agent.status.current == AgentStatus::Started).count() >= 3
    };
    desk.controller.until("three machines are started", seen).await;
    let table = desk.works("juju machines").await;
    assert_eq!(table.matches("started").count(), 3, "{table}");
    let out = desk.works("juju exec --machine 0,1,2 echo hello").await;
    assert_eq!(out.matches("hello").count(), 3, "{out}");
    let (code, _, err) = desk.run("juju remove-machine 0 --no-prompt").await;
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = desk.run("juju destroy-model m --no-prompt --force").await;
    assert!(code == 0 && err.ends_with("Model destroyed.\n"), "{err}");
}

#[tokio::test]
async fn a_controller_goes_with_all_its_models() {
    let desk = Desk::new().await;
    desk.works("juju add-model one").await;
    desk.works("juju add-model two").await;
    let (code, _, err) = desk.run("juju destroy-controller lab --no-prompt").await;
    assert!(code == 1 && err.contains("The controller has live models"), "{err}");
    let (code, _, err) = desk.run("juju destroy-controller lab --no-prompt --destroy-all-models").await;
    assert!(code == 0 && err.ends_with("All models reclaimed, cleaning up controller machines\n"), "{err}");
    let (code, _, err) = desk.run("juju controllers").await;
    assert!(code == 1 && err.starts_with("ERROR No controllers registered."), "{err}");
}
