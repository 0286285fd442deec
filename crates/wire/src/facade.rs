//! Juju's client facades as data: one file a facade, types named as in the schemas.
//! Fields that a schema does not require are left out when empty, as the original does.

pub mod action;
pub mod admin;
pub mod all_model_watcher;
pub mod all_watcher;
pub mod annotations;
pub mod audit;
pub mod block;
pub mod client;
pub mod cloud;
pub mod controller;
pub mod credential_manager;
pub mod diagnosis;
pub mod key_manager;
pub mod leaks;
pub mod machine_manager;
pub mod model_config;
pub mod model_manager;
pub mod pinger;
pub mod spaces;
pub mod ssh_client;
pub mod storage;
pub mod subnets;
pub mod task_output;
pub mod user_manager;
