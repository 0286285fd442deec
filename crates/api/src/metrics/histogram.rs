//! How long things took: a few counters, added to without a lock.

use super::page::{Kind, Page};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Seconds.
const BOUNDS: [f64; 9] = [0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0];

#[derive(Debug, Default)]
pub struct Histogram {
    /// Not cumulative; the last one is what took longer.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

impl Histogram {
    pub fn add(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let at = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.buckets[at].fetch_add(1, Relaxed);
        self.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Relaxed)).sum()
    }

    pub fn write(&self, page: &mut Page, name: &str, help: &str, labels: &[(&str, &str)]) {
        page.head(name, help, Kind::Histogram);
        let bucket = format!("{name}_bucket");
        let mut sum = 0;
        for (at, count) in self.buckets.iter().enumerate() {
            sum += count.load(Relaxed);
            let bound = BOUNDS.get(at).map_or_else(|| "+Inf".to_owned(), f64::to_string);
            let with: Vec<(&str, &str)> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
            page.line(&bucket, &with, sum as f64);
        }
        page.line(&format!("{name}_sum"), labels, self.nanos.load(Relaxed) as f64 / 1e9);
        page.line(&format!("{name}_count"), labels, sum as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_is_not_longer_than_their_bound() {
        let histogram = Histogram::default();
        for millis in [1, 2, 100, 70_000] {
            histogram.add(Duration::from_millis(millis));
        }
        let mut page = Page::default();
        histogram.write(&mut page, "t_seconds", "T.", &[("a", "b")]);
        let text = page.finish();
        for line in [
            "# TYPE t_seconds histogram",
            "t_seconds_bucket{a=\"b\",le=\"0.0005\"} 0",
            "t_seconds_bucket{a=\"b\",le=\"0.001\"} 1",
            "t_seconds_bucket{a=\"b\",le=\"0.005\"} 2",
            "t_seconds_bucket{a=\"b\",le=\"0.1\"} 3",
            "t_seconds_bucket{a=\"b\",le=\"60\"} 3",
            "t_seconds_bucket{a=\"b\",le=\"+Inf\"} 4",
            "t_seconds_sum{a=\"b\"} 70.103",
            "t_seconds_count{a=\"b\"} 4",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
        }
        assert_eq!(histogram.count(), 4);
    }
}
