//! wire

pub mod agent;
