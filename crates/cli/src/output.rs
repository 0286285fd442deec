//! Printing results: nothing but these writers forms yaml, json and tables.

pub mod json;
