//! The facades, one file each: decode (done), ask or change the model, convert. What each call needs of its caller stands in `table`.

pub mod action;
pub mod annotations;
pub mod audit;
pub mod block;
pub mod client;
pub mod cloud;
pub mod controller;
pub mod credential;
pub mod credential_manager;
pub mod diagnosis;
pub mod key_manager;
pub mod leaks;
pub mod machine_manager;
pub mod machine_upgrade;
pub mod model_config;
pub mod model_defaults;
pub mod model_manager;
pub mod pinger;
pub mod spaces;
pub mod ssh_client;
pub mod storage;
pub mod subnets;
pub mod summaries;
pub mod task_output;
pub mod user_manager;
pub mod watchers;
