//! What one connection has said of tasks, and so what it is to say next.
//! It must not know how it is said. The surprise: a new connection begins at nothing, so all that is not acknowledged is said again.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use wire::agent::{FromAgent, MAX_CHUNK, Stream};

use super::{Phase, Tasks, output_file, place};

#[derive(Debug, Default)]
pub struct Cursor {
    said: HashMap<u64, Said>,
}

#[derive(Debug, Default)]
struct Said {
    started: bool,
    sent: [u64; 2],
    done: bool,
}

enum Next {
    Output(u64, String, Stream, u64, u64),
    Message(FromAgent),
}

impl Tasks {
    /// The next message that the connection of `cursor` should send.
    pub fn next(&self, cursor: &mut Cursor) -> Option<FromAgent> {
        loop {
            match self.find(cursor)? {
                Next::Message(message) => return Some(message),
                Next::Output(number, id, stream, from, to) => {
                    let data = match self.piece(&id, stream, from, to) {
                        Ok(data) => data,
                        Err(error) => {
                            tracing::warn!(%error, task = id, "output cannot be read");
                            cursor.said.entry(number).or_default().sent[place(stream)] = to;
                            continue;
                        }
                    };
                    cursor.said.entry(number).or_default().sent[place(stream)] = from + data.len() as u64;
                    return Some(FromAgent::TaskOutput { id, stream, offset: from, data: STANDARD.encode(data) });
                }
            }
        }
    }

    fn find(&self, cursor: &mut Cursor) -> Option<Next> {
        let state = self.state();
        cursor.said.retain(|number, _| state.entries.contains_key(number));
        for (number, entry) in &state.entries {
            let said = cursor.said.entry(*number).or_default();
            if said.done || matches!(entry.phase, Phase::Queued) {
                continue;
            }
            if entry.started > 0 && !std::mem::replace(&mut said.started, true) {
                return Some(Next::Message(FromAgent::TaskStarted { id: entry.id.clone(), at: entry.started }));
            }
            for stream in [Stream::Stdout, Stream::Stderr] {
                let (sent, kept) = (said.sent[place(stream)], entry.kept[place(stream)]);
                if sent < kept {
                    return Some(Next::Output(*number, entry.id.clone(), stream, sent, kept));
                }
            }
            if let Phase::Done(done) = &entry.phase {
                said.done = true;
                return Some(Next::Message(FromAgent::TaskDone(done.clone())));
            }
        }
        None
    }

    fn piece(&self, id: &str, stream: Stream, from: u64, to: u64) -> io::Result<Vec<u8>> {
        let file = File::open(output_file(&self.directory, id, stream))?;
        let mut data = vec![0; usize::try_from(to - from).unwrap_or(MAX_CHUNK).min(MAX_CHUNK)];
        file.read_exact_at(&mut data, from)?;
        Ok(data)
    }
}
