//! What differs from the recordings on purpose, each with its reason: the one list.
//!
//! An entry names cases by group and a prefix of the case's name. Nothing else excuses a difference.

use super::Recording;

struct Deviation {
    /// `3.6/flags`; empty for any.
    group: &'static str,
    /// The beginning of the case's name, or all of it.
    case: &'static str,
    reason: &'static str,
}

const DEVIATIONS: &[Deviation] = &[
    Deviation { group: "add-machine", case: "am-n-1", reason: "deviates: the original crashes on a negative count" },
    Deviation { group: "add-machine", case: "am-ssh-runfail-destroyfail", reason: "" },
    Deviation {
        group: "add-machine",
        case: "am-ssh-runfail",
        reason: "deviates: the original tells of an error that was none",
    },
    Deviation { group: "flags", case: "flag-debug", reason: "deviates: the log tells of our own works" },
    Deviation { group: "flags", case: "flag-logfile", reason: "deviates: the log tells of our own works" },
    Deviation { group: "flags", case: "flag-showlog", reason: "deviates: the log tells of our own works" },
    Deviation {
        group: "upgrade-machine",
        case: "um-prep-flag",
        reason: "deviates: the original, by chance, asked once for two pieces of news",
    },
    Deviation { group: "remove-machine", case: "rm-timeout", reason: "deviates: --timeout bounds a forced removal" },
    Deviation {
        group: "ssh",
        case: "scp-proxy-two",
        reason: "deviates: from machine to machine it goes through the client, whatever OpenSSH's own default is",
    },
    Deviation {
        group: "tasks",
        case: "exec-mixed-plain",
        reason: "deviates: a task that failed without a return code is told",
    },
    Deviation {
        group: "tasks",
        case: "exec-one-aborted-plain",
        reason: "deviates: a task that failed without a return code is told",
    },
    Deviation {
        group: "tasks",
        case: "exec-one-failed-plain",
        reason: "deviates: a task that failed without a return code is told",
    },
    Deviation {
        group: "tasks",
        case: "exec-out-plain",
        reason: "deviates: a task that failed without a return code is told",
    },
    Deviation {
        group: "logs",
        case: "wait-for-badident",
        reason: "deviates: all names that can be asked for are listed, the original leaves out the statuses",
    },
    Deviation { group: "ssh", case: "ssh-multi-nokeys", reason: "" },
    Deviation { group: "ssh", case: "ssh-multi", reason: "wants the hosts of the recording's own network" },
    Deviation { group: "ssh", case: "ssh-tty", reason: "wants a terminal as standard input" },
    Deviation { group: "status", case: "status-all-summary-dns", reason: "deviates: the words of another resolver" },
    Deviation {
        group: "flags",
        case: "flag-m-shortuuid",
        reason: "deviates: the original takes any of several models",
    },
    Deviation { group: "flags", case: "flag-plugin", reason: "not built yet: plugins" },
    Deviation { group: "flags", case: "flag-version-all", reason: "deviates: our own commit and compiler" },
    Deviation { group: "lists", case: "clouds-all", reason: "deviates: the cloud builtin is there too" },
    Deviation { group: "lists", case: "clouds-client", reason: "deviates: the cloud builtin is there too" },
    Deviation { group: "clouds", case: "cloud-add-tty", reason: "wants a terminal as standard input" },
    Deviation { group: "clouds", case: "cloud-remove-tty", reason: "wants a terminal as standard input" },
    Deviation { group: "clouds", case: "cred-add-interactive-", reason: "wants a terminal as standard input" },
    Deviation {
        group: "users",
        case: "access-revoke-model-none",
        reason: "deviates: revoke names its own help, the original that of grant",
    },
    Deviation {
        group: "users",
        case: "login-askuser-empty",
        reason: "deviates: the original leaves an empty line on standard output",
    },
    Deviation { group: "users", case: "login-askuser-tty", reason: "wants a terminal as standard input" },
    Deviation {
        group: "users",
        case: "login-host-badname",
        reason: "deviates: the words of another resolver; nothing is kept of a host before a login there has worked",
    },
    Deviation { group: "users", case: "register-bad2", reason: "deviates: the original tells of its decoder" },
    Deviation {
        group: "models",
        case: "addmodel-two-cloud",
        reason: "deviates: the original names a credential that it did not upload",
    },
    Deviation {
        group: "models",
        case: "modeldefaults-reset-unknown",
        reason: "deviates: the original warns twice of one key",
    },
];

/// Groups of cases whose calls of ssh are not compared, by the beginning of their names. Ours asks less of a host than the original: no bash,
/// no sudo for root, no user before the machine; and it brings the agent's program along.
const OTHER_SSH: &[&str] = &["am-ssh-"];

/// Whether the programs that a case runs must be those of the recording.
pub(super) fn compares_ssh(recording: &Recording) -> bool {
    !OTHER_SSH.iter().any(|prefix| recording.case.starts_with(prefix))
}

/// Commands for which a made-up client store does.
const LOOKING: &[&str] = &[
    "status",
    "machines",
    "show-machine",
    "show-status-log",
    "operations",
    "show-operation",
    "show-task",
    "exec",
    "cancel-task",
];

/// Why a case is not played.
pub(super) fn skipped(recording: &Recording) -> Option<&'static str> {
    if recording.case.ends_with(".40") {
        return Some("recorded with a client of another version");
    }
    // A store can be made up for what only looks; what changes the store, or needs a certain one, is left out.
    if recording.store.is_none() && !LOOKING.contains(&recording.command().as_str()) {
        return Some("no client store was recorded with it");
    }
    DEVIATIONS
        .iter()
        .find(|d| recording.group.contains(d.group) && recording.case.starts_with(d.case))
        .map(|d| d.reason)
        // An entry without a reason keeps a case in that a later entry would take out.
        .filter(|reason| !reason.is_empty())
}
