//! Thousands of machines on one host: a real controller over SQLite in a process of its own, and one process that plays all the machines'
//! agents over real TLS. Only the cloud is none: its instances are files.
//!
//! ```text
//!  driver (a test, a benchmark) --- client API ---> controller process --- started, stopped ---> driver
//!        |                                              ^                                          |
//!        +--- kill -9, start again                      | one TLS connection an agent              |
//!                                                  agents' process <-------- the same lines -------+
//! ```
//!
//! It must not decide what is measured. The surprise: the controller can be killed for real, since nothing but its files has to survive.

mod agents;
mod bench;
mod cloud;
mod controller;
mod driver;

use serde::{Deserialize, Serialize};

use crate::agents::Config;

pub use agents::main as agents_main;
pub use bench::main as bench_main;
pub use controller::main as controller_main;
pub use driver::Simulator;

/// What the processes say to each other, a JSON line each.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// From the controller's process: it serves.
    Serving {
        address: String,
        ca_cert: String,
    },
    /// From the controller's process to the agents': an instance was started; named as the cloud names it.
    Started {
        name: String,
        config: Config,
    },
    Stopped {
        name: String,
    },
    /// To the controller's process, which answers with the same and the number of agents whose stream is open.
    Connected {
        count: usize,
    },
}

/// The lines of standard input as they come; it is read on a thread of its own.
fn input() -> tokio::sync::mpsc::UnboundedReceiver<String> {
    let (send, lines) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let lines = std::io::stdin().lines().map_while(Result::ok);
        lines.into_iter().all(|line| send.send(line).is_ok())
    });
    lines
}
