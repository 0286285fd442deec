//! Facade `AllModelWatcher`, version 4: parameters and results.
//!
//! - `Next`: - -> AllWatcherNextResults
//! - `Stop`: - -> -

pub use crate::shared::AllWatcherNextResults;
