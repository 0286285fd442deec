//! The ssh server against the real OpenSSH client: `ssh`, `scp`, `sftp` and `ssh-keygen` must be installed.
//! Everything is on loopback; the server is the process that machines run.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

struct Server {
    child: Child,
    port: u16,
    user: String,
    dir: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(output: &Output) -> String {
    format!("{}: {}{}", output.status, String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Examples are built beside the tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("our own path");
    test.parent().and_then(Path::parent).expect("target directory").join("examples/agentd")
}

fn keygen(dir: &Path, name: &str, kind: &str) {
    let done = Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-b", if kind == "rsa" { "2048" } else { "256" }, "-t", kind, "-f"])
        .arg(dir.join(name))
        .output()
        .expect("ssh-keygen");
    assert!(done.status.success(), "{}", text(&done));
}

fn server() -> Server {
    let user =
        String::from_utf8(Command::new("id").arg("-un").output().expect("id").stdout).expect("text").trim().to_owned();
    server_for(&user, &[])
}

/// `wrapper` is a command line that runs another.
fn server_for(user: &str, wrapper: &[String]) -> Server {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path();
    fs::create_dir(path.join("keys")).expect("made");
    keygen(&path.join("keys"), "ssh_host_ed25519_key", "ed25519");
    keygen(&path.join("keys"), "ssh_host_ecdsa_key", "ecdsa");
    keygen(&path.join("keys"), "ssh_host_rsa_key", "rsa");
    keygen(path, "id", "ed25519");
    keygen(path, "id_rsa", "rsa");
    keygen(path, "stranger", "ed25519");
    let key = |name: &str| fs::read_to_string(path.join(name)).expect("a key");
    fs::write(path.join("authorized"), key("id.pub") + &key("id_rsa.pub")).expect("written");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    let mut command = match wrapper {
        [] => Command::new(program()),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(program());
            command
        }
    };
    let child = command
        .args(["ssh-server", "--listen", &format!("127.0.0.1:{port}"), "--user", user, "--host-keys"])
        .arg(path.join("keys"))
        .arg("--lock")
        .arg(path.join("lock"))
        .arg("--authorized-keys")
        .arg(path.join("authorized"))
        .stderr(if std::env::var_os("GRIGRI_LOG").is_some() { Stdio::inherit() } else { Stdio::null() })
        .spawn()
        .expect("the server starts");
    let mut known = String::new();
    for kind in ["ed25519", "ecdsa", "rsa"] {
        known += &format!("[127.0.0.1]:{port} {}", key(&format!("keys/ssh_host_{kind}_key.pub")));
    }
    fs::write(path.join("known"), known).expect("written");
    wait(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
    Server { child, port, user: user.to_owned(), dir }
}

fn wait(condition: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < limit, "waited too long");
        std::thread::yield_now();
    }
}

impl Server {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn options(&self, program: &str, key: &str) -> Command {
        let mut command = Command::new(program);
        let file = |name: &str| self.path(name).display().to_string();
        command.args([
            "-F",
            "/dev/null",
            "-i",
            &file(key),
            if program == "ssh" { "-p" } else { "-P" },
            &self.port.to_string(),
        ]);
        for option in ["BatchMode=yes", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes", "LogLevel=ERROR"] {
            command.args(["-o", option]);
        }
        command.args(["-o", &format!("UserKnownHostsFile={}", file("known"))]).env_remove("SSH_AUTH_SOCK");
        command
    }

    fn target(&self) -> String {
        format!("{}@127.0.0.1", self.user)
    }

    fn ssh(&self, args: &[&str]) -> Command {
        let mut command = self.options("ssh", "id");
        command.arg(self.target()).args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.ssh(args).stdin(Stdio::null()).output().expect("ssh runs")
    }
}

#[test]
fn commands_have_exit_codes_streams_and_a_login_environment() {
    let s = server();
    let done = s.run(&["echo out; echo err >&2; exit 7"]);
    assert_eq!(
        (done.status.code(), &done.stdout[..], &done.stderr[..]),
        (Some(7), &b"out\n"[..], &b"err\n"[..]),
        "{}",
        text(&done)
    );
    let done = s.run(&["kill -TERM $$"]);
    assert_eq!(done.status.code(), Some(255), "a signal is told as one: {}", text(&done));
    let done = s.run(&["echo $USER $LOGNAME; pwd; echo $HOME; echo ${SSH_CONNECTION% *}; tty"]);
    let out = String::from_utf8_lossy(&done.stdout);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], format!("{} {}", s.user, s.user));
    assert_eq!(lines[1], lines[2]);
    assert!(lines[3].starts_with("127.0.0.1 ") && lines[4] == "not a tty", "{out}");
    let rsa = s.options("ssh", "id_rsa").arg(s.target()).arg("true").output().expect("ssh runs");
    assert!(rsa.status.success(), "rsa key: {}", text(&rsa));
    let lang = s
        .options("ssh", "id")
        .args(["-o", "SendEnv=LC_X"])
        .arg(s.target())
        .arg("echo $LC_X")
        .env("LC_X", "here")
        .output();
    assert_eq!(&lang.expect("ssh runs").stdout[..], b"here\n");
}

#[test]
fn strangers_stay_outside_and_a_key_taken_away_is_gone_at_once() {
    let s = server();
    let refused = s.options("ssh", "stranger").arg(s.target()).arg("true").output().expect("ssh runs");
    assert_eq!(refused.status.code(), Some(255));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Permission denied (publickey)"), "{}", text(&refused));
    let nobody = s.options("ssh", "id").args(["no-such-user@127.0.0.1", "true"]).output().expect("ssh runs");
    assert_eq!(nobody.status.code(), Some(255));
    assert!(s.run(&["true"]).status.success());
    fs::write(s.path("authorized"), "").expect("written");
    assert_eq!(s.run(&["true"]).status.code(), Some(255));
}

/// `cat` sends back what it gets while it still comes: both windows are exhausted again and again.
#[test]
fn ten_megabytes_go_through_and_back() {
    let s = server();
    let data: Vec<u8> = (0..10 << 20).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::write(s.path("data"), &data).expect("written");
    let input = || fs::File::open(s.path("data")).expect("there");
    let done = s.ssh(&["cat"]).stdin(input()).output().expect("ssh runs");
    assert!(done.status.success() && done.stdout == data, "{} bytes back", done.stdout.len());
    // A reader that begins late must find everything too.
    let mut child = s.ssh(&["cat"]).stdin(input()).stdout(Stdio::piped()).spawn().expect("ssh runs");
    let mut out = child.stdout.take().expect("piped");
    let mut first = [0; 1];
    out.read_exact(&mut first).expect("begun");
    std::thread::sleep(Duration::from_millis(700));
    let mut rest = Vec::new();
    out.read_to_end(&mut rest).expect("read");
    assert!(child.wait().expect("ended").success() && rest == data[1..], "{} bytes back", rest.len());
    // What nobody reads stops nobody.
    let done = s.ssh(&["true"]).stdin(input()).output().expect("ssh runs");
    assert!(done.status.success(), "{}", text(&done));
}

#[test]
fn a_terminal_is_a_login_shells_and_hangs_up_with_its_client() {
    let s = server();
    let done = s
        .ssh(&["-tt", "tty; echo $TERM; test -t 0 && test -t 1 && echo both"])
        .env("TERM", "vt100")
        .stdin(Stdio::null())
        .output();
    let out = String::from_utf8_lossy(&done.expect("ssh runs").stdout).replace('\r', "");
    assert!(out.starts_with("/dev/pts/") && out.ends_with("vt100\nboth\n"), "{out:?}");

    let mut shell = s.ssh(&["-tt"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("ssh runs");
    let mut stdin = shell.stdin.take().expect("piped");
    writeln!(stdin, "stty -echo; echo pid=$$ name=$0.; exit 5").expect("typed");
    let mut out = String::new();
    shell.stdout.take().expect("piped").read_to_string(&mut out).expect("read");
    assert!(out.contains(" name=-"), "a login shell: {out:?}");
    assert_eq!(shell.wait().expect("ended").code(), Some(5));

    let mut shell = s
        .ssh(&["-tt", "echo pid=$$.; exec sleep 1000"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ssh runs");
    let mut line = String::new();
    BufReader::new(shell.stdout.take().expect("piped")).read_line(&mut line).expect("read");
    let pid = line.trim().trim_start_matches("pid=").trim_end_matches('.').to_owned();
    shell.kill().expect("killed");
    let _ = shell.wait();
    wait(|| !Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn files_are_copied_both_ways_by_scp_and_sftp() {
    let s = server();
    let tree = s.path("tree");
    fs::create_dir_all(tree.join("sub/empty")).expect("made");
    let data: Vec<u8> = (0..3 << 20).map(|i: u32| (i.wrapping_mul(40_503) >> 8) as u8).collect();
    fs::write(tree.join("big"), &data).expect("written");
    fs::write(tree.join("sub/with space"), "x").expect("written");
    fs::set_permissions(tree.join("big"), fs::Permissions::from_mode(0o741)).expect("set");
    std::os::unix::fs::symlink("big", tree.join("link")).expect("linked");
    for protocol in ["-s", "-O"] {
        let there = s.path(&format!("there{protocol}"));
        let back = s.path(&format!("back{protocol}"));
        let remote = |p: &Path| format!("{}:{}", s.target(), p.display());
        let up =
            s.options("scp", "id").args([protocol, "-rpqB"]).arg(&tree).arg(remote(&there)).output().expect("scp runs");
        assert!(up.status.success(), "{protocol} {}", text(&up));
        let down =
            s.options("scp", "id").args([protocol, "-rpqB"]).arg(remote(&there)).arg(&back).output().expect("scp runs");
        assert!(down.status.success(), "{protocol} {}", text(&down));
        assert!(fs::read(back.join("big")).expect("there") == data);
        assert_eq!(fs::metadata(back.join("big")).expect("there").permissions().mode() & 0o7777, 0o741);
        let modified = |p: PathBuf| {
            fs::metadata(p)
                .and_then(|m| m.modified())
                .expect("there")
                .duration_since(std::time::UNIX_EPOCH)
                .expect("past")
        };
        assert_eq!(modified(back.join("big")).as_secs(), modified(tree.join("big")).as_secs());
        assert_eq!(fs::read_to_string(back.join("sub/with space")).expect("there"), "x");
        assert!(back.join("sub/empty").is_dir());
        let missing = s
            .options("scp", "id")
            .args([protocol, "-qB"])
            .arg(remote(Path::new("/no/such/file")))
            .arg(&back)
            .output()
            .expect("scp");
        assert!(String::from_utf8_lossy(&missing.stderr).contains("No such file"), "{}", text(&missing));
    }
    let batch = format!(
        "cd {}\npwd\nls -la\nmkdir new\nput {} new/one\nrename new/one new/two\nln -s two new/three\nln new/two new/four\nchmod 600 new/two\n\
         ls -1 new\ndf\nget new/three {}\nrm new/four\nrm new/three\n-rmdir new\nrm new/two\nrmdir new\n",
        tree.display(),
        tree.join("big").display(),
        s.path("got").display()
    );
    fs::write(s.path("batch"), batch).expect("written");
    let done = s.options("sftp", "id").arg("-b").arg(s.path("batch")).arg(s.target()).output().expect("sftp runs");
    assert!(done.status.success(), "{}", text(&done));
    let out = String::from_utf8_lossy(&done.stdout);
    assert!(out.contains("new/four") && out.contains("with") | out.contains("sub"), "{out}");
    assert!(fs::read(s.path("got")).expect("there") == data);
    assert!(!tree.join("new").exists());
}

#[test]
fn connections_are_forwarded_and_one_may_jump_through() {
    let s = server();
    let echo = TcpListener::bind("127.0.0.1:0").expect("a port");
    let echo_port = echo.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for stream in echo.incoming().flatten() {
            std::thread::spawn(move || {
                let mut data = Vec::new();
                let mut stream = stream;
                let _ = stream.read_to_end(&mut data);
                let _ = stream.write_all(&data);
            });
        }
    });
    let local = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    let mut tunnel = s.options("ssh", "id");
    let mut tunnel = tunnel
        .args(["-N", "-L", &format!("127.0.0.1:{local}:localhost:{echo_port}")])
        .arg(s.target())
        .spawn()
        .expect("ssh runs");
    wait(|| TcpStream::connect(("127.0.0.1", local)).is_ok());
    let mut stream = TcpStream::connect(("127.0.0.1", local)).expect("forwarded");
    let data: Vec<u8> = (0..1 << 20).map(|i: u32| (i >> 3) as u8).collect();
    stream.write_all(&data).expect("sent");
    stream.shutdown(std::net::Shutdown::Write).expect("half closed");
    let mut back = Vec::new();
    stream.read_to_end(&mut back).expect("received");
    assert!(back == data, "{} bytes back", back.len());
    tunnel.kill().expect("killed");
    let _ = tunnel.wait();

    let jump = s.ssh(&["-W", &format!("127.0.0.1:{}", s.port)]);
    let words: Vec<String> =
        std::iter::once("ssh".into()).chain(jump.get_args().map(|a| a.to_string_lossy().into_owned())).collect();
    let done = s
        .options("ssh", "id")
        .args(["-o", &format!("ProxyCommand={}", words.join(" "))])
        .arg(s.target())
        .arg("echo through")
        .output();
    let done = done.expect("ssh runs");
    assert_eq!(&done.stdout[..], b"through\n", "{}", text(&done));
    let refused = s.options("ssh", "id").args(["-W", "127.0.0.1:1"]).arg(s.target()).output().expect("ssh runs");
    assert!(!refused.status.success());
    // Not granted, and no reason to end a session.
    let done = s.ssh(&["-A", "-R", "0:127.0.0.1:1", "echo ${SSH_AUTH_SOCK:-none}"]).output().expect("ssh runs");
    assert_eq!(&done.stdout[..], b"none\n", "{}", text(&done));
}

#[test]
fn fifty_sessions_at_once() {
    let s = server();
    let children: Vec<Child> = (0..50)
        .map(|n| {
            s.ssh(&[&format!("echo {n}; cat; exit {n}")])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("ssh runs")
        })
        .collect();
    for (n, child) in children.into_iter().enumerate() {
        let done = child.wait_with_output().expect("ended");
        assert_eq!(
            (done.status.code(), String::from_utf8_lossy(&done.stdout).trim()),
            (Some(n as i32), n.to_string().as_str()),
            "{}",
            text(&done)
        );
    }
}

/// The account is one of a mount namespace only, in which the server runs.
#[test]
fn whoever_logs_in_is_nobody_else_in_shells_and_in_sftp() {
    let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout == b"0\n");
    if !root {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("set");
    let home = path.join("home");
    fs::create_dir(&home).expect("made");
    std::os::unix::fs::chown(&home, Some(54_321), Some(54_322)).expect("given away");
    fs::write(
        path.join("passwd"),
        format!(
            "root:x:0:0::/root:/bin/sh\nguest:x:54321:54322::{}:/bin/bash\nno:x:9:9::/:/usr/sbin/nologin\n",
            home.display()
        ),
    )
    .expect("written");
    fs::write(path.join("group"), "root:x:0:\nguest:x:54322:\nextra:x:54323:guest\n").expect("written");
    let script = format!(
        "mount --bind {0}/passwd /etc/passwd && mount --bind {0}/group /etc/group && exec \"$0\" \"$@\"",
        path.display()
    );
    let s = server_for("guest", &["unshare".into(), "-m".into(), "/bin/sh".into(), "-c".into(), script]);
    let done = s.run(&["id -u; id -G; pwd; touch made; cat /etc/shadow"]);
    assert_eq!(
        String::from_utf8_lossy(&done.stdout),
        format!("54321\n54322 54323\n{}\n", home.display()),
        "{}",
        text(&done)
    );
    assert!(String::from_utf8_lossy(&done.stderr).contains("Permission denied"), "{}", text(&done));
    let done = s.ssh(&["-tt", "id -un; stat -c %u $(tty)"]).stdin(Stdio::null()).output().expect("ssh runs");
    assert_eq!(String::from_utf8_lossy(&done.stdout).replace('\r', ""), "guest\n54321\n");
    let batch = "put /etc/hostname got\n-get /etc/shadow shadow\n-put /etc/hostname /etc/planted\nls -l\n";
    fs::write(s.path("batch"), batch).expect("written");
    let done = s
        .options("sftp", "id")
        .arg("-b")
        .arg(s.path("batch"))
        .arg(s.target())
        .current_dir(s.dir.path())
        .output()
        .expect("sftp runs");
    assert!(done.status.success(), "{}", text(&done));
    assert_eq!(String::from_utf8_lossy(&done.stderr).matches("ermission denied").count(), 2, "{}", text(&done));
    let owner = |name: &str| std::os::unix::fs::MetadataExt::uid(&fs::metadata(home.join(name)).expect("there"));
    assert_eq!((owner("got"), owner("made")), (54_321, 54_321));
    assert!(!s.path("shadow").exists() && !Path::new("/etc/planted").exists());
    // The model's keys are guest's alone.
    for user in ["root", "no"] {
        let refused = s.options("ssh", "id").args([&format!("{user}@127.0.0.1"), "true"]).output().expect("ssh runs");
        assert_eq!(refused.status.code(), Some(255), "{user} {}", text(&refused));
    }
}

#[test]
fn of_two_servers_one_serves_and_the_other_follows_it() {
    let mut s = server();
    let again = |alone: &str| {
        let mut command = Command::new(program());
        command.args(["ssh-server", "--listen", &format!("127.0.0.1:{}", s.port), "--user", &s.user, "--host-keys"]);
        command
            .arg(s.path("keys"))
            .arg("--authorized-keys")
            .arg(s.path("authorized"))
            .arg("--lock")
            .arg(s.path("lock"));
        command.args(["--if-alone", alone]).stderr(Stdio::null());
        command
    };
    let another = again("yes").output().expect("the server starts");
    assert!(another.status.success(), "{}", text(&another));
    let next = again("no").spawn().expect("the server starts");
    s.child.kill().expect("killed");
    let _ = s.child.wait();
    s.child = next;
    let port = s.port;
    wait(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
    assert!(s.run(&["true"]).status.success());
}
