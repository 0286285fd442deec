//! The seam to what an operator does on a controller's own host, beneath its API: the binary injects it.
//!
//! Must not know how a controller lies on its disk. The surprise: everything here may be asked for while the API does
//! not answer, which is when it is needed.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use base::secret::Secret;
pub use host::health::{Finding, Level};

use crate::bootstrap::{Boxed, Progress};

/// A controller whose directory is on this host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Local {
    pub uuid: String,
    pub name: String,
    /// `host:port`.
    pub endpoints: Vec<String>,
    /// All CAs to be trusted, PEM.
    pub ca_cert: String,
    pub cloud: String,
    pub cloud_type: String,
    pub region: String,
}

#[derive(Debug, Clone, Default)]
pub struct UninstallParams {
    /// End the controllers that are there.
    pub force: bool,
    /// Remove nothing but what bears these keys, each left by a controller that is no more.
    pub leftovers: Vec<String>,
    /// The directories in which programs are looked for.
    pub path: String,
}

/// A base that machines of this host may have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostBase {
    /// `debian@13`.
    pub name: String,
    /// `host`, `archive`, `debootstrap`.
    pub source: String,
    /// The archive's path, the release's name.
    pub detail: String,
    /// It is there; one that is not is made when it is needed.
    pub is_ready: bool,
    /// What machines have that ask for none.
    pub is_default: bool,
    /// It was added by name.
    pub is_added: bool,
    /// Files and their bytes, where they were counted.
    pub files: Option<u64>,
    pub bytes: Option<u64>,
    /// Instances that have it.
    pub machines: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub struct AddBaseParams {
    pub name: String,
    /// A root file system; none: it is made by `debootstrap`.
    pub archive: Option<PathBuf>,
    pub mirror: Option<String>,
    /// Though the archive says that it is another base.
    pub unlike: bool,
}

/// How far a change of CA is.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rotation {
    /// All CAs to be trusted, PEM, the newest first.
    pub ca_cert: String,
    /// Certificates of the old one count still.
    pub rotating: bool,
    /// Agents with a certificate of the new one.
    pub renewed: usize,
    /// The others.
    pub behind: Vec<String>,
}

pub trait Operator: Send + Sync {
    /// Looks at this host and at the controllers on it. Changes nothing.
    fn examine(&self) -> Pin<Box<dyn Future<Output = Vec<Finding>> + Send + '_>>;

    /// The controllers of this host, in order of names.
    fn controllers(&self) -> Boxed<'_, Vec<Local>>;

    /// Gives a controller's first user this password and all access, through the running controller or on its disk.
    /// Gives the user's name.
    fn reset_password<'b>(&'b self, uuid: &'b str, password: &'b Secret) -> Boxed<'b, String>;

    /// Begins a change of a controller's CA, or says how far it is; with `finish` ends it.
    fn rotate_ca<'b>(&'b self, uuid: &'b str, finish: bool, force: bool) -> Boxed<'b, Rotation>;

    /// The newest of what a controller logged itself, 4 MiB at most.
    fn log<'b>(&'b self, uuid: &'b str) -> Boxed<'b, String>;

    /// The bases that machines of this host may have, the default one first.
    fn bases(&self) -> Boxed<'_, Vec<HostBase>>;

    /// Adds one, and says how far it is.
    fn add_base<'b>(&'b self, params: &'b AddBaseParams, progress: Progress<'b>) -> Boxed<'b, HostBase>;

    /// Takes one away, unless machines have it.
    fn remove_base<'b>(&'b self, name: &'b str) -> Boxed<'b, ()>;

    /// Takes all that Grigri made away from this host.
    fn uninstall<'b>(&'b self, params: &'b UninstallParams, progress: Progress<'b>) -> Boxed<'b, ()>;
}
