//! Chance that comes again: the same numbers for the same seed (SplitMix64), so that a story which failed can be told once more.

use std::sync::Mutex;

use base::chance::Chance;

pub(super) struct Dice(Mutex<u64>);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(Mutex::new(seed))
    }

    fn next(&self) -> u64 {
        let mut state = self.0.lock().expect("no panic");
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn roll(&self, below: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(below.max(1)).expect("fits")).expect("fits")
    }

    pub fn one_of<T: Clone>(&self, all: &[T]) -> Option<T> {
        (!all.is_empty()).then(|| all[self.roll(all.len())].clone())
    }
}

/// Nothing here is secret.
impl Chance for Dice {
    fn fill(&self, out: &mut [u8]) {
        out.fill_with(|| self.next().to_le_bytes()[0]);
    }
}
