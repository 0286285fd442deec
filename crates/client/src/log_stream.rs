//! The log stream of a model (`wire/protocol.md` 1.10): a first frame that says yes or why not, then a record a frame.

use crate::dial::{self, Dialled, Place, Target};
use crate::login::{Credentials, LoginError};
use futures_util::StreamExt;
use rpc::websocket::Message;
use serde::Deserialize;
use serde_json::Value;

/// An open stream.
pub struct LogStream {
    dialled: Dialled,
}

/// One record, as sent.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct LogRecord {
    pub tag: String,
    pub ts: String,
    pub sev: String,
    #[serde(rename = "mod")]
    pub module: String,
    pub loc: String,
    pub msg: String,
    /// A list of labels, or a map of them from later servers.
    pub lab: Value,
}

impl LogStream {
    /// Opens the stream; `query` is the part behind `?`, encoded.
    pub async fn open(target: &Target, place: Place, who: &Credentials, query: &str) -> Result<LogStream, LoginError> {
        let path = match query {
            "" => place.log_path(),
            query => format!("{}?{query}", place.log_path()),
        };
        let headers = who.headers();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let dialled = dial::dial(target, &path, &headers).await.map_err(LoginError::Dial)?;
        let mut stream = LogStream { dialled };
        let first = stream.frame().await.ok_or(LoginError::Closed)?;
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct First {
            error: Option<wire::Error>,
        }
        let first: First = wire::lenient::from_slice(first.as_bytes()).map_err(LoginError::Shape)?;
        match first.error {
            Some(error) => Err(LoginError::Refused(error)),
            None => Ok(stream),
        }
    }

    /// The next record; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<Result<LogRecord, serde_json::Error>> {
        let text = self.frame().await?;
        Some(wire::lenient::from_slice(text.as_bytes()))
    }

    async fn frame(&mut self) -> Option<String> {
        loop {
            match self.dialled.socket.next().await?.ok()? {
                Message::Text(text) => return Some(text.to_string()),
                Message::Binary(bytes) => return String::from_utf8(bytes.to_vec()).ok(),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }
}
