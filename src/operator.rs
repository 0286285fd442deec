//! What an operator does on a controller's own host: looking, recovering, taking away. The command line asks for it through its seam.
//! It decides nothing about machines. The surprise: a controller may run or not; who holds its directory's lock is asked, else its files are used.

mod bases;
mod examine;
mod findings;
pub mod reset;
mod rotate;
mod uninstall;

use crate::addresses;
use crate::bootstrap::endpoint;
use crate::layout::{self, Layout};
use crate::settings::Settings;
use base::Secret;
use cli::bootstrap::{BootstrapError, Boxed, Progress};
use cli::operating::{AddBaseParams, Finding, HostBase, Local, Rotation, UninstallParams};
use std::io::{self, Read, Seek};
use std::path::Path;
use std::pin::Pin;

/// Operates this host.
pub struct OfThisHost;

impl cli::Operator for OfThisHost {
    fn examine(&self) -> Pin<Box<dyn Future<Output = Vec<Finding>> + Send + '_>> {
        Box::pin(examine::examine())
    }

    fn controllers(&self) -> Boxed<'_, Vec<Local>> {
        Box::pin(async { locals() })
    }

    fn reset_password<'b>(&'b self, uuid: &'b str, password: &'b Secret) -> Boxed<'b, String> {
        Box::pin(reset::reset(uuid, password))
    }

    fn rotate_ca<'b>(&'b self, uuid: &'b str, finish: bool, force: bool) -> Boxed<'b, Rotation> {
        Box::pin(rotate::rotate(uuid, finish, force))
    }

    fn log<'b>(&'b self, uuid: &'b str) -> Boxed<'b, String> {
        Box::pin(async move {
            let path = Layout::new(uuid).log();
            newest(&path).map_err(|error| failed(format!("cannot read {}: {error}", path.display())))
        })
    }

    fn bases(&self) -> Boxed<'_, Vec<HostBase>> {
        Box::pin(bases::list())
    }

    fn add_base<'b>(&'b self, params: &'b AddBaseParams, progress: Progress<'b>) -> Boxed<'b, HostBase> {
        Box::pin(bases::add(params, progress))
    }

    fn remove_base<'b>(&'b self, name: &'b str) -> Boxed<'b, ()> {
        Box::pin(bases::remove(name))
    }

    fn uninstall<'b>(&'b self, params: &'b UninstallParams, progress: Progress<'b>) -> Boxed<'b, ()> {
        Box::pin(uninstall::uninstall(params, progress))
    }
}

/// The last 4 MiB of a file.
fn newest(path: &Path) -> io::Result<String> {
    const MOST: u64 = 4 << 20;
    let mut file = std::fs::File::open(path)?;
    let from = file.metadata()?.len().saturating_sub(MOST);
    file.seek(io::SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn failed(message: impl Into<String>) -> BootstrapError {
    BootstrapError { message: message.into(), hints: Vec::new() }
}

/// The directories of controllers on this host, by UUID; also of those whose settings cannot be read.
fn layouts() -> io::Result<Vec<Layout>> {
    let entries = match std::fs::read_dir(layout::root().join("controllers")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut uuids: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    uuids.sort();
    Ok(uuids.iter().map(|uuid| Layout::new(uuid)).collect())
}

pub fn locals() -> Result<Vec<Local>, BootstrapError> {
    let layouts = layouts().map_err(|error| BootstrapError {
        message: format!("cannot look for controllers in {}: {error}", layout::root().display()),
        hints: Vec::new(),
    })?;
    let mut locals: Vec<Local> = layouts
        .into_iter()
        .map(|layout| {
            let settings = Settings::read(&layout).ok();
            let cloud = settings.as_ref().map(|settings| settings.cloud.clone()).unwrap_or_default();
            let reached = |settings: &Settings| {
                let hosts = addresses::all(&settings.known_as);
                hosts.iter().map(|host| endpoint(&host.value, settings.api_port)).collect()
            };
            Local {
                endpoints: settings.as_ref().map(reached).unwrap_or_default(),
                name: settings.map_or_else(|| layout.uuid.clone(), |settings| settings.name),
                ca_cert: std::fs::read_to_string(layout.ca_cert()).unwrap_or_default(),
                cloud: cloud.name,
                cloud_type: cloud.kind,
                region: cloud.region,
                uuid: layout.uuid,
            }
        })
        .collect();
    locals.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(locals)
}
