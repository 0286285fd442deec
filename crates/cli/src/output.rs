//! How results look: tables, YAML, JSON, colours. Bytes are made here and written elsewhere.

pub mod colour;
pub mod fields;
pub mod grid;
pub mod json;
pub mod table;
pub mod time;
pub mod yaml;
