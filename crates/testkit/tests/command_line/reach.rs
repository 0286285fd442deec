//! A controller that does not answer, and one whose end is not waited for.

use cli::Io;
use client::files::{Accounts, BootstrapConfig, BootstrapConfigs, Controllers, Error, Store};
use cloud::fake::{Call, Fault};

use super::{Desk, goals};

#[tokio::test]
async fn who_waits_for_a_controller_is_told_so_and_how_to_start_it() {
    let desk = Desk::new().await;
    let store = Store::new(desk.folder.path().join("data"), desk.folder.path());
    let away = |all: &mut Controllers| {
        let entry = all.controllers.get_mut("lab").expect("it is there");
        // Port 1 is nobody's.
        entry.api_endpoints = vec!["127.0.0.1:1".into()];
        entry.agent_version = Some("3.6.100".into());
        Ok::<_, Error>(())
    };
    store.update(away).expect("written");
    let terminal = |io: &mut Io| {
        io.stderr_is_terminal = true;
        io.env.insert("GRIGRI_WAIT_SCALE".into(), "0.01".into());
    };
    let script = |io: &mut Io| {
        terminal(io);
        io.stderr_is_terminal = false;
    };
    let refused = "dial tcp 127.0.0.1:1: connect: connection refused";
    let waits = format!("Controller \"lab\" does not answer ({refused}); trying for a while\n");
    let ends = format!("unable to connect to API: {refused}\n");
    let line = goals::words("juju status -m lab:m");
    let (code, _, err) = desk.run_with(line.clone(), terminal, async |_, _| {}).await;
    assert_eq!((code, err.matches("trying for a while").count()), (1, 1), "one patience is enough: {err}");
    assert!(err.starts_with(&waits) && err.ends_with(&ends), "{err}");
    let (code, _, err) = desk.run_with(line.clone(), script, async |_, _| {}).await;
    assert_eq!((code, err), (1, format!("ERROR {ends}")), "a script gets what it always got");

    let noted = |all: &mut BootstrapConfigs| {
        all.controllers.insert("lab".into(), BootstrapConfig::default());
        Ok::<_, Error>(())
    };
    store.update(noted).expect("written");
    let (code, _, err) = desk.run_with(line, script, async |_, _| {}).await;
    assert!(code == 1 && err.ends_with("\n    juju start-controller lab\n"), "{err}");
}

#[tokio::test]
async fn who_does_not_wait_for_a_controller_to_go_is_told_what_goes_on() {
    let desk = Desk::with_machines(1).await;
    desk.controller.cloud.next(Call::Stop, Fault::Hang);
    let line = goals::words("juju destroy-controller lab --no-prompt --destroy-all-models");
    let user = async |captured: &cli::io::Captured, interrupt: &tokio::sync::Notify| {
        goals::told(captured, "Waiting for 1 model, 1 machine\n").await;
        interrupt.notify_one();
    };
    let (code, _, err) = desk.run_with(line, |_| {}, user).await;
    assert!(code == 130 && err.ends_with("\n    juju kill-controller lab\n"), "{code}: {err}");
    assert!(desk.works("juju controllers").await.contains("lab*"), "it is known until it is gone");
}

/// Whoever has nothing that proves it is asked for a password, and not again and again where none comes.
#[tokio::test]
async fn whoever_proves_nothing_is_asked_once() {
    let desk = Desk::new().await;
    let store = Store::new(desk.folder.path().join("data"), desk.folder.path());
    let without = |all: &mut Accounts| {
        all.controllers.get_mut("lab").expect("it is there").password = None;
        Ok::<_, Error>(())
    };
    store.update(without).expect("written");
    for line in ["juju status -m lab:m", "juju status -m lab:m --watch 1s"] {
        let (code, _, err) = desk.run_with(goals::words(line), |_| {}, async |_, _| {}).await;
        assert_eq!((code, err.matches("please enter password").count()), (1, 1), "{line}: {err}");
        assert!(err.contains("ERROR cannot get discharge from "), "{line}: {err}");
    }
}
