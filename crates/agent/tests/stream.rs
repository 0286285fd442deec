//! The agent as a process against a controller's stub over real TLS. Needs root, or a host where root's account can be read:
//! commands run as whoever runs the tests.

#[path = "stream/stub.rs"]
mod stub;

use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine;
use stub::{Agent, Connection, Stub};
use wire::agent::{
    Document, FromAgent, Life, MAX_OUTPUT, Outcome, Proxies, ProxySettings, Stream, TaskDone, TaskOrder, ToAgent,
};

fn order(id: &str, command: &str) -> TaskOrder {
    TaskOrder {
        id: id.into(),
        command: command.into(),
        timeout: 0,
        run_as: None,
        env: Vec::new(),
        parallel: true,
        execution_group: String::new(),
        cancel: false,
    }
}

/// Hears a task to its end: both outputs, and how it ended.
async fn result(connection: &mut Connection, task: &str) -> (Vec<u8>, Vec<u8>, TaskDone) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let done = connection
        .find(|message| match message {
            FromAgent::TaskOutput { id, stream, offset, data } if id == task => {
                let into = if stream == Stream::Stdout { &mut out } else { &mut err };
                assert_eq!(offset, into.len() as u64, "output has neither holes nor overlaps");
                into.extend(base64::engine::general_purpose::STANDARD.decode(data).expect("base64"));
                None
            }
            FromAgent::TaskDone(done) if done.id == task => Some(done),
            _ => None,
        })
        .await;
    assert_eq!((done.stdout_len, done.stderr_len), (out.len() as u64, err.len() as u64));
    (out, err, done)
}

#[tokio::test]
async fn it_enrols_and_tells_what_the_machine_is() {
    let mut stub = Stub::start().await;
    let agent = Agent::start(&stub, "t");
    let mut connection = stub.connection().await;
    assert_eq!(
        (connection.who.model.to_string().as_str(), connection.who.machine.to_string().as_str()),
        (stub::MODEL, "0")
    );
    let FromAgent::Hello(hello) = connection.hear().await else { panic!("no hello") };
    assert_eq!((hello.machine.as_str(), hello.model_uuid.as_str(), hello.running.len()), ("0", stub::MODEL, 0));
    let FromAgent::Facts(facts) = connection.hear().await else { panic!("no facts") };
    assert!(facts.cores > 0 && facts.mem > 0 && facts.interfaces.iter().any(|i| i.loopback), "{facts:?}");
    assert!(matches!(connection.hear().await, FromAgent::Status { status: wire::agent::AgentStatus::Started, .. }));
    let keys = vec!["ssh-ed25519 AAAA someone".to_owned()];
    connection
        .tell(&ToAgent::Document(Document { full: true, authorized_keys: Some(keys), ..Document::default() }))
        .await;
    connection.tell(&ToAgent::Ping { n: 7 }).await;
    connection.find(|m| matches!(m, FromAgent::Pong { n: 7 }).then_some(())).await;
    let kept = std::fs::read_to_string(agent.dir.path().join("ssh/authorized_keys")).expect("kept");
    assert_eq!(kept, "ssh-ed25519 AAAA someone\n");
}

#[tokio::test]
async fn commands_find_the_models_proxies_and_so_does_the_machine() {
    let mut stub = Stub::start().await;
    let agent = Agent::start(&stub, "t");
    let etc = agent.dir.path().join("etc");
    std::fs::create_dir_all(etc.join("profile.d")).expect("made");
    let (mut connection, ..) = stub.greeted(Vec::new()).await;
    let url = "http://p:3128".to_owned();
    let all = Proxies { http: url.clone(), ..Proxies::default() };
    let file = etc.join("profile.d/juju-proxy.sh");
    for (id, proxies, expected) in [
        ("8", ProxySettings { all, ..ProxySettings::default() }, "http://p:3128 http://p:3128\n"),
        ("9", ProxySettings::default(), " \n"),
    ] {
        let tasks = vec![order(id, "echo $http_proxy $HTTP_PROXY $https_proxy")];
        let is_set = proxies != ProxySettings::default();
        let document = Document { proxies: Some(Box::new(proxies)), tasks: Some(tasks), ..Document::default() };
        connection.tell(&ToAgent::Document(document)).await;
        let (out, ..) = result(&mut connection, id).await;
        assert_eq!(String::from_utf8_lossy(&out).trim_end(), expected.trim_end());
        assert_eq!(file.exists(), is_set);
    }
}

#[tokio::test]
async fn a_lost_answer_strands_nobody_and_a_stolen_token_opens_nothing() {
    let mut stub = Stub::start().await;
    stub.enrolments.lock().expect("whole").lose = 1;
    let mut agent = Agent::start(&stub, "t");
    let limit = Instant::now() + Duration::from_secs(20);
    while stub.enrolments.lock().expect("whole").asked == 0 {
        assert!(Instant::now() < limit, "it asks");
        tokio::task::yield_now().await;
    }
    agent.kill_and_restart().await;
    stub.connection().await;
    assert_eq!(stub.enrolments.lock().expect("whole").refused, 0);
    // A certificate once got is not asked for again.
    let asked = stub.enrolments.lock().expect("whole").asked;
    agent.kill_and_restart().await;
    stub.connection().await;
    assert_eq!(stub.enrolments.lock().expect("whole").asked, asked);

    let _thief = Agent::start(&stub, "t");
    let limit = Instant::now() + Duration::from_secs(20);
    while stub.enrolments.lock().expect("whole").refused == 0 {
        assert!(Instant::now() < limit, "it is refused");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_task_runs_once_and_its_result_is_told_until_it_is_acknowledged() {
    let mut stub = Stub::start().await;
    let mut agent = Agent::start(&stub, "t");
    let mark = agent.dir.path().join("mark");
    let command = format!("echo once >> {}\necho out; echo \"err $A\" >&2; exit 3", mark.display());
    let mut task = order("8", &command);
    task.env = vec![("A".into(), "b c".into())];
    let (mut connection, ..) = stub.greeted(vec![task.clone()]).await;
    let check = |(out, err, done): (Vec<u8>, Vec<u8>, TaskDone)| {
        assert_eq!((&out[..], &err[..]), (&b"out\n"[..], &b"err b c\n"[..]));
        assert_eq!(done.outcome, Outcome::Exited { code: 3 });
        assert!(done.started > 0 && done.completed >= done.started);
    };
    connection.find(|m| matches!(m, FromAgent::TaskStarted { ref id, .. } if id == "8").then_some(())).await;
    check(result(&mut connection, "8").await);
    drop(connection);
    let (mut connection, _, finished) = stub.greeted(vec![task.clone()]).await;
    assert_eq!(finished, ["8"]);
    check(result(&mut connection, "8").await);
    agent.kill_and_restart().await;
    let (mut connection, _, finished) = stub.greeted(vec![task.clone()]).await;
    assert_eq!(finished, ["8"]);
    check(result(&mut connection, "8").await);
    connection.tell(&ToAgent::TaskAck { id: "8".into() }).await;
    // A document that was on its way when the task was acknowledged.
    connection.order(vec![task.clone(), order("9", "true")]).await;
    assert_eq!(result(&mut connection, "9").await.2.outcome, Outcome::Exited { code: 0 });
    connection.tell(&ToAgent::TaskAck { id: "9".into() }).await;
    connection.tell(&ToAgent::Ping { n: 1 }).await;
    connection.find(|m| matches!(m, FromAgent::Pong { .. }).then_some(())).await;
    agent.kill_and_restart().await;
    let (mut connection, running, finished) = stub.greeted(vec![task, order("10", "true")]).await;
    assert!(running.is_empty() && finished.is_empty(), "{running:?} {finished:?}");
    result(&mut connection, "10").await;
    assert_eq!(std::fs::read_to_string(&mark).expect("there"), "once\n");
}

#[tokio::test]
async fn tasks_end_by_order_and_by_deadline() {
    let mut stub = Stub::start().await;
    let _agent = Agent::start(&stub, "t");
    let (mut connection, ..) = stub.greeted(vec![order("1", "echo here; sleep 1000")]).await;
    connection.find(|m| matches!(m, FromAgent::TaskOutput { .. }).then_some(())).await;
    let cancelled = TaskOrder { cancel: true, ..order("1", "echo here; sleep 1000") };
    connection.order(vec![cancelled]).await;
    let done = connection.find(|m| if let FromAgent::TaskDone(done) = m { Some(done) } else { None }).await;
    assert_eq!(done.outcome, Outcome::Cancelled);

    connection.order(vec![order("2", "sleep 1000")]).await;
    connection.find(|m| matches!(m, FromAgent::TaskStarted { .. }).then_some(())).await;
    connection.tell(&ToAgent::CancelTask { id: "2".into() }).await;
    assert_eq!(result(&mut connection, "2").await.2.outcome, Outcome::Cancelled);

    let timed = |id: &str, timeout| TaskOrder { timeout, ..order(id, "echo begun; sleep 1000") };
    connection
        .order(vec![timed("3", 300_000_000), timed("4", -1), TaskOrder { cancel: true, ..order("5", "true") }])
        .await;
    let mut ends = Vec::new();
    while ends.len() < 3 {
        ends.push(connection.find(|m| if let FromAgent::TaskDone(done) = m { Some(done) } else { None }).await);
    }
    ends.sort_by(|a, b| a.id.cmp(&b.id));
    let found: Vec<(&Outcome, bool, u64)> = ends.iter().map(|d| (&d.outcome, d.started > 0, d.stdout_len)).collect();
    assert_eq!(found, [(&Outcome::TimedOut, true, 6), (&Outcome::TimedOut, false, 0), (&Outcome::Cancelled, false, 0)]);

    connection.order(vec![TaskOrder { run_as: Some("no-such-user".into()), ..order("6", "true") }]).await;
    assert!(matches!(result(&mut connection, "6").await.2.outcome, Outcome::Failed { .. }));
}

#[tokio::test]
async fn a_task_that_a_crash_cut_off_is_interrupted_and_leaves_nothing_running() {
    let mut stub = Stub::start().await;
    let mut agent = Agent::start(&stub, "t");
    let mark = agent.dir.path().join("mark");
    let task = order("1", &format!("echo $$ >> {}; echo so far; sleep 1000", mark.display()));
    let (mut connection, ..) = stub.greeted(vec![task.clone()]).await;
    connection.find(|m| matches!(m, FromAgent::TaskOutput { .. }).then_some(())).await;
    agent.kill_and_restart().await;
    let (mut connection, running, finished) = stub.greeted(vec![task]).await;
    assert_eq!((running.len(), finished), (0, vec!["1".to_owned()]));
    let (out, _, done) = result(&mut connection, "1").await;
    assert_eq!((&out[..], done.outcome), (&b"so far\n"[..], Outcome::Interrupted));
    let log = connection
        .find(|m| if let FromAgent::Log { level, message, .. } = m { Some((level, message)) } else { None })
        .await;
    assert!(log.0 == "WARNING" && log.1.contains("ending what an interrupted task left running"), "{log:?}");
    let pids = std::fs::read_to_string(&mark).expect("it ran");
    let pid: Vec<&str> = pids.lines().collect();
    assert_eq!(pid.len(), 1, "it was started once");
    let limit = Instant::now() + Duration::from_secs(10);
    while Path::new(&format!("/proc/{}/cwd", pid[0])).exists() {
        assert!(Instant::now() < limit, "process {} goes on", pid[0]);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn output_has_bounds_and_the_connection_goes_on() {
    let mut stub = Stub::start().await;
    let _agent = Agent::start(&stub, "t");
    let (mut connection, ..) = stub.greeted(vec![order("1", "head -c 3000000 /dev/zero; echo err >&2")]).await;
    let (out, err, done) = result(&mut connection, "1").await;
    assert_eq!((out.len() as u64, done.dropped), (MAX_OUTPUT, 3_000_000 - MAX_OUTPUT));
    assert_eq!((&err[..], done.outcome), (&b"err\n"[..], Outcome::Exited { code: 0 }));
}

#[tokio::test]
async fn output_that_the_disk_does_not_take_is_counted_and_the_command_goes_on() {
    let mut stub = Stub::start().await;
    let agent = Agent::start(&stub, "t");
    let tasks = agent.config().directory().join("tasks");
    std::fs::create_dir_all(&tasks).expect("made");
    std::os::unix::fs::symlink("/dev/full", tasks.join("1.stdout")).expect("linked");
    let command = "echo lost; echo kept >&2; echo lost; exit 3";
    let (mut connection, ..) = stub.greeted(vec![order("1", command)]).await;
    let (out, err, done) = result(&mut connection, "1").await;
    assert_eq!((&out[..], &err[..], done.dropped), (&b""[..], &b"kept\n"[..], 10));
    assert_eq!(done.outcome, Outcome::Exited { code: 3 });
}

#[tokio::test]
async fn a_command_reads_nothing_and_its_bytes_come_as_they_are_while_it_runs() {
    let mut stub = Stub::start().await;
    let agent = Agent::start(&stub, "t");
    let gate = agent.dir.path().join("gate");
    let command =
        format!("cat; printf '\\377\\000'; until test -e {}; do sleep 0.01; done; printf end", gate.display());
    let (mut connection, ..) = stub.greeted(vec![order("1", &command)]).await;
    let piece = |message| match message {
        FromAgent::TaskOutput { data, .. } => base64::engine::general_purpose::STANDARD.decode(data).ok(),
        FromAgent::TaskDone(done) => panic!("it ended before it was let: {done:?}"),
        _ => None,
    };
    assert_eq!(connection.find(piece).await, [0xff, 0], "told while it runs");
    std::fs::write(&gate, "").expect("opened");
    assert_eq!(connection.find(piece).await, b"end");
    let done = connection.find(|m| if let FromAgent::TaskDone(done) = m { Some(done) } else { None }).await;
    assert_eq!((done.outcome, done.stdout_len, done.dropped), (Outcome::Exited { code: 0 }, 5, 0));
}

#[tokio::test]
async fn tasks_that_are_not_parallel_run_one_after_another() {
    let mut stub = Stub::start().await;
    let agent = Agent::start(&stub, "t");
    let log = agent.dir.path().join("log");
    let command = |n: u32| format!("echo begin {n} >> {0}; sleep 0.1; echo end {n} >> {0}", log.display());
    let alone = |n: u32| TaskOrder { parallel: false, ..order(&n.to_string(), &command(n)) };
    let gate = agent.dir.path().join("gate");
    let beside = order("4", &format!("until test -e {}; do sleep 0.01; done", gate.display()));
    let opens = TaskOrder { execution_group: "g".into(), ..order("5", &format!("touch {}", gate.display())) };
    let mut tasks = vec![alone(1), alone(2), alone(3), beside, opens];
    let (mut connection, ..) = stub.greeted(tasks.clone()).await;
    let mut ends = Vec::new();
    while ends.len() < 5 {
        let done = connection.find(|m| if let FromAgent::TaskDone(done) = m { Some(done) } else { None }).await;
        assert_eq!(done.outcome, Outcome::Exited { code: 0 });
        ends.push(done.id);
    }
    assert_eq!(std::fs::read_to_string(&log).expect("there"), "begin 1\nend 1\nbegin 2\nend 2\nbegin 3\nend 3\n");
    // One that waits for its turn and is no more in the document never begins.
    tasks = vec![
        TaskOrder { parallel: false, ..order("6", "sleep 1000") },
        TaskOrder { parallel: false, ..order("7", "sleep 1000") },
    ];
    connection.order(tasks.clone()).await;
    connection.find(|m| matches!(m, FromAgent::TaskStarted { ref id, .. } if id == "6").then_some(())).await;
    connection.order(vec![TaskOrder { cancel: true, ..tasks[0].clone() }]).await;
    assert_eq!(result(&mut connection, "6").await.2.outcome, Outcome::Cancelled);
    connection.order(vec![order("8", "true")]).await;
    let first = connection.find(|m| if let FromAgent::TaskStarted { id, .. } = m { Some(id) } else { None }).await;
    assert_eq!(first, "8");
}

#[tokio::test]
async fn it_follows_the_controller_to_other_addresses() {
    let mut stub = Stub::start().await;
    let mut elsewhere = Stub::with(stub.authority.clone()).await;
    let mut agent = Agent::start(&stub, "t");
    let (mut connection, ..) = stub.greeted(Vec::new()).await;
    // The first is nobody's.
    let addresses = vec!["127.0.0.1:1".to_owned(), elsewhere.address.clone()];
    connection.tell(&ToAgent::Document(Document { addresses: Some(addresses.clone()), ..Document::default() })).await;
    connection.tell(&ToAgent::Ping { n: 1 }).await;
    connection.find(|m| matches!(m, FromAgent::Pong { .. }).then_some(())).await;
    drop(connection);
    elsewhere.greeted(Vec::new()).await;
    assert_eq!(agent.config().addresses, addresses);
    agent.kill_and_restart().await;
    elsewhere.greeted(Vec::new()).await;
}

#[tokio::test]
async fn it_renews_its_certificate_in_time() {
    let mut stub = Stub::start().await;
    // Nine of ten days are over.
    stub.enrolments.lock().expect("whole").age = 9 * 86_400;
    let agent = Agent::start(&stub, "t");
    let (mut connection, ..) = stub.greeted(Vec::new()).await;
    let csr = connection.find(|m| if let FromAgent::Renew { csr_pem } = m { Some(csr_pem) } else { None }).await;
    let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs().cast_signed();
    let certificate_pem =
        stub.authority.sign_agent(&csr, &connection.who, now, 10, &base::chance::SystemChance).expect("signed");
    let ca_cert_pem = stub.authority.cert_pem.clone();
    connection.tell(&ToAgent::Certificate { certificate_pem: certificate_pem.clone(), ca_cert_pem }).await;
    connection.tell(&ToAgent::Ping { n: 1 }).await;
    connection.find(|m| matches!(m, FromAgent::Pong { .. }).then_some(())).await;
    let kept = std::fs::read_to_string(agent.dir.path().join("agents/machine-0/agent.crt")).expect("kept");
    assert_eq!(kept, certificate_pem);
    drop(connection);
    stub.greeted(Vec::new()).await;
}

#[tokio::test]
async fn the_agent_of_a_dead_machine_ends() {
    let mut stub = Stub::start().await;
    let mut agent = Agent::start(&stub, "t");
    let (mut connection, ..) = stub.greeted(Vec::new()).await;
    connection.tell(&ToAgent::Document(Document { life: Some(Life::Dead), ..Document::default() })).await;
    let ended =
        tokio::time::timeout(Duration::from_secs(20), agent.child.wait()).await.expect("it ends").expect("waited");
    assert!(ended.success());
}

/// A controller whose database was set back knows nothing of it: that is no reason to end.
#[tokio::test]
async fn the_agent_of_an_unknown_machine_stays() {
    let mut stub = Stub::start().await;
    let mut agent = Agent::start(&stub, "t");
    let (mut connection, ..) = stub.greeted(Vec::new()).await;
    let unknown = Document { life: Some(Life::Dead), unknown: true, ..Document::default() };
    connection.tell(&ToAgent::Document(unknown)).await;
    connection.closed().await;
    assert!(agent.child.try_wait().expect("looked").is_none(), "it ended");
    // It asks again later; now, when it is started anew.
    agent.kill_and_restart().await;
    stub.greeted(Vec::new()).await;
}

#[tokio::test]
async fn an_agent_that_is_told_to_end_says_so() {
    let mut stub = Stub::start().await;
    let mut agent = Agent::start(&stub, "t");
    let (mut connection, ..) = stub.greeted(Vec::new()).await;
    connection.find(|m| matches!(m, FromAgent::Status { .. }).then_some(())).await;
    let pid = rustix::process::Pid::from_raw(agent.child.id().expect("it runs").cast_signed()).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("told");
    let stopped = |m| match m {
        FromAgent::Status { status, .. } => Some(status),
        _ => None,
    };
    assert_eq!(connection.find(stopped).await, wire::agent::AgentStatus::Stopped);
    let ended =
        tokio::time::timeout(Duration::from_secs(20), agent.child.wait()).await.expect("it ends").expect("waited for");
    assert!(ended.success(), "{ended}");
}

#[tokio::test]
async fn an_agent_whose_clock_is_behind_trusts_its_controller_all_the_same() {
    let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs().cast_signed();
    // A controller made a day later than the machine believes it to be.
    let later = now + 86_400;
    let authority = rpc::tls::Authority::create("test", later, &base::chance::SystemChance).expect("a CA");
    let mut stub = Stub::at(std::sync::Arc::new(authority), later).await;
    stub.enrolments.lock().expect("whole").age = now - later;
    let _agent = Agent::start(&stub, "t");
    stub.greeted(Vec::new()).await;
}
