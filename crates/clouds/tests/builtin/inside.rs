//! From inside a machine, as root: nothing of the host, nothing of other machines, no way out.
//! Each test plants what must not be found or reached, and proves first that the search would find it.

use std::fs;
use std::path::{Path, PathBuf};

use cloud::contract::request;
use cloud::{Cloud, Content, File, Owner};

use super::host;

const SECRET: &str = "planted-b41c7f9e2d";

/// Files on the host that hold the secret, removed at the end.
struct Planted(Vec<PathBuf>);

impl Planted {
    fn add(&mut self, path: impl Into<PathBuf>) {
        let path = path.into();
        fs::create_dir_all(path.parent().expect("parent")).expect("directory");
        fs::write(&path, format!("{SECRET}\n")).expect("plant");
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("mode");
        self.0.push(path);
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_the_host_is_seen_from_inside() {
    // An image of its own, made while the secrets lie around.
    let Some(host) = super::host_with("secrets", |cloud| cloud) else { return };
    let mut planted = Planted(Vec::new());
    for path in [
        "/root/.grigri-planted",
        "/srv/grigri-planted",
        "/opt/grigri-planted",
        "/etc/grigri-planted.conf",
        "/etc/ssh/ssh_host_planted_key",
        "/etc/ssl/private/grigri-planted.pem",
        "/etc/sudoers.d/grigri-planted",
        "/etc/apt/auth.conf.d/grigri-planted.conf",
        "/home/grigri-planted",
        "/usr/local/lib/grigri-planted",
        "/var/lib/grigri-planted",
        "/var/log/grigri-planted",
        "/var/tmp/grigri-planted",
        "/tmp/grigri-planted",
        "/run/grigri-planted",
        "/dev/shm/grigri-planted",
    ] {
        planted.add(path);
    }
    let shadow = fs::read_to_string("/etc/shadow").expect("shadow");
    let hashes: Vec<String> = shadow
        .lines()
        .filter_map(|line| line.split(':').nth(1))
        .filter(|hash| hash.len() > 12)
        .map(str::to_owned)
        .collect();
    let mut other = request(&host.given, &host.given.model, "1");
    other.files.push(File {
        path: "/etc/other-secret".into(),
        mode: 0o644,
        owner: Owner::Root,
        content: Content::Bytes(SECRET.as_bytes().into()),
    });
    let other = host.start(&other).await;
    planted.add(host.dir(&other).upper().join("srv-secret"));
    planted.add(host.data.join("controller-secret"));
    let id = host.start_machine("0").await;

    // The search finds what is there.
    assert!(host.ask(&other, &search("/etc")).contains("/etc/other-secret"));
    let found = host.ask(&id, &search("/"));
    assert_eq!(found, "", "secrets of the host inside");
    for hash in hashes {
        assert!(!host.ask(&id, "cat /etc/shadow").contains(&hash), "a password hash of the host inside");
    }
    let environment = host.ask(&id, "cat /proc/*/environ | tr '\\0' '\\n' | sort -u");
    for (name, value) in std::env::vars() {
        let public = ["PATH", "HOME", "LANG", "PWD", "_", "SHLVL", "OLDPWD"].contains(&name.as_str());
        assert!(
            public || !environment.contains(&format!("{name}={value}")),
            "{name} of the host inside: {environment}"
        );
    }
    let mounts = host.ask(&id, "cat /proc/self/mountinfo /proc/1/mountinfo");
    let data = host.data.display().to_string();
    assert!(!mounts.contains(&data), "the host's paths inside: {mounts}");
    drop(planted);
    host.end().await;
}

/// Every readable file below a directory that holds the secret, by any name. Of `/usr`, which is large and where packages put nothing today, what is
/// new; of `/proc`, what is not a process's own view of the rest.
fn search(dir: &str) -> String {
    // The word is put together inside, so that the search does not find itself.
    let (a, b) = SECRET.split_at(7);
    let skipped = "-path /sys -o -path /usr -o -path '/proc/[0-9]*/task' -o -path '/proc/[0-9]*/root' -o -path '/proc/[0-9]*/cwd' -o -name 'kpage*' -o -name kmsg";
    format!(
        "w={a}; w=$w{b}; {{ find {dir} \\( {skipped} \\) -prune -o -type f -print0; find /usr -type f -mmin -60 -print0; }} 2>/dev/null | xargs -0 timeout 60 grep -slI -D skip -e $w | grep -v -e '^/proc/[0-9]*/cmdline'; true"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn root_inside_has_no_way_out() {
    let Some(host) = host("out") else { return };
    let id = host.start_machine("0").await;
    let other = host.start_machine("1").await;
    let denied = |script: &str| {
        let output = host.exec(&id, script);
        assert!(!output.status.success(), "{script} worked: {}", String::from_utf8_lossy(&output.stdout));
    };
    denied("mknod /tmp/disk b 254 0 && head -c1 /tmp/disk");
    denied("mknod /dev/disk b 8 0 && head -c1 /dev/disk");
    denied("mount -t tmpfs none /mnt");
    denied("mount --bind /proc /mnt");
    denied("unshare -U true");
    denied("unshare -m true");
    denied("echo 1 > /proc/sys/kernel/sysrq");
    denied("echo b > /proc/sysrq-trigger");
    denied("echo x > /sys/kernel/uevent_helper");
    denied("ls /proc/1/root/proc/1/root/work");
    denied("dmesg");
    denied("nsenter -t 1 -m true");
    denied("ip link add gg-evil type dummy");
    denied("ip link delete eth0");
    denied("ip address add 10.99.99.99/32 dev eth0");
    // Its processes are all there is: itself, the agent, and what we run.
    let processes = host.ask(&id, "ls -d /proc/[0-9]* | wc -l");
    assert!(processes.parse::<u32>().expect("a number") < 12, "{processes} processes");
    let map = host.ask(&id, "cat /proc/self/uid_map");
    let first: u64 = map.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a map");
    assert!(first > 65536, "root inside is somebody outside: {map}");
    // The image and this program are shared with all machines: writing changes this one's copy.
    host.ask(&id, "echo changed > /usr/lib/grigri/init; echo changed > /bin/true; chmod 4777 /bin/false");
    assert_eq!(host.ask(&other, "wc -c < /bin/true; stat -c %a /bin/false").lines().last(), Some("755"));
    assert!(fs::metadata("/bin/true").expect("true").len() > 1000, "the host's own file was written through a link");
    assert!(fs::metadata(host.engine.program()).expect("program").len() > 1000);
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata("/bin/false").expect("false").permissions().mode() & 0o7777, 0o755);
    // It does not see the host's directories by any descriptor that it was left.
    let open = host.ask(&id, "ls -l /proc/1/fd /proc/self/fd");
    assert!(!open.contains("/work") && !open.contains("/disk/"), "{open}");
    assert!(Path::new("/proc/self/fd").exists());
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_of_one_controller_see_each_other_and_no_other() {
    let Some(host) = host("net") else { return };
    let listen = "exec perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 9, LocalPort => 7000, ReuseAddr => 1) or die; while ($c = $s->accept) { print $c \"hello \" . $c->peerhost . \"\\n\"; close $c }'";
    let mut serve = request(&host.given, &host.given.model, "0");
    serve.agent = vec!["/bin/sh".into(), "-c".into(), listen.into()];
    let server = host.start(&serve).await;
    let client = host.start_machine("1").await;
    let mut foreign = request(&host.given, &host.given.other_model, "0");
    foreign.model.controller = host.given.other_controller.clone();
    foreign.agent = serve.agent.clone();
    let stranger = host.start(&foreign).await;
    let address = |infos: Vec<cloud::InstanceInfo>, id: &cloud::InstanceId| {
        infos.iter().find(|i| i.id == *id).expect("listed").addresses[0].value.to_string()
    };
    let ours = host.cloud.instances(&host.given.controller).await.expect("instances");
    let theirs = host.cloud.instances(&host.given.other_controller).await.expect("instances");
    let there = address(ours.clone(), &server);
    let call = |to: &str| {
        format!(
            "perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(PeerAddr => \"{to}\", PeerPort => 7000, Timeout => 2) or die \"no: $@\"; print <$s>'"
        )
    };
    super::until("the server listens", || host.exec(&client, &call(&there)).status.success());
    let from = address(ours, &client);
    assert_eq!(host.ask(&client, &call(&there)), format!("hello {from}"), "its own address is seen");
    // From the host it is reached too, from a machine of another controller it is not.
    let said = std::net::TcpStream::connect((there.as_str(), 7000));
    assert!(said.is_ok(), "{said:?}");
    let strange = address(theirs, &stranger);
    assert!(std::net::TcpStream::connect((strange.as_str(), 7000)).is_ok(), "the stranger listens");
    assert!(!host.exec(&client, &call(&strange)).status.success(), "another controller's machine was reached");
    // The host's side of the cable is where the controller is reached.
    let gateway = host.cloud.gateway(&host.given.controller).expect("gateway");
    let listener = std::net::TcpListener::bind((gateway, 7000)).expect("listen");
    let answer = std::thread::spawn(move || {
        use std::io::Write;
        let (mut stream, peer) = listener.accept().expect("accept");
        writeln!(stream, "host saw {}", peer.ip()).expect("write");
    });
    assert_eq!(host.ask(&client, &call(&gateway.to_string())), format!("host saw {from}"));
    answer.join().expect("answered");
    host.end().await;
}
