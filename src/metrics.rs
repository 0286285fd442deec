//! Figures that the parts of a controller do not give by themselves: of its process, its workers, its agents, its build.

use api::metrics::Page;
use std::path::PathBuf;
use std::sync::Arc;
use workers::driver::{Progress, Report};

/// What this process uses, from `/proc/self`.
pub fn process(page: &mut Page) {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    let ticks = rustix::param::clock_ticks_per_second();
    let (seconds, resident) = (cpu_seconds(&read("stat"), ticks), resident_bytes(&read("statm")));
    page.head("process_cpu_seconds_total", "Time that this process computed.", api::metrics::page::Kind::Counter);
    page.line("process_cpu_seconds_total", &[], seconds);
    page.gauge("process_resident_memory_bytes", "Memory that this process holds.", &[], resident as f64);
    let open = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    page.gauge("process_open_fds", "Files and sockets that are open.", &[], open as f64);
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    page.gauge("process_max_fds", "How many may be.", &[], most as f64);
    let threads = read("status").lines().find_map(|line| line.strip_prefix("Threads:")?.trim().parse().ok());
    page.gauge("process_threads", "Threads.", &[], threads.unwrap_or(0.0));
}

/// User and system time; the name, in parentheses, may hold anything.
fn cpu_seconds(stat: &str, ticks: u64) -> f64 {
    let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let spent: u64 = rest.split(' ').skip(11).take(2).filter_map(|word| word.parse::<u64>().ok()).sum();
    spent as f64 / ticks.max(1) as f64
}

fn resident_bytes(statm: &str) -> u64 {
    let pages: u64 = statm.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}

/// What this is.
pub fn build(page: &mut Page) {
    let version = base::current_version().to_string();
    let labels = [("version", version.as_str()), ("arch", std::env::consts::ARCH)];
    page.gauge("grigri_build_info", "What runs here.", &labels, 1.0);
}

/// What the reconcilers are at.
pub fn workers(page: &mut Page, reports: &[Report]) {
    let each = |page: &mut Page, name: &str, help: &str, of: fn(&Report) -> u64| {
        for report in reports {
            page.counter(name, help, &[("worker", report.worker)], of(report));
        }
    };
    each(page, "grigri_worker_passes_total", "How often a worker looked.", |r| r.passes);
    each(page, "grigri_worker_done_total", "Acts that ended well.", |r| r.done);
    each(page, "grigri_worker_errors_total", "Acts that failed, and are tried again.", |r| r.failed);
    let (name, help) = ("grigri_worker_items", "What a worker is at, what is queued, what waits after a failure.");
    for report in reports {
        let count = |is: fn(&Progress) -> bool| report.items.iter().filter(|item| is(&item.progress)).count() as f64;
        for (state, value) in [
            ("running", count(|p| matches!(p, Progress::Running { .. }))),
            ("queued", count(|p| matches!(p, Progress::Queued))),
            ("waiting", count(|p| matches!(p, Progress::Waiting { .. }))),
        ] {
            page.gauge(name, help, &[("worker", report.worker), ("state", state)], value);
        }
    }
}

/// The room where the controller keeps its data; nothing when the kernel does not tell.
pub fn disk(data: PathBuf) -> impl Fn(&mut Page) + Send + Sync + 'static {
    move |page| {
        let Ok(space) = host::health::space(&data) else { return };
        for (name, help, value) in [
            ("grigri_data_free_bytes", "What may still be written to the disk of the controller's data.", space.free),
            ("grigri_data_size_bytes", "Its size.", space.total),
            (
                "grigri_data_free_files",
                "Files that may still be made there; 0 where their number is not fixed.",
                space.files_free,
            ),
        ] {
            page.gauge(name, help, &[], value as f64);
        }
    }
}

/// Whoever counts connected agents.
pub fn agents(page: &mut Page, door: &Arc<api::agents::Door>) {
    page.gauge("grigri_agents_connected", "Agents whose stream is open.", &[], door.connected() as f64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use workers::driver::ItemReport;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 9 0 100";
        assert_eq!(cpu_seconds(stat, 100), 3.0);
        assert_eq!(resident_bytes("100 3 1"), 3 * rustix::param::page_size() as u64);
        assert_eq!((cpu_seconds("", 100), resident_bytes("")), (0.0, 0));
    }

    #[test]
    fn what_workers_wait_for_is_counted() {
        let item = |progress| ItemReport { item: "x".into(), progress, failures: 1, last_error: String::new() };
        let wait = std::time::Duration::from_secs(1);
        let items = vec![item(Progress::Waiting { for_another: wait }), item(Progress::Queued), item(Progress::Queued)];
        let report = Report { worker: "provision", passes: 7, done: 3, failed: 2, items };
        let mut page = Page::default();
        workers(&mut page, &[report]);
        let text = page.finish();
        for line in [
            "grigri_worker_passes_total{worker=\"provision\"} 7",
            "grigri_worker_errors_total{worker=\"provision\"} 2",
            "grigri_worker_items{worker=\"provision\",state=\"waiting\"} 1",
            "grigri_worker_items{worker=\"provision\",state=\"queued\"} 2",
            "grigri_worker_items{worker=\"provision\",state=\"running\"} 0",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
        }
    }
}
