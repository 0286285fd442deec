//! The server's bad days, as the contract of clouds wants them.

use std::sync::Arc;
use std::time::Duration;

use cloud::contract::Trouble;

use super::server::{Fault, Server};

pub struct Bad(pub Arc<Server>);

impl Trouble for Bad {
    fn throttle(&self, after: Duration) {
        self.0.next("GET /1.0/instances", Fault::Says(429, "too many requests", Some(after.as_secs())));
    }

    fn hang_stops(&self) {
        self.0.always("DELETE /1.0/instances", Fault::Never);
    }

    fn begin_anew_in_start(&self) {
        self.0.next("POST /1.0/instances", Fault::Dies);
    }

    fn go_away(&self) {
        self.0.stop();
    }

    fn heal(&self) {
        self.0.heal();
        if !self.0.socket.exists() {
            self.0.listen();
        }
    }
}
