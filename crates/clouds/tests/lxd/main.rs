//! The cloud of LXD and Incus before a server that goes wrong: what it says, and that nothing is left. The real servers are suite `lxd`'s.

mod exec;
mod inside;
mod server;
mod state;
mod trouble;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cloud::contract::{self, Given};
use cloud::{Cloud, Error, Progress, Retry, StartRequest};
use clouds::lxd::{Endpoint, Flavour, Lxd, Options};

use server::{Fault, Server};
use trouble::Bad;

/// The word by which our program passes on what it is told.
const RELAY: &str = "relay";

fn cloud_at(kind: &str, socket: PathBuf) -> Lxd {
    let flavour = Flavour::of(kind).expect("a kind of cloud");
    Lxd::new(
        flavour,
        Options {
            endpoint: Endpoint::Socket(socket),
            project: "default".into(),
            image_servers: Vec::new(),
            relay: Some(RELAY),
        },
    )
}

fn started(kind: &'static str) -> (Arc<Server>, Lxd) {
    let server = Server::start(kind);
    let cloud = cloud_at(kind, server.socket.clone());
    (Arc::new(server), cloud)
}

fn wanted(machine: &str) -> StartRequest {
    let given = Given { base: "debian@12".into(), ..Given::default() };
    contract::request(&given, &given.model, machine)
}

/// What a start says that does not work.
async fn refused(cloud: &Lxd, request: &StartRequest) -> Error {
    cloud.prepare_model(&request.model).await.expect("prepared");
    cloud.start_instance(request, &Progress::silent()).await.expect_err("it does not start")
}

fn instances(server: &Server) -> Vec<String> {
    server.lock().state.instances.keys().cloned().collect()
}

#[tokio::test]
async fn both_kinds_keep_the_contract_on_bad_days_too() {
    for kind in ["lxd", "incus"] {
        let (server, cloud) = started(kind);
        let given =
            Given { base: "debian@12".into(), trouble: Some(Arc::new(Bad(server.clone()))), ..Given::default() };
        contract::passes(&cloud, &given).await;
        assert_eq!(server.lock().state.objects(), Vec::<String>::new(), "{kind}: left over");
    }
}

/// Each cause has its sentence, and the cure where there is one.
#[tokio::test]
async fn a_server_that_cannot_be_used_says_why() {
    let none = cloud_at("lxd", "/nonexistent/unix.socket".into()).preflight().await.expect_err("no socket");
    assert_eq!(
        none.to_string(),
        "cannot reach /nonexistent/unix.socket: there is no such socket: is the server installed and running?"
    );
    let (server, cloud) = started("lxd");
    let socket = server.socket.display().to_string();
    let said = async |expected: String, what: &str| {
        let error = cloud.preflight().await.expect_err(what);
        assert_eq!(error.to_string(), expected, "{what}");
        error
    };
    let denied =
        format!("{socket} does not let us in: not authorized; give it a credential that it trusts (update-credential)");
    server.lock().state.auth = "untrusted";
    said(denied.clone(), "a certificate that is not trusted").await;
    server.lock().state.auth = "trusted";
    server.always("GET /1.0", Fault::Says(403, "not authorized", None));
    let error = said(denied, "not permitted").await;
    assert!(matches!(error.retry(), Retry::After(_)), "somebody may let us in at any time");
    server.heal();
    server.lock().state.extensions.retain(|name| !matches!(*name, "instances" | "resources"));
    let old = format!("LXD 5.0 at {socket} is too old: it lacks the API extensions resources, instances");
    assert_eq!(said(old, "an old server").await.retry(), Retry::Never);
    server.lock().state.extensions.extend(["instances", "resources"]);
    server.lock().state.dhcp = false;
    let dhcp = "network \"br0\" gives machines no addresses: set its ipv4.address, and ipv4.dhcp to true";
    said(dhcp.into(), "a bridge without DHCP").await;
    server.lock().state.dhcp = true;
    cloud.preflight().await.expect("all is well");
    let other = cloud_at("incus", server.socket.clone()).preflight().await.expect_err("another kind of server");
    assert_eq!(other.to_string(), format!("{socket} gave an answer that is none: it is LXD, not Incus"));
    server.stop();
    assert_eq!(
        cloud.preflight().await.expect_err("stopped").to_string(),
        format!("cannot reach {socket}: there is no such socket: is the server installed and running?")
    );
}

/// What a start may meet; afterwards no instance is there, and the next start works.
#[tokio::test]
async fn a_start_that_fails_says_why_and_leaves_nothing() {
    let full = "Failed creating instance record: write /var/lib/lxd/x: no space left on device";
    let quota =
        "Failed checking if instance creation allowed: Reached maximum number of instances in project \"default\"";
    let cases: &[(&str, Fault, &str, bool)] = &[
        (
            "POST /1.0/instances",
            Fault::Ends(full),
            "cannot create the instance: Failed creating instance record: write /var/lib/lxd/x: no space left on device",
            true,
        ),
        (
            "POST /1.0/instances",
            Fault::Says(400, quota, None),
            "cannot create the instance: Failed checking if instance creation allowed: Reached maximum number of instances in project \"default\"",
            false,
        ),
        ("POST /1.0/instances/juju-", Fault::Says(500, "no space left on device", None), "cannot write ", true),
        (
            "PUT /1.0/instances",
            Fault::Ends("Failed to run: forkstart: exit status 1"),
            "cannot start the instance: Failed to run: forkstart: exit status 1",
            true,
        ),
        ("GET /1.0/images", Fault::Prints("<html>It works!</html>"), "gave an answer that is none: ", true),
        (
            "GET /1.0/images",
            Fault::Prints(r#"{"type": "sync", "metadata": {"no": "list"}}"#),
            "gave an answer that is none: ",
            true,
        ),
        ("GET /1.0/images", Fault::Cut, "cannot reach ", true),
        ("POST /1.0/instances", Fault::Dies, "the server has forgotten that it does this", true),
    ];
    for (what, fault, words, again) in cases {
        let (server, cloud) = started("lxd");
        server.next(what, fault.clone());
        if matches!(fault, Fault::Cut) {
            // A question that a kept connection did not carry is asked once more.
            server.next(what, fault.clone());
        }
        let error = refused(&cloud, &wanted("0")).await;
        assert!(error.to_string().contains(words), "{what} {fault:?}: {error}");
        assert_eq!(matches!(error.retry(), Retry::After(_)), *again, "{what} {fault:?}");
        assert_eq!(instances(&server), Vec::<String>::new(), "{what} {fault:?}");
        cloud.start_instance(&wanted("0"), &Progress::silent()).await.expect("the next start works");
    }
}

/// A server that begins anew starts what its profiles say; what has not all its files yet is not among it, and whoever starts such a one by hand has
/// it made anew.
#[tokio::test]
async fn an_instance_without_all_its_files_is_not_taken_for_a_machine() {
    let (server, cloud) = started("lxd");
    cloud.prepare_model(&wanted("0").model).await.expect("prepared");
    let id = cloud.start_instance(&wanted("0"), &Progress::silent()).await.expect("it starts").id.0;
    let autostart = |value: Option<&str>| {
        let mut shared = server.lock();
        let config = &mut shared.state.instances.get_mut(&id).expect("there").config;
        match value {
            Some(value) => config.insert("boot.autostart".into(), value.into()),
            None => config.get("boot.autostart").cloned(),
        }
    };
    assert_eq!(autostart(None), Some("true".into()), "all its files are written");
    let made = |server: &Server| server.lock().asked.iter().filter(|one| *one == "POST /1.0/instances").count();
    cloud.start_instance(&wanted("0"), &Progress::silent()).await.expect("it is there");
    assert_eq!(made(&server), 1, "it is left as it is");
    autostart(Some("false"));
    cloud.start_instance(&wanted("0"), &Progress::silent()).await.expect("it starts");
    assert_eq!((made(&server), autostart(None)), (2, Some("true".into())), "it is made anew");
}

#[tokio::test]
async fn a_base_without_an_image_says_what_images_there_are() {
    let (server, cloud) = started("lxd");
    let request = StartRequest { base: "alpine@9.9".into(), ..wanted("0") };
    let error = refused(&cloud, &request).await;
    assert_eq!(
        error.to_string(),
        "no image for base alpine@9.9: alpine/9.9/cloud/amd64 of https://images.lxd.canonical.com cannot be had: \
         Failed getting remote image info: Failed getting image: The requested image couldn't be found; images here are of debian@12"
    );
    assert_eq!((error.retry(), instances(&server)), (Retry::Never, Vec::new()));
    // That there is no room is no word on the image, wherever it comes from.
    for words in ["no space left on device", "Reached maximum number of instances in project \"default\""] {
        server.next("POST /1.0/instances", Fault::Ends(words));
        let error = refused(&cloud, &request).await;
        assert_eq!(error.to_string(), format!("cannot create the instance: {words}"));
    }
}

/// An image server that is away may come back; one that has no such image, or another than it says, is not asked again by itself.
#[tokio::test]
async fn what_an_image_server_has_is_fetched_and_found_here_the_next_time() {
    let (server, cloud) = started("incus");
    let of = |machine: &str| StartRequest { base: "alpine@3.31".into(), ..wanted(machine) };
    for (words, retry) in [
        ("Failed remote image download: Get \"https://i/images.json\": connection refused", Retry::After(None)),
        ("Failed remote image download: Hash mismatch for rootfs: a != b", Retry::Never),
    ] {
        server.next("POST /1.0/instances", Fault::Ends(words));
        let error = refused(&cloud, &of("0")).await;
        assert_eq!(
            error.to_string(),
            format!(
                "no image for base alpine@3.31: alpine/3.31/cloud/amd64 of https://images.linuxcontainers.org cannot be had: \
                 {words}; images here are of debian@12"
            )
        );
        assert_eq!(error.retry(), retry, "{words}");
    }
    server.lock().state.remote = vec!["alpine/3.31/amd64"];
    cloud.start_instance(&of("0"), &Progress::silent()).await.expect("it starts without cloud-init too");
    server.lock().state.remote.clear();
    cloud.start_instance(&of("1"), &Progress::silent()).await.expect("it starts from what is here");
    let named = server.lock().state.aliases[1].clone();
    assert_eq!((&named["name"], &named["target"]), (&"juju/alpine@3.31/amd64".into(), &"f-alpine/3.31/amd64".into()));
    assert_eq!(server.lock().state.aliases.len(), 2);
    assert_eq!(cloud.bases().await, Ok(vec!["debian@12".to_owned(), "alpine@3.31".to_owned()]));
}

/// A machine that is to go is not tried with one image after the other. A step that has begun is waited for: the server goes on with it.
#[tokio::test]
async fn a_start_that_is_wanted_no_more_ends_after_its_step() {
    for (base, status) in [("alpine@9.9", 400), ("debian@12", 200)] {
        let (server, cloud) = started("lxd");
        let request = StartRequest { base: base.into(), ..wanted("0") };
        cloud.prepare_model(&request.model).await.expect("prepared");
        server.next("POST /1.0/instances", Fault::Never);
        let wanted = Arc::new(AtomicBool::new(true));
        let progress = Progress::silent().while_wanted(wanted.clone());
        let asked = |what: &str| server.lock().asked.iter().filter(|asked| asked.contains(what)).count();
        let step_ends = async {
            while asked("/wait") == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            wanted.store(false, Ordering::Relaxed);
            for one in server.lock().state.operations.values_mut() {
                (one.status, one.err) = (status, "The requested image couldn't be found".to_owned());
            }
        };
        let both = async { tokio::join!(cloud.start_instance(&request, &progress), step_ends) };
        let (ended, ()) = tokio::time::timeout(Duration::from_secs(30), both).await.expect("it ends");
        assert_eq!(ended.expect_err("it is not wanted").to_string(), "its machine is to go", "{base}");
        assert_eq!((asked("POST /1.0/instances"), instances(&server)), (1, Vec::new()), "{base}");
        // Nor is one begun that is unwanted before its turn has come.
        cloud.start_instance(&request, &progress).await.expect_err("it is not wanted");
        assert_eq!(asked("POST /1.0/instances"), 1, "{base}");
    }
}

#[tokio::test]
async fn a_server_that_has_too_much_to_do_says_when_to_come_again() {
    let (server, cloud) = started("lxd");
    let check = async |fault: Fault, expected: Retry| {
        server.next("GET /1.0/instances", fault.clone());
        let error = cloud.instances("c").await.expect_err("refused");
        assert_eq!(error.retry(), expected, "{fault:?}: {error}");
    };
    check(Fault::Says(429, "too many requests", Some(30)), Retry::After(Some(Duration::from_secs(30)))).await;
    check(Fault::Says(503, "maintenance", Some(5)), Retry::After(Some(Duration::from_secs(5)))).await;
    check(Fault::Says(429, "too many requests", None), Retry::After(None)).await;
    check(Fault::Says(503, "shutting down", None), Retry::After(None)).await;
}

/// One wrong answer anywhere in a start or an end: the same asked again does it, once, and nothing is left.
#[tokio::test]
async fn one_wrong_answer_anywhere_costs_one_more_try() {
    let faults = [
        Fault::Says(500, "Failed to begin transaction: database is locked", None),
        Fault::Says(429, "too many requests", Some(1)),
        Fault::Cut,
        Fault::Prints("{\"type\": \"sync\", \"metad"),
        Fault::Dies,
    ];
    let request = wanted("0");
    for fault in faults {
        for n in 0.. {
            let (server, cloud) = started("lxd");
            server.nth(n, fault.clone());
            let mut tries = 0;
            let id = loop {
                tries += 1;
                assert!(tries <= 3, "request {n} {fault:?}: {tries} tries");
                if cloud.prepare_model(&request.model).await.is_err() {
                    continue;
                }
                if let Ok(started) = cloud.start_instance(&request, &Progress::silent()).await {
                    break started.id;
                }
            };
            let of_start = server.lock().asked.len();
            let listed = loop {
                tries += 1;
                assert!(tries <= 4, "request {n} {fault:?}: {tries} tries");
                if let Ok(all) = cloud.instances(&request.model.controller).await {
                    break all;
                }
            };
            assert_eq!((listed.len(), &listed[0].id), (1, &id), "request {n} {fault:?}");
            if cloud.destroy_model(&request.model).await.is_err() {
                cloud.destroy_model(&request.model).await.expect("ends");
            }
            assert_eq!(server.lock().state.objects(), Vec::<String>::new(), "request {n} {fault:?}");
            if server.lock().asked.len() <= n {
                assert!(of_start > 20, "a start has {of_start} requests");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_cluster_puts_machines_where_they_are_asked_for_and_else_apart() {
    let (server, cloud) = started("lxd");
    server.lock().state.members = vec!["a", "b", "c"];
    let model = wanted("0").model;
    cloud.prepare_model(&model).await.expect("prepared");
    assert_eq!(cloud.zones(), ["a", "b", "c"]);
    for good in ["zone=b", "b"] {
        cloud.check_placement(good).expect("a member");
    }
    let error = cloud.check_placement("zone=z").expect_err("no member");
    assert_eq!(error.to_string(), "no member \"z\" of this server: there are a, b, c");
    let mut zones = Vec::new();
    for (machine, zone) in [("0", Some("b")), ("1", Some("b")), ("2", None), ("3", None), ("4", None)] {
        let request = StartRequest { zone: zone.map(str::to_owned), ..wanted(machine) };
        let started = cloud.start_instance(&request, &Progress::silent()).await.expect("it starts");
        zones.push(started.hardware.availability_zone.unwrap_or_default());
    }
    assert_eq!(zones, ["b", "b", "a", "c", "a"]);
    // What is left over is told with the time that it has.
    let seen = cloud.instances(&model.controller).await.expect("instances");
    assert!(seen.iter().all(|one| one.since.is_some_and(|at| at.unix() == 1_795_848_182)), "{seen:?}");
}

/// A delete that fails is tried again, and what it says in the end is the server's own words.
#[tokio::test]
async fn a_delete_that_fails_is_told_and_tried_again() {
    let (server, cloud) = started("incus");
    let request = wanted("0");
    cloud.prepare_model(&request.model).await.expect("prepared");
    let id = cloud.start_instance(&request, &Progress::silent()).await.expect("it starts").id;
    server.next("DELETE /1.0/instances", Fault::Ends("Failed deleting storage volume: dataset is busy"));
    cloud.stop_instance(&request.model.controller, &id).await.expect("the second try does it");
    // It is ending already, and the server can neither stop it nor look at it.
    cloud.start_instance(&request, &Progress::silent()).await.expect("it starts");
    server.next("DELETE /1.0/instances", Fault::Ends("The instance is already stopped"));
    server.next("GET /1.0/instances/juju", Fault::Says(500, "Invalid PID '\u{fffd}'", None));
    cloud.remove_controller(&request.model.controller).await.expect("and the third try");
    cloud.prepare_model(&request.model).await.expect("prepared");
    let id = cloud.start_instance(&request, &Progress::silent()).await.expect("it starts").id;
    server.always("DELETE /1.0/instances", Fault::Ends("Failed deleting storage volume: dataset is busy"));
    let error = cloud.stop_instance(&request.model.controller, &id).await.expect_err("it is never done");
    assert_eq!(error.to_string(), "Failed deleting storage volume: dataset is busy");
    assert!(matches!(error.retry(), Retry::After(_)));
    server.heal();
    cloud.stop_instance(&request.model.controller, &id).await.expect("done");
    assert_eq!(instances(&server), Vec::<String>::new());
}

#[tokio::test]
async fn somebody_elses_instance_of_that_name_stays() {
    let (server, cloud) = started("lxd");
    let request = wanted("0");
    server.lock().state.take(&request.name);
    let error = refused(&cloud, &request).await;
    let words = format!("there is an instance {} already, and it is none of this machine's", request.name);
    assert_eq!((error.to_string(), error.retry()), (words, Retry::Never));
    let (controller, id) = (&request.model.controller, cloud::InstanceId(request.name.clone()));
    cloud.stop_instance(controller, &id).await.expect("none of ours");
    cloud.destroy_controller(controller).await.expect("all of ours");
    assert_eq!(instances(&server), [request.name]);
}

/// Of them the other members know nothing but names.
#[tokio::test]
async fn machines_of_a_member_that_does_not_answer_are_not_forgotten() {
    let (server, cloud) = started("lxd");
    server.lock().state.members = vec!["a", "b"];
    for (machine, zone) in [("0", "a"), ("1", "b")] {
        let request = StartRequest { zone: Some(zone.to_owned()), ..wanted(machine) };
        cloud.start_instance(&request, &Progress::silent()).await.expect("it starts");
    }
    server.lock().state.take("juju-somebody-1");
    let model = wanted("0").model;
    server.lock().state.silent = Some("b");
    let seen = cloud.instances(&model.controller).await.expect("the others answer");
    let seen: Vec<_> = seen.iter().map(|one| (one.model.as_str(), one.machine.as_str(), one.detail.as_str())).collect();
    let of = model.model.as_str();
    assert_eq!(seen, [(of, "0", "Running"), (of, "1", "member b does not answer")]);
    let error = cloud.destroy_model(&model).await.expect_err("one cannot be ended");
    assert!(matches!(error.retry(), Retry::After(_)), "{error}");
    server.lock().state.silent = None;
    cloud.destroy_model(&model).await.expect("now all can be");
    assert_eq!(server.lock().state.objects(), ["instance juju-somebody-1"]);
}
