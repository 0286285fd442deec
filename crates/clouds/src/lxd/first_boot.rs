//! What is written into an instance before its first process runs: the agent and how it is kept running, the login user, ssh keys, names.
//! It decides over what the image has; [`super::start`] writes. The surprise: nothing is run in the image, so a controller that dies in the
//! middle leaves an instance that never ran, and such a one is simply made anew. Images with cloud-init do the rest by it, as Juju's do.

use cloud::{Content, Error, Owner, StartRequest};
use serde_json::{Value, json};

use super::image_files::ImageFiles;
use super::login::{LOGIN, Login, login};

/// Something to write in an instance.
#[derive(Debug, Clone)]
pub struct Put {
    pub path: String,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub what: What,
}

#[derive(Clone)]
pub enum What {
    Folder,
    File(Content),
    /// The path that it leads to.
    Link(String),
}

impl std::fmt::Debug for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            What::Folder => "Folder",
            What::File(_) => "File",
            What::Link(_) => "Link",
        })
    }
}

/// All that is to be done to an instance's files.
#[derive(Debug, Clone, Default)]
pub struct FirstBoot {
    pub puts: Vec<Put>,
    pub removes: Vec<String>,
}

const UNITS: &str = "/etc/systemd/system";
const NETWORKS: &str = "/etc/systemd/network";
const WANTS: &str = "/etc/systemd/system/multi-user.target.wants";
/// Folders that every image has, or whose modes are the image's own.
const GIVEN: &[&str] = &["/", "/etc", "/etc/ssh", "/etc/sudoers.d", UNITS, "/etc/systemd", "/home", "/usr", "/var"];

pub fn unit_name(machine: &str) -> String {
    format!("jujud-machine-{}.service", machine.replace('/', "-"))
}

pub fn plan(request: &StartRequest, image: &ImageFiles) -> Result<FirstBoot, Error> {
    let login = login(image).ok_or_else(|| Error::permanent("the image has no number left for the login user"))?;
    let mut plan = FirstBoot::default();
    for (path, text) in &login.files {
        let mode = if *path == "/etc/shadow" { 0o640 } else { 0o644 };
        let gid = if *path == "/etc/shadow" { shadow_gid(image) } else { 0 };
        plan.puts.push(Put { gid, ..text_file(path, mode, text) });
    }
    plan.names(request, image);
    plan.ssh(request, image, &login);
    for file in &request.files {
        let (uid, gid) = match file.owner {
            Owner::Root => (0, 0),
            Owner::Login => (login.uid, login.gid),
        };
        plan.folders_of(&file.path);
        plan.puts.push(Put {
            path: file.path.clone(),
            mode: file.mode,
            uid,
            gid,
            what: What::File(file.content.clone()),
        });
    }
    plan.network(image);
    plan.agent(request, image)?;
    Ok(plan)
}

/// What the API wants as user data: JSON is YAML. The model's words count over ours.
pub fn user_data(request: &StartRequest) -> String {
    let groups = ["adm", "audio", "cdrom", "dialout", "dip", "floppy", "netdev", "plugdev", "sudo", "video"];
    let kinds: Vec<&str> = request.host_keys.iter().map(|key| key.kind.as_str()).collect();
    let mut told = json!({
        "users": [{
            "name": LOGIN, "groups": groups, "shell": "/bin/bash", "sudo": "ALL=(ALL) NOPASSWD:ALL", "lock_passwd": true,
            "ssh_authorized_keys": request.authorized_keys,
        }],
        // They are there already, and known to the controller; others would prove nothing, and take a second to make.
        "ssh_deletekeys": false,
        "ssh_genkeytypes": kinds,
        "output": {"all": "| tee -a /var/log/cloud-init-output.log"},
    });
    let mut own = request.user_data.clone();
    let mut commands = Vec::new();
    for key in ["preruncmd", "postruncmd"] {
        if let Some(Value::Array(lines)) = own.remove(key) {
            commands.extend(lines);
        }
    }
    for (key, value) in own {
        told[key] = value;
    }
    if !commands.is_empty() {
        told["runcmd"] = Value::Array(commands);
    }
    format!("#cloud-config\n{told}\n")
}

fn shadow_gid(image: &ImageFiles) -> u32 {
    let line = image.group.lines().find(|line| line.starts_with("shadow:"));
    line.and_then(|line| line.split(':').nth(2)?.parse().ok()).unwrap_or(0)
}

fn text_file(path: &str, mode: u32, text: &str) -> Put {
    let content = Content::Bytes(text.as_bytes().into());
    Put { path: path.to_owned(), mode, uid: 0, gid: 0, what: What::File(content) }
}

impl FirstBoot {
    fn folder(&mut self, path: &str, mode: u32, uid: u32, gid: u32) {
        if !GIVEN.contains(&path) && !self.puts.iter().any(|put| put.path == path) {
            self.puts.push(Put { path: path.to_owned(), mode, uid, gid, what: What::Folder });
        }
    }

    /// Those above a path, the outermost first.
    fn folders_of(&mut self, path: &str) {
        let ends: Vec<usize> = path.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0).collect();
        for end in ends {
            self.folder(&path[..end], 0o755, 0, 0);
        }
    }

    fn names(&mut self, request: &StartRequest, image: &ImageFiles) {
        let name = &request.name;
        self.puts.push(text_file("/etc/hostname", 0o644, &format!("{name}\n")));
        let hosts = match image.hosts.as_str() {
            "" => "127.0.0.1 localhost\n::1 localhost ip6-localhost\n".to_owned(),
            hosts if hosts.ends_with('\n') => hosts.to_owned(),
            hosts => format!("{hosts}\n"),
        };
        self.puts.push(text_file("/etc/hosts", 0o644, &format!("{hosts}127.0.1.1 {name}\n")));
        if image.etc.contains("machine-id") {
            // Each finds its own; those of one image must not have one in common.
            self.puts.push(text_file("/etc/machine-id", 0o444, ""));
        }
    }

    fn ssh(&mut self, request: &StartRequest, image: &ImageFiles, login: &Login) {
        let Login { uid, gid, home, .. } = login;
        let own = |path: String, mode, what| Put { path, mode, uid: *uid, gid: *gid, what };
        self.folder(home, 0o750, *uid, *gid);
        self.folder(&format!("{home}/.ssh"), 0o700, *uid, *gid);
        let keys = Content::Bytes((request.authorized_keys.join("\n") + "\n").into_bytes().into());
        self.puts.push(own(format!("{home}/.ssh/authorized_keys"), 0o600, What::File(keys)));
        if image.etc.contains("sudoers.d") {
            let rule = format!("{LOGIN} ALL=(ALL) NOPASSWD:ALL\n");
            self.puts.push(text_file("/etc/sudoers.d/90-juju-ubuntu", 0o440, &rule));
        }
        let names: Vec<String> = request.host_keys.iter().map(|key| format!("ssh_host_{}_key", key.kind)).collect();
        if !names.is_empty() && !image.etc.contains("ssh") {
            self.puts.push(Put { path: "/etc/ssh".into(), mode: 0o755, uid: 0, gid: 0, what: What::Folder });
        }
        for (key, name) in request.host_keys.iter().zip(&names) {
            self.puts.push(text_file(&format!("/etc/ssh/{name}"), 0o600, &key.private));
            self.puts.push(text_file(&format!("/etc/ssh/{name}.pub"), 0o644, &format!("{}\n", key.public.trim_end())));
        }
        // Those of the image are every machine's, so they prove nothing.
        let others = image.ssh.iter().filter(|file| {
            file.starts_with("ssh_host_") && !names.iter().any(|name| file.trim_end_matches(".pub") == name)
        });
        if !names.is_empty() {
            self.removes.extend(others.map(|file| format!("/etc/ssh/{file}")));
        }
    }

    /// Images that were made by hand often have no word on their network.
    fn network(&mut self, image: &ImageFiles) {
        if !image.wants_network() {
            return;
        }
        self.folder(NETWORKS, 0o755, 0, 0);
        let text = "[Match]\nType=ether\n\n[Network]\nDHCP=yes\n";
        self.puts.push(text_file(&format!("{NETWORKS}/80-grigri.network"), 0o644, text));
        self.folder(WANTS, 0o755, 0, 0);
        let link = What::Link("/lib/systemd/system/systemd-networkd.service".into());
        let path = format!("{WANTS}/systemd-networkd.service");
        self.puts.push(Put { path, mode: 0o777, uid: 0, gid: 0, what: link });
    }

    /// Has the first process keep the agent running.
    fn agent(&mut self, request: &StartRequest, image: &ImageFiles) -> Result<(), Error> {
        if request.agent.is_empty() {
            return Ok(());
        }
        if image.has_systemd() {
            let unit = unit_name(&request.machine);
            let text = unit_text(&request.machine, &request.agent);
            self.puts.push(text_file(&format!("{UNITS}/{unit}"), 0o644, &text));
            self.folder(WANTS, 0o755, 0, 0);
            let link = What::Link(format!("{UNITS}/{unit}"));
            self.puts.push(Put { path: format!("{WANTS}/{unit}"), mode: 0o777, uid: 0, gid: 0, what: link });
            return Ok(());
        }
        let Some(inittab) = &image.inittab else {
            return Err(Error::permanent("the image has neither systemd nor an inittab: nothing would run the agent"));
        };
        self.puts.push(text_file("/etc/inittab", 0o644, &with_respawn(inittab, &request.agent)));
        Ok(())
    }
}

fn unit_text(machine: &str, agent: &[String]) -> String {
    let word = |word: &String| {
        let word = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
        if word.contains(' ') { format!("\"{word}\"") } else { word }
    };
    let command: Vec<String> = agent.iter().map(word).collect();
    format!(
        "[Unit]\n\
         Description=juju agent for machine-{}\n\
         # An ssh server of the image's own comes first: the agent has one only where no other is.\n\
         After=network.target ssh.service sshd.service ssh.socket sshd.socket\n\
         \n\
         [Service]\n\
         ExecStart={}\n\
         # An agent that ends well was told to, or its machine is dead.\n\
         Restart=on-failure\n\
         RestartPreventExitStatus=78\n\
         RestartSec=1\n\
         LimitNOFILE=65536\n\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n",
        machine.replace('/', "-"),
        command.join(" ")
    )
}

/// Two programs read such a file: busybox, whose lines begin with a terminal or nothing, and that of System V, whose lines begin with a name.
fn with_respawn(inittab: &str, agent: &[String]) -> String {
    let is_busybox = inittab.lines().any(|line| line.starts_with("::"));
    let joint = if inittab.is_empty() || inittab.ends_with('\n') { "" } else { "\n" };
    let levels = if is_busybox { ":" } else { "jm:2345" };
    format!("{inittab}{joint}{levels}:respawn:{}\n", agent.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloud::{Constraints, File, HostKey, ModelRef};

    fn request() -> StartRequest {
        StartRequest {
            model: ModelRef { controller: "c".into(), model: "m".into(), name: "n".into() },
            machine: "0/lxd/1".into(),
            name: "juju-a0a0a0-0-lxd-1".into(),
            base: "debian@12".into(),
            parent: None,
            constraints: Constraints::default(),
            disks: Vec::new(),
            zone: None,
            files: vec![File {
                path: "/var/lib/juju/agents/machine-0-lxd-1/agent.conf".into(),
                mode: 0o600,
                owner: Owner::Root,
                content: Content::Bytes(b"{}".as_slice().into()),
            }],
            agent: ["/a/grigri", "machine-agent", "--config", "/a b/100%"].map(str::to_owned).into(),
            heir: None,
            authorized_keys: vec!["ssh-ed25519 AAAA me".into()],
            user_data: Default::default(),
            tags: Default::default(),
            host_keys: vec![HostKey { kind: "ed25519".into(), public: "pub\n".into(), private: "hunter2".into() }],
        }
    }

    fn image() -> ImageFiles {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        ImageFiles {
            passwd: "root:x:0:0::/root:/bin/sh\n".into(),
            group: "root:x:0:\nshadow:x:42:\n".into(),
            shadow: "root:*:1::::::\n".into(),
            etc: names(&["machine-id", "sudoers.d", "ssh"]),
            ssh: names(&["sshd_config", "ssh_host_rsa_key", "ssh_host_rsa_key.pub", "ssh_host_ed25519_key"]),
            systemd: names(&["systemd", "systemd-networkd", "systemd-udevd"]),
            ..ImageFiles::default()
        }
    }

    fn text<'a>(plan: &'a FirstBoot, path: &str) -> &'a str {
        let put = plan.puts.iter().find(|put| put.path == path).unwrap_or_else(|| panic!("no {path}"));
        match &put.what {
            What::File(Content::Bytes(bytes)) => std::str::from_utf8(bytes).expect("text"),
            What::Link(target) => target,
            other => panic!("{path} is {other:?}"),
        }
    }

    #[test]
    fn folders_come_before_what_is_in_them() {
        let plan = plan(&request(), &image()).expect("a plan");
        for (place, put) in plan.puts.iter().enumerate() {
            let folder = put.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let there = GIVEN.contains(&folder) || plan.puts[..place].iter().any(|put| put.path == folder);
            assert!(there, "{} comes before its folder", put.path);
        }
    }

    #[test]
    fn systemd_keeps_the_agent() {
        let plan = plan(&request(), &image()).expect("a plan");
        let unit = "/etc/systemd/system/jujud-machine-0-lxd-1.service";
        assert!(text(&plan, unit).contains("ExecStart=/a/grigri machine-agent --config \"/a b/100%%\"\n"));
        assert_eq!(text(&plan, &format!("{WANTS}/jujud-machine-0-lxd-1.service")), unit);
    }

    #[test]
    fn a_network_that_nobody_sets_up_is_set_up() {
        let network = "/etc/systemd/network/80-grigri.network";
        assert!(text(&plan(&request(), &image()).expect("a plan"), network).contains("DHCP=yes"));
        let own = ImageFiles { networks: ["eth0.network".to_owned()].into(), ..image() };
        let plan = plan(&request(), &own).expect("a plan");
        assert!(!plan.puts.iter().any(|put| put.path == network), "the image has its own");
    }

    #[test]
    fn an_inittab_keeps_the_agent() {
        let check = |inittab: &str, line: &str| {
            let image = ImageFiles { systemd: Default::default(), inittab: Some(inittab.into()), ..image() };
            let plan = plan(&request(), &image).expect("a plan");
            assert_eq!(text(&plan, "/etc/inittab").lines().last(), Some(line));
        };
        check("::sysinit:/sbin/openrc sysinit\n", "::respawn:/a/grigri machine-agent --config /a b/100%");
        check("id:2:initdefault:", "jm:2345:respawn:/a/grigri machine-agent --config /a b/100%");
        let neither = ImageFiles { systemd: Default::default(), ..image() };
        plan(&request(), &neither).expect_err("nothing would run it");
    }

    #[test]
    fn keys_of_the_image_go_and_ours_come() {
        let plan = plan(&request(), &image()).expect("a plan");
        assert_eq!(plan.removes, ["/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_rsa_key.pub"]);
        assert_eq!(text(&plan, "/etc/ssh/ssh_host_ed25519_key"), "hunter2");
        assert!(!format!("{plan:?}").contains("hunter2"), "secrets do not print");
        assert_eq!(text(&plan, "/home/ubuntu/.ssh/authorized_keys"), "ssh-ed25519 AAAA me\n");
        let shadow = plan.puts.iter().find(|put| put.path == "/etc/shadow").expect("written");
        assert_eq!((shadow.mode, shadow.gid), (0o640, 42));
    }

    #[test]
    fn what_the_model_wants_is_told_beside_it() {
        let wanted =
            json!({"postruncmd": ["c"], "preruncmd": ["a", "b"], "packages": ["curl"], "ssh_deletekeys": true});
        let user_data = wanted.as_object().expect("a map").clone();
        let text = super::user_data(&StartRequest { user_data, ..request() });
        let told: Value = serde_json::from_str(text.trim_start_matches("#cloud-config\n")).expect("JSON");
        assert_eq!(told["runcmd"], json!(["a", "b", "c"]));
        assert_eq!((&told["packages"], &told["ssh_deletekeys"]), (&json!(["curl"]), &json!(true)));
        assert_eq!(told["users"][0]["name"], LOGIN);
        assert!(told.get("postruncmd").is_none(), "{told}");
    }

    #[test]
    fn user_data_is_read_by_cloud_init() {
        let text = user_data(&request());
        let json = text.strip_prefix("#cloud-config\n").expect("the first line");
        let told: serde_json::Value = serde_json::from_str(json).expect("JSON is YAML");
        assert_eq!(told["users"][0]["name"], "ubuntu");
        assert_eq!(told["ssh_genkeytypes"], json!(["ed25519"]));
        assert!(!text.contains("hunter2"));
    }
}
