//! Moments as the original shows them: how long ago, or the day; or exactly, as Go prints a time.

use base::clock::Time;
use jiff::Timestamp;

/// `just now`, `3 minutes ago`, `2025-03-01`.
pub fn friendly(now: Timestamp, then: Time) -> String {
    let seconds = now.as_second() - then.unix();
    match seconds {
        86_400.. => then.timestamp().strftime("%Y-%m-%d").to_string(),
        3_600.. => ago(seconds / 3_600, "hour"),
        60.. => ago(seconds / 60, "minute"),
        2.. => ago(seconds, "second"),
        _ => "just now".to_owned(),
    }
}

fn ago(n: i64, unit: &str) -> String {
    if n == 1 { format!("{n} {unit} ago") } else { format!("{n} {unit}s ago") }
}

/// `2025-03-01 07:00:00 +0000 UTC`.
pub fn exact(then: Time) -> String {
    let stamp = then.timestamp();
    let nanos = stamp.subsec_nanosecond();
    let fraction = match nanos {
        0 => String::new(),
        n => format!(".{n:09}").trim_end_matches('0').to_owned(),
    };
    format!("{}{fraction} +0000 UTC", stamp.strftime("%Y-%m-%d %H:%M:%S"))
}

/// A moment as a result has it: absent ones are `absent`.
pub fn shown(now: Timestamp, value: &serde_json::Value, as_exact: bool, absent: &str) -> String {
    match value.as_str().and_then(Time::parse) {
        Some(then) if as_exact => exact(then),
        Some(then) => friendly(now, then),
        None => absent.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let now = Timestamp::from_second(1_000_000_000).expect("in range");
        for (ago, expected) in [
            (0, "just now"),
            (1, "just now"),
            (2, "2 seconds ago"),
            (60, "1 minute ago"),
            (7_300, "2 hours ago"),
            (86_400, "2001-09-08"),
            (-5, "just now"),
        ] {
            assert_eq!(friendly(now, Time::from_unix(1_000_000_000 - ago)), expected);
        }
        assert_eq!(exact(Time::from_unix(1_740_812_400)), "2025-03-01 07:00:00 +0000 UTC");
    }
}
