//! What a client sent and nobody took yet.
//! It must not know what the bytes are. The surprise: beyond a mebibyte they go to an unlinked file instead of stopping the
//! sender. The library hands all channels' messages through one loop, so stopping one channel's input would also stop the
//! window messages that its output waits for, and both sides would wait for each other for ever.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

const IN_MEMORY: usize = 1 << 20;
/// When so much is parked, the sender is stopped after all.
const PARKED: u64 = 256 << 20;
const PIECE: usize = 64 << 10;

#[derive(Debug, Default)]
pub struct Spool {
    inner: Mutex<Inner>,
    filled: Notify,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    memory: VecDeque<Bytes>,
    held: usize,
    parked: Option<Parked>,
    /// Nothing more comes.
    ended: bool,
    /// Nothing more is taken.
    refused: bool,
}

#[derive(Debug)]
struct Parked {
    file: File,
    read: u64,
    written: u64,
}

impl Spool {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps `data` for [`take`](Self::take).
    pub async fn put(&self, data: Bytes) -> io::Result<()> {
        loop {
            let emptied = self.emptied.notified();
            {
                let mut inner = self.lock();
                if inner.refused || data.is_empty() {
                    return Ok(());
                }
                if inner.put(&data)? {
                    break;
                }
            }
            emptied.await;
        }
        self.filled.notify_one();
        Ok(())
    }

    /// The next piece; none when all is taken and nothing more comes.
    pub async fn take(&self) -> io::Result<Option<Bytes>> {
        loop {
            let filled = self.filled.notified();
            {
                let mut inner = self.lock();
                if let Some(piece) = inner.take()? {
                    self.emptied.notify_one();
                    return Ok(Some(piece));
                }
                if inner.ended {
                    return Ok(None);
                }
            }
            filled.await;
        }
    }

    pub fn end(&self) {
        self.lock().ended = true;
        self.filled.notify_one();
    }

    /// The taker is gone: what is here and what comes is thrown away.
    pub fn refuse(&self) {
        let mut inner = self.lock();
        *inner = Inner { refused: true, ended: true, ..Inner::default() };
        drop(inner);
        self.emptied.notify_one();
    }
}

impl Inner {
    fn put(&mut self, data: &Bytes) -> io::Result<bool> {
        if self.parked.is_none() && self.held + data.len() <= IN_MEMORY {
            self.held += data.len();
            self.memory.push_back(data.clone());
            return Ok(true);
        }
        let parked = match &mut self.parked {
            Some(parked) => parked,
            None => self.parked.insert(Parked { file: unlinked_file()?, read: 0, written: 0 }),
        };
        if parked.written - parked.read >= PARKED {
            return Ok(false);
        }
        parked.file.write_all_at(data, parked.written)?;
        parked.written += data.len() as u64;
        Ok(true)
    }

    fn take(&mut self) -> io::Result<Option<Bytes>> {
        if let Some(piece) = self.memory.pop_front() {
            self.held -= piece.len();
            return Ok(Some(piece));
        }
        let Some(parked) = &mut self.parked else { return Ok(None) };
        let length = PIECE.min(usize::try_from(parked.written - parked.read).unwrap_or(PIECE));
        let mut piece = vec![0; length];
        parked.file.read_exact_at(&mut piece, parked.read)?;
        parked.read += length as u64;
        if parked.read == parked.written {
            self.parked = None;
        }
        Ok((length > 0).then(|| piece.into()))
    }
}

fn unlinked_file() -> io::Result<File> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    // /tmp is often memory, which is what this is to spare.
    for directory in ["/var/tmp", "/tmp", "/"] {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600).custom_flags(rustix::fs::OFlags::TMPFILE.bits().cast_signed());
        match options.open(directory) {
            Ok(file) => return Ok(file),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_went_in_comes_out_in_order_however_much_it_is() {
        let spool = Spool::default();
        let total: usize = 5 << 20;
        let byte = |i: usize| (i * 31 % 251) as u8;
        for start in (0..total).step_by(10_000) {
            let piece: Vec<u8> = (start..(start + 10_000).min(total)).map(byte).collect();
            spool.put(piece.into()).await.expect("kept");
        }
        assert!(spool.lock().parked.is_some() && spool.lock().held <= IN_MEMORY);
        spool.end();
        let mut seen = 0;
        while let Some(piece) = spool.take().await.expect("taken") {
            for b in &piece {
                assert_eq!(*b, byte(seen));
                seen += 1;
            }
        }
        assert_eq!(seen, total);
        assert!(spool.lock().parked.is_none());
    }

    #[tokio::test]
    async fn a_taker_that_is_gone_stops_nobody() {
        let spool = Spool::default();
        spool.refuse();
        spool.put(Bytes::from_static(b"x")).await.expect("thrown away");
        assert_eq!(spool.take().await.expect("ended"), None);
    }
}
