//! The server, whole, over real sockets: TLS, HTTP, websocket, calls. Each file tests one side of it.

mod all_watcher;
mod audit;
mod authorization;
mod clouds;
mod constraints;
mod credentials;
mod diagnosis;
mod dump;
mod framing;
mod hostile;
mod keys;
mod leaks;
mod limits;
mod login;
mod machines;
mod manual;
mod metrics;
mod model_defaults;
mod models;
mod people;
mod published;
mod rig;
mod storage;
mod table;
mod tasks;
mod upgrade;
