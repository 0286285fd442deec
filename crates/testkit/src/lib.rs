//! What tests are made with: recordings played to a command line, a whole controller in one process or in its own, agents played.

pub mod agents;
pub mod assembly;
pub mod controller;
pub mod network;
pub mod replay;
pub mod simulator;
pub mod user;
