//! api

pub mod agents;
