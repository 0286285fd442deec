//! Finding out that the other end of a connection is gone, without waking up for it: the kernel asks, not the process.

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::net::sockopt;

/// A silent peer is asked after 45 s and given up about a minute later; so is one that does not take what we send.
pub fn set(socket: impl AsFd) {
    let _ = sockopt::set_socket_keepalive(&socket, true);
    let _ = sockopt::set_tcp_keepidle(&socket, Duration::from_secs(45));
    let _ = sockopt::set_tcp_keepintvl(&socket, Duration::from_secs(15));
    let _ = sockopt::set_tcp_keepcnt(&socket, 4);
    let _ = sockopt::set_tcp_user_timeout(&socket, 105_000);
}
