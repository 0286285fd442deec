//! A process that outlives whoever started it: nothing of theirs is kept but the standard streams.
//!
//! The surprise: a descriptor that a script had open (a lock, a pipe, a file of secrets) would otherwise be held for as long as the daemon
//! lives, and be handed on to all that it starts.

use rustix::process::setsid;

/// Leaves the session of whoever started this process and closes what they left open. To be called before anything is opened.
pub fn detach() {
    // Fails only for a leader of a group, and then the group is our own already.
    let _ = setsid();
    close_inherited();
}

#[allow(unsafe_code, reason = "descriptors that nothing in this process owns can be closed by number alone")]
fn close_inherited() {
    let first = 3;
    // SAFETY: nothing was opened yet, so no owner of one of these numbers exists.
    if unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) } == 0 {
        return;
    }
    // Kernels before 5.9.
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<i32> = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for number in open.into_iter().filter(|number| *number >= first) {
        // SAFETY: as above; the directory that was read is closed already, so its number is refused.
        unsafe { libc::close(number) };
    }
}
