//! Where things lie on a controller's host. One root for all controllers, one directory for each.
//! Nothing is created here.

use std::path::{Path, PathBuf};

/// Set to keep everything somewhere else than in `/var/lib/grigri`.
pub const ROOT_VARIABLE: &str = "GRIGRI_ROOT";
const DEFAULT_ROOT: &str = "/var/lib/grigri";
/// Where systemd looks for units of this host's own.
pub const UNITS: &str = "/etc/systemd/system";
/// What the unit of every controller is called before its UUID.
pub const UNIT_PREFIX: &str = "grigri-controller-";

/// The root: images and machines of the builtin cloud, and `controllers/`.
pub fn root() -> PathBuf {
    std::env::var_os(ROOT_VARIABLE).map_or_else(|| PathBuf::from(DEFAULT_ROOT), PathBuf::from)
}

/// One controller's directory and the files in it.
#[derive(Debug, Clone)]
pub struct Layout {
    pub root: PathBuf,
    pub uuid: String,
}

impl Layout {
    pub fn new(uuid: &str) -> Layout {
        Layout { root: root(), uuid: uuid.to_owned() }
    }

    /// `ROOT/controllers/UUID`, 0700.
    pub fn dir(&self) -> PathBuf {
        self.root.join("controllers").join(&self.uuid)
    }

    /// Locked by a bootstrap under way.
    pub fn turn(&self) -> PathBuf {
        self.root.join("bootstrap.lock")
    }

    pub fn ca_cert(&self) -> PathBuf {
        self.dir().join("ca.crt")
    }

    /// 0600.
    pub fn ca_key(&self) -> PathBuf {
        self.dir().join("ca.key")
    }

    /// What the controller knows.
    pub fn database(&self) -> PathBuf {
        self.dir().join(store::sqlite::FILE)
    }

    /// What credentials are sealed with; not in the database, on purpose. 0600.
    pub fn secrets_key(&self) -> PathBuf {
        self.dir().join("secrets.key")
    }

    /// CA and all that belongs to it once it was changed; stands over `ca.crt` and `ca.key`. 0600.
    pub fn authority(&self) -> PathBuf {
        self.dir().join("authority.json")
    }

    /// What the daemon is started with: name, port, cloud.
    pub fn settings(&self) -> PathBuf {
        self.dir().join("controller.json")
    }

    /// Number and start time of the daemon.
    pub fn pid(&self) -> PathBuf {
        self.dir().join("controller.pid")
    }

    /// The process that was started last, be it up already or not.
    pub fn starting(&self) -> PathBuf {
        self.dir().join("starting.pid")
    }

    pub fn log(&self) -> PathBuf {
        self.dir().join("controller.log")
    }

    /// The daemon's program: a copy, so that what a build or a download does to the original changes nothing.
    pub fn program(&self) -> PathBuf {
        self.dir().join("grigri")
    }

    /// Where systemd finds the daemon.
    pub fn unit(&self) -> PathBuf {
        Path::new(UNITS).join(self.unit_name())
    }

    pub fn unit_name(&self) -> String {
        format!("{UNIT_PREFIX}{}.service", self.uuid)
    }
}
