//! One agent's stream, from the first message to the last.
//! It must not hold more than one message. The surprise: while a message is being written to the store nothing more is read, so an agent that
//! says much is slowed by TCP and costs no memory.

use std::sync::Arc;
use std::time::Duration;

use base::{Life, Refusal};
use futures_util::{FutureExt, SinkExt, StreamExt};
use rpc::tls::{AgentIdentity, CaMark};
use rpc::websocket::{CloseCode, CloseFrame, Message, Socket};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use wire::agent::{FromAgent, ToAgent};

use super::Door;
use super::document::document;
use super::intake::{Sayings, is_saying};
use super::router::{Line, News};

/// How long a stream's silence is borne.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// An agent that has not said hello by then is none.
    pub hello: Duration,
    /// Pings come this often: an idle agent wakes four times a minute for us.
    pub ping: Duration,
    /// An agent that was silent for so long is gone. The agents take us for gone after as long (`agent::machine`).
    pub silence: Duration,
    /// But not before it had this long to answer a ping: it is not its fault when it was us who stood still.
    pub answer: Duration,
}

impl Pace {
    /// With another bound for silence; the rest in proportion.
    pub fn of_silence(silence: Duration) -> Pace {
        Pace { silence, ping: silence * 2 / 5, answer: silence / 5, ..Pace::default() }
    }
}

impl Default for Pace {
    fn default() -> Pace {
        let silence = Duration::from_secs(40);
        Pace { hello: Duration::from_secs(20), ping: Duration::from_secs(15), silence, answer: Duration::from_secs(10) }
    }
}

/// How long a farewell may take.
const CLOSING: Duration = Duration::from_secs(2);
/// What an agent says of itself is gathered up to so many messages.
const SAYINGS: usize = 8;

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the agent closed it")]
    Closed,
    #[error("the agent opened another, or the controller is stopping")]
    Replaced,
    #[error("the agent was silent")]
    Silent,
    #[error("the machine is gone")]
    Gone,
    #[error("the agent said something that is no message")]
    Nonsense,
    #[error("the connection broke")]
    Broken(#[source] Box<rpc::websocket::Error>),
    #[error("{}", .0.words())]
    Refused(Refusal),
}

impl From<rpc::websocket::Error> for End {
    fn from(error: rpc::websocket::Error) -> End {
        End::Broken(Box::new(error))
    }
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> End {
        End::Refused(refusal)
    }
}

impl Door {
    /// Serves an agent until its stream ends. `who` is what its verified client `certificate` (DER) says; `known` is called when it is
    /// found to be of the machine's enrolment, and an earlier stream of the machine is told to end.
    pub async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send>(
        self: &Arc<Self>,
        who: AgentIdentity,
        certificate: &[u8],
        mut socket: Socket<S>,
        known: impl FnOnce() + Send,
    ) {
        if !self.is_of_enrolment(&who, certificate) {
            tracing::warn!(model = %who.model, machine = %who.machine, "certificate is of a key that did not enrol");
            let frame =
                CloseFrame { code: CloseCode::Policy, reason: "certificate is not of this machine's enrolment".into() };
            let _ = tokio::time::timeout(CLOSING, socket.close(Some(frame))).await;
            return;
        }
        let issuer = CaMark::of_issuer(certificate);
        // A TLS session that is resumed was verified when it began, perhaps by a CA that counts no more.
        if !issuer.is_some_and(|issuer| self.signer.accepts(issuer)) {
            let frame =
                CloseFrame { code: CloseCode::Policy, reason: "certificate is of a CA that counts no more".into() };
            let _ = tokio::time::timeout(CLOSING, socket.close(Some(frame))).await;
            return;
        }
        let line = self.router.join(&who, issuer);
        known();
        let present = self.state.presence().connected(who.model, who.machine.clone());
        let end = self.converse(&mut socket, &who, &line).await;
        self.router.leave(&who, &line);
        match end {
            End::Replaced | End::Gone => drop(present),
            _ => present.leave(),
        }
        let _ = self.tell_dropped(&who).await;
        let close = match &end {
            End::Closed | End::Broken(_) => None,
            End::Replaced | End::Silent => Some(CloseCode::Away),
            End::Gone => Some(CloseCode::Normal),
            End::Nonsense => Some(CloseCode::Policy),
            End::Refused(_) => Some(CloseCode::Error),
        };
        match &end {
            End::Closed | End::Replaced | End::Gone => {
                tracing::debug!(model = %who.model, machine = %who.machine, "stream ended: {end}")
            }
            End::Refused(refusal) => {
                tracing::warn!(model = %who.model, machine = %who.machine, context = refusal.context(), "stream ended: {end}");
            }
            End::Silent | End::Nonsense | End::Broken(_) => {
                tracing::info!(model = %who.model, machine = %who.machine, "stream ended: {end}");
            }
        }
        if let Some(code) = close {
            let frame = CloseFrame { code, reason: end.to_string().into() };
            let _ = tokio::time::timeout(CLOSING, socket.close(Some(frame))).await;
        }
    }

    async fn converse<S: AsyncRead + AsyncWrite + Unpin + Send>(
        &self,
        socket: &mut Socket<S>,
        who: &AgentIdentity,
        line: &Line,
    ) -> End {
        match Box::pin(self.begin(socket, who)).await {
            Ok(()) => {}
            Err(end) => return end,
        }
        let mut heard = Instant::now();
        let pace = self.pace;
        let mut ping = tokio::time::interval_at(heard + pace.ping, pace.ping);
        ping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut n = 0;
        // The first ping since something was heard.
        let mut asked: Option<Instant> = None;
        loop {
            let patience = async {
                match asked {
                    Some(asked) => tokio::time::sleep_until((heard + pace.silence).max(asked + pace.answer)).await,
                    None => std::future::pending().await,
                }
            };
            let step = tokio::select! {
                // News and pings are few, an agent may say much; and what came while we stood still counts before the time that passed.
                biased;
                news = line.next() => Box::pin(self.tell(socket, who, news)).await,
                _ = ping.tick() => {
                    n += 1;
                    asked.get_or_insert_with(Instant::now);
                    Box::pin(self.tell_dropped(who)).await.ok();
                    self.send(socket, &ToAgent::Ping { n }).await
                }
                message = socket.next() => {
                    (heard, asked) = (Instant::now(), None);
                    Box::pin(self.hear(socket, who, message)).await
                }
                () = patience => Err(End::Silent),
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// Hears the hello, then sends the whole document.
    async fn begin<S: AsyncRead + AsyncWrite + Unpin + Send>(
        &self,
        socket: &mut Socket<S>,
        who: &AgentIdentity,
    ) -> Result<(), End> {
        let first = loop {
            let message = tokio::time::timeout(self.pace.hello, socket.next()).await.map_err(|_| End::Silent)?;
            if let Some(message) = read(message)? {
                break message;
            }
        };
        if !matches!(first, FromAgent::Hello(_)) {
            return Err(End::Nonsense);
        }
        self.tell(socket, who, News::ALL).await?;
        Box::pin(self.gather(socket, who, first)).await
    }

    async fn hear<S: AsyncRead + AsyncWrite + Unpin + Send>(
        &self,
        socket: &mut Socket<S>,
        who: &AgentIdentity,
        message: Option<Result<Message, rpc::websocket::Error>>,
    ) -> Result<(), End> {
        match read(message)? {
            None => Ok(()),
            Some(said) if is_saying(&said) => self.gather(socket, who, said).await,
            Some(other) => self.answer(socket, who, other).await,
        }
    }

    /// Takes what an agent says of itself with what else of that kind has come already: after a connection that is hello, facts and status.
    async fn gather<S: AsyncRead + AsyncWrite + Unpin + Send>(
        &self,
        socket: &mut Socket<S>,
        who: &AgentIdentity,
        first: FromAgent,
    ) -> Result<(), End> {
        let mut sayings: Sayings = vec![first];
        let mut other = None;
        while sayings.len() < SAYINGS {
            let Some(message) = socket.next().now_or_never() else { break };
            match read(message)? {
                None => {}
                Some(said) if is_saying(&said) => sayings.push(said),
                Some(said) => {
                    other = Some(said);
                    break;
                }
            }
        }
        self.pace(who, sayings.len()).await;
        self.take_sayings(who, &sayings).await?;
        match other {
            Some(other) => self.answer(socket, who, other).await,
            None => Ok(()),
        }
    }

    async fn answer<S: AsyncRead + AsyncWrite + Unpin + Send>(
        &self,
        socket: &mut Socket<S>,
        who: &AgentIdentity,
        message: FromAgent,
    ) -> Result<(), End> {
        match self.take(who, message).await? {
            Some(answer) => self.send(socket, &answer).await,
            None => Ok(()),
        }
    }

    /// Sends the parts of the document that changed.
    async fn tell<S: AsyncRead + AsyncWrite + Unpin + Send>(
        &self,
        socket: &mut Socket<S>,
        who: &AgentIdentity,
        news: News,
    ) -> Result<(), End> {
        if news.is_close() {
            return Err(End::Replaced);
        }
        let document = document(&self.state, who, &self.router.open_tasks(who), news);
        let gone = !self.knows(who);
        self.send(socket, &ToAgent::Document(document)).await?;
        match gone {
            true => Err(End::Gone),
            false => Ok(()),
        }
    }

    async fn send<S: AsyncRead + AsyncWrite + Unpin + Send>(
        &self,
        socket: &mut Socket<S>,
        message: &ToAgent,
    ) -> Result<(), End> {
        let text =
            serde_json::to_string(message).map_err(|error| Refusal::internal("message cannot be written", error))?;
        // An agent that does not read holds up nobody but itself, and not for ever.
        match tokio::time::timeout(self.pace.silence, socket.send(Message::text(text))).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(End::Silent),
        }
    }

    /// Whether there is more to say to the machine's agent: the machine is there and not dead, or its agent has still to clean up.
    fn knows(&self, who: &AgentIdentity) -> bool {
        let read = self.state.read();
        let Some(within) = read.models.get(&who.model) else { return false };
        let whole = within.machines.get(&who.machine);
        // A host that was taken in has only its agent to clean it, which says so when it has.
        let manual = whole.and_then(|whole| whole.instance.as_ref()).is_some_and(|instance| instance.is_manual());
        let machine = whole.and_then(|whole| whole.machine.as_ref());
        machine.is_some_and(|machine| machine.life != Life::Dead || manual) || within.is_left_behind(&who.machine)
    }
}

/// A message of the agents' language; `None` for a frame of the websocket's own.
fn read(message: Option<Result<Message, rpc::websocket::Error>>) -> Result<Option<FromAgent>, End> {
    match message {
        None => Err(End::Closed),
        Some(Err(error)) => Err(error.into()),
        Some(Ok(Message::Text(text))) => serde_json::from_str(&text).map(Some).map_err(|_| End::Nonsense),
        Some(Ok(Message::Close(_))) => Err(End::Closed),
        Some(Ok(Message::Binary(_))) => Err(End::Nonsense),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
    }
}
