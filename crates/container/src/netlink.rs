//! Talking netlink: building messages, sending them, reading what comes back.
//! It must not know what a link or a rule is. The surprise: a socket belongs to the network namespace in which it was opened, for ever; that is
//! how one process configures both ends of a cable.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with};

pub const REQUEST: u16 = 0x1;
pub const ACK: u16 = 0x4;
pub const DUMP: u16 = 0x300;
pub const REPLACE: u16 = 0x100;
pub const EXCL: u16 = 0x200;
pub const CREATE: u16 = 0x400;
pub const APPEND: u16 = 0x800;

const ERROR: u16 = 2;
const DONE: u16 = 3;
const HEADER: usize = 16;
const NESTED: u16 = 0x8000;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("netlink socket")]
    Socket(#[source] Errno),
    #[error("{what}")]
    Refused {
        what: &'static str,
        #[source]
        errno: Errno,
    },
    #[error("the kernel's answer cannot be read")]
    Malformed,
}

impl Error {
    /// The kernel's reason, where it gave one.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Error::Socket(errno) | Error::Refused { errno, .. } => Some(*errno),
            Error::Malformed => None,
        }
    }
}

/// A message under construction. Attributes are aligned to four bytes; nests are closed by [`Message::nest`].
pub struct Message {
    bytes: Vec<u8>,
    what: &'static str,
}

impl Message {
    /// `what` is the attempt in words, for the error.
    pub fn new(what: &'static str, kind: u16, flags: u16) -> Self {
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(flags | REQUEST).to_ne_bytes());
        Message { bytes, what }
    }

    /// Raw bytes: the fixed part that follows the header.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self.align();
        self
    }

    pub fn attr(mut self, kind: u16, value: &[u8]) -> Self {
        self.push_attr(kind, value);
        self
    }

    pub fn u32(self, kind: u16, value: u32) -> Self {
        self.attr(kind, &value.to_ne_bytes())
    }

    /// In network order, as netfilter wants all numbers.
    pub fn be32(self, kind: u16, value: u32) -> Self {
        self.attr(kind, &value.to_be_bytes())
    }

    pub fn text(self, kind: u16, value: &str) -> Self {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.attr(kind, &bytes)
    }

    pub fn nest(mut self, kind: u16, fill: impl FnOnce(Message) -> Message) -> Self {
        let start = self.bytes.len();
        self.push_attr(kind | NESTED, &[]);
        let mut inner = fill(self);
        let length = (inner.bytes.len() - start) as u16;
        inner.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        inner
    }

    fn push_attr(&mut self, kind: u16, value: &[u8]) {
        let length = (4 + value.len()) as u16;
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn finish(mut self, sequence: u32) -> Vec<u8> {
        let length = self.bytes.len() as u32;
        self.bytes[0..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.bytes
    }
}

/// The attributes of a message or of a nest.
pub fn attrs(mut bytes: &[u8]) -> Vec<(u16, &[u8])> {
    let mut found = Vec::new();
    while bytes.len() >= 4 {
        let length = u16::from_ne_bytes([bytes[0], bytes[1]]) as usize;
        let kind = u16::from_ne_bytes([bytes[2], bytes[3]]) & 0x3fff;
        if length < 4 || length > bytes.len() {
            break;
        }
        found.push((kind, &bytes[4..length]));
        bytes = &bytes[length.next_multiple_of(4).min(bytes.len())..];
    }
    found
}

pub fn attr(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attrs(bytes).into_iter().find(|(k, _)| *k == kind).map(|(_, value)| value)
}

pub fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

pub fn be_u32(bytes: &[u8]) -> u32 {
    bytes.try_into().map(u32::from_be_bytes).unwrap_or(0)
}

pub fn ne_u32(bytes: &[u8]) -> u32 {
    bytes.try_into().map(u32::from_ne_bytes).unwrap_or(0)
}

/// A socket in the network namespace where it was opened.
pub struct Socket {
    fd: OwnedFd,
    sequence: u32,
}

/// One message of an answer: its kind, and what follows the header.
pub struct Reply {
    pub kind: u16,
    pub body: Vec<u8>,
}

impl Socket {
    pub fn route() -> Result<Self, Error> {
        // The protocol with the number 0.
        Self::open(None)
    }

    pub fn netfilter() -> Result<Self, Error> {
        Self::open(Some(netlink::NETFILTER))
    }

    fn open(protocol: Option<rustix::net::Protocol>) -> Result<Self, Error> {
        let fd = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)
            .map_err(Error::Socket)?;
        let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&fd, 1 << 20);
        Ok(Socket { fd, sequence: 0 })
    }

    /// Sends one message and waits until the kernel has done it.
    pub fn ask(&mut self, message: Message) -> Result<(), Error> {
        let what = message.what;
        self.sequence += 1;
        let mut bytes = message.finish(self.sequence);
        bytes[6] |= ACK as u8;
        send(&self.fd, &bytes, SendFlags::empty()).map_err(Error::Socket)?;
        self.collect(what, 1).map(drop)
    }

    /// As [`Socket::ask`], and that there is such a thing already (or no more) is no error.
    pub fn ask_unless(&mut self, message: Message, fine: &[Errno]) -> Result<(), Error> {
        match self.ask(message) {
            Err(Error::Refused { errno, .. }) if fine.contains(&errno) => Ok(()),
            other => other,
        }
    }

    /// Reads a table.
    pub fn dump(&mut self, message: Message) -> Result<Vec<Reply>, Error> {
        let what = message.what;
        self.sequence += 1;
        let mut bytes = message.finish(self.sequence);
        let flags = REQUEST | DUMP;
        bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
        send(&self.fd, &bytes, SendFlags::empty()).map_err(Error::Socket)?;
        self.collect(what, 0)
    }

    /// Sends messages as one transaction of netfilter: all of them happen, or none.
    pub fn transaction(&mut self, messages: Vec<Message>) -> Result<(), Error> {
        const BEGIN: u16 = 0x10;
        const END: u16 = 0x11;
        const NFTABLES: u16 = 10;
        let what = messages.first().map_or("nftables transaction", |m| m.what);
        let edge = |kind| {
            let mut header = vec![0u8, 0];
            header.extend_from_slice(&NFTABLES.to_be_bytes());
            Message::new("nftables transaction", kind, 0).raw(&header)
        };
        let mut bytes = edge(BEGIN).finish(self.sequence + 1);
        self.sequence += 1;
        let mut expected = 0;
        for message in messages {
            self.sequence += 1;
            expected += 1;
            let mut one = message.finish(self.sequence);
            one[6] |= ACK as u8;
            bytes.extend_from_slice(&one);
        }
        self.sequence += 1;
        bytes.extend_from_slice(&edge(END).finish(self.sequence));
        send(&self.fd, &bytes, SendFlags::empty()).map_err(Error::Socket)?;
        self.collect(what, expected).map(drop)
    }

    /// Reads until `acks` were seen, or the end of a dump.
    fn collect(&mut self, what: &'static str, mut acks: usize) -> Result<Vec<Reply>, Error> {
        let dump = acks == 0;
        let mut replies = Vec::new();
        let mut buffer = vec![0u8; 256 * 1024];
        loop {
            let (length, _) = recv(&self.fd, &mut buffer[..], RecvFlags::empty()).map_err(Error::Socket)?;
            let mut rest = &buffer[..length];
            while rest.len() >= HEADER {
                let size = ne_u32(&rest[0..4]) as usize;
                let kind = u16::from_ne_bytes([rest[4], rest[5]]);
                if size < HEADER || size > rest.len() {
                    return Err(Error::Malformed);
                }
                let body = &rest[HEADER..size];
                match kind {
                    ERROR => {
                        let code = body.get(..4).map(ne_u32).ok_or(Error::Malformed)? as i32;
                        if code != 0 {
                            self.drain();
                            return Err(Error::Refused { what, errno: Errno::from_raw_os_error(-code) });
                        }
                        acks = acks.saturating_sub(1);
                        if !dump && acks == 0 {
                            return Ok(replies);
                        }
                    }
                    DONE => return Ok(replies),
                    _ => replies.push(Reply { kind, body: body.to_vec() }),
                }
                rest = &rest[size.next_multiple_of(4).min(rest.len())..];
            }
        }
    }

    /// After a refusal the acknowledgements of the rest of a transaction may still lie in the socket.
    fn drain(&self) {
        let mut buffer = vec![0u8; 64 * 1024];
        while recv(&self.fd, &mut buffer[..], RecvFlags::DONTWAIT).is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_read_back() {
        let message = Message::new("test", 16, CREATE)
            .raw(&[1, 2, 3, 4])
            .text(3, "eth0")
            .nest(18, |m| m.text(1, "veth").nest(2, |m| m.u32(7, 9)));
        let bytes = message.finish(5);
        assert_eq!(ne_u32(&bytes[0..4]) as usize, bytes.len());
        let body = &bytes[HEADER + 4..];
        assert_eq!(attr(body, 3).map(text), Some("eth0".into()));
        let info = attr(body, 18).unwrap_or_default();
        assert_eq!(attr(info, 1).map(text), Some("veth".into()));
        let data = attr(info, 2).unwrap_or_default();
        assert_eq!(attr(data, 7).map(ne_u32), Some(9));
    }

    #[test]
    fn broken_attributes_end_the_reading() {
        for bytes in [&[0u8, 0, 0, 0][..], &[200, 0, 1, 0, 9], &[4], &[]] {
            assert!(attrs(bytes).is_empty(), "{bytes:?}");
        }
    }
}
