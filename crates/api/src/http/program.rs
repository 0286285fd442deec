//! `GET /grigri/program/MODEL/MACHINE/TICKET`: the agent's program, for a host that is being taken in and whose script has the ticket.
//! It must not know what makes a ticket good. The surprise: the program is no secret; the ticket keeps strangers from having a controller
//! send thirty megabytes for each of their packets.

use super::{Peer, Reply, text};
use crate::limits::{DOWNLOAD, DOWNLOADS};
use crate::server::Shared;
use base::{MachineId, ModelUuid};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

/// Hosts that are sent the program now. They share one copy of it in memory, which goes with the last of them.
pub struct Downloads {
    turns: Arc<Semaphore>,
    program: Mutex<(PathBuf, Weak<Vec<u8>>)>,
}

impl Default for Downloads {
    fn default() -> Downloads {
        Downloads { turns: Arc::new(Semaphore::new(DOWNLOADS)), program: Mutex::default() }
    }
}

impl Downloads {
    async fn read(&self, program: &Path) -> io::Result<Arc<Vec<u8>>> {
        let mut last = self.program.lock().await;
        if let (path, Some(bytes)) = (&last.0, last.1.upgrade())
            && path == program
        {
            return Ok(bytes);
        }
        let bytes = Arc::new(tokio::fs::read(program).await?);
        *last = (program.to_owned(), Arc::downgrade(&bytes));
        Ok(bytes)
    }
}

pub async fn answer(shared: Arc<Shared>, peer: Peer, model: ModelUuid, machine: &MachineId, ticket: &str) -> Reply {
    let Some(program) = shared.takes_in.program(model, machine, ticket).filter(|_| is_awaited(&shared, model, machine))
    else {
        return text(StatusCode::NOT_FOUND, "404 page not found\n");
    };
    peer.seat.known();
    let Ok(turn) = shared.downloads.turns.clone().acquire_owned().await else {
        return text(StatusCode::SERVICE_UNAVAILABLE, "controller ends\n");
    };
    match shared.downloads.read(&program).await {
        Ok(bytes) => {
            // One that stops reading is noticed by nobody else.
            tokio::spawn(async move {
                tokio::time::sleep(DOWNLOAD).await;
                peer.cut.notify_one();
            });
            let mut reply = Response::new(Full::new(Bytes::from_owner(Sent { bytes, _turn: turn })));
            let kind = HeaderValue::from_static("application/octet-stream");
            reply.headers_mut().insert(header::CONTENT_TYPE, kind);
            reply
        }
        Err(error) => {
            tracing::error!(program = %program.display(), "cannot read the agent's program: {error}");
            text(StatusCode::INTERNAL_SERVER_ERROR, "cannot read the agent's program\n")
        }
    }
}

/// Gives its turn back when all of it was sent, or its reader is gone.
struct Sent {
    bytes: Arc<Vec<u8>>,
    _turn: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A ticket is good until its host has enrolled.
fn is_awaited(shared: &Shared, model: ModelUuid, machine: &MachineId) -> bool {
    let read = shared.state.read();
    let whole = read.models.get(&model).and_then(|within| within.machines.get(machine));
    whole.is_some_and(|whole| {
        whole.machine.as_ref().is_some_and(|machine| machine.life == base::Life::Alive)
            && whole.enrolment.as_ref().is_some_and(|enrolment| enrolment.bound_key.is_none())
    })
}
