//! A stream that takes each write whole. The websocket library keeps what was not written and moves all of it forward after every partial
//! write, which for an answer of megabytes over TLS, that takes some KiB at a time, costs more than making the answer.
//! It holds no more than one write. The surprise: a write is refused until the one before has gone out, so a slow reader still holds up its writer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// `S`, with the rest of the last write.
pub struct Whole<S> {
    stream: S,
    rest: Vec<u8>,
    /// So much of the rest has gone out.
    gone: usize,
}

impl<S> Whole<S> {
    pub fn new(stream: S) -> Whole<S> {
        Whole { stream, rest: Vec::new(), gone: 0 }
    }
}

impl<S: AsyncWrite + Unpin> Whole<S> {
    fn write_rest(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(left) = self.rest.get(self.gone..).filter(|left| !left.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(context, left))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.gone += written,
            }
        }
        // An idle connection keeps nothing of what it sent.
        (self.rest, self.gone) = (Vec::new(), 0);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Whole<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.write_rest(context))?;
        let mut written = 0;
        while written < bytes.len() {
            match Pin::new(&mut self.stream).poll_write(context, &bytes[written..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(more)) => written += more,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if written == 0 => return Poll::Pending,
                Poll::Pending => {
                    self.rest.extend_from_slice(&bytes[written..]);
                    break;
                }
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_rest(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_rest(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Whole<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn everything_arrives_in_order_through_a_narrow_pipe() {
        let (near, mut far) = tokio::io::duplex(7);
        let mut near = Whole::new(near);
        let text: Vec<u8> = (0..10_000_u32).flat_map(u32::to_le_bytes).collect();
        let sent = text.clone();
        let writer = tokio::spawn(async move {
            for part in sent.chunks(9_999) {
                assert_eq!(near.write(part).await.expect("written"), part.len(), "taken whole");
            }
            near.shutdown().await.expect("ended");
            near
        });
        let mut read = Vec::new();
        far.read_to_end(&mut read).await.expect("read");
        assert!(read == text, "{} bytes of {}", read.len(), text.len());
        assert_eq!(writer.await.expect("ended").rest.capacity(), 0);
    }

    #[tokio::test]
    async fn a_second_write_waits_for_the_first() {
        let (near, mut far) = tokio::io::duplex(4);
        let mut near = Whole::new(near);
        near.write_all(b"0123456789").await.expect("taken");
        let mut second = Box::pin(near.write_all(b"ab"));
        assert!((&mut second).now_or_never().is_none());
        let mut read = [0; 12];
        let (sent, got) = tokio::join!(second, far.read_exact(&mut read[..10]));
        sent.expect("taken");
        got.expect("read");
        near.flush().await.expect("flushed");
        far.read_exact(&mut read[10..]).await.expect("read");
        assert_eq!(&read, b"0123456789ab");
    }
}
