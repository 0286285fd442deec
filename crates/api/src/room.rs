//! How much one answer takes up. A call may name one thing ten thousand times, and what an answer holds of it may be large.

use base::Refusal;

/// Bytes from which on nothing more is put into an answer: half of what clients take.
const ENOUGH: usize = 32 << 20;

/// Of one answer.
#[derive(Debug, Default)]
pub struct Room(usize);

impl Room {
    /// Refuses one more where there is enough. The first is in, however large it is.
    pub fn one_more(&self) -> Result<(), Refusal> {
        match self.0 < ENOUGH {
            true => Ok(()),
            false => Err(Refusal::plain("too much for one answer: ask for fewer at once")),
        }
    }

    pub fn take(&mut self, bytes: usize) {
        self.0 = self.0.saturating_add(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_in_and_nothing_after_enough() {
        let mut room = Room::default();
        room.one_more().expect("empty");
        room.take(ENOUGH - 1);
        room.one_more().expect("some room");
        room.take(usize::MAX);
        assert!(room.one_more().is_err());
    }
}
