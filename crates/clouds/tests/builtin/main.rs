//! The builtin cloud, for real: containers on this host, looked at from outside and from inside. Needs root; without it says so and does nothing.
//! It knows the cloud by its trait, and its directories. The surprise: machines reach nothing but this host, so the network needs no network.

#![allow(clippy::print_stderr, reason = "a test that does less than its name says so")]

use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cloud::contract::{self, Given, request};
use cloud::{Cloud, InstanceId, Progress, StartRequest};
use clouds::builtin::{Builtin, Options};
use container::leaks::{HostState, alone};
use container::{Dir, Engine};

mod containers;
mod disks;
mod inside;

/// A cloud in a directory of its own, on a host that must look the same afterwards.
pub struct Host {
    pub cloud: Arc<Builtin>,
    pub engine: Engine,
    pub given: Given,
    data: PathBuf,
    before: HostState,
    ended: bool,
    _alone: container::files::Lock,
}

/// `None` without root. The image of the host is made once and kept for all tests and the next run of them.
fn host(name: &str) -> Option<Host> {
    host_with(name, |cloud| cloud.with_images("/var/tmp/grigri-test-images".into()))
}

fn host_with(name: &str, images: impl FnOnce(Builtin) -> Builtin) -> Option<Host> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: machines need root");
        return None;
    }
    let lock = alone().expect("one test at a time");
    // Not in /tmp, which may be a file system that overlays cannot write to.
    let data = PathBuf::from(format!("/var/tmp/grigri-test-{name}-{}", std::process::id()));
    let test = std::env::current_exe().expect("this program");
    let program = test.ancestors().nth(2).expect("target directory").join("examples/engine");
    assert!(program.exists(), "{} is not built: cargo build -p clouds --example engine", program.display());
    let base = container::host_base().expect("base of the host");
    let before = HostState::capture(&[&data]).expect("before");
    Some(Host {
        cloud: Arc::new(images(Builtin::new(Options {
            data: data.clone(),
            program: program.clone(),
            port: Some(17070),
        }))),
        engine: Engine::new(program),
        given: Given { base, ..Given::default() },
        data,
        before,
        ended: false,
        _alone: lock,
    })
}

impl Host {
    async fn start(&self, request: &StartRequest) -> InstanceId {
        self.cloud.prepare_model(&request.model).await.expect("prepare_model");
        self.cloud.start_instance(request, &Progress::silent()).await.expect("start_instance").id
    }

    async fn start_machine(&self, number: &str) -> InstanceId {
        self.start(&request(&self.given, &self.given.model, number)).await
    }

    fn dir(&self, id: &InstanceId) -> Dir {
        self.cloud.directory(&self.given.controller, id)
    }

    fn exec(&self, id: &InstanceId, script: &str) -> Output {
        self.engine.exec(&self.dir(id), &["/bin/sh", "-c", script]).expect("exec")
    }

    /// What the script says; it must succeed.
    fn ask(&self, id: &InstanceId, script: &str) -> String {
        let output = self.exec(id, script);
        let (said, erred) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{script}: {} {said} {erred}", output.status);
        said.trim().to_owned()
    }

    async fn end(mut self) {
        self.ended = true;
        for controller in [&self.given.controller, &self.given.other_controller] {
            self.cloud.destroy_controller(controller).await.expect("destroy_controller");
        }
        let _ = std::fs::remove_dir(&self.data);
        let after = HostState::capture(&[&self.data]).expect("after");
        let mut left = self.before.diff(&after);
        if after.has_other_controllers() || self.before.has_other_controllers() {
            eprintln!("another controller runs on this host: only what bears our marks is compared");
            left.retain(|line| {
                line.contains("c0c0")
                    || line.contains(&self.data.display().to_string())
                    || line.contains("/00000")
                    || line.contains("-00000")
            });
        }
        assert_eq!(left, Vec::<String>::new(), "the host is as it was");
    }
}

/// A test that failed takes its machines with it all the same.
impl Drop for Host {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let cloud = self.cloud.clone();
        let controllers = [self.given.controller.clone(), self.given.other_controller.clone()];
        let ending = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
            for controller in controllers {
                let _ = runtime.block_on(cloud.destroy_controller(&controller));
            }
        });
        let _ = ending.join();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(20), "timed out: {what}");
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_the_contract_of_clouds_and_leaves_nothing() {
    let Some(host) = host("contract") else { return };
    let read = {
        let cloud = Builtin::new(Options { data: host.data.clone(), program: "/nonexistent".into(), port: None });
        let controller = host.given.controller.clone();
        Arc::new(move |id: &InstanceId, path: &str| {
            let upper = cloud.directory(&controller, id).upper();
            std::fs::read(upper.join(path.trim_start_matches('/'))).ok()
        })
    };
    let runs = {
        let (data, controller) = (host.data.clone(), host.given.controller.clone());
        let cloud = Builtin::new(Options { data, program: "/nonexistent".into(), port: None });
        Arc::new(move |id: &InstanceId| container::engine::running(&cloud.directory(&controller, id)).is_some())
    };
    let given = Given { read: Some(read), runs: Some(runs), ..host.given.clone() };
    contract::passes(host.cloud.as_ref(), &given).await;
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_in_force() {
    let Some(host) = host("limits") else { return };
    let mut wanted = request(&host.given, &host.given.model, "0");
    wanted.constraints.mem = Some(128);
    wanted.constraints.cores = Some(1);
    let id = host.start(&wanted).await;
    let eaten = host.exec(&id, "exec perl -e '$x = \"a\" x (400*1024*1024); print length $x' 2>&1");
    assert!(!eaten.status.success(), "400 MiB fit into 128: {eaten:?}");
    assert_eq!(host.ask(&id, "echo still here"), "still here");
    let plan = container::engine::plan(&host.dir(&id)).expect("plan");
    for group in [plan.group(), &plan.cgroup] {
        assert_eq!(quota(group).as_deref(), Some("100000"), "one core for {group}");
    }
    host.end().await;
}

/// Microseconds of processor time that a group may have in a tenth of a second.
fn quota(group: &str) -> Option<String> {
    let group = group.trim_start_matches('/');
    let files = ["cpu/{}/cpu.cfs_quota_us", "{}/cpu.max", "cpu,cpuacct/{}/cpu.cfs_quota_us"];
    let read = |file: &str| std::fs::read_to_string(format!("/sys/fs/cgroup/{}", file.replace("{}", group))).ok();
    files.into_iter().find_map(read).and_then(|text| Some(text.split_whitespace().next()?.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_process_keeps_the_agent_and_the_machine_reboots() {
    let Some(mut host) = host("init") else { return };
    host.given.agent = vec![
        "/bin/sh".into(),
        "-c".into(),
        "test -e /root/again && seq 1 30000; touch /root/again; echo agent on $(hostname); exec sleep 4242".into(),
    ];
    let id = host.start_machine("0").await;
    let agent = || host.ask(&id, "pgrep -x sleep || true");
    until("the agent runs", || !agent().is_empty());
    let first = agent();
    host.ask(&id, "kill -9 $(pgrep -x sleep)");
    until("the agent runs again", || !agent().is_empty() && agent() != first);
    assert_eq!(host.ask(&id, "hostname"), id.0);
    let second = agent();
    host.ask(&id, "touch /run/gone /root/stays; (sleep 99 &) ; test -e /run/gone");
    // It ends whoever asks for it, too.
    host.exec(&id, "exec /usr/sbin/reboot");
    until("the machine is new", || {
        !agent().is_empty() && agent() != second && host.exec(&id, "test -e /run/gone").status.code() == Some(1)
    });
    host.ask(&id, "test -e /root/stays");
    let console = host.cloud.console_log(&host.given.controller, &id).await.expect("console");
    assert!(console.contains(&format!("agent on {}", id.0)), "{console}");
    // Killed from outside, as at a reboot of the host: the same machine comes back.
    let running = container::engine::running(&host.dir(&id)).expect("running");
    let pid = rustix::process::Pid::from_raw(running.pid).expect("pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("kill");
    until("it is dead", || container::engine::running(&host.dir(&id)).is_none());
    let before = host.cloud.instances(&host.given.controller).await.expect("instances");
    assert_eq!(before[0].detail, "Stopped");
    host.cloud.restore(&host.given.controller).await.expect("restore");
    let after = host.cloud.instances(&host.given.controller).await.expect("instances");
    assert_eq!((after[0].detail.as_str(), &after[0].addresses), ("Running", &before[0].addresses));
    host.ask(&id, "test -e /root/stays");
    // How it first began stays on its console, whatever it has printed since.
    let first = format!("agent on {}\n", id.0);
    until("the console is cut", || {
        let console = container::engine::console(&host.dir(&id)).expect("console");
        console.starts_with(&first) && console.ends_with(&format!("\n30000\n{first}"))
    });
    let console = host.cloud.console_log(&host.given.controller, &id).await.expect("console");
    assert!(console.len() <= 64 * 1024 && console.contains("\n[...]\n"), "{} bytes", console.len());
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_in_the_middle_leaves_nothing() {
    let Some(host) = host("killed") else { return };
    // The helper dies at once: whatever it had made by then, the next start and the removal find it.
    for delay in [0, 1, 3, 6, 10, 15, 25, 40] {
        let id = host.start_machine("0").await;
        let dir = host.dir(&id);
        let plan = container::engine::plan(&dir).expect("plan");
        host.engine.stop(&dir, Duration::ZERO).expect("stop");
        let mut helper = std::process::Command::new(host.engine.program())
            .arg(container::HELPER_WORD)
            .arg("start")
            .arg(dir.path())
            .spawn()
            .expect("helper");
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(delay) {
            std::thread::yield_now();
        }
        let _ = helper.kill();
        let _ = helper.wait();
        let seen = host.cloud.instances(&host.given.controller).await.expect("instances");
        assert_eq!(seen.len(), 1, "it is still seen");
        if delay % 2 == 0 {
            host.engine.start(&dir, &plan).expect("start again");
            assert_eq!(host.ask(&id, "echo well"), "well");
        }
        host.cloud.stop_instance(&host.given.controller, &id).await.expect("stop");
    }
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_machines_start_fast() {
    let Some(host) = host("many") else { return };
    let begun = Instant::now();
    host.cloud.prepare_image().await.expect("image");
    eprintln!("image {:?}", begun.elapsed());
    let requests: Vec<StartRequest> =
        (0..30).map(|n| request(&host.given, &host.given.model, &n.to_string())).collect();
    host.cloud.prepare_model(&requests[0].model).await.expect("prepare");
    let begun = Instant::now();
    host.start(&requests[0]).await;
    let first = begun.elapsed();
    let cloud = host.cloud.clone();
    let begun = Instant::now();
    let starts: Vec<_> = requests[1..]
        .iter()
        .cloned()
        .map(|request| {
            let cloud = cloud.clone();
            tokio::spawn(async move { cloud.start_instance(&request, &Progress::silent()).await })
        })
        .collect();
    for start in starts {
        start.await.expect("task").expect("start");
    }
    eprintln!("first machine {first:?}, 29 more {:?}", begun.elapsed());
    let begun = Instant::now();
    cloud.destroy_model(&requests[0].model).await.expect("destroy_model");
    eprintln!("30 removed {:?}", begun.elapsed());
    host.end().await;
}
