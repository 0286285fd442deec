//! wire

pub mod agent;
pub mod yaml;
