//! A way into a machine through this port: what ssh says between a client and port 22 of a machine of the model, as binary frames.
//! It must not know ssh. The surprise: the client names an address, since that is what its ssh knows, but only an address that a machine of
//! the model has is ever dialled. The first frame is an error object, as in the log stream: `{}` and a newline when there is none.

use super::{Reply, basic, upgrade};
use crate::doors::AgentSocket;
use crate::error;
use crate::places::Place;
use crate::server::Shared;
use crate::strangers::{Seat, Source};
use base::{Kind, ModelUuid, Refusal};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::Request;
use hyper::body::Incoming;
use model::access::{self, ModelLevel, Need};
use model::query::machine as query;
use rpc::websocket::{self, Message};
use serde_json::json;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Where machines' ssh servers listen.
const PORT: u16 = 22;
const DIAL: Duration = Duration::from_secs(10);
/// Bytes of a frame.
const CHUNK: usize = 16 << 10;
const LONGEST_FRAME: usize = 256 << 10;
/// How long a machine may take to end once its client has.
const GOODBYE: Duration = Duration::from_secs(5);
/// A side that takes nothing for so long is gone: a terminal that was stopped by hand is not, for a while.
const STANDSTILL: Duration = Duration::from_secs(3600);
/// Between two looks whether the user still may.
const LOOK: Duration = Duration::from_secs(5);

pub async fn answer(shared: Arc<Shared>, request: Request<Incoming>, seat: Seat, model: ModelUuid) -> Reply {
    let admitted = admit(&shared, seat.source(), &request, model).await;
    upgrade(request, move |io| async move {
        let mut socket = websocket::server_end(io, LONGEST_FRAME).await;
        let opened = match admitted {
            Ok(visitor) => {
                seat.known();
                visitor.dial().await.map(|machine| (visitor, machine))
            }
            Err(refusal) => Err(refusal),
        };
        match opened {
            Ok((visitor, machine)) => {
                if say(&shared, &mut socket, "{}\n".into()).await.is_ok() {
                    carry(&shared, socket, machine, &visitor).await;
                }
            }
            Err(refusal) => {
                let error = json!({ "error": error::wire(&refusal) });
                let _ = say(&shared, &mut socket, format!("{error}\n")).await;
                let _ = tokio::time::timeout(shared.limits.write, socket.send(Message::Close(None))).await;
            }
        }
    })
}

/// Whoever goes through.
struct Visitor {
    model: ModelUuid,
    machine: String,
    address: IpAddr,
    place: Place,
}

impl Visitor {
    async fn dial(&self) -> Result<TcpStream, Refusal> {
        let silent = |why: String| {
            let words = format!("machine {} does not answer at {}: {why}", self.machine, self.address);
            Refusal::plain(words)
        };
        match tokio::time::timeout(DIAL, TcpStream::connect((self.address, PORT))).await {
            Ok(Ok(stream)) => {
                let _ = stream.set_nodelay(true);
                Ok(stream)
            }
            Ok(Err(error)) => Err(silent(error.to_string())),
            Err(_) => Err(silent(format!("nothing within {} s", DIAL.as_secs()))),
        }
    }

    /// Access may be taken away while a tunnel is open.
    fn may(&self, shared: &Shared) -> bool {
        let read = shared.state.read();
        access::allows(&read, self.place.user(), Some(self.model), Need::Model(ModelLevel::Admin))
    }
}

async fn admit(
    shared: &Shared,
    from: Source,
    request: &Request<Incoming>,
    model: ModelUuid,
) -> Result<Visitor, Refusal> {
    let user = basic::authenticate(shared, from, request.headers()).await?;
    let read = shared.state.read();
    let within = read.in_model(model)?;
    if !access::allows(&read, &user, Some(model), Need::Model(ModelLevel::Admin)) {
        return Err(Refusal::denied());
    }
    let named = request.uri().query().unwrap_or_default().strip_prefix("host=").unwrap_or_default();
    let unknown = || Refusal::new(Kind::NotFound, format!("no machine of the model has the address {named:?}"));
    let address: IpAddr = named.parse().map_err(|_| unknown())?;
    // Whoever adds a machine by hand says which addresses it has. These would be the controller's own host.
    let dialled = address.to_canonical();
    if dialled.is_loopback() || dialled.is_unspecified() || dialled.is_multicast() {
        return Err(unknown());
    }
    let has = |all: &model::AMachine| {
        query::addresses(all).iter().any(|known| known.value.parse::<IpAddr>().is_ok_and(|known| known == address))
    };
    // The controller's own host is not entered through its controller: no user is made there.
    let mut machines = within.machines().filter(|(_, all, machine)| !machine.is_controller() && has(all));
    let machine = machines.next().ok_or_else(unknown)?.0.to_string();
    Ok(Visitor { model, machine, address, place: shared.tunnels.take(&user)? })
}

async fn say(shared: &Shared, socket: &mut AgentSocket, text: String) -> Result<(), ()> {
    match tokio::time::timeout(shared.limits.write, socket.send(Message::text(text))).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(()),
    }
}

/// Both ways at once, until one side is done with it. Neither waits for the other: a shell that prints much reads little.
async fn carry(shared: &Shared, socket: AgentSocket, machine: TcpStream, visitor: &Visitor) {
    let (mut to_client, mut from_client) = socket.split();
    let (mut from_machine, mut to_machine) = machine.into_split();
    let inwards = async {
        while let Some(Ok(message)) = from_client.next().await {
            match message {
                // A machine that takes nothing any more holds nobody's place for ever.
                Message::Binary(bytes) => match tokio::time::timeout(STANDSTILL, to_machine.write_all(&bytes)).await {
                    Ok(Ok(())) => {}
                    _ => return,
                },
                Message::Close(_) => break,
                _ => {}
            }
        }
        // The client has said all, and a closed websocket carries nothing back. A machine that does not end keeps no place for long.
        let _ = to_machine.shutdown().await;
        tokio::time::sleep(GOODBYE).await;
    };
    let outwards = async {
        let mut chunk = vec![0; CHUNK];
        while let Ok(count @ 1..) = from_machine.read(&mut chunk).await {
            let frame = Message::Binary(Bytes::copy_from_slice(&chunk[..count]));
            let Ok(Ok(())) = tokio::time::timeout(STANDSTILL, to_client.send(frame)).await else { return };
        }
        let _ = to_client.send(Message::Close(None)).await;
    };
    let allowed = async {
        while visitor.may(shared) {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        () = inwards => {}
        () = outwards => {}
        () = allowed => {}
    }
}
