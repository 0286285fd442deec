//! The agents' stream: how a machine enrols, and the messages of the one connection it holds from then on.
//! It knows nothing of facades: Juju's own agents are not served, so nothing in here is Juju's.
//! The surprise: every message may arrive twice (each side resends what it was not told to forget), so a reader must be idempotent.
//!
//! ```text
//! POST https://<controller>/grigri/enrol     EnrolRequest  -> EnrolReply | EnrolRefusal (401, 403, 409)
//! GET  wss://<controller>/grigri/agent       mutual TLS, one JSON message a text frame
//!
//!   agent                                 controller
//!   Hello (journal) ------------------->
//!                   <------------------- Document { full: true, .. }
//!   Facts, Status --------------------->
//!                   <------------------- Document { tasks: [..] }      whenever a part of it changes
//!   TaskStarted, TaskOutput*, TaskDone ->
//!                   <------------------- TaskAck                       now the agent forgets the task
//! ```
//!
//! Who the agent is, the client certificate says (`subject common name`: [`common_name`]); what `Hello` says of it is for logs only.

use serde::{Deserialize, Serialize};

/// Where a machine enrols (POST, JSON).
pub const ENROL_PATH: &str = "/grigri/enrol";
/// Where an enrolled machine's stream is (WebSocket, mutual TLS).
pub const STREAM_PATH: &str = "/grigri/agent";
/// The name agents expect in the controller's certificate, whatever address they dial.
pub const SERVER_NAME: &str = "juju-apiserver";
/// No message may be longer than this, either way.
pub const MAX_MESSAGE: usize = 4 << 20;
/// No more than this much of a task's output travels in one message (before base64).
pub const MAX_CHUNK: usize = 64 << 10;
/// What is kept of each of a task's two outputs; the rest is counted, not kept.
pub const MAX_OUTPUT: u64 = 1 << 20;

/// The subject common name of a machine's client certificate: `machine-0.<model uuid>`.
pub fn common_name(machine: &str, model_uuid: &str) -> String {
    format!("machine-{}.{model_uuid}", machine.replace('/', "-"))
}

/// Asks for a client certificate. The token binds to the first public key it is used with: the same key may ask again, no other.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EnrolRequest {
    pub model_uuid: String,
    /// `0`, `0/lxd/1`.
    pub machine: String,
    /// A secret: never logged.
    pub token: String,
    /// PKCS#10; only its public key counts, the controller writes the subject.
    pub csr_pem: String,
    pub agent_version: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EnrolReply {
    pub certificate_pem: String,
    pub ca_cert_pem: String,
    pub controller_uuid: String,
    /// `host:port`, all that lead to the controller.
    pub addresses: Vec<String>,
}

/// The body of an answer that is not 200. 401: token unknown or too old. 409: the token belongs to another key. 403: machine dead or gone.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EnrolRefusal {
    pub error: String,
}

/// From the controller to an agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum ToAgent {
    Document(Document),
    /// A quick way to say what `TaskOrder::cancel` says too.
    CancelTask {
        id: String,
    },
    /// The task's outcome and output are stored: the agent forgets them. Sent for every `TaskDone`, known to the controller or not.
    TaskAck {
        id: String,
    },
    /// The answer to `Renew`.
    Certificate {
        certificate_pem: String,
        ca_cert_pem: String,
    },
    Ping {
        n: u64,
    },
    /// A newer controller's message: an agent leaves it alone.
    #[serde(other)]
    Unknown,
}

/// What a machine should be: wholly (`full`, always first on a connection), or the parts that changed. An absent part is as it was;
/// absent tasks of a full document are none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Document {
    /// The store's revision that this document shows.
    pub revision: u64,
    pub full: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_version: Option<String>,
    /// Lines of an authorized_keys file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorized_keys: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxies: Option<Box<ProxySettings>>,
    /// What of its log the controller wants, `<root>=INFO;grigri.agent.tasks=DEBUG`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logging: Option<String>,
    /// The controller's, `host:port`; never an empty list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<String>>,
    /// All CAs that count, PEM, the newest first: an agent whose certificate is of an older one asks for another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_certs: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub life: Option<Life>,
    /// The controller has no record of the machine, nor of its end: its database may have been set back or lost. The agent stays, and
    /// asks again later.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
    /// All tasks of this machine that the controller has no outcome of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Vec<TaskOrder>>,
    /// A step of its way to another release of its operating system that waits for the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<UpgradeStep>,
}

/// Whom a machine's programs ask for what is far: those of apt, and all others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct ProxySettings {
    pub all: Proxies,
    pub apt: Proxies,
}

/// URLs by the schemes that go through them, empty for none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Proxies {
    pub http: String,
    pub https: String,
    pub ftp: String,
    /// Hosts that are asked themselves, separated by commas.
    pub no_proxy: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpgradeStep {
    /// Make everything of ours ready for it.
    Prepare,
    /// It is over: back into service.
    Complete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Life {
    Alive,
    Dying,
    /// The agent stops for good and connects no more.
    Dead,
}

/// One command to run. It is started at most once, whatever happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TaskOrder {
    pub id: String,
    /// A shell script's text.
    pub command: String,
    /// Nanoseconds from the start; 0: none; negative: over before it began.
    #[serde(default)]
    pub timeout: i64,
    /// Absent: `ubuntu`, with the environment of a login (`wire/commands-machines.md` 13.1); root where no such user is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as: Option<String>,
    /// Added to the environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<(String, String)>,
    /// False: waits for the machine's lock (of its `execution_group`).
    #[serde(default = "yes")]
    pub parallel: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub execution_group: String,
    /// It should end: not begin, or be killed.
    #[serde(default)]
    pub cancel: bool,
}

fn yes() -> bool {
    true
}

/// From an agent to the controller. Times are milliseconds since 1970, by the machine's clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum FromAgent {
    Hello(Hello),
    Facts(Box<Facts>),
    Status {
        status: AgentStatus,
        #[serde(default)]
        message: String,
    },
    TaskStarted {
        id: String,
        at: u64,
    },
    /// `offset` counts bytes of this stream; after a reconnection output comes again from 0, and what is known is skipped.
    TaskOutput {
        id: String,
        stream: Stream,
        offset: u64,
        /// Base64.
        data: String,
    },
    /// Sent after all its output; sent again on each connection until acknowledged.
    TaskDone(TaskDone),
    Log {
        at: u64,
        level: String,
        module: String,
        message: String,
    },
    /// A step of an upgrade is done. Sent again on each document that has the step.
    Upgraded {
        step: UpgradeStep,
        /// What the machine runs now: `debian@13`.
        base: String,
    },
    /// Asks for a new certificate over the old one's connection.
    Renew {
        csr_pem: String,
    },
    Pong {
        n: u64,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hello {
    pub machine: String,
    pub model_uuid: String,
    pub agent_version: String,
    /// Another one than last time: the machine was restarted.
    pub boot_id: String,
    /// Ids of tasks that run now.
    #[serde(default)]
    pub running: Vec<String>,
    /// Ids of tasks that are done and not acknowledged: their `TaskDone` follows.
    #[serde(default)]
    pub finished: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentStatus {
    Started,
    /// The agent ends; it may start again.
    Stopped,
    /// Nothing of the agent is on its host any more but the process that says so.
    Left,
    Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    Stdout,
    Stderr,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TaskDone {
    pub id: String,
    pub outcome: Outcome,
    /// 0: it never started.
    pub started: u64,
    pub completed: u64,
    /// What was kept and sent of each output.
    pub stdout_len: u64,
    pub stderr_len: u64,
    /// Bytes beyond [`MAX_OUTPUT`] that were thrown away, both outputs together.
    #[serde(default)]
    pub dropped: u64,
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Outcome {
    /// The command ended by itself.
    Exited { code: i32 },
    /// A signal that was not ours ended it.
    Signalled { signal: i32 },
    /// Its time was over and its group was killed.
    TimedOut,
    /// Cancelled before it began or while it ran.
    Cancelled,
    /// The machine or its agent died meanwhile: nobody knows how it ended.
    Interrupted,
    /// It could not be started.
    Failed { message: String },
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Facts {
    pub hostname: String,
    /// Juju's word: `amd64`, `arm64`.
    pub arch: String,
    /// What may be used, limits of control groups honoured.
    pub cores: u64,
    /// MiB.
    pub mem: u64,
    /// MiB.
    pub root_disk: u64,
    /// `ubuntu@22.04`.
    pub base: String,
    pub boot_id: String,
    pub interfaces: Vec<Interface>,
    /// Public keys as in `/etc/ssh/ssh_host_*_key.pub`.
    pub ssh_host_keys: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Interface {
    pub name: String,
    pub index: u32,
    pub mac: String,
    pub mtu: u32,
    pub up: bool,
    pub loopback: bool,
    /// In CIDR form: `10.0.0.5/24`.
    pub addresses: Vec<String>,
    /// The gateway of a default route through it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_as_the_table_says() {
        let check = |message: FromAgent, text: &str| {
            assert_eq!(serde_json::to_string(&message).expect("plain data"), text);
            let again: FromAgent = serde_json::from_str(text).expect("what we wrote");
            assert_eq!(serde_json::to_string(&again).expect("plain data"), text);
        };
        check(
            FromAgent::TaskOutput { id: "8".into(), stream: Stream::Stdout, offset: 3, data: "aGk=".into() },
            r#"{"type":"task-output","id":"8","stream":"stdout","offset":3,"data":"aGk="}"#,
        );
        check(
            FromAgent::TaskDone(TaskDone {
                id: "8".into(),
                outcome: Outcome::Exited { code: 2 },
                started: 1,
                completed: 2,
                stdout_len: 3,
                stderr_len: 0,
                dropped: 0,
            }),
            r#"{"type":"task-done","id":"8","outcome":{"kind":"exited","code":2},"started":1,"completed":2,"stdout-len":3,"stderr-len":0,"dropped":0}"#,
        );
        let check =
            |message: ToAgent, text: &str| assert_eq!(serde_json::to_string(&message).expect("plain data"), text);
        check(ToAgent::TaskAck { id: "8".into() }, r#"{"type":"task-ack","id":"8"}"#);
        check(
            ToAgent::Document(Document { revision: 4, life: Some(Life::Dying), ..Document::default() }),
            r#"{"type":"document","revision":4,"full":false,"life":"dying"}"#,
        );
    }

    #[test]
    fn what_a_newer_side_says_is_left_alone() {
        let unknown: ToAgent =
            serde_json::from_str(r#"{"type":"unheard-of","x":[1,{"y":2}]}"#).expect("unknown messages are read");
        assert!(matches!(unknown, ToAgent::Unknown));
        let order: TaskOrder =
            serde_json::from_str(r#"{"id":"1","command":"true","newer":1}"#).expect("absent fields have defaults");
        assert!(order.parallel && !order.cancel && order.timeout == 0);
    }
}
