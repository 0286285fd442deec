//! Time as it is told: wall-clock instants with the text form that Juju's wire uses, and the seam that gives them.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// A moment in UTC with the nanosecond's precision. Text form: RFC 3339 with `Z`, as few fraction digits as needed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Timestamp);

/// What Go prints for a time that was never set.
pub const ZERO_TIME: &str = "0001-01-01T00:00:00Z";
const ZERO: Time = Time(Timestamp::constant(-62_135_596_800, 0));

impl Time {
    /// From seconds since 1970; out of range gives 1970.
    pub fn from_unix(seconds: i64) -> Time {
        Time(Timestamp::from_second(seconds).unwrap_or_default())
    }

    /// Whole seconds since 1970.
    pub fn unix(self) -> i64 {
        self.0.as_second()
    }

    /// Nanoseconds since 1970.
    pub fn unix_nanos(self) -> i128 {
        self.0.as_nanosecond()
    }

    /// Reads RFC 3339 with any offset.
    pub fn parse(text: &str) -> Option<Time> {
        text.parse().ok().map(Time)
    }

    /// The moment `by` later; saturates at the end of time.
    pub fn plus(self, by: Duration) -> Time {
        Time(self.0.saturating_add(by).unwrap_or(Timestamp::MAX))
    }

    /// How long after `earlier` this is; zero when it is before.
    pub fn since(self, earlier: Time) -> Duration {
        let nanos = self.0.as_nanosecond() - earlier.0.as_nanosecond();
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
    }

    /// Cut to the second, as most of Juju's printed times are.
    pub fn to_second(self) -> Time {
        Time::from_unix(self.0.as_second())
    }

    /// The library's type, for formatting.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }
}

impl Default for Time {
    /// Go's zero time, the year 1.
    fn default() -> Time {
        ZERO
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Time, D::Error> {
        let text = String::deserialize(d)?;
        if text.is_empty() {
            return Ok(Time::default());
        }
        Time::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

/// Tells the time; tests inject one that stands still.
pub trait Clock: Send + Sync {
    /// Now, by the wall clock.
    fn now(&self) -> Time;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        Time(Timestamp::now())
    }
}

/// A clock that moves by hand.
#[derive(Debug)]
pub struct FixedClock(std::sync::Mutex<Time>);

impl FixedClock {
    /// Starts at `at`.
    pub fn new(at: Time) -> FixedClock {
        FixedClock(std::sync::Mutex::new(at))
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        let mut at = self.0.lock().unwrap_or_else(|e| e.into_inner());
        *at = at.plus(by);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Time {
        *self.0.lock().unwrap_or_else(|e| e.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        for text in ["2025-03-01T10:00:00Z", "2025-03-01T10:00:00.123456789Z", ZERO_TIME] {
            assert_eq!(Time::parse(text).map(|t| t.to_string()).as_deref(), Some(text));
        }
        assert_eq!(
            Time::parse("2025-03-01T12:00:00+02:00").map(|t| t.to_string()).as_deref(),
            Some("2025-03-01T10:00:00Z")
        );
        assert_eq!(Time::parse("yesterday"), None);
    }
}
