//! Printing results: nothing but these writers forms yaml, json and tables.

pub mod colour;
pub mod fields;
pub mod json;
pub mod table;
pub mod yaml;
