//! Commands are run for real here; times are bounds from above only.

use super::*;

fn shell(script: &str) -> Command {
    Command {
        program: "/bin/sh".into(),
        arg0: None,
        args: vec!["-c".into(), script.into()],
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        directory: None,
        account: None,
        stdio: Io::Output,
    }
}

async fn run_for(script: &str, timeout: Option<u64>) -> (Ended, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let ended = run(
        shell(script),
        timeout.map(Duration::from_millis),
        std::future::pending(),
        |_| {},
        |stream, data| match stream {
            Stream::Stdout => out.extend_from_slice(data),
            Stream::Stderr => err.extend_from_slice(data),
        },
    )
    .await
    .expect("started");
    (ended, String::from_utf8_lossy(&out).into_owned(), String::from_utf8_lossy(&err).into_owned())
}

#[tokio::test]
async fn ends_and_output_are_told_apart() {
    for (script, exit, out, err) in [
        ("echo a; echo b >&2; exit 3", Exit::Code(3), "a\n", "b\n"),
        ("kill -9 $$", Exit::Signal(9), "", ""),
        ("pwd; env | sort | grep -v -e ^_ -e ^PWD -e SHLVL; cat", Exit::Code(0), "/\nPATH=/usr/bin:/bin\n", ""),
        ("umask", Exit::Code(0), "0022\n", ""),
    ] {
        let (ended, stdout, stderr) = run_for(script, None).await;
        assert_eq!((ended, stdout.as_str(), stderr.as_str()), (Ended { exit, stopped: None }, out, err), "{script}");
    }
}

/// As under nohup: who is started by whoever is deaf to a hangup would be deaf to it for ever.
#[tokio::test]
async fn what_we_do_not_hear_our_commands_hear() {
    #[allow(unsafe_code)]
    // No handler of ours: nothing runs when it comes.
    let before = unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
    let (ended, out, _) = run_for("kill -HUP $$; echo deaf", None).await;
    #[allow(unsafe_code)]
    // As it was.
    unsafe {
        libc::signal(libc::SIGHUP, before);
    }
    assert_eq!((ended, out.as_str()), (Ended { exit: Exit::Signal(libc::SIGHUP), stopped: None }, ""));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_error() {
    let mut command = shell("");
    command.program = "/nonexistent/program".into();
    let error = run(command, None, std::future::pending(), |_| {}, |_, _| {}).await.expect_err("not there");
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

/// The group dies with its leader, also who ignores the polite signal.
#[tokio::test]
async fn a_deadline_ends_the_whole_group() {
    let began = Instant::now();
    let script = "(trap '' TERM; while :; do sleep 0.05; done) & echo $!; while :; do sleep 1; done";
    let (ended, out, _) = run_for(script, Some(100)).await;
    assert_eq!(ended, Ended { exit: Exit::Signal(15), stopped: Some(Stop::TimedOut) });
    assert!(began.elapsed() < GRACE * 2);
    let pid: i32 = out.trim().parse().expect("a process");
    let gone = || !std::path::Path::new(&format!("/proc/{pid}/stat")).exists() || zombie(pid);
    let limit = Instant::now() + Duration::from_secs(5);
    while !gone() {
        assert!(Instant::now() < limit, "process {pid} outlived its group");
        tokio::task::yield_now().await;
    }
}

fn zombie(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| s.contains(") Z "))
}

#[tokio::test]
async fn cancelling_reaches_the_command() {
    let (tx, rx) = tokio::sync::oneshot::channel::<()>();
    let mut tx = Some(tx);
    let ended = run(
        shell("echo ready; sleep 1000"),
        None,
        async {
            let _ = rx.await;
        },
        |_| {},
        |_, _| {
            tx.take();
        },
    )
    .await
    .expect("started");
    assert_eq!(ended, Ended { exit: Exit::Signal(15), stopped: Some(Stop::Cancelled) });
}

#[tokio::test]
async fn what_is_left_in_the_background_is_not_waited_for() {
    let began = Instant::now();
    let (ended, out, _) = run_for("sleep 20 & echo $!", None).await;
    assert_eq!(ended.exit, Exit::Code(0));
    assert!(began.elapsed() < Duration::from_secs(10));
    let pid = Pid::from_raw(out.trim().parse().expect("a process")).expect("a number");
    rustix::process::kill_process(pid, Signal::KILL).expect("it lives on");
}

#[tokio::test]
async fn root_becomes_the_account_it_is_told() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let account = Account {
        name: "someone".into(),
        uid: 54321,
        gid: 54322,
        groups: vec![54322, 54323],
        home: "/nonexistent".into(),
        shell: "/bin/sh".into(),
    };
    let command = Command::login("/bin/sh", account).arg("-c").arg("id -u; id -G; echo $HOME $USER; pwd");
    let mut out = Vec::new();
    run(command, None, std::future::pending(), |_| {}, |_, data| out.extend_from_slice(data)).await.expect("started");
    assert_eq!(String::from_utf8_lossy(&out), "54321\n54322 54323\n/nonexistent someone\n/\n");
}
