//! What the server in the test has: instances with their files, profiles, images, operations; and what it answers when nothing goes wrong.
//! It must not know HTTP: a method, a path, a query and a body come in, a status and JSON or bytes go out.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What is answered.
pub enum Answer {
    Json(u16, Value),
    Bytes(Vec<u8>),
}

#[derive(Clone)]
pub struct Instance {
    pub status: String,
    pub location: String,
    pub config: BTreeMap<String, Value>,
    pub devices: Value,
    pub profiles: Value,
    pub used: bool,
    pub files: BTreeMap<String, Vec<u8>>,
    pub console: String,
}

impl Instance {
    fn has_profile(&self, name: &str) -> bool {
        self.profiles.as_array().is_some_and(|all| all.contains(&json!(name)))
    }
}

/// Long work.
#[derive(Clone)]
pub struct Operation {
    pub status: u16,
    pub err: String,
    pub metadata: Value,
}

pub struct State {
    pub kind: &'static str,
    pub auth: &'static str,
    pub extensions: Vec<&'static str>,
    /// Members of a cluster; one: it is none.
    pub members: Vec<&'static str>,
    /// The one of them that does not answer.
    pub silent: Option<&'static str>,
    pub dhcp: bool,
    /// Names of images, as they are shown.
    pub aliases: Vec<Value>,
    /// Names of images that every image server has.
    pub remote: Vec<&'static str>,
    pub instances: BTreeMap<String, Instance>,
    pub profiles: BTreeMap<String, BTreeMap<String, Value>>,
    pub operations: BTreeMap<String, Operation>,
    pub made: u32,
    /// Fingerprints of images that came later.
    pub images: Vec<String>,
    /// The first address that it gives.
    net: u8,
}

impl State {
    pub fn new(kind: &'static str) -> State {
        State {
            kind,
            auth: "trusted",
            extensions: vec!["container_push", "file_symlinks", "projects", "resources", "instances", "container_full"],
            members: vec!["one"],
            silent: None,
            dhcp: true,
            aliases: vec![json!({"name": "debian/12", "target": "f-debian-12", "type": "container"})],
            remote: Vec::new(),
            instances: BTreeMap::new(),
            profiles: BTreeMap::from([("default".to_owned(), BTreeMap::new())]),
            operations: BTreeMap::new(),
            made: 0,
            images: Vec::new(),
            net: 8,
        }
    }

    /// It is inside an instance: new, without an image, and its addresses are its own.
    pub fn within(&mut self) {
        (self.aliases, self.net) = (Vec::new(), 9);
    }

    /// Everything that somebody could have left, by name.
    pub fn objects(&self) -> Vec<String> {
        let profiles = self.profiles.keys().filter(|name| *name != "default").map(|name| format!("profile {name}"));
        self.instances.keys().map(|name| format!("instance {name}")).chain(profiles).collect()
    }

    /// Somebody's instance that is none of ours.
    pub fn take(&mut self, name: &str) {
        self.instances.insert(name.to_owned(), self.fresh(BTreeMap::new(), json!({}), json!(["default"]), "one"));
    }

    fn fresh(&self, config: BTreeMap<String, Value>, devices: Value, profiles: Value, location: &str) -> Instance {
        let passwd = "root:x:0:0:root:/root:/bin/bash\n";
        let files =
            [("/etc/passwd", passwd), ("/etc/group", "root:x:0:\n"), ("/lib/systemd/systemd", ""), ("/etc/hosts", "")];
        Instance {
            status: "Stopped".into(),
            location: if self.members.len() > 1 { location.to_owned() } else { "none".to_owned() },
            config,
            devices,
            profiles,
            used: false,
            files: files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect(),
            console: String::new(),
        }
    }

    /// Begins long work that is over at once, or ends as is said.
    pub fn operation(&mut self, status: u16, err: &str) -> Answer {
        self.made += 1;
        let id = format!("op-{}", self.made);
        let one = Operation { status, err: err.to_owned(), metadata: json!({}) };
        self.operations.insert(id.clone(), one);
        Answer::Json(202, json!({"type": "async", "operation": format!("/1.0/operations/{id}"), "metadata": {}}))
    }

    pub fn answer(&mut self, method: &str, path: &str, query: &BTreeMap<String, String>, body: &[u8]) -> Answer {
        let words: Vec<&str> = path.trim_start_matches("/1.0").split('/').filter(|word| !word.is_empty()).collect();
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        match (method, words.as_slice()) {
            ("GET", []) => sync(self.root()),
            ("GET", ["resources"]) => sync(json!({"cpu": {"total": 4}, "memory": {"total": 8u64 << 30}})),
            ("GET", ["cluster", "members"]) => sync(
                self.members
                    .iter()
                    .map(|name| json!({"server_name": name, "status": "Online"}))
                    .collect::<Vec<_>>()
                    .into(),
            ),
            ("GET", ["storage-pools"]) => sync(json!([{"name": "default", "driver": "dir"}])),
            ("GET", ["networks", "br0"]) => sync(self.network()),
            ("GET", ["images", "aliases"]) => sync(self.aliases.clone().into()),
            ("POST", ["images", "aliases"]) => {
                self.aliases.push(asked);
                sync(Value::Null)
            }
            ("GET", ["images", fingerprint, "export"]) => Answer::Bytes(fingerprint.as_bytes().to_vec()),
            ("GET", ["images", fingerprint]) => match self.images.iter().any(|image| image == fingerprint) {
                true => sync(json!({"fingerprint": fingerprint})),
                false => missing("Image not found"),
            },
            ("POST", ["images"]) => {
                self.images.push(String::from_utf8_lossy(body).into_owned());
                self.operation(200, "")
            }
            ("POST", ["projects" | "storage-pools" | "networks"]) => sync(Value::Null),
            ("GET", ["operations", id] | ["operations", id, "wait"]) => match self.operations.get(*id) {
                Some(one) => sync(json!({"status_code": one.status, "err": one.err, "metadata": one.metadata})),
                None => missing("Operation not found"),
            },
            (_, ["profiles", ..]) => self.profile(method, &words[1..], &asked),
            (_, ["instances", ..]) => self.instance(method, &words[1..], query, body, &asked),
            _ => missing("not found"),
        }
    }

    fn root(&self) -> Value {
        json!({
            "api_extensions": self.extensions, "auth": self.auth,
            "environment": {
                "server": self.kind, "server_name": self.members[0], "server_version": "5.0", "server_clustered": self.members.len() > 1,
                "architectures": ["x86_64"], "driver": "lxc",
            },
        })
    }

    fn network(&self) -> Value {
        let config = json!({"ipv4.address": "10.9.8.1/24", "ipv6.address": "none", "ipv4.dhcp": self.dhcp.to_string()});
        json!({"name": "br0", "type": "bridge", "managed": true, "config": config})
    }

    fn profile(&mut self, method: &str, words: &[&str], asked: &Value) -> Answer {
        let shown = |name: &str, config: &BTreeMap<String, Value>| {
            let devices = match name {
                "default" => json!({
                    "root": {"type": "disk", "path": "/", "pool": "default"},
                    "eth0": {"type": "nic", "network": "br0", "name": "eth0"},
                }),
                _ => json!({}),
            };
            let used_by = self.instances.iter().filter(|(_, one)| one.has_profile(name));
            let used_by: Vec<String> = used_by.map(|(name, _)| format!("/1.0/instances/{name}?project=p")).collect();
            json!({"name": name, "config": config, "devices": devices, "used_by": used_by})
        };
        match (method, words) {
            ("GET", []) => {
                sync(self.profiles.iter().map(|(name, config)| shown(name, config)).collect::<Vec<_>>().into())
            }
            ("GET", [name]) => match self.profiles.get(*name) {
                Some(config) => sync(shown(name, config)),
                None => missing("Profile not found"),
            },
            ("POST", []) => {
                let name = asked["name"].as_str().unwrap_or_default().to_owned();
                if self.profiles.contains_key(&name) {
                    return error(409, "The profile already exists");
                }
                self.profiles.insert(name, map(&asked["config"]));
                sync(Value::Null)
            }
            ("PUT", [_]) => sync(Value::Null),
            ("DELETE", [name]) => match self.profiles.contains_key(*name) {
                false => missing("Profile not found"),
                true if self.instances.values().any(|one| one.has_profile(name)) => {
                    error(400, "Profile is currently in use")
                }
                true => {
                    self.profiles.remove(*name);
                    sync(Value::Null)
                }
            },
            _ => missing("not found"),
        }
    }

    fn instance(
        &mut self,
        method: &str,
        words: &[&str],
        query: &BTreeMap<String, String>,
        body: &[u8],
        asked: &Value,
    ) -> Answer {
        let file = query.get("path").cloned().unwrap_or_default();
        match (method, words) {
            ("GET", []) => {
                let shown = |(name, one): (&String, &Instance)| match self.silent == Some(one.location.as_str()) {
                    true => json!({"name": name, "location": one.location, "status": "Error", "config": null}),
                    false => self.shown(name, one),
                };
                sync(self.instances.iter().map(shown).collect::<Vec<_>>().into())
            }
            ("POST", []) => self.create(query, asked),
            (_, [name, ..]) if !self.instances.contains_key(*name) => missing("Instance not found"),
            (_, [name, ..]) if self.silent == Some(self.instances[*name].location.as_str()) => {
                error(503, "Missing event connection with target cluster member")
            }
            ("GET", [name]) => sync(self.shown(name, &self.instances[*name])),
            ("PUT", [name]) => {
                let one = self.instances.get_mut(*name).expect("there");
                (one.config, one.profiles, one.devices) =
                    (map(&asked["config"]), asked["profiles"].clone(), asked["devices"].clone());
                self.operation(200, "")
            }
            ("PATCH", [name]) => {
                let one = self.instances.get_mut(*name).expect("there");
                one.config.extend(map(&asked["config"]));
                for (name, device) in map(&asked["devices"]) {
                    one.devices[name] = device;
                }
                self.operation(200, "")
            }
            ("DELETE", [name]) if self.instances[*name].status != "Stopped" => error(400, "The instance is running"),
            ("DELETE", [name]) => {
                self.instances.remove(*name);
                self.operation(200, "")
            }
            ("PUT", [name, "state"]) => {
                let one = self.instances.get_mut(*name).expect("there");
                match asked["action"].as_str() {
                    Some("start") => {
                        (one.status, one.used) = ("Running".into(), true);
                        one.console.push_str("it began\n");
                    }
                    _ => one.status = "Stopped".into(),
                }
                self.operation(200, "")
            }
            ("GET", [name, "console"]) => Answer::Bytes(self.instances[*name].console.clone().into_bytes()),
            ("GET", [name, "files"]) => read(&self.instances[*name], &file),
            ("POST", [name, "files"]) => {
                self.instances.get_mut(*name).expect("there").files.insert(file, body.to_vec());
                sync(Value::Null)
            }
            ("DELETE", [name, "files"]) => match self.instances.get_mut(*name).expect("there").files.remove(&file) {
                Some(_) => sync(Value::Null),
                None => missing("file does not exist"),
            },
            _ => missing("not found"),
        }
    }

    fn create(&mut self, query: &BTreeMap<String, String>, asked: &Value) -> Answer {
        let name = asked["name"].as_str().unwrap_or_default().to_owned();
        if self.instances.contains_key(&name) {
            return error(409, &format!("Instance {name:?} already exists"));
        }
        let alias = asked["source"]["alias"].as_str().unwrap_or_default();
        if asked["source"]["mode"] == "pull" && !self.remote.contains(&alias) {
            return self.operation(
                400,
                "Failed getting remote image info: Failed getting image: The requested image couldn't be found",
            );
        }
        if let Some(wanted) = asked["source"]["fingerprint"].as_str() {
            let is_here = self.aliases.iter().any(|alias| alias["target"] == wanted);
            if !is_here && !self.images.iter().any(|image| image == wanted) {
                return error(404, "Image not found");
            }
        }
        // Where nobody says, the member with the fewest, as a cluster does.
        let on = |member: &str| self.instances.values().filter(|one| one.location == member).count();
        let fewest = self.members.iter().copied().min_by_key(|member| on(member)).unwrap_or_default().to_owned();
        let location = query.get("target").cloned().unwrap_or(fewest);
        let mut config = map(&asked["config"]);
        let fingerprint = asked["source"]["fingerprint"].as_str().map_or(format!("f-{alias}"), str::to_owned);
        config.insert("volatile.base_image".to_owned(), fingerprint.into());
        let one = self.fresh(config, asked["devices"].clone(), asked["profiles"].clone(), &location);
        self.instances.insert(name, one);
        self.operation(200, "")
    }
}

impl State {
    fn shown(&self, name: &str, one: &Instance) -> Value {
        let address = format!("10.9.{}.7", self.net);
        let network = (one.status == "Running")
            .then(|| json!({"eth0": {"addresses": [{"family": "inet", "address": address, "scope": "global"}]}}));
        let mut config: BTreeMap<String, Value> = BTreeMap::new();
        for profile in one.profiles.as_array().into_iter().flatten().filter_map(Value::as_str) {
            config.extend(
                self.profiles.get(profile).into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())),
            );
        }
        config.extend(one.config.clone());
        let mut devices = json!({"eth0": {"type": "nic", "network": "br0", "name": "eth0"}});
        for (name, device) in map(&one.devices) {
            devices[name] = device;
        }
        json!({
            "name": name, "status": one.status, "type": "container", "architecture": "x86_64", "location": one.location,
            "config": one.config, "expanded_config": config, "devices": one.devices, "expanded_devices": devices,
            "profiles": one.profiles, "created_at": "2026-11-28T06:43:02.5Z",
            "last_used_at": if one.used { "2026-11-28T06:43:12Z" } else { "1970-01-01T00:00:00Z" },
            "state": {"status": one.status, "network": network},
        })
    }
}

/// A folder's names, a file's bytes.
fn read(one: &Instance, path: &str) -> Answer {
    if let Some(bytes) = one.files.get(path) {
        return Answer::Bytes(bytes.clone());
    }
    let folder = format!("{path}/");
    let mut names: Vec<&str> =
        one.files.keys().filter_map(|file| file.strip_prefix(&folder)?.split('/').next()).collect();
    names.dedup();
    match names.is_empty() {
        true => missing("file does not exist"),
        false => Answer::Bytes(json!({"type": "sync", "metadata": names}).to_string().into_bytes()),
    }
}

fn map(value: &Value) -> BTreeMap<String, Value> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

pub fn sync(metadata: Value) -> Answer {
    Answer::Json(200, json!({"type": "sync", "status": "Success", "status_code": 200, "metadata": metadata}))
}

pub fn error(status: u16, words: &str) -> Answer {
    Answer::Json(status, json!({"type": "error", "error": words, "error_code": status}))
}

fn missing(words: &str) -> Answer {
    error(404, words)
}
