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

const DEVIATIONS: &[Deviation] = &[Deviation {
    group: "3.6/add-machine",
    case: "am-n-1",
    reason: "deviates: the original crashes on a negative count",
}];

/// Why a case is not played.
pub(super) fn skipped(recording: &Recording) -> Option<&'static str> {
    if recording.store.is_none() {
        return Some("no client store was recorded with it");
    }
    DEVIATIONS
        .iter()
        .find(|d| recording.group.contains(d.group) && recording.case.starts_with(d.case))
        .map(|d| d.reason)
}
