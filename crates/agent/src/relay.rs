//! Joins this process's streams with a socket of the machine that it runs in: whoever may run a program here talks with a server here that
//! listens on no network.
//! It must not know what is said. The surprise: it ends when the server does, not when it is told no more: an answer may still come.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

/// Bytes that are on their way at a time.
const CHUNK: usize = 64 << 10;

/// `SOCKET`
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Some(path) = args.into_iter().next() else { return ExitCode::from(2) };
    match UnixStream::connect(&path).and_then(join) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever started it reads that stream.
            let _ = writeln!(io::stderr(), "{}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}

fn join(socket: UnixStream) -> io::Result<()> {
    let mut to = socket.try_clone()?;
    std::thread::spawn(move || {
        let _ = pass(&mut io::stdin().lock(), &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let mut from = socket;
    pass(&mut from, &mut io::stdout().lock())
}

/// Each piece goes on as soon as it is there.
fn pass(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = match from.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(chunk.get(..length).unwrap_or_default())?;
        to.flush()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_passes_in_its_order() {
        let said: Vec<u8> = (0..3 * CHUNK).map(|at| u8::try_from(at % 251).unwrap_or(0)).collect();
        let mut heard = Vec::new();
        pass(&mut said.as_slice(), &mut heard).expect("memory");
        assert_eq!(heard, said);
    }

    #[test]
    fn a_socket_that_is_not_there_is_a_failure() {
        assert_eq!(main(["/nonexistent/socket".into()]), ExitCode::FAILURE);
        assert_eq!(main([]), ExitCode::from(2));
    }
}
