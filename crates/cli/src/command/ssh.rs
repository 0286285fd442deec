//! Commands on the noun `ssh`: into machines, and files to and from them, by the user's own OpenSSH.

use super::Command;
use crate::flags::Flag;

mod copy;
pub(crate) mod keys;
pub(crate) mod process;
mod shell;
mod target;
mod tunnel;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[&copy::COMMAND, &shell::COMMAND, &tunnel::COMMAND];

const CONTAINER: Flag = Flag::text(&["container"], "the container name of the target pod");
const NO_CHECKS: Flag = Flag::bool(&["no-host-key-checks"], "Skip host key checking (INSECURE)");
const PROXY: Flag = Flag::bool(&["proxy"], "Proxy through the API server");
const REMOTE: Flag = Flag::bool(&["remote"], "Target on the workload or operator pod (k8s-only)");
