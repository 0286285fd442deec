//! From a target as typed to a host that OpenSSH can reach: its address, its keys, the way there.
//!
//! The surprise: what is neither a machine nor a unit is taken for a host of the world, and is not looked up.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use wire::facade::client::{FullStatus, MachineStatus};

use super::{keys, process};
use crate::bootstrap::{BUILTIN, MANUAL};
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::manual::controller::is_ours;

/// Tries of an address, and the wait between two.
const ADDRESS_TRIES: u32 = 10;
const ADDRESS_PAUSE: Duration = Duration::from_secs(2);
/// Tries of host keys: waits double from a second to a minute.
const KEY_TRIES: u32 = 10;

pub(super) struct Options {
    proxy: bool,
    checks: bool,
    port: String,
    /// The user says how long a side that is silent is waited for.
    has_timeout: bool,
}

impl Options {
    pub(super) fn read(context: &Context, words: &[String]) -> Self {
        let port = words.iter().position(|w| w == "-p" || w == "-P").and_then(|at| words.get(at + 1));
        Options {
            proxy: context.args.is_set("proxy"),
            checks: !context.args.is_set("no-host-key-checks"),
            port: port.cloned().unwrap_or_else(|| "22".to_owned()),
            has_timeout: words.iter().any(|word| word.to_ascii_lowercase().contains("connecttimeout")),
        }
    }
}

/// Where to log in.
#[derive(Debug, Clone)]
pub(super) struct Host {
    user: String,
    address: String,
    /// A machine or unit; `None` for a host of the world.
    entity: Option<Entity>,
}

#[derive(Debug, Clone)]
struct Entity {
    name: String,
    tag: String,
}

impl Host {
    pub(super) fn shown(&self) -> String {
        if self.user.is_empty() { self.address.clone() } else { format!("{}@{}", self.user, self.address) }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The machine or unit, as it was named; none for a host of the world.
    pub(super) fn machine(&self) -> Option<&str> {
        self.entity.as_ref().map(|entity| entity.name.as_str())
    }

    #[cfg(test)]
    pub(super) fn of_machine(name: &str, address: &str) -> Host {
        let entity = Entity { name: name.to_owned(), tag: format!("machine-{name}") };
        Host { user: "ubuntu".to_owned(), address: address.to_owned(), entity: Some(entity) }
    }

    #[cfg(test)]
    pub(super) fn of_world(address: &str) -> Host {
        Host { user: String::new(), address: address.to_owned(), entity: None }
    }

    /// For scp: an IPv6 address in brackets.
    pub(super) fn bracketed(&self) -> String {
        let colons = self.address.contains(':');
        let address = if colons { format!("[{}]", self.address) } else { self.address.clone() };
        if self.user.is_empty() { address } else { format!("{}@{address}", self.user) }
    }
}

/// Models of kubernetes clouds have no machines to log in to; the controller says so.
pub(super) async fn refuse_containers(context: &Context, api: &Api) -> Result<()> {
    let models = context.store.models()?;
    let entry = models.controllers.get(&api.controller).and_then(|c| c.models.get(&api.model));
    if entry.is_none_or(|m| m.model_type != "caas") {
        return Ok(());
    }
    let _: Value = api.call("SSHClient", "ModelCredentialForSSH", json!({})).await?;
    Err(Error::failed("not supported on container models"))
}

/// One run's way to its hosts.
pub(super) struct Connection<'a> {
    api: &'a Api,
    options: Options,
    hosts: Vec<Host>,
    known: Option<PathBuf>,
}

impl<'a> Connection<'a> {
    pub(super) async fn open(_context: &Context, api: &'a Api, mut options: Options) -> Result<Self> {
        if !options.proxy {
            let answer: Value = api.call("SSHClient", "Proxy", json!({})).await?;
            options.proxy = answer["use-proxy"].as_bool().unwrap_or(false);
        }
        Ok(Connection { api, options, hosts: Vec::new(), known: None })
    }

    pub(super) async fn resolve(&mut self, context: &mut Context, typed: &str) -> Result<Host> {
        let plain = Host { user: String::new(), address: typed.to_owned(), entity: None };
        let (user, name) = match typed.split_once('@') {
            Some((_, name)) if name.contains('@') => ("", typed),
            Some((user, name)) => (user, name),
            None => ("", typed),
        };
        let Some(entity) = self.entity(name).await? else {
            self.hosts.push(plain.clone());
            return Ok(plain);
        };
        let address = self.address(context, &entity).await?;
        let user = if user.is_empty() { "ubuntu" } else { user };
        let host = Host { user: user.to_owned(), address, entity: Some(entity) };
        self.hosts.push(host.clone());
        Ok(host)
    }

    async fn entity(&self, name: &str) -> Result<Option<Entity>> {
        if let Ok(machine) = name.parse::<base::MachineId>() {
            let tag = base::Tag::Machine(machine).to_string();
            return Ok(Some(Entity { name: name.to_owned(), tag }));
        }
        let Some((application, number)) = name.rsplit_once('/') else { return Ok(None) };
        if number == "leader" {
            let params = json!({"tag": format!("application-{application}")});
            let answer: Value = self.api.call("Application", "Leader", params).await?;
            if let Some(error) = answer.get("error").filter(|e| !e.is_null()) {
                let text = |key: &str| error[key].as_str().unwrap_or_default();
                return Err(Error::from_result(text("message"), text("code")));
            }
            let unit = answer["result"].as_str().unwrap_or_default().to_owned();
            let tag = format!("unit-{}", unit.replace('/', "-"));
            return Ok(Some(Entity { name: unit, tag }));
        }
        let unit = base::tag::is_application_name(application) && number.parse::<base::TaskId>().is_ok();
        let tag = format!("unit-{application}-{number}");
        Ok(unit.then(|| Entity { name: name.to_owned(), tag }))
    }

    /// The address, asked for until there is one or patience ends: a machine may just be starting.
    async fn address(&self, context: &mut Context, entity: &Entity) -> Result<String> {
        let mut tries = 1;
        loop {
            match self.try_address(context, entity).await {
                Ok(address) => return Ok(address),
                Err(error) if tries >= ADDRESS_TRIES || is_final(&error) => return Err(error),
                Err(_) => tries += 1,
            }
            context.sleep(ADDRESS_PAUSE).await;
        }
    }

    async fn try_address(&self, context: &mut Context, entity: &Entity) -> Result<String> {
        let params = json!({"entities": [{"tag": entity.tag}]});
        if self.options.proxy {
            let answer = self.api.call_one("SSHClient", "PrivateAddress", params).await?;
            let address = answer["address"].as_str().unwrap_or_default();
            return match is_plain(address) {
                true => Ok(address.to_owned()),
                false => Err(Error::failed(format!("address {address:?} not valid"))),
            };
        }
        let answer = self.api.call_one("SSHClient", "AllAddresses", params).await?;
        let all = answer["addresses"].as_array().cloned().unwrap_or_default();
        let plain = all.iter().filter_map(Value::as_str).filter(|address| is_plain(address));
        let mut all: Vec<String> = plain.map(str::to_owned).collect();
        match all.len() {
            0 => return Err(Error::failed("no available address(es)")),
            1 => return Ok(all.remove(0)),
            _ => {}
        }
        let loops = |a: &String| a.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        all.retain(|a| !loops(a));
        let wanted = if self.options.checks { Some(self.host_keys(context, entity).await?) } else { None };
        let answers = scan_all(context, &all, &self.options.port).await;
        let fits = |found: &Vec<String>| match &wanted {
            Some(wanted) => found.iter().any(|key| wanted.iter().any(|w| w.starts_with(key.as_str()))),
            None => !found.is_empty(),
        };
        match all.iter().zip(&answers).find(|(_, found)| fits(found)) {
            Some((address, _)) => Ok(address.clone()),
            None => {
                let list: Vec<String> = all.iter().map(|a| format!("{a}:{}", self.options.port)).collect();
                Err(Error::failed(format!("cannot connect to any address: [{}]", list.join(" "))))
            }
        }
    }

    /// The keys that a machine's agent told the controller; waited for while there are none.
    async fn host_keys(&self, context: &mut Context, entity: &Entity) -> Result<Vec<String>> {
        let params = json!({"entities": [{"tag": entity.tag}]});
        let (mut tries, mut pause) = (1, Duration::from_secs(1));
        loop {
            let answer = self.api.call_one("SSHClient", "PublicKeys", &params).await;
            let prefix = format!("retrieving SSH host keys for {:?}", entity.name);
            match answer.map_err(|e| e.context(&prefix)) {
                Ok(answer) => {
                    let keys = answer["public-keys"].as_array().cloned().unwrap_or_default();
                    return Ok(keys.iter().filter_map(Value::as_str).map(str::to_owned).collect());
                }
                Err(error) if error.code() != "not found" => return Err(error),
                Err(error) if tries >= KEY_TRIES => return Err(error.context("attempt count exceeded")),
                Err(_) => tries += 1,
            }
            context.sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(60));
        }
    }

    /// The options before the host, in the original's order.
    pub(super) async fn options(&mut self, context: &mut Context, terminal: bool) -> Result<Vec<String>> {
        let proxy = self.proxy_command(context).await?;
        let (strict, known) = self.checks(context).await?;
        let mut args = Vec::new();
        let mut option = |text: String| args.extend(["-o".to_owned(), text]);
        if let Some(strict) = strict {
            option(format!("StrictHostKeyChecking {strict}"));
        }
        if let Some(command) = proxy {
            option(format!("ProxyCommand {command}"));
        }
        option("PasswordAuthentication no".to_owned());
        option("ServerAliveInterval 30".to_owned());
        // A machine that stands still takes connections and never says a word. The original waits for ever.
        if self.is_ours(context)? && !self.options.has_timeout {
            option("ConnectTimeout 30".to_owned());
        }
        if terminal {
            args.extend(["-t".to_owned(), "-t".to_owned()]);
        }
        if let Some(known) = known {
            args.extend(["-o".to_owned(), format!("UserKnownHostsFile {known}")]);
        }
        for identity in keys::identities(context) {
            args.extend(["-i".to_owned(), identity.display().to_string()]);
        }
        Ok(args)
    }

    /// How host keys are to be checked, and against which file.
    async fn checks(&mut self, context: &mut Context) -> Result<(Option<&'static str>, Option<String>)> {
        if !self.options.checks {
            return Ok((Some("no"), Some("/dev/null".to_owned())));
        }
        let entities = self.hosts.iter().filter(|h| h.entity.is_some()).count();
        if entities > 0 && entities < self.hosts.len() {
            let text = "can't determine host keys for all targets: consider --no-host-key-checks";
            return Err(Error::failed(text));
        }
        let mut lines = String::new();
        for host in self.hosts.clone() {
            let Some(entity) = &host.entity else { continue };
            for key in self.host_keys(context, entity).await? {
                lines += &format!("{} {key}\n", host.address);
            }
        }
        if lines.is_empty() {
            return Ok((None, None));
        }
        let path = keys::known_hosts(context, &lines)?;
        let shown = path.display().to_string();
        self.known = Some(path);
        Ok((Some("yes"), Some(shown)))
    }

    /// Through the controller, or for a container through its host.
    async fn proxy_command(&self, context: &Context) -> Result<Option<String>> {
        if !self.options.proxy {
            return Ok(None);
        }
        let program = std::env::current_exe().map(|p| p.display().to_string());
        let program = proxy_word(&program.unwrap_or_else(|_| "juju".to_owned()));
        if self.tunnels(context)? {
            let model = proxy_word(&format!("{}:{}", self.api.controller, self.api.model));
            return Ok(Some(format!("{program} {} --model={model} %h", super::tunnel::NAME)));
        }
        let status: FullStatus = self.api.call("Client", "FullStatus", json!({"patterns": null})).await?;
        let via = match self.hosts.as_slice() {
            [one] => status.machines.values().find(|m| contains(m, &one.address)),
            _ => None,
        };
        let via = via.map(|host| host.ip_addresses.first().cloned().unwrap_or_else(|| host.dns_name.clone()));
        let typed = context.args.text("m").or_else(|| context.io.var("JUJU_MODEL"));
        let model = match typed {
            Some(typed) => typed.rsplit(':').next().unwrap_or(typed).to_owned(),
            None => self.api.model.clone(),
        };
        let model = proxy_word(&model);
        let (proxy, host) = match via {
            Some(address) => (true, address),
            None => {
                let address = self.api.connection.address();
                (false, address.rsplit_once(':').map_or(address, |(host, _)| host).to_owned())
            }
        };
        Ok(Some(format!(
            "{program} ssh --model={model} --proxy={proxy} --no-host-key-checks --pty=false ubuntu@{host} -q \"nc %h %p\""
        )))
    }

    fn is_ours(&self, context: &Context) -> Result<bool> {
        let controllers = context.store.controllers()?.controllers;
        let version = controllers.get(&self.api.controller).and_then(|entry| entry.agent_version.as_deref());
        Ok(is_ours(version.unwrap_or_default()))
    }

    /// A controller that is a process on its host lets nobody log in there: it carries ssh through its own port instead.
    fn tunnels(&self, context: &Context) -> Result<bool> {
        let controllers = context.store.controllers()?.controllers;
        let Some(entry) = controllers.get(&self.api.controller) else { return Ok(false) };
        Ok(match entry.cloud_type.as_deref() {
            Some(BUILTIN) => true,
            Some(MANUAL) => self.is_ours(context)?,
            _ => false,
        })
    }

    /// Takes the known-hosts file away.
    pub(super) fn forget(&mut self) {
        if let Some(path) = self.known.take() {
            // It lies in the temporary folder; leaving it would harm nobody.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Whether an address may be given to OpenSSH, which gives it to a shell: it may be the word of a machine in others' hands.
fn is_plain(address: &str) -> bool {
    !address.starts_with('-') && address.chars().all(|c| c.is_ascii_alphanumeric() || ".:-_%".contains(c))
}

/// A word of OpenSSH's ProxyCommand, which looks for `%h` and the like in it and then has the user's shell run it.
fn proxy_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "./:@_-+".contains(c);
    let word = if text.chars().all(is_plain) { text.to_owned() } else { base::shell::word(text) };
    word.replace('%', "%%")
}

/// Whether one of a machine's containers has the address.
fn contains(machine: &MachineStatus, address: &str) -> bool {
    machine
        .containers
        .values()
        .any(|c| c.ip_addresses.iter().any(|a| a == address) || c.dns_name == address || contains(c, address))
}

/// Whether asking again is in vain. The original asks ten times whatever the answer is.
fn is_final(error: &Error) -> bool {
    matches!(error.code(), "not found" | "not supported") || error.message().starts_with("attempt count exceeded")
}

/// The keys that answer at each address; a program each, all at once.
async fn scan_all(context: &Context, addresses: &[String], port: &str) -> Vec<Vec<String>> {
    futures_util::future::join_all(addresses.iter().map(|a| process::scan(context, a, port))).await
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_program_may_lie_anywhere() {
        let check = |text: &str, expected: &str| assert_eq!(super::proxy_word(text), expected, "{text}");
        check("/usr/bin/juju", "/usr/bin/juju");
        check("lab:admin/work", "lab:admin/work");
        check("/home/a b/juju", "'/home/a b/juju'");
        check("/home/100%/it's", r"'/home/100%%/it'\''s'");
    }
}
