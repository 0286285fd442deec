//! From the model's words to the wire's, noun by noun. The only place that sees both.

pub mod address;
pub mod delta;
pub mod dump;
pub mod machine;
pub mod machines;
pub mod model;
pub mod status;
pub mod storage;
pub mod task;
