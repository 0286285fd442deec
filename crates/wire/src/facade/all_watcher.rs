//! Facade `AllWatcher`, version 3: parameters and results.
//!
//! - `Next`: - -> AllWatcherNextResults
//! - `Stop`: - -> -

pub use crate::shared::AllWatcherNextResults;
