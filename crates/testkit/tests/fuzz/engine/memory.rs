//! How much memory a case holds at most: the allocator of this program counts for each thread.
//! The surprise: what one thread allocates and another frees is counted wrong, so a target does its work on its own thread.
#![allow(
    unsafe_code,
    reason = "an allocator is unsafe by its trait; this one counts and hands everything to the system's"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// Bytes held since the case began, and the most of it.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

/// No single piece of memory may be so large: the machine should not suffer for what a test looks for.
const LARGEST: usize = 1 << 30;

fn count(by: isize) {
    let _ = HELD.try_with(|held| {
        let (now, most) = held.get();
        held.set((now + by, most.max(now + by)));
    });
}

// SAFETY: every call goes to the system's allocator with the arguments it came with.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > LARGEST {
            return std::ptr::null_mut();
        }
        count(layout.size().cast_signed());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        unsafe { System.dealloc(at, layout) }
    }
}

/// Counts from here.
pub fn begin() {
    HELD.set((0, 0));
}

/// The most that this thread held since, beyond what it had.
pub fn peak() -> usize {
    HELD.get().1.max(0).cast_unsigned()
}
