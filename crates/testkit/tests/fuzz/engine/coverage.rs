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
        for (page, known) in counters.chunks_mut(PAGE).zip(seen[at..at + len].chunks_mut(PAGE)) {
            new |= !is_zero(page) && count(page, known);
        }
        at += len;
    }
    new
}

/// Nearly all counters are zero after nearly all cases: whole pages are compared at once.
const PAGE: usize = 512;

fn is_zero(page: &[u8]) -> bool {
    page == &[0; PAGE][..page.len()]
}

/// Takes over a page's counters and sets them to zero.
fn count(page: &mut [u8], known: &mut [u8]) -> bool {
    let mut new = false;
    for (counter, known) in page.iter_mut().zip(known).filter(|(counter, _)| **counter > 0) {
        let size = 1u8.checked_shl(u8::BITS - counter.leading_zeros()).unwrap_or(0x80);
        (new, *known) = (new || *known & size == 0, *known | size);
        *counter = 0;
    }
    new
}
