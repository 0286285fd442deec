//! The one seam to the system's random source. Ids, tokens and passwords come from here and are of a CSPRNG.
//! The surprise: without randomness nothing may go on, so a source that fails ends the process.

use uuid::Uuid;

/// Gives ids and secrets; tests inject a seeded one.
pub trait Chance: Send + Sync {
    /// Fills `out` with unpredictable bytes.
    fn fill(&self, out: &mut [u8]);

    /// A fresh version 4 UUID, lower case when printed.
    fn uuid(&self) -> Uuid {
        let mut bytes = [0u8; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// A token of `bytes` random bytes, in hexadecimal.
    fn token(&self, bytes: usize) -> String {
        let mut raw = vec![0u8; bytes];
        self.fill(&mut raw);
        raw.iter().map(|b| format!("{b:02x}")).collect()
    }
}

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    fn fill(&self, out: &mut [u8]) {
        if getrandom::fill(out).is_err() {
            // A controller that goes on with predictable tokens is worse than one that stops.
            std::process::abort();
        }
    }
}
