//! Grigri: chooses by name or first word what this process is. Assembly only.
fn main() {}
