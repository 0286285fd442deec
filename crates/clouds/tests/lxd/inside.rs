//! Containers on machines: a server inside an instance of the server, and the days on which there is none.

use cloud::{Cloud, InstanceId, InstanceStatus, Progress, Retry, StartRequest, Started};
use std::sync::{Arc, Mutex};

use super::server::{Fault, Server};
use super::{Lxd, instances, started, wanted};

/// A request for a container on machine 0.
fn container(number: u32) -> StartRequest {
    let host = wanted("0").name;
    StartRequest { parent: Some(InstanceId(host)), ..wanted(&format!("0/lxd/{number}")) }
}

async fn with_host(kind: &'static str) -> (Arc<Server>, Lxd) {
    let (server, cloud) = started(kind);
    let request = wanted("0");
    cloud.prepare_model(&request.model).await.expect("prepared");
    cloud.start_instance(&request, &Progress::silent()).await.expect("its host starts");
    (server, cloud)
}

async fn start(cloud: &Lxd, number: u32) -> Started {
    cloud.start_instance(&container(number), &Progress::silent()).await.expect("it starts")
}

fn within(server: &Server) -> Vec<String> {
    let shared = server.lock();
    shared.inner.values().flat_map(instances).collect()
}

/// Name, status and machine of all.
async fn seen(cloud: &Lxd) -> Vec<(String, InstanceStatus)> {
    let all = cloud.instances(&wanted("0").model.controller).await.expect("a list");
    let mut all: Vec<_> = all.into_iter().map(|one| (one.machine, one.status)).collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

fn notes(server: &Server) -> Vec<String> {
    let shared = server.lock();
    let config = shared.state.instances.values().flat_map(|one| &one.config);
    let noted = config.filter(|(key, value)| key.starts_with("user.grigri-inside.") && **value != "");
    noted
        .map(|(key, value)| {
            format!("{} {}", key.trim_start_matches("user.grigri-inside."), value.as_str().unwrap_or(""))
        })
        .collect()
}

#[tokio::test]
async fn a_container_is_in_a_server_in_its_host() {
    for kind in ["lxd", "incus"] {
        let (server, cloud) = with_host(kind).await;
        cloud.check_hosts("lxd").expect("they hold containers");
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = told.clone();
        let progress = Progress::new(move |words| heard.lock().expect("no panic").push(words.to_owned()));
        let one = cloud.start_instance(&container(0), &progress).await.expect("it starts");
        assert_eq!(one.id.0, format!("{}-lxd-0", wanted("0").name));
        assert_eq!(one.hardware.availability_zone.as_deref(), Some("one"), "where its host is");
        let told = told.lock().expect("no panic").clone();
        assert!(told.contains(&"installing lxd on machine 0".to_owned()), "{told:?}");
        assert!(told.contains(&"copying image debian/12 into the machine".to_owned()), "{told:?}");
        assert_eq!((instances(&server), within(&server)), (vec![wanted("0").name], vec![one.id.0.clone()]));
        let again = start(&cloud, 0).await;
        assert_eq!(again, one, "asked for again it is the same");
        start(&cloud, 1).await;
        assert_eq!(
            seen(&cloud).await,
            [
                ("0", InstanceStatus::Running),
                ("0/lxd/0", InstanceStatus::Running),
                ("0/lxd/1", InstanceStatus::Running)
            ]
            .map(|(machine, status)| (machine.to_owned(), status))
        );
        let controller = wanted("0").model.controller;
        assert_eq!(cloud.console_log(&controller, &one.id).await.expect("it is there"), "it began\n");
        cloud.stop_instance(&controller, &one.id).await.expect("it goes");
        assert_eq!(within(&server).len(), 1);
        assert_eq!(notes(&server).len(), 1, "and its note");
        cloud.stop_instance("another", &InstanceId(format!("{}-lxd-1", wanted("0").name))).await.expect("not theirs");
        assert_eq!(within(&server).len(), 1);
        let scripts = server.lock().asked.iter().filter(|asked| asked.ends_with("/exec")).count();
        assert!(scripts > 20, "requests go through its host: {scripts}");
        cloud.destroy_model(&wanted("0").model).await.expect("all goes");
        assert_eq!(server.lock().state.objects(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_is_in_a_host_that_stops_is_known_and_comes_back() {
    let (server, cloud) = with_host("lxd").await;
    let one = start(&cloud, 0).await;
    let controller = wanted("0").model.controller;
    server.state_of("0", "Stopped");
    assert_eq!(seen(&cloud).await[1], ("0/lxd/0".to_owned(), InstanceStatus::Stopped));
    let error = cloud.stop_instance(&controller, &one.id).await.expect_err("nobody could do it now");
    assert_eq!(error.to_string(), format!("its host {} does not run", wanted("0").name));
    assert!(matches!(error.retry(), Retry::After(_)));
    let error = cloud.start_instance(&container(1), &Progress::silent()).await.expect_err("nothing starts there");
    assert!(matches!(error.retry(), Retry::After(_)), "{error}");
    cloud.restore(&controller).await.expect("its host is started");
    cloud.restore(&controller).await.expect("and what is in it");
    assert_eq!(seen(&cloud).await[1], ("0/lxd/0".to_owned(), InstanceStatus::Running));
    // A host that is there and says nothing holds nobody up, and what is in it is not taken for gone.
    server.lock().inner.values().for_each(Server::stop);
    assert_eq!(seen(&cloud).await[1], ("0/lxd/0".to_owned(), InstanceStatus::Unknown));
    cloud.stop_instance(&controller, &InstanceId(wanted("0").name)).await.expect("its host goes");
    assert_eq!(seen(&cloud).await, []);
    cloud.stop_instance(&controller, &one.id).await.expect("and all that was in it");
}

#[tokio::test]
async fn a_host_that_can_hold_none_says_why_and_has_nothing_of_it() {
    let (server, cloud) = with_host("lxd").await;
    let check = async |lines: &[&'static str], words: &str, retry: bool| {
        server.lock().installs = lines.to_vec();
        let error = cloud.start_instance(&container(0), &Progress::silent()).await.expect_err(words);
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(matches!(error.retry(), Retry::After(_)), retry, "{error}");
        assert_eq!((notes(&server), within(&server)), (Vec::new(), Vec::new()));
    };
    check(&["no no package manager"], "machine 0 can hold no containers: no package manager", false).await;
    check(&["say installing lxd", "no no archive"], "machine 0 can hold no containers: no archive", false).await;
    check(&["say installing lxd"], "on machine 0 broke off: it does not say why", true).await;
    server.lock().installs = vec!["at /var/lib/lxd/unix.socket"];
    server.next(&format!("POST /1.0/instances/{}/exec", wanted("0").name), Fault::Cut);
    cloud.start_instance(&container(0), &Progress::silent()).await.expect_err("cut off");
    assert_eq!((notes(&server), within(&server)), (Vec::new(), Vec::new()));
    start(&cloud, 0).await;
    assert_eq!(notes(&server).len(), 1);
}

#[tokio::test]
async fn a_host_that_may_not_nest_may_once_it_is_restarted() {
    let (server, cloud) = with_host("lxd").await;
    for profile in server.lock().state.profiles.values_mut() {
        profile.remove("security.nesting");
    }
    let error = cloud.start_instance(&container(0), &Progress::silent()).await.expect_err("not yet");
    assert!(error.to_string().contains("once it is restarted"), "{error}");
    start(&cloud, 0).await;
}

/// A controller that dies anywhere leaves what the next one finds.
#[tokio::test]
async fn what_broke_off_inside_is_made_anew() {
    let (server, cloud) = with_host("lxd").await;
    start(&cloud, 0).await;
    let inner = |fault: Fault| {
        let shared = server.lock();
        let inner = shared.inner.values().next().expect("one");
        inner.next("POST /1.0/instances/juju-", fault);
    };
    inner(Fault::Says(500, "no space left on device", None));
    let error = cloud.start_instance(&container(1), &Progress::silent()).await.expect_err("no space");
    assert!(error.to_string().contains("no space left on device"), "{error}");
    assert_eq!((within(&server).len(), notes(&server).len()), (1, 1), "nothing is left of it");
    start(&cloud, 1).await;
    let somebody_elses = format!("{}-lxd-2", wanted("0").name);
    server.lock().inner.values().for_each(|inner| inner.lock().state.take(&somebody_elses));
    let error = cloud.start_instance(&container(2), &Progress::silent()).await.expect_err("taken");
    assert!(error.to_string().contains("none of this machine's"), "{error}");
    assert!(within(&server).contains(&somebody_elses), "it stays");
}
