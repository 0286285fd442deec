//! Machines inside machines, for real: in their host's bounds, in its life, on the network as every machine.

use cloud::contract::request;
use cloud::{Cloud, Error, InstanceId, Progress, StartRequest};

use super::{Host, host, quota, until};

impl Host {
    fn inside(&self, around: &InstanceId, number: &str) -> StartRequest {
        StartRequest { parent: Some(around.clone()), ..request(&self.given, &self.given.model, number) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bounds_of_a_host_hold_for_all_that_is_inside() {
    let Some(host) = host("bounds") else { return };
    let mut wanted = request(&host.given, &host.given.model, "0");
    (wanted.constraints.mem, wanted.constraints.cores) = (Some(192), Some(1));
    let around = host.start(&wanted).await;
    let mut small = host.inside(&around, "0/lxd/0");
    small.constraints.mem = Some(64);
    let (free, small) = (host.start(&host.inside(&around, "0/lxd/1")).await, host.start(&small).await);
    for (id, mib, fits) in [(&free, 400, false), (&free, 40, true), (&small, 100, false)] {
        let eaten = host.exec(id, &format!("exec perl -e '$x = \"a\" x ({mib}*1024*1024); print length $x' 2>&1"));
        assert_eq!(eaten.status.success(), fits, "{mib} MiB in {id}: {eaten:?}");
    }
    let plan = container::engine::plan(&host.dir(&free)).expect("plan");
    let outer = container::engine::plan(&host.dir(&around)).expect("plan");
    assert!(plan.group().starts_with(&format!("{}/", outer.group())), "{} is not in {}", plan.group(), outer.group());
    assert_eq!(quota(outer.group()).as_deref(), Some("100000"));
    // What its host has is all that it can have, and all that it says it has.
    let started = host.cloud.start_instance(&host.inside(&around, "0/lxd/1"), &Progress::silent()).await;
    let hardware = started.expect("runs already").hardware;
    assert_eq!((hardware.mem, hardware.cpu_cores), (Some(192), Some(1)));
    let mut large = host.inside(&around, "0/lxd/2");
    large.constraints.mem = Some(256);
    let refused = host.cloud.start_instance(&large, &Progress::silent()).await.expect_err("more than there is");
    assert!(matches!(&refused, Error::Unmet { name, .. } if name == "mem"), "{refused:?}");
    assert_eq!(refused.to_string(), "this host has 192M of memory, not 256M");
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_inside_begins_again_and_ends_with_its_host() {
    let Some(mut host) = host("life") else { return };
    host.given.agent = vec!["/bin/sleep".into(), "4242".into()];
    let around = host.start_machine("0").await;
    let inner = host.start(&host.inside(&around, "0/lxd/0")).await;
    let other = host.start_machine("1").await;
    let agent = |id: &InstanceId| host.ask(id, "pgrep -x sleep || true");
    let all = [&around, &inner, &other];
    until("all agents run", || all.iter().all(|id| !agent(id).is_empty()));
    for id in all {
        host.ask(id, "touch /run/gone /root/stays");
    }
    let fresh = |id: &InstanceId| host.exec(id, "test -e /run/gone").status.code() == Some(1);
    // Twice: what is told once must be told again.
    for _ in 0..2 {
        host.exec(&around, "exec /usr/sbin/reboot");
        until("both began again", || fresh(&around) && fresh(&inner));
        until("their agents run", || !agent(&around).is_empty() && !agent(&inner).is_empty());
        host.ask(&inner, "touch /run/gone; test -e /root/stays");
        host.ask(&around, "touch /run/gone");
    }
    host.exec(&inner, "exec /usr/sbin/reboot");
    until("the inner one began again", || fresh(&inner));
    assert!(!fresh(&around) && !fresh(&other), "a container's reboot is its own affair");
    // Nobody outside does anything: the kernel tells the inner one.
    let running = |id: &InstanceId| container::engine::running(&host.dir(id));
    let pid = rustix::process::Pid::from_raw(running(&around).expect("runs").pid).expect("pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("kill");
    until("both are dead", || running(&around).is_none() && running(&inner).is_none());
    assert!(running(&other).is_some());
    let early = host.cloud.start_instance(&host.inside(&around, "0/lxd/1"), &Progress::silent()).await;
    let words = format!("its host {around} does not run");
    assert_eq!(early.expect_err("it has no host").to_string(), words);
    host.cloud.restore(&host.given.controller).await.expect("restore");
    assert!(running(&around).is_some() && running(&inner).is_some(), "both are back");
    host.ask(&inner, "test -e /root/stays");
    host.cloud.stop_instance(&host.given.controller, &around).await.expect("stop_instance");
    let left = host.cloud.instances(&host.given.controller).await.expect("instances");
    assert_eq!(left.into_iter().map(|one| one.id.0).collect::<Vec<_>>(), [other.0]);
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_inside_and_the_end_of_their_host_at_once_leave_nothing() {
    let Some(host) = host("atonce") else { return };
    for _ in 0..5 {
        let around = host.start_machine("0").await;
        let cloud = host.cloud.clone();
        let starts: Vec<_> = (0..4)
            .map(|number| host.inside(&around, &format!("0/lxd/{number}")))
            .map(|request| {
                let cloud = cloud.clone();
                tokio::spawn(async move { cloud.start_instance(&request, &Progress::silent()).await })
            })
            .collect();
        cloud.stop_instance(&host.given.controller, &around).await.expect("stop_instance");
        for start in starts {
            // Either it was there in time, and went with its host, or it had none any more.
            let _ = start.await.expect("task");
        }
        assert!(cloud.instances(&host.given.controller).await.expect("instances").is_empty());
    }
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_reach_what_is_inside_others() {
    let Some(host) = host("reach") else { return };
    let (around, other) = (host.start_machine("0").await, host.start_machine("1").await);
    let inner = host.start(&host.inside(&around, "0/lxd/0")).await;
    let seen = host.cloud.instances(&host.given.controller).await.expect("instances");
    let address = |id: &InstanceId| {
        let one = seen.iter().find(|one| one.id == *id).expect("listed");
        one.addresses.first().expect("an address").value.to_string()
    };
    // A port that nobody listens on is refused at once by a host that is there.
    let reaches = |from: &InstanceId, to: &InstanceId| {
        let script = format!(
            "perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(PeerAddr => \"{}:9\", Timeout => 5); print $!'",
            address(to)
        );
        assert_eq!(host.ask(from, &script), "Connection refused", "{from} to {to}");
    };
    for (from, to) in [(&other, &inner), (&inner, &other), (&around, &inner), (&inner, &around)] {
        reaches(from, to);
    }
    host.end().await;
}
