//! Making models and ending them. The surprise: a model's end takes many transactions (a thousand machines do not fit into one), so
//! `destroy` only says that it is to go, and the reconciler calls `end_machines` and `remove_some` until nothing is left.

mod create;
mod destroy;

pub(crate) use create::write_model;
pub use create::{CreateModel, create};
pub(in crate::change) use create::{Own, own};
pub(crate) use destroy::dying;
pub use destroy::{DestroyModel, destroy, end_machines, remove_some, set_credential, set_status};
