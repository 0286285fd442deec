//! What tests are made with: recordings played to a command line, a whole controller in one process, agents played.

pub mod agents;
pub mod controller;
pub mod replay;
