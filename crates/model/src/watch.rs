//! What changed, told to those who follow: entities for clients, lines of history for the log. They compare nothing with the world.

pub mod all;
pub mod history;
pub mod summary;
