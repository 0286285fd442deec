//! The bounds of the API port, in one place. `docs/limits.md` says the same to operators, with the reasons; a test holds the two together.
//! It enforces nothing. The surprise: everything here is counted by source (a connection, an address, an agent), so that whoever goes over
//! a bound hurts nobody else.

use std::time::Duration;

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one message from a user who is logged in.
    pub message: usize,
    /// Bytes that a connection may send before its login.
    pub before_login: usize,
    pub handshake: Duration,
    /// From the connection's first packet to a good login.
    pub login: Duration,
    /// TLS handshakes that are waited for before more connections are taken in.
    pub handshakes: usize,
    /// Connections that nobody has logged in on.
    pub strangers: usize,
    /// The same, from one address.
    pub strangers_of_address: usize,
    /// How long a stranger is safe from being displaced by the next one of its own address.
    pub fair_turn: Duration,
    /// Calls of one connection at once.
    pub in_flight: usize,
    /// Bytes of the calls of one connection at once.
    pub in_flight_bytes: usize,
    /// Bytes of answers that one connection has not read; from a quarter of it on no more calls are begun.
    pub owed: usize,
    /// How long one answer may take to be read; large ones get a second more for each 32 KiB.
    pub write: Duration,
    /// Connections that users have logged in on.
    pub connections: usize,
    /// The same, of one user.
    pub connections_of_user: usize,
    /// Bytes of answers that one user has not read, over all connections.
    pub owed_of_user: usize,
    /// Log streams at once.
    pub log_streams: usize,
    /// The same, of one user.
    pub log_streams_of_user: usize,
    /// Searches backwards in logs at once: what they find is in memory until they know where to begin.
    pub log_searches: usize,
    /// Ways into machines at once.
    pub tunnels: usize,
    /// The same, of one user.
    pub tunnels_of_user: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            message: 4 << 20,
            before_login: 64 << 10,
            handshake: Duration::from_secs(20),
            login: Duration::from_secs(120),
            handshakes: 256,
            strangers: 4096,
            strangers_of_address: 1024,
            fair_turn: Duration::from_secs(5),
            in_flight: 256,
            in_flight_bytes: 8 << 20,
            owed: 64 << 20,
            write: Duration::from_secs(60),
            connections: 16384,
            connections_of_user: 4096,
            owed_of_user: 512 << 20,
            log_streams: 128,
            log_streams_of_user: 16,
            log_searches: 2,
            tunnels: 512,
            tunnels_of_user: 128,
        }
    }
}

/// A handshake that takes longer is not waited for any more before others are taken in; it goes on all the same.
pub const HANDSHAKE_PACE: Duration = Duration::from_millis(250);

/// Hosts that are sent the agent's program at once; more wait for their turn.
pub const DOWNLOADS: usize = 64;
/// For one of them. At least 50 kB/s, then; whoever fetches it gives up after as long.
pub const DOWNLOAD: Duration = Duration::from_secs(600);

/// Items of one list in the parameters of a call.
pub const ITEMS: usize = 10_000;
