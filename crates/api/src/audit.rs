//! Who did what: every call that may change something, every login, and whatever was refused; kept where `audit-log` finds it.
//!
//! It judges nothing. The surprise: logins, and what was refused, are kept apart, so that a script that logs in each second, or is refused a
//! thousand times, pushes nothing out of what was done. An entry is written a moment after its call was answered: a controller that is killed may lose the last ones.

mod redact;

use crate::strangers::Source;
use crate::table::Method;
use base::ModelUuid;
use base::clock::Time;
use model::State;
use model::access::{ModelLevel, Need};
use model::record::controller::Controller;
use redact::{plain, redacted};
use serde_json::Value;
use std::collections::BTreeMap;
use store::append::{Level, Line, LogBounds, Logged, Logs, Micros};
use tokio::sync::mpsc;
use wire::facade::audit::Entry;

/// Names of logs beside those of models.
const DONE: &str = "audit";
const LOGINS: &str = "audit-logins";
pub const REFUSED: &str = "audit-refused";
/// Each with the bytes that are kept of it.
pub const LOGS: [(&str, u64); 3] = [(DONE, 64 << 20), (LOGINS, 16 << 20), (REFUSED, 16 << 20)];
const LOGIN: &str = "Admin.Login";
/// Entries that may wait to be written; then calls wait.
const WAITING: usize = 1024;
const AT_ONCE: usize = 256;
/// Bytes of a client's command line.
const COMMAND: usize = 4096;

/// What reads, beside all that needs no more than to read a model. What is not here is kept, and so is what hands out secrets.
const READS: &[&str] = &[
    "AllModelWatcher.Next",
    "AllModelWatcher.Stop",
    "AllWatcher.Stop",
    "Audit.List",
    "Cloud.CheckCredentialsModels",
    "Cloud.Cloud",
    "Cloud.CloudInfo",
    "Cloud.Clouds",
    "Cloud.DefaultCloud",
    "Cloud.InstanceTypes",
    "Cloud.ListCloudInfo",
    "Cloud.UserCredentials",
    "Controller.AllModels",
    "Controller.ControllerAPIInfoForModels",
    "Controller.ControllerConfig",
    "Controller.ControllerVersion",
    "Controller.DashboardConnectionInfo",
    "Controller.GetControllerAccess",
    "Controller.IdentityProviderURL",
    "Controller.ListBlockedModels",
    "Controller.ModelStatus",
    "Controller.MongoVersion",
    "Controller.WatchAllModelSummaries",
    "Controller.WatchAllModels",
    "Controller.WatchCloudSpecsChanges",
    "Controller.WatchModelSummaries",
    "Leaks.List",
    "ModelConfig.ModelGet",
    "ModelManager.ListModelSummaries",
    "ModelManager.ListModels",
    "ModelManager.ModelDefaultsForClouds",
    "ModelManager.ModelInfo",
    "ModelManager.ModelStatus",
    "ModelSummaryWatcher.Next",
    "ModelSummaryWatcher.Stop",
    "NotifyWatcher.Next",
    "NotifyWatcher.Stop",
    "Pinger.Ping",
    "Pinger.Stop",
    "SSHClient.AllAddresses",
    "SSHClient.PrivateAddress",
    "SSHClient.Proxy",
    "SSHClient.PublicAddress",
    "SSHClient.PublicKeys",
    "StringsWatcher.Next",
    "StringsWatcher.Stop",
    "UserManager.ModelUserInfo",
    "UserManager.UserInfo",
];

/// Writes in the order of the calls' ends.
pub struct Audit {
    sender: mpsc::Sender<(&'static str, Line)>,
}

/// What is known of a call before it runs.
pub struct Begun {
    user: String,
    from: String,
    method: String,
    model: Option<ModelUuid>,
    command: String,
    arguments: String,
}

/// As who, from where, with which command line.
pub struct Who<'a> {
    pub user: &'a str,
    pub from: Source,
    pub command: &'a str,
}

impl Audit {
    /// To be called within the async runtime.
    pub fn start(logs: Logs) -> Audit {
        let (sender, mut lines) = mpsc::channel::<(&'static str, Line)>(WAITING);
        tokio::spawn(async move {
            let mut batch = Vec::new();
            while lines.recv_many(&mut batch, AT_ONCE).await > 0 {
                for (name, bytes) in LOGS {
                    let of_it = batch.iter().filter(|(of, _)| *of == name).map(|(_, line)| line.clone());
                    let of_it: Vec<Line> = of_it.collect();
                    if of_it.is_empty() {
                        continue;
                    }
                    let count = of_it.len();
                    if let Err(error) = logs.append(name, of_it, LogBounds { bytes }).await {
                        tracing::error!(
                            count,
                            error = &error as &dyn std::error::Error,
                            "entries of the audit are lost"
                        );
                    }
                }
                batch.clear();
            }
        });
        Audit { sender }
    }

    /// Waits for the call's end: dropped before, it says so, since what was begun may be done all the same.
    pub fn follow<'a>(&'a self, state: &'a State, begun: Option<Begun>) -> Pending<'a> {
        Pending { audit: self, state, begun }
    }
}

/// A call that is not answered yet.
pub struct Pending<'a> {
    audit: &'a Audit,
    state: &'a State,
    begun: Option<Begun>,
}

impl Pending<'_> {
    /// How it went: nothing is a success.
    pub async fn ended(mut self, error: Option<&str>) {
        let Some(begun) = self.begun.take() else { return };
        // Gone only when the process ends.
        let _ = self.audit.sender.send(line(begun, self.state.now(), error)).await;
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        let Some(begun) = self.begun.take() else { return };
        let entry = line(begun, self.state.now(), Some("its connection ended before the answer"));
        if self.audit.sender.try_send(entry).is_err() {
            tracing::warn!("an entry of the audit is lost: a connection ended while many were waiting to be written");
        }
    }
}

/// An entry, and the log it belongs to.
fn line(begun: Begun, now: Time, error: Option<&str>) -> (&'static str, Line) {
    let Begun { user, from, method, model, command, arguments } = begun;
    let labels = [
        ("model", model.map(|model| model.to_string()).unwrap_or_default()),
        ("command", command),
        ("arguments", arguments),
    ];
    let line = Line {
        at: Micros::try_from(now.unix_nanos() / 1000).unwrap_or(0),
        entity: user,
        level: if error.is_none() { Level::Info } else { Level::Warning },
        module: method,
        location: from,
        message: error.map(plain).unwrap_or_default(),
        labels: labels
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| (name.to_owned(), text))
            .collect::<BTreeMap<_, _>>(),
    };
    let name = match error {
        Some(_) => REFUSED,
        None if line.module == LOGIN => LOGINS,
        None => DONE,
    };
    (name, line)
}

/// Nothing when a call of this kind is not kept.
pub fn begin(
    controller: Option<&Controller>,
    facade: &str,
    method: &Method,
    model: Option<ModelUuid>,
    params: &Value,
    who: &Who<'_>,
) -> Option<Begun> {
    let set = |key: &str| controller.and_then(|controller| controller.config.get(key));
    if set("auditing-enabled").and_then(Value::as_bool) == Some(false) {
        return None;
    }
    let excluded = set("audit-log-exclude-methods").and_then(Value::as_array);
    let is_excluded = |word: &str| excluded.is_some_and(|all| all.iter().any(|one| one.as_str() == Some(word)));
    // As it is set from the start, what reads is left out; most calls do, and cost no more than this.
    let leaves_out_reads = excluded.is_none() || is_excluded("ReadOnlyMethods");
    if leaves_out_reads && method.need == Need::Model(ModelLevel::Read) {
        return None;
    }
    let name = format!("{facade}.{}", method.name);
    if is_excluded(&name) || (leaves_out_reads && READS.binary_search(&name.as_str()).is_ok()) {
        return None;
    }
    let captures = set("audit-log-capture-args").and_then(Value::as_bool) != Some(false);
    Some(Begun {
        user: who.user.to_owned(),
        from: who.from.to_string(),
        method: name,
        model,
        command: command(who.command),
        arguments: if captures { redacted(params) } else { String::new() },
    })
}

/// A login is always kept.
pub fn login(model: Option<ModelUuid>, who: &Who<'_>) -> Begun {
    let (user, method) = (plain(who.user), LOGIN.to_owned());
    Begun { user, from: who.from.to_string(), method, model, command: command(who.command), arguments: String::new() }
}

fn command(line: &str) -> String {
    let end = (0..=line.len().min(COMMAND)).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
    redact::command(&plain(&line[..end]))
}

/// The words of an answer whose every item was refused: then nothing was done, though the call as such went well.
pub fn refused_within(body: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Answer {
        #[serde(default)]
        results: Option<Vec<Item>>,
    }
    #[derive(serde::Deserialize)]
    struct Item {
        error: Option<wire::Error>,
    }
    // Long answers are of calls with many items; what became of each is more than an entry has room for.
    if body.len() > 16 << 10 || !body.contains("\"error\"") {
        return None;
    }
    let Answer { results } = serde_json::from_str(body).ok()?;
    let items = results.filter(|items| !items.is_empty())?;
    let words: Option<Vec<String>> = items.into_iter().map(|item| Some(item.error?.message)).collect();
    Some(words?.join("; "))
}

/// An entry as it is told.
pub fn entry(logged: Logged, name_of: impl Fn(&str) -> String) -> Entry {
    let Line { at, entity, module, location, message, mut labels, .. } = logged.line;
    let mut label = |name: &str| labels.remove(name).unwrap_or_default();
    let (model_uuid, command, arguments) = (label("model"), label("command"), label("arguments"));
    Entry {
        when: Time::from_unix(0).plus(std::time::Duration::from_micros(u64::try_from(at).unwrap_or(0))),
        user: entity,
        from: location,
        method: module,
        model: name_of(&model_uuid),
        model_uuid,
        command,
        arguments,
        error: message,
    }
}

#[cfg(test)]
mod tests {
    use super::READS;
    use crate::table::facades;

    #[test]
    fn what_is_left_out_is_there() {
        let all: Vec<String> = facades()
            .flat_map(|facade| facade.methods.iter().map(move |method| format!("{}.{}", facade.name, method.name)))
            .collect();
        let gone: Vec<&&str> = READS.iter().filter(|name| !all.iter().any(|one| one == **name)).collect();
        assert!(gone.is_empty(), "{gone:?}");
        assert!(READS.is_sorted());
    }
}
