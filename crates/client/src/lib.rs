//! Calling a controller, and the files through which it is found.

pub mod files;
