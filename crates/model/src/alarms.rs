//! What an operator should know of the controller itself and no record holds: in memory only, since the alarm that matters most is that
//! nothing can be written any more. It decides nothing: who watches something raises its alarm and takes it back.
//! The surprise: alarms are shown in the status of every model, for a controller that stops stops all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Alarms {
    raised: Arc<Mutex<BTreeMap<&'static str, String>>>,
}

impl Alarms {
    fn raised(&self) -> MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the one alarm of a kind; no words take it back.
    pub fn set(&self, kind: &'static str, words: Option<String>) {
        match words {
            Some(words) => self.raised().insert(kind, words),
            None => self.raised().remove(kind),
        };
    }

    /// All alarms after what is said anyway, for a status message.
    pub fn after(&self, message: &str) -> String {
        let raised = self.raised();
        let all: Vec<&str> = [message]
            .into_iter()
            .chain(raised.values().map(String::as_str))
            .filter(|words| !words.is_empty())
            .collect();
        all.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::Alarms;

    #[test]
    fn alarms_follow_the_message_until_they_are_taken_back() {
        let alarms = Alarms::default();
        assert_eq!((alarms.after(""), alarms.after("migrating")), (String::new(), "migrating".into()));
        alarms.set("disk", Some("disk is nearly full".into()));
        alarms.set("disk", Some("disk is full".into()));
        assert_eq!(
            (alarms.after(""), alarms.after("migrating")),
            ("disk is full".into(), "migrating; disk is full".into())
        );
        alarms.set("disk", None);
        assert_eq!(alarms.after(""), "");
    }
}
