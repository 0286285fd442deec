//! The only entry for building and testing: see README.
fn main() {}
