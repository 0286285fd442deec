//! Which branches of the code under test ran: counters that the compiler puts into it when `cargo xtask fuzz` asks.
//! The surprise: without that nobody calls the function below, there are no counters, and nothing is ever new.
#![allow(unsafe_code, reason = "the compiler gives the counters as two bare pointers")]

use std::sync::{Mutex, PoisonError};

/// Where counters are: first and length. One entry for each compiled unit, made before `main`.
static REGIONS: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());
/// For each counter the sizes that were seen, a bit for each power of two.
static SEEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Called by every instrumented unit, sometimes more than once.
#[unsafe(no_mangle)]
extern "C" fn __sanitizer_cov_8bit_counters_init(start: *mut u8, end: *mut u8) {
    let (start, end) = (start as usize, end as usize);
    let mut regions = REGIONS.lock().unwrap_or_else(PoisonError::into_inner);
    if end > start && !regions.iter().any(|(known, _)| *known == start) {
        regions.push((start, end - start));
    }
}

/// Whether the code under test counts.
pub fn there() -> bool {
    !REGIONS.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
}

/// How many branches ever ran.
pub fn edges() -> usize {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|seen| **seen != 0).count()
}

/// Whether since the last call something ran that never ran before, or much more often; the counters begin anew.
pub fn is_new() -> bool {
    let regions = REGIONS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    seen.resize(regions.iter().map(|(_, len)| len).sum(), 0);
    let (mut new, mut at) = (false, 0);
    for (start, len) in regions.iter() {
        // SAFETY: the unit that these counters are of is never unloaded. Other threads may count meanwhile; a lost count is no harm.
        let counters = unsafe { std::slice::from_raw_parts_mut(*start as *mut u8, *len) };
        for (eight, known) in counters.chunks_mut(8).zip(seen[at..at + len].chunks_mut(8)) {
            if *eight == [0; 8] {
                continue;
            }
            for (counter, known) in eight.iter_mut().zip(known) {
                let size = 1u8.checked_shl(u8::BITS - counter.leading_zeros()).unwrap_or(0x80);
                if *counter > 0 && *known & size == 0 {
                    (*known, new) = (*known | size, true);
                }
                *counter = 0;
            }
        }
        at += len;
    }
    new
}
