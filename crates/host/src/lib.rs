//! The machine underfoot: running commands, writing files, telling facts.
//! It must not know of controllers, models or messages; whoever asks says what to run and as whom.
//! The surprise: nothing here may load NSS (no getpwnam, no getaddrinfo), since the binary is linked statically against glibc:
//! accounts are read from their files.

pub mod account;
mod detach;
pub mod exec;
pub mod facts;
pub mod files;
pub mod health;
pub mod home;
pub mod interfaces;
pub mod limits;
pub mod memory;
pub mod pty;
pub mod resolve;
pub mod terminal;

pub use account::Account;
pub use detach::detach;
