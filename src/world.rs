//! The clouds that this program can work in, put together for one controller: the builtin one, or that of hosts which
//! are there already.
//! It knows their constructors and no more.

use crate::layout::Layout;
use crate::settings::Settings;
use cli::bootstrap::{BootstrapError, MANUAL, Progress};
use cloud::{Cloud, Clouds};
use clouds::builtin::{Builtin, Options};
use clouds::manual::Manual;
use std::path::PathBuf;
use std::sync::Arc;

/// The cloud of the controller's own host, by its type and the name that it has where nobody gave it another.
pub use base::cloud_type::BUILTIN as CLOUD;
pub const REGION: &str = "default";

/// The builtin cloud's directory, shared by all controllers of this host.
pub fn data(layout: &Layout) -> PathBuf {
    layout.root.join("builtin")
}

pub fn builtin(layout: &Layout, port: Option<u16>) -> Builtin {
    // The program of machines and helpers is this very one: where it lies may be gone, the kernel's link to it is not.
    let program = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    Builtin::new(Options { data: data(layout), program, port })
}

fn failed(error: &cloud::Error) -> BootstrapError {
    BootstrapError { message: error.to_string(), hints: Vec::new() }
}

/// What a running controller works with.
pub struct World {
    pub clouds: Arc<Clouds>,
    /// Where machines of the builtin cloud find the controller even when the host has no other address, `host:port`.
    pub inner_addresses: Vec<String>,
}

/// Opens the clouds of a running controller.
pub fn open(layout: &Layout, settings: &Settings) -> World {
    let port = settings.api_port;
    if settings.cloud.kind == MANUAL {
        let cloud: Arc<dyn Cloud> = Arc::new(Manual);
        return World { clouds: Clouds::new([(settings.cloud.name.clone(), cloud)]), inner_addresses: Vec::new() };
    }
    if settings.cloud.kind != CLOUD {
        // Those that are used with credentials are opened by them.
        return World { clouds: Clouds::new([]), inner_addresses: Vec::new() };
    }
    let builtin = builtin(layout, Some(port));
    let inner_addresses = match builtin.gateway(&layout.uuid) {
        Ok(gateway) => vec![format!("{gateway}:{port}")],
        Err(error) => {
            tracing::warn!("machines will look for the controller at the host's own addresses: {error}");
            Vec::new()
        }
    };
    let cloud: Arc<dyn Cloud> = Arc::new(builtin);
    World { clouds: Clouds::new([(settings.cloud.name.clone(), cloud)]), inner_addresses }
}

/// Whether this host can be a cloud.
pub async fn preflight(layout: &Layout) -> Result<(), BootstrapError> {
    builtin(layout, None).preflight().await.map_err(|error| failed(&error))
}

/// Makes the image of machines when there is none yet; shown as a step then.
pub async fn prepare_images(layout: &Layout, progress: Progress<'_>) -> Result<(), BootstrapError> {
    let cloud = builtin(layout, None);
    if cloud.has_image() {
        return Ok(());
    }
    progress("Preparing the machine image (made once, from this host's own packages)");
    cloud.prepare_image().await.map_err(|error| failed(&error))
}

/// Controllers that have anything in the builtin cloud's directory.
pub fn controllers() -> std::collections::BTreeSet<String> {
    builtin(&Layout::new(""), None).controllers()
}

/// The gates of the host's firewall as a controller's machines meet them.
pub async fn gates(controller: &str) -> Result<Vec<container::network::Gate>, String> {
    let (builtin, controller) = (builtin(&Layout::new(""), None), controller.to_owned());
    let looked = tokio::task::spawn_blocking(move || builtin.gates(&controller)).await;
    looked.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

/// The key in the name of each thing of a controller's network.
pub fn network_key(controller: &str) -> Option<String> {
    builtin(&Layout::new(""), None).network_key(controller)
}

/// Removes all that machines of this controller are on this host.
pub async fn remove(layout: &Layout) -> Result<(), BootstrapError> {
    builtin(layout, None).destroy_controller(&layout.uuid).await.map_err(|error| failed(&error))
}

/// The same where nothing can be waited for: on the way out of a bootstrap that was interrupted.
pub fn remove_blocking(layout: &Layout) {
    let layout = layout.clone();
    let removed = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.map(|runtime| runtime.block_on(remove(&layout)).is_ok())
    });
    // What is left is found and removed by `kill-controller`.
    let _ = removed.join();
}
