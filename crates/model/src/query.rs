//! Questions asked of the beliefs, in the model's own words; `api` turns the answers into the wire's.
//! None of them waits, and none reads the store.

pub mod leaks;
pub mod machine;
pub mod network;
pub mod operation;
pub mod storage;
pub mod why;
pub mod zones;
