//! The terminal that somebody types at. The surprise: what it was told is told back when the guard is dropped, also on the way out of an error.

use rustix::stdio::stdin;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// While it lives, nothing of what is typed is shown. Where standard input is no terminal it does nothing.
pub struct Unseen {
    before: Option<Termios>,
}

impl Unseen {
    pub fn start() -> Unseen {
        let Ok(before) = tcgetattr(stdin()) else { return Unseen { before: None } };
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        match tcsetattr(stdin(), OptionalActions::Now, &quiet) {
            Ok(()) => Unseen { before: Some(before) },
            Err(_) => Unseen { before: None },
        }
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // A terminal that went away needs nothing back.
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
    }
}
