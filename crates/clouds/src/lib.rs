//! The clouds that machines can be on, each behind the trait of crate `cloud`.
//! They know neither the model nor the store: they are told, and they answer.

pub mod builtin;
pub mod lxd;
pub mod manual;
