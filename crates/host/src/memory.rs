//! How a controller takes memory from the kernel and gives it back. It allocates nothing itself.
//! The surprise: the C library's defaults suit programs that are short or alone. It keeps a heap for each thread, and after the first large
//! block that was freed it keeps the next ones: a checked password takes 19 MiB, a status of many machines as much, and both would stay.

/// Two heaps for two cores' worth of threads; blocks of a MiB and more come from the kernel and go back at once.
#[allow(unsafe_code, reason = "mallopt(3) has no safe wrapper; it is called before there is a second thread")]
pub fn frugal() {
    for (what, value) in
        [(libc::M_ARENA_MAX, 2), (libc::M_MMAP_THRESHOLD, 1 << 20), (libc::M_TRIM_THRESHOLD, 512 << 10)]
    {
        // SAFETY: sets a number of the allocator; one that it does not know is left alone.
        unsafe { libc::mallopt(what, value) };
    }
}
