//! `exec --stdin`: what the command line is given on its standard input, handed to a command on machines.
//!
//! The surprise: it travels in the command itself, as a here-document, so that any controller can be asked, and a machine that is away gets it with
//! its task.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::context::Context;
use crate::error::{Error, Result};

/// A command has 128 KiB in all (docs/limits.md), and base64 makes four bytes of three.
const MOST: usize = 64 << 10;

/// The command, with all of our standard input on its own. Ctrl-C ends the reading.
pub(super) async fn handed_on(context: &mut Context, command: String) -> Result<String> {
    let input = std::mem::replace(&mut context.io.stdin, Box::new(std::io::empty()));
    let stopped = context.interrupted();
    let reading = tokio::task::spawn_blocking(move || fed(&command, input));
    tokio::select! {
        () = stopped => Err(Error::failed("interrupted while standard input was read; nothing was run".to_owned())),
        read = reading => read.map_err(|e| Error::failed(format!("cannot read standard input: {e}")))?,
    }
}

/// The same with any input.
fn fed(command: &str, input: impl Read) -> Result<String> {
    let mut bytes = Vec::new();
    let most = u64::try_from(MOST).unwrap_or(u64::MAX);
    input
        .take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| Error::failed(format!("cannot read standard input: {e}")))?;
    if bytes.len() > MOST {
        let words = "standard input is longer than 64 KiB: copy it by 'juju scp', and have the command read the copy";
        return Err(Error::failed(words.to_owned()));
    }
    // The braces stand on lines of their own: a command may end in a comment, or in a here-document of its own.
    Ok(format!("base64 -d <<'end of input' | {{\n{}\nend of input\n{command}\n}}", STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// What a shell prints, and how it ends.
    fn shell(command: &str, input: &[u8]) -> (Vec<u8>, Option<i32>) {
        let text = fed(command, input).expect("fits");
        let done = Command::new("/bin/sh").args(["-c", &text]).output().expect("a shell");
        (done.stdout, done.status.code())
    }

    #[test]
    fn a_command_reads_what_it_is_given_and_ends_as_by_itself() {
        let every: Vec<u8> = (0..=255_u8).chain("end of input\n".bytes()).collect();
        for (command, input, expected, code) in [
            ("cat", b"hello\n".as_slice(), b"hello\n".as_slice(), 0),
            ("cat; exit 7 # done", every.as_slice(), every.as_slice(), 7),
            ("wc -c | tr -d ' '", b"", b"0\n", 0),
            ("read a; echo \"<$a>\"; cat <<E\nmine\nE", b"one\ntwo\n", b"<one>\nmine\n", 0),
            ("true", &[b'x'; MOST], b"", 0),
        ] {
            assert_eq!(shell(command, input), (expected.to_vec(), Some(code)), "{command}");
        }
    }

    #[test]
    fn what_is_too_long_is_refused_without_reading_on() {
        let refused = fed("cat", std::io::repeat(b'x')).expect_err("without end").to_string();
        assert!(refused.contains("longer than 64 KiB"), "{refused}");
    }
}
