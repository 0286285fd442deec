//! The engine of the builtin cloud: machines that are containers on this host, over libcontainer.
//! It knows directories, images, processes and networks; it must not know models, controllers' records or the wire.
//! The surprise: libcontainer forks, so whatever makes a machine happens in a helper process, this program again with [`HELPER_WORD`] as its first
//! word, and the first process inside is this program once more, with [`INIT_WORD`].

pub mod cgroup;
mod console;
pub mod disks;
pub mod engine;
pub mod files;
mod helper;
pub mod image;
mod init;
pub mod layer;
pub mod leaks;
mod life;
mod netlink;
pub mod network;
pub mod plan;
mod privileges;
pub mod resolv;
pub mod root;
mod seccomp;
mod spec;
mod sudo;

pub use engine::Engine;
pub use helper::{Running, helper_main};
pub use image::host_base;
pub use init::init_main;
pub use plan::{Dir, HELPER_WORD, INIT_WORD, Limits, Plan, Service};
pub use sudo::sudo_main;
