//! Words of the domain: ids, tags, versions, bases, constraints, placement, status, life, refusals, the clock.
//! No IO and no async here; nothing in this crate knows a wire format beyond the texts that Juju users read and type.

pub mod attribute;
pub mod chain;
pub mod chance;
pub mod clock;
pub mod cloud_type;
pub mod constraints;
pub mod duration;
pub mod hardware;
pub mod id;
pub mod life;
pub mod os_base;
pub mod placement;
pub mod refusal;
pub mod release;
pub mod secret;
pub mod shell;
pub mod ssh_key;
pub mod status;
pub mod storage;
pub mod subnet;
pub mod tag;
pub mod version;
pub mod yaml;

pub use chain::chain;
pub use constraints::Constraints;
pub use hardware::Hardware;
pub use id::{MachineId, ModelUuid, OperationId, TaskId};
pub use life::Life;
pub use os_base::OsBase;
pub use placement::Placement;
pub use refusal::{Kind, Refusal};
pub use secret::Secret;
pub use subnet::SeenSubnet;
pub use tag::Tag;
pub use version::{Version, current_version};
