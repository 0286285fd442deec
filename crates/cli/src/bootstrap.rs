//! The seam to what makes and unmakes controllers: the binary injects it, commands only speak of it.
//!
//! Must not know how a controller is started. The surprise: a `Bootstrapper` that fails or is dropped midway has
//! removed what it made; the command then has only the client store to put back.

mod reach;
mod talk;

pub use reach::{PATIENCE, reach};
pub use talk::{Ended, Talk};

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use base::secret::Secret;
use serde::{Deserialize, Serialize};
use wire::facade::cloud::Cloud;

pub use base::cloud_type::BUILTIN;
/// Hosts that are there already; the controller is on one of them.
pub const MANUAL: &str = "manual";

/// Servers of containers, one of which the controller is in.
pub const SERVERS: &[&str] = &["incus", "lxd"];

/// What a cloud is used with.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Account {
    /// Where its server is; empty: on this host.
    pub endpoint: String,
    /// The settings of its definition.
    pub config: serde_json::Map<String, serde_json::Value>,
    /// The credential's.
    pub name: String,
    pub auth_type: String,
    pub attributes: BTreeMap<String, Secret>,
}

/// What the user asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct BootstrapParams {
    pub controller_name: String,
    /// The cloud's name.
    pub cloud: String,
    /// `builtin`, `manual`, `lxd`, `incus`.
    pub cloud_type: String,
    /// Of a manual cloud: the host, `[user@]host[:port]`, as typed. Of others that have one: where the user's definition says.
    pub endpoint: String,
    /// All that the user's definition says; empty for a cloud that nobody defined.
    #[serde(default)]
    pub definition: Cloud,
    /// Of clouds that want one.
    #[serde(default)]
    pub account: Option<Account>,
    /// The name of the cloud's instance that the controller is in; empty: it is on a host that was there before.
    #[serde(default)]
    pub instance: String,
    /// Of a manual cloud: names and addresses by which the host is known to whoever reached it, the best first.
    pub known_as: Vec<String>,
    pub region: String,
    pub controller_uuid: String,
    pub controller_model_uuid: String,
    pub admin_password: Secret,
    /// Lines for `authorized_keys` of the controller model.
    pub authorized_keys: String,
    /// `--config`: of the controller, of bootstrap, of the controller model, not yet told apart.
    pub config: BTreeMap<String, String>,
    /// `--model-default`; in files values have types.
    pub model_defaults: BTreeMap<String, serde_json::Value>,
    /// `--storage-pool`: `name`, `type`, and the provider's attributes; empty, or with both.
    #[serde(default)]
    pub storage_pool: BTreeMap<String, String>,
    pub constraints: String,
    pub bootstrap_constraints: String,
    pub bootstrap_base: String,
    /// `--to`, a directive of the cloud's.
    #[serde(default)]
    pub placement: String,
    pub keep_broken: bool,
    /// Seconds until a controller that does not answer counts as failed, where the user has an opinion.
    #[serde(default)]
    pub patience: Option<u64>,
}

/// A controller whose API answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BootstrapResult {
    pub uuid: String,
    pub controller_model_uuid: String,
    pub ca_cert: String,
    /// `host:port`.
    pub endpoints: Vec<String>,
    pub cloud_type: String,
    pub region: String,
    pub agent_version: String,
}

/// Which controller of a host is meant when its API does not answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct KillParams {
    pub controller_name: String,
    pub uuid: String,
    pub cloud_type: String,
    /// Of clouds that want one.
    #[serde(default)]
    pub account: Option<Account>,
}

/// A cause with its cure, each for the user.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct BootstrapError {
    pub message: String,
    /// Lines of advice.
    pub hints: Vec<String>,
}

/// A step as it happens, for stderr.
pub type Progress<'p> = &'p (dyn Fn(&str) + Send + Sync);

pub type Boxed<'b, T> = Pin<Box<dyn Future<Output = Result<T, BootstrapError>> + Send + 'b>>;

/// What the program is asked on a host that was reached by ssh, as one line of JSON on its standard input.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// The next line says [`KEEP`], when whoever asked has reached the controller; else it is taken away again.
    Make(Box<BootstrapParams>),
    Start(KillParams),
    Remove(KillParams),
}

/// What it answers, each as one line of JSON on its standard output.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// By the shell: the program is to be sent, its length in a line before it.
    Send,
    /// For the request.
    Ready,
    Step(String),
    Made(Box<BootstrapResult>),
    Kept,
    /// False: it ran already.
    Started(bool),
    /// By the shell too, when there is nothing to remove.
    Gone,
    Failed(BootstrapError),
}

pub const KEEP: &str = "keep";

/// First word of the command line that answers [`Asked`].
pub const HOST_MODE: &str = "controller-host";

/// Makes controllers on one host.
pub trait Bootstrapper: Send + Sync {
    /// An account that a controller can use, of what the client has: for a server of this host without a credential, one is made in the
    /// client's directory and the server told to trust it. May be asked again.
    fn account<'b>(&'b self, cloud_type: &'b str, account: Account, client: &'b Path) -> Boxed<'b, Account> {
        let _ = (cloud_type, client);
        Box::pin(async { Ok(account) })
    }

    /// Whether the settings that were asked for could be a controller's, wherever that is to be.
    fn check_settings(&self, _params: &BootstrapParams) -> Result<(), BootstrapError> {
        Ok(())
    }

    /// Whether a controller can be made here. Changes nothing.
    fn check<'b>(&'b self, params: &'b BootstrapParams) -> Boxed<'b, ()>;

    /// Starts a controller and waits until its API answers. On failure, and when the future is dropped,
    /// `cleanup` is called by the command unless `keep_broken`.
    fn bootstrap<'b>(&'b self, params: &'b BootstrapParams, progress: Progress<'b>) -> Boxed<'b, BootstrapResult>;

    /// Whether the controller is one of this host and does not run; false where that cannot be seen.
    fn is_down(&self, _uuid: &str) -> bool {
        false
    }

    /// Starts a controller of this host that does not run, after a crash or a reboot. False: it runs already.
    fn start<'b>(&'b self, params: &'b KillParams, progress: Progress<'b>) -> Boxed<'b, bool>;

    /// Ends a controller and takes away all it made on this host, without its API. Right when nothing is left.
    fn kill<'b>(&'b self, params: &'b KillParams, progress: Progress<'b>) -> Boxed<'b, ()>;
}

impl From<BootstrapError> for crate::Error {
    fn from(error: BootstrapError) -> crate::Error {
        let mut text = error.message;
        if !error.hints.is_empty() {
            text.push_str(&format!("\n\n{}", error.hints.join("\n")));
        }
        crate::Error::failed(text)
    }
}
