//! A network that goes wrong as it is told: a TCP proxy in this process, between agents and their controller.
//! It must not know what is said through it. The surprise: what a real network loses, TCP sends again, so a direction that is still keeps
//! its bytes and delivers them when it is mended, as a real one would; only a cut ends connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What one direction does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Open,
    /// Nothing arrives, not even the end of a connection.
    Still,
    /// Everything arrives so much later, and no more than so many bytes a second.
    Slow {
        delay: Duration,
        rate: u32,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toward {
    Controller,
    Agent,
}

#[derive(Debug, Clone, Copy)]
struct Weather {
    controller: Flow,
    agent: Flow,
    /// How often all connections were cut.
    cuts: u32,
    /// New connections are refused.
    refused: bool,
    /// How often the agents' ends were told that the other side has no more to say.
    half_closed: u32,
    target: Option<SocketAddr>,
}

impl Weather {
    fn flow(&self, toward: Toward) -> Flow {
        match toward {
            Toward::Controller => self.controller,
            Toward::Agent => self.agent,
        }
    }
}

/// Ends with its last handle.
pub struct Network {
    pub address: SocketAddr,
    weather: watch::Sender<Weather>,
    accepted: Arc<AtomicUsize>,
    port: JoinHandle<()>,
}

impl Drop for Network {
    fn drop(&mut self) {
        self.port.abort();
        self.cut();
    }
}

impl Network {
    /// One that leads nowhere yet.
    pub async fn start() -> Network {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let fair = Weather {
            controller: Flow::Open,
            agent: Flow::Open,
            cuts: 0,
            refused: false,
            half_closed: 0,
            target: None,
        };
        let weather = watch::channel(fair).0;
        let accepted = Arc::new(AtomicUsize::new(0));
        let port = tokio::spawn(accept(listener, weather.clone(), accepted.clone()));
        Network { address, weather, accepted, port }
    }

    pub fn lead_to(&self, target: SocketAddr) {
        self.weather.send_modify(|weather| weather.target = Some(target));
    }

    pub fn set(&self, toward: Toward, flow: Flow) {
        self.weather.send_modify(|weather| match toward {
            Toward::Controller => weather.controller = flow,
            Toward::Agent => weather.agent = flow,
        });
    }

    /// All connections end, and no new ones come about.
    pub fn cut(&self) {
        self.weather.send_modify(|weather| {
            weather.cuts += 1;
            weather.refused = true;
        });
    }

    /// All is well again.
    pub fn mend(&self) {
        self.weather.send_modify(|weather| {
            weather.refused = false;
            (weather.controller, weather.agent) = (Flow::Open, Flow::Open);
        });
    }

    /// The agents hear that the controller has no more to say; the controller hears nothing.
    pub fn half_close(&self) {
        self.weather.send_modify(|weather| weather.half_closed += 1);
    }

    /// Connections that agents opened so far.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, weather: watch::Sender<Weather>, accepted: Arc<AtomicUsize>) {
    while let Ok((near, _)) = listener.accept().await {
        accepted.fetch_add(1, Ordering::SeqCst);
        let Weather { refused, target, .. } = *weather.borrow();
        let Some(target) = target.filter(|_| !refused) else { continue };
        let weather = weather.clone();
        tokio::spawn(async move {
            let Ok(far) = TcpStream::connect(target).await else { return };
            let _ = (near.set_nodelay(true), far.set_nodelay(true));
            let cuts = weather.borrow().cuts;
            let mut changes = weather.subscribe();
            let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
            let both = async {
                tokio::join!(
                    carry(near_read, far_write, Toward::Controller, weather.subscribe()),
                    carry(far_read, near_write, Toward::Agent, weather.subscribe()),
                )
            };
            // Both ends are dropped: a connection that is cut does not say goodbye.
            tokio::select! {
                _ = both => {}
                _ = changes.wait_for(|now| now.cuts != cuts) => {}
            }
        });
    }
}

/// Carries bytes one way until there are no more.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, toward: Toward, mut weather: watch::Receiver<Weather>) {
    let half_closed = weather.borrow().half_closed;
    let mut buffer = vec![0; 16 << 10];
    loop {
        let Ok(now) = weather.wait_for(|now| now.flow(toward) != Flow::Still).await.map(|now| *now) else { return };
        if toward == Toward::Agent && now.half_closed != half_closed {
            let _ = to.shutdown().await;
            return std::future::pending().await;
        }
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            _ = weather.changed() => continue,
        };
        if let Flow::Slow { delay, rate } = now.flow(toward) {
            let bytes = u32::try_from(*read.as_ref().unwrap_or(&0)).unwrap_or(u32::MAX);
            tokio::time::sleep(delay + Duration::from_secs(1) * bytes / rate.max(1)).await;
        }
        // What is in hand waits, too.
        if weather.wait_for(|now| now.flow(toward) != Flow::Still).await.is_err() {
            return;
        }
        match read {
            Ok(0) | Err(_) => {
                let _ = to.shutdown().await;
                return;
            }
            Ok(n) => {
                if to.write_all(&buffer[..n]).await.is_err() {
                    return;
                }
            }
        }
    }
}
