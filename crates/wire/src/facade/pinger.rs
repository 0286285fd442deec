//! Facade `Pinger`, version 1: parameters and results.
//!
//! - `Ping`: - -> -
//! - `Stop`: - -> -
