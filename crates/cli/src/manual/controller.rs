//! Controllers on hosts that are there already: what makes and unmakes them, over the user's own OpenSSH.
//!
//! It must not know how a controller is started; our program on that host does (`bootstrap::Asked`).
//!
//! ```text
//! check -> program and request go over -> steps come back -> "made" -> its API is reached from here -> "keep" -> "kept"
//!             |  a connection that ends before "keep", for whatever reason, is the host's word to take back all it made
//! ```

use std::time::Duration;

use super::session::{Purpose, Session, explain, failed};
use super::{Login, as_root, detect};
use crate::bootstrap::{
    Asked, BootstrapError, BootstrapParams, BootstrapResult, Bootstrapper, Boxed, KEEP, KillParams, MANUAL, PATIENCE,
    Progress, Told, reach,
};
use crate::command::ssh::process::Fed;
use crate::context::{Context, architecture};
use crate::error::{Error, Result};

/// MiB: the program twice, and room for the database to begin with.
const ROOM: u64 = 512;

/// As root: controllers that are there, what is missing, and the room.
const LOOK: &str = r#"for one in /var/lib/grigri/controllers/*/controller.json; do
    [ -e "$one" ] || continue
    name=$(sed -n 's/^  "name": *"\([^"]*\)".*/\1/p' "$one")
    uuid=${one%/controller.json}
    echo "controller $name ${uuid##*/}"
done
for tool in head wc mkdir mktemp; do
    command -v $tool >/dev/null || echo "missing $tool"
done
df -Pk /var/lib 2>/dev/null | { read -r _ && read -r _ _ _ free _ && echo "free $free"; }
exit 0"#;

/// One host that is reached by ssh.
pub(crate) struct Elsewhere {
    login: Login,
    /// It was told over its API to take itself away.
    destroyed: bool,
    /// How long a new controller may take to be reached.
    patience: Duration,
}

impl Elsewhere {
    /// For `[user@]host[:port]`; nothing is started there yet.
    pub(crate) async fn find(context: &Context, endpoint: &str) -> Result<Elsewhere> {
        let patience = PATIENCE.mul_f64(context.wait_scale());
        Ok(Elsewhere { login: Login::find(context, endpoint).await?, destroyed: false, patience })
    }

    /// Where the client's own notes say that a controller of ours is, if it is on such a host: `[user@]host[:port]`.
    pub(crate) fn notes(context: &Context, name: &str) -> Result<Option<String>> {
        let all = context.store.controllers()?;
        let ours = all.controllers.get(name).is_some_and(|entry| {
            entry.cloud_type.as_deref() == Some(MANUAL) && is_ours(entry.agent_version.as_deref().unwrap_or_default())
        });
        let noted = context.store.bootstrap_configs()?;
        let endpoint = noted.controllers.get(name).and_then(|config| config.endpoint.clone());
        Ok(endpoint.filter(|endpoint| ours && !endpoint.is_empty()))
    }

    pub(crate) async fn of_controller(context: &Context, name: &str) -> Result<Option<Elsewhere>> {
        match Elsewhere::notes(context, name)? {
            Some(endpoint) => Elsewhere::find(context, &endpoint).await.map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn destroyed(mut self) -> Elsewhere {
        self.destroyed = true;
        self
    }

    /// `user@host`.
    pub(crate) fn destination(&self) -> &str {
        &self.login.destination
    }

    /// Names and addresses by which it was reached, that mean it elsewhere too.
    pub(crate) async fn known_as(&self) -> Vec<String> {
        let real = self.login.real_name().await;
        let mut names: Vec<String> =
            real.into_iter().chain([self.login.host.clone()]).filter(|name| is_known(name)).collect();
        names.dedup();
        names
    }

    async fn check(&self) -> Result<(), BootstrapError> {
        let words = |error: Error| failed(error.message());
        let said = self.login.run("exit 0", Fed::default()).await.map_err(words)?;
        if said.code != 0 {
            return Err(explain(self.destination(), said.code, said.stderr.trim()));
        }
        detect::check_is_new(&self.login).await.map_err(words)?;
        let found = detect::detect(&self.login).await.map_err(words)?;
        if found.arch != architecture() {
            return Err(failed(format!(
                "cannot use agent built for {:?} using a machine running on {:?}",
                architecture(),
                found.arch
            )));
        }
        let said = self.login.run(&as_root(LOOK, &[]), Fed::default()).await.map_err(words)?;
        if said.code != 0 {
            return Err(explain(self.destination(), said.code, said.stderr.trim()));
        }
        judge(self.destination(), &said.stdout)
    }

    async fn make(&self, params: &BootstrapParams, progress: Progress<'_>) -> Result<BootstrapResult, BootstrapError> {
        let mut session = Session::open(&self.login, &params.controller_uuid, Purpose::Make)?;
        let made = match session.ask(&Asked::Make(Box::new(params.clone())), progress).await? {
            Told::Made(made) => *made,
            other => return Err(unexpected(&other)),
        };
        reach(params, &made, &self.login.host, self.patience, progress).await?;
        session.say(&format!("{KEEP}\n")).await?;
        match session.told().await? {
            Told::Kept => Ok(made),
            other => Err(unexpected(&other)),
        }
    }

    async fn start(&self, params: &KillParams, progress: Progress<'_>) -> Result<bool, BootstrapError> {
        let mut session = Session::open(&self.login, &params.uuid, Purpose::Start)?;
        match session.ask(&Asked::Start(params.clone()), progress).await? {
            Told::Started(started) => Ok(started),
            other => Err(unexpected(&other)),
        }
    }

    async fn remove(&self, params: &KillParams, progress: Progress<'_>) -> Result<(), BootstrapError> {
        let purpose = if self.destroyed { Purpose::Destroyed } else { Purpose::Remove };
        let mut session = Session::open(&self.login, &params.uuid, purpose)?;
        match session.ask(&Asked::Remove(params.clone()), progress).await? {
            Told::Gone => Ok(()),
            other => Err(unexpected(&other)),
        }
    }
}

impl Bootstrapper for Elsewhere {
    fn check<'b>(&'b self, _: &'b BootstrapParams) -> Boxed<'b, ()> {
        Box::pin(self.check())
    }

    fn bootstrap<'b>(&'b self, params: &'b BootstrapParams, progress: Progress<'b>) -> Boxed<'b, BootstrapResult> {
        Box::pin(self.make(params, progress))
    }

    fn start<'b>(&'b self, params: &'b KillParams, progress: Progress<'b>) -> Boxed<'b, bool> {
        Box::pin(self.start(params, progress))
    }

    fn kill<'b>(&'b self, params: &'b KillParams, progress: Progress<'b>) -> Boxed<'b, ()> {
        Box::pin(async move {
            self.remove(params, progress).await.map_err(|mut error| {
                error.hints.push(format!(
                    "To take the controller off its host by hand, run there as root, if this is there:\n    \
                     /var/lib/grigri/controllers/{}/grigri uninstall --force --no-prompt\n\
                     and here, to forget it:\n    juju unregister {}",
                    params.uuid, params.controller_name
                ));
                error
            })
        })
    }
}

fn unexpected(told: &Told) -> BootstrapError {
    failed(format!("the program on the host gave an answer to another question: {told:?}"))
}

/// Whether a version is one of this program's: Juju's own third number is below (`base::version`).
pub(crate) fn is_ours(version: &str) -> bool {
    let patch = version.split('.').nth(2).and_then(|patch| patch.parse::<u32>().ok());
    version.starts_with("3.6.") && patch.is_some_and(|patch| patch >= 100)
}

/// An address, or a name that is not only known here.
fn is_known(name: &str) -> bool {
    match name.parse::<std::net::IpAddr>() {
        Ok(ip) => !ip.is_loopback() && !ip.is_unspecified(),
        Err(_) => name.contains('.'),
    }
}

/// What stands in the way, of what the host says of itself.
fn judge(host: &str, said: &str) -> Result<(), BootstrapError> {
    for line in said.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["controller", name, uuid] => {
                return Err(BootstrapError {
                    message: format!("machine is already provisioned: {host} has controller {name:?} ({uuid})"),
                    hints: vec![
                        "Use that one (juju login), or end it first: juju kill-controller, or as root on that host:"
                            .into(),
                        format!("    /var/lib/grigri/controllers/{uuid}/grigri uninstall"),
                    ],
                });
            }
            ["missing", tool] => return Err(failed(format!("{host} has no program {tool:?}, which is needed there"))),
            ["free", kib] if kib.parse::<u64>().is_ok_and(|kib| kib / 1024 < ROOM) => {
                return Err(failed(format!("{host} has less than {ROOM} MiB free in /var/lib")));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_version_it_is() {
        let check = |version: &str, expected: bool| assert_eq!(is_ours(version), expected, "{version}");
        check("3.6.100", true);
        check("3.6.142", true);
        check("3.6.28", false);
        check("3.6.28.100", false);
        check("4.0.15", false);
        check("", false);
    }

    #[test]
    fn names_that_mean_the_host_elsewhere_too() {
        for known in ["10.0.0.7", "fd00::7", "box.example.com"] {
            assert!(is_known(known), "{known}");
        }
        for unknown in ["box", "localhost", "127.0.0.1", "::1", "0.0.0.0"] {
            assert!(!is_known(unknown), "{unknown}");
        }
    }

    #[test]
    fn what_stands_in_the_way() {
        let check = |said: &str, expected: Option<&str>| {
            let seen = judge("root@box", said).err().map(|error| error.message);
            assert_eq!(seen.as_deref(), expected, "{said}");
        };
        check("", None);
        check("free 5000000\n", None);
        check("free 1000\n", Some("root@box has less than 512 MiB free in /var/lib"));
        check("missing head\nfree 5000000\n", Some("root@box has no program \"head\", which is needed there"));
        check(
            "controller prod 11-22\nfree 5000000\n",
            Some("machine is already provisioned: root@box has controller \"prod\" (11-22)"),
        );
    }

    #[test]
    fn this_very_host_says_what_it_has_room_for() {
        let said = std::process::Command::new("/bin/sh").args(["-c", LOOK]).output().expect("a shell");
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        let free = text.lines().find_map(|line| line.strip_prefix("free ")).expect("said");
        let seen = free.parse::<u64>().expect("a number") << 10;
        let is = host::health::space(std::path::Path::new("/var/lib")).expect("known").free;
        assert!(seen.abs_diff(is) < 1 << 30, "{seen} {is}");
    }

    #[test]
    fn how_a_command_ended() {
        let check = |code: i32, words: &str, expected: &str| {
            assert_eq!(explain("root@box", code, words).message, expected);
        };
        check(255, "ssh: no route", "cannot reach root@box by ssh: ssh: no route");
        check(1, "sudo: a password is required", "cannot become root on root@box: sudo: a password is required");
        check(127, "sh: 1: sudo: not found", "cannot become root on root@box: sh: 1: sudo: not found");
        check(143, "", "root@box ended the work: exit 143");
        let added = "Warning: Permanently added 'box' (ED25519) to the list of known hosts.\nno way";
        check(255, added, "cannot reach root@box by ssh: no way");
    }
}
