//! testkit

pub mod replay;
