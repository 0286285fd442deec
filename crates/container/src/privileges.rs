//! What root inside a machine may do: Docker's capabilities without making devices, and the filter of system calls.
//! It must not know who asks. The surprise: the filter is loaded with a capability that is given up in the next moment.

use rustix::thread::{CapabilitySet, CapabilitySets, remove_capability_from_bounding_set, set_capabilities};

use crate::seccomp;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Filter(#[from] seccomp::Error),
    #[error("capabilities cannot be given up")]
    Capabilities(#[source] rustix::io::Errno),
}

pub const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::NET_RAW)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETFCAP)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::SYS_CHROOT)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::AUDIT_WRITE);

/// The OCI names of what the first process of a machine begins with.
pub fn at_first() -> Vec<String> {
    let kept = KEPT.union(CapabilitySet::SYS_ADMIN);
    kept.iter_names().map(|(name, _)| format!("CAP_{name}")).collect()
}

/// From here on this process, of one thread still, and all its children are confined. Cannot be undone.
pub fn confine() -> Result<(), Error> {
    seccomp::load()?;
    for (_, capability) in CapabilitySet::all().difference(KEPT).iter_names() {
        match remove_capability_from_bounding_set(capability) {
            // One that this kernel does not know.
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            Err(errno) => return Err(Error::Capabilities(errno)),
        }
    }
    set_capabilities(None, CapabilitySets { effective: KEPT, permitted: KEPT, inheritable: CapabilitySet::empty() })
        .map_err(Error::Capabilities)
}
