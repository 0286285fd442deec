//! A way to a machine's ssh server through the controller's port, for clients that do not reach the machine themselves: a first frame that says
//! yes or why not, then bytes.

use crate::dial::{self, Dialled, Target};
use crate::login::{Credentials, LoginError};
use base::ModelUuid;
use futures_util::{SinkExt, StreamExt};
use rpc::websocket::Message;
use serde::Deserialize;
use tokio::sync::mpsc;

/// An open tunnel.
pub struct Tunnel {
    dialled: Dialled,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct First {
    error: Option<wire::Error>,
}

impl Tunnel {
    /// To the machine of the model that has this address.
    pub async fn open(target: &Target, model: ModelUuid, who: &Credentials, host: &str) -> Result<Tunnel, LoginError> {
        let headers = who.headers();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let path = wire::path::tunnel(model, host);
        let mut dialled = dial::dial(target, &path, &headers).await.map_err(LoginError::Dial)?;
        loop {
            match dialled.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let first: First = wire::lenient::from_slice(text.as_bytes()).map_err(LoginError::Shape)?;
                    return match first.error {
                        Some(error) => Err(LoginError::Refused(error)),
                        None => Ok(Tunnel { dialled }),
                    };
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return Err(LoginError::Closed),
            }
        }
    }

    /// Carries what comes from `input` in and hands what comes out to `output`, until the machine closes. The input's end is passed on.
    pub async fn carry(self, mut input: mpsc::Receiver<Vec<u8>>, mut output: impl FnMut(&[u8]) -> std::io::Result<()>) {
        let (mut to, mut from) = self.dialled.socket.split();
        let inwards = async {
            while let Some(bytes) = input.recv().await {
                if to.send(Message::Binary(bytes.into())).await.is_err() {
                    return;
                }
            }
            let _ = to.send(Message::Close(None)).await;
            std::future::pending::<()>().await;
        };
        let outwards = async {
            while let Some(Ok(message)) = from.next().await {
                match message {
                    Message::Binary(bytes) if output(&bytes).is_err() => return,
                    Message::Close(_) => return,
                    _ => {}
                }
            }
        };
        tokio::select! {
            () = inwards => {}
            () = outwards => {}
        }
    }
}
