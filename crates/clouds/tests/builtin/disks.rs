//! Disks of machines, looked at from inside: bounded, kept through restarts, gone with their machine.

use std::time::Duration;

use cloud::contract::request;
use cloud::{Cloud, Disk, Progress, StartRequest};

use super::{Host, host, until};

fn disk(number: u32, provider: &str, size: u64) -> Disk {
    let (pool, provider) = (provider.to_owned(), provider.to_owned());
    Disk { id: format!("0/{number}"), pool, provider, size, ..Disk::default() }
}

/// A machine with a disk of each kind; nothing where this host has no loop devices.
fn with_disks(host: &Host) -> Option<StartRequest> {
    if let Some(words) = container::disks::lacks() {
        eprintln!("skipped: {words}");
        return None;
    }
    let mut thin = disk(6, "loop", 24);
    thin.attributes.insert("reserve".into(), "false".into());
    let mut wanted = request(&host.given, &host.given.model, "0");
    wanted.disks = vec![disk(4, "loop", 16), disk(5, "tmpfs", 4), thin];
    Some(wanted)
}

fn devices(host: &Host) -> Vec<String> {
    let all = std::fs::read_dir("/sys/block").expect("there").flatten();
    let files = all.filter_map(|entry| std::fs::read_to_string(entry.path().join("loop/backing_file")).ok());
    files.filter(|file| file.contains(&host.given.controller)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn disks_are_bounded_and_kept_through_restarts_and_go_with_their_machine() {
    let Some(host) = host("disks") else { return };
    let Some(wanted) = with_disks(&host) else { return host.end().await };
    host.cloud.prepare_model(&wanted.model).await.expect("prepare_model");
    let started = host.cloud.start_instance(&wanted, &Progress::silent()).await.expect("starts");
    let again = host.cloud.start_instance(&wanted, &Progress::silent()).await.expect("is there");
    assert_eq!(started, again, "asked again it answers the same disks");
    let places: Vec<&str> = started.disks.iter().map(|disk| disk.mount_point.as_str()).collect();
    assert_eq!(places, ["/mnt/disk0", "/mnt/disk1", "/mnt/disk2"]);
    let id = started.id;
    let dir = host.dir(&id);
    // The machine's own root has them, and writes no more than they hold.
    for (place, mib) in [("/mnt/disk0", 16), ("/mnt/disk1", 4), ("/mnt/disk2", 24)] {
        assert_eq!(host.ask(&id, &format!("stat -c '%u %g %a' {place}")), "0 0 755", "{place}");
        let free: u64 = host.ask(&id, &format!("df -B1M --output=size {place} | tail -1")).parse().expect("a number");
        assert!(free > 0 && free <= mib, "{place} has {free} MiB of {mib}");
        let full = host.exec(&id, &format!("head -c {}M /dev/zero > {place}/full", mib + 1));
        assert!(!full.status.success() && String::from_utf8_lossy(&full.stderr).contains("No space left"), "{full:?}");
        host.ask(&id, &format!("rm {place}/full; echo {place} > {place}/says; chown ubuntu {place}/says; sync"));
    }
    // No device is to be had by them, and the host sees none of it.
    let node = host.exec(&id, "mknod /mnt/disk0/null c 1 3 && cat /mnt/disk0/null");
    assert!(!node.status.success(), "{node:?}");
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    assert!(!mounts.contains(&host.given.controller), "{mounts}");
    assert_eq!(devices(&host).len(), 2);
    // Killed, as at a reboot of the host.
    let running = container::engine::running(&dir).expect("running");
    let pid = rustix::process::Pid::from_raw(running.pid).expect("pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("kill");
    until("it is dead", || container::engine::running(&dir).is_none());
    until("its devices have let go", || devices(&host).is_empty());
    host.cloud.restore(&host.given.controller).await.expect("restore");
    let says = host.ask(&id, "cat /mnt/disk*/says; stat -c %U /mnt/disk0/says");
    assert_eq!(says, "/mnt/disk0\n/mnt/disk2\nubuntu", "what was in memory is gone, the rest is there");
    // Stopped and started many times at once, it is never mounted twice.
    let plan = container::engine::plan(&dir).expect("plan");
    for _ in 0..5 {
        host.engine.stop(&dir, Duration::ZERO).expect("stop");
        assert_eq!(devices(&host), Vec::<String>::new(), "a machine that stopped holds no device");
        host.engine.start(&dir, &plan).expect("start again");
        assert_eq!(devices(&host).len(), 2);
    }
    assert_eq!(host.ask(&id, "cat /mnt/disk0/says"), "/mnt/disk0");
    host.cloud.stop_instance(&host.given.controller, &id).await.expect("stop");
    assert!(!dir.path().exists());
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_ends_in_the_middle_leaves_no_device() {
    let Some(host) = host("disks-killed") else { return };
    let Some(wanted) = with_disks(&host) else { return host.end().await };
    for delay in [0, 2, 5, 9, 14, 20, 30] {
        let id = host.start(&wanted).await;
        let dir = host.dir(&id);
        host.engine.stop(&dir, Duration::ZERO).expect("stop");
        let mut helper = std::process::Command::new(host.engine.program())
            .arg(container::HELPER_WORD)
            .arg("start")
            .arg(dir.path())
            .spawn()
            .expect("helper");
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(delay) {
            std::thread::yield_now();
        }
        let _ = helper.kill();
        let _ = helper.wait();
        host.cloud.stop_instance(&host.given.controller, &id).await.expect("stop");
        assert_eq!(devices(&host), Vec::<String>::new(), "after {delay} ms");
    }
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_machine_can_have_is_refused_before_anything_starts() {
    let Some(host) = host("disks-refused") else { return };
    let mut wanted = request(&host.given, &host.given.model, "0");
    for (provider, size, words) in
        [("rootfs", 10, "their root disk"), ("tmpfs", 1 << 40, "of memory"), ("loop", 1 << 40, "")]
    {
        wanted.disks = vec![disk(4, provider, size)];
        let refused = host.cloud.check_disks(&wanted.disks).expect_err("refused");
        assert!(refused.to_string().contains(words), "{refused}");
        host.cloud.start_instance(&wanted, &Progress::silent()).await.expect_err("refused");
    }
    assert!(host.cloud.instances(&host.given.controller).await.expect("instances").is_empty());
    host.end().await;
}
