//! The system calls that no process of a machine may make.
//! It must not know what a machine is. The surprise: this is a list of what is denied, not of what is allowed, as capabilities and the user
//! namespace already refuse most of it; the list holds what has a history of breaking out, and what would need no capability at all.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no system call filter for processors of type {0}")]
    Arch(&'static str),
    #[error("system call filter cannot be built: {0}")]
    Build(String),
    #[error("the kernel refused the system call filter: {0}")]
    Load(String),
}

/// Docker's default profile denies these to a process without the capability that would allow them.
const DENIED: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_mbind,
    libc::SYS_migrate_pages,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_move_pages,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pivot_root,
    libc::SYS_process_madvise,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_set_mempolicy,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];

#[cfg(target_arch = "x86_64")]
const DENIED_HERE: &[i64] =
    &[libc::SYS__sysctl, libc::SYS_ioperm, libc::SYS_iopl, libc::SYS_sysfs, libc::SYS_uselib, libc::SYS_ustat];
#[cfg(not(target_arch = "x86_64"))]
const DENIED_HERE: &[i64] = &[];

/// Making a namespace of any kind by `clone`.
const NAMESPACES: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u64;

fn arch() -> Result<TargetArch, Error> {
    std::env::consts::ARCH.try_into().map_err(|_| Error::Arch(std::env::consts::ARCH))
}

fn build<E: std::fmt::Display>(error: E) -> Error {
    Error::Build(error.to_string())
}

fn argument(number: u8, length: SeccompCmpArgLen, how: SeccompCmpOp, value: u64) -> Result<SeccompRule, Error> {
    let condition = SeccompCondition::new(number, length, how, value).map_err(build)?;
    SeccompRule::new(vec![condition]).map_err(build)
}

fn program(rules: BTreeMap<i64, Vec<SeccompRule>>, errno: i32) -> Result<BpfProgram, Error> {
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno as u32), arch()?)
        .and_then(BpfProgram::try_from)
        .map_err(build)
}

/// Loads the filter for this process and all that it will start. Needs CAP_SYS_ADMIN in its user namespace, since `sudo` must go on working.
pub fn load() -> Result<(), Error> {
    use SeccompCmpArgLen::{Dword, Qword};
    let mut denied: BTreeMap<i64, Vec<SeccompRule>> =
        DENIED.iter().chain(DENIED_HERE).map(|call| (*call, Vec::new())).collect();
    // One rule for each kind: any of the bits is enough.
    let mut kinds = Vec::new();
    for bit in (0..64).map(|n| 1u64 << n).filter(|bit| NAMESPACES & bit != 0) {
        kinds.push(argument(0, Qword, SeccompCmpOp::MaskedEq(bit), bit)?);
    }
    denied.insert(libc::SYS_clone, kinds);
    // Sockets of families that reach past the network namespace, or have been a way into the kernel.
    let mut families = Vec::new();
    for family in [libc::AF_VSOCK, libc::AF_ALG] {
        families.push(argument(0, Dword, SeccompCmpOp::Eq, family as u64)?);
    }
    denied.insert(libc::SYS_socket, families);
    // Pushing characters into the terminal of whoever looks.
    denied.insert(libc::SYS_ioctl, vec![argument(1, Dword, SeccompCmpOp::Eq, libc::TIOCSTI)?]);
    let denied = program(denied, libc::EPERM)?;
    // Its flags lie in memory, where no filter can look: the C library falls back to clone, whose flags can be seen.
    let unseen = program(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)?;
    for filter in [unseen, denied] {
        apply(&filter)?;
    }
    Ok(())
}

/// As `seccompiler::apply_filter`, which would also set `no_new_privs` and so take `sudo` away.
#[allow(unsafe_code, reason = "seccomp(2) has no safe wrapper that leaves no_new_privs alone")]
fn apply(filter: &BpfProgram) -> Result<(), Error> {
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut().cast() };
    // SAFETY: the program outlives the call, and the kernel copies it.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0u32, &program) };
    if result == 0 { Ok(()) } else { Err(Error::Load(std::io::Error::last_os_error().to_string())) }
}
