//! Measuring controllers and machines of the builtin cloud, by the command line alone, as a user would with a stopwatch.
//!
//! It needs root, and a host where nothing else keeps the processors busy. The surprise: two controllers are bootstrapped, since
//! the first may have to make the image.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::peers::{self, Reach};
use super::{Row, figure, median, median_of};
use crate::command::{Done, Error};
use crate::{fetch, run};

const IMAGES: &str = "/var/lib/grigri/builtin/images";
const MACHINES: usize = 100;
const MANY: usize = 200;
/// More than a bridge has ports.
const VERY_MANY: usize = 1_000;
/// How long an agent is watched for wake-ups.
const IDLE: Duration = Duration::from_secs(60);
const ASKED: usize = 50;
const PATIENCE: Duration = Duration::from_secs(180);

pub fn measure(binary: &Path) -> Vec<Row> {
    if !run::is_root() {
        println!("not root: controllers and machines are not measured");
        return Vec::new();
    }
    let Ok(home) = tempfile::tempdir() else { return Vec::new() };
    let bench = Bench { binary, home: home.path() };
    let mut rows = Vec::new();
    if let Err(Error::Failed(why) | Error::Usage(why)) = bench.all(&mut rows) {
        println!("measuring the builtin cloud ended early: {why}");
    }
    for name in ["cold", "warm"] {
        let _ = bench.grigri(&["kill-controller", name, "--no-prompt", "--timeout", "0"]);
    }
    rows
}

struct Bench<'b> {
    binary: &'b Path,
    home: &'b Path,
}

impl Bench<'_> {
    fn all(&self, rows: &mut Vec<Row>) -> Done {
        let mut row =
            |what: &str, budget: &str, command: &str, figure| rows.push(Row::new(what, budget, command, figure));

        let cold = self.timed(|| self.grigri(&["bootstrap", "builtin", "cold"]).map(drop))?;
        row(
            "`bootstrap builtin`, the image not there yet",
            "<= 4 s",
            "grigri bootstrap builtin cold",
            Ok(figure(cold)),
        );
        row(
            "floor: the files of that image hard-linked once more by cp, one process",
            "-",
            "cp -al /var/lib/grigri/builtin/images/* COPY",
            peers::links(Path::new(IMAGES)).map(figure),
        );
        let warm = self.timed(|| self.grigri(&["bootstrap", "builtin", "warm"]).map(drop))?;
        row("`bootstrap builtin`, image there", "<= 1 s", "grigri bootstrap builtin warm", Ok(figure(warm)));
        self.grigri(&["destroy-controller", "cold", "--no-prompt"])?;
        self.grigri(&["switch", "warm"])?;
        self.grigri(&["add-model", "work"])?;
        row("controller memory (PSS), idle", "<= 40 MB", "grep Pss: /proc/PID/smaps_rollup", pss("controller"));

        let one = self.timed(|| {
            self.grigri(&["add-machine"])?;
            self.started(1)
        })?;
        row("first machine `started` after `add-machine`", "<= 0.3 s", "grigri add-machine", Ok(figure(one)));
        let many = self.timed(|| {
            self.grigri(&["add-machine", "-n", &(MACHINES - 1).to_string()])?;
            self.started(MACHINES)
        })?;
        row("99 more machines `started`", "<= 4 s", "grigri add-machine -n 99", Ok(figure(many)));
        row("agent memory (PSS)", "<= 10 MB", "grep Pss: /proc/PID/smaps_rollup", pss("agent"));
        row(
            "agent wake-ups a minute when idle",
            "<= 6 a minute",
            "grep voluntary_ctxt /proc/PID/task/*/status, a minute apart",
            wake_ups(),
        );
        let command = "grigri status --format json";
        let status = median(20, || self.grigri(&["status", "--format", "json"]).map(drop));
        row("`status` of 100 machines, the whole command, median of 20", "-", command, status);
        let ids: Vec<String> = (0..ASKED).map(|id| id.to_string()).collect();
        let exec = median(5, || self.grigri(&["exec", "--machine", &ids.join(","), "--", "true"]).map(drop));
        row(
            "`exec` on 50 machines, all answers shown, median of 5",
            "<= 0.3 s",
            "grigri exec --machine 0,1,... -- true",
            exec,
        );

        let first = "first byte of output while it is written, median of 20";
        let follow = ["exec", "--machine", "0", "--follow", "--", "echo; sleep 0.2"];
        row(
            &format!("`exec --follow`, {first}"),
            "-",
            "grigri exec --machine 0 --follow -- 'echo; sleep 0.2' | head -c 1",
            median_of(20, || self.first_byte(self.command(&follow))),
        );
        let reach = self.reach()?;
        row(
            &format!("peer: ssh, {first}"),
            "-",
            "ssh ubuntu@MACHINE 'echo; sleep 0.2' | head -c 1",
            median_of(20, || self.first_byte(reach.over(..1).ssh("echo; sleep 0.2"))),
        );
        self.peers(&reach.over(..ASKED), &mut row);
        row(
            "floor: 100 bare containers, namespaces and an overlay by unshare(1), two at a time",
            "-",
            "unshare --mount --pid --net --uts --ipc --fork --mount-proc sh -c 'mount -t overlay ...; true'",
            peers::bare_containers(MACHINES).map(figure),
        );
        drop(reach);
        let removed = self.timed(|| self.remove(0..MACHINES))?;
        row("100 machines removed", "<= 5 s", "grigri remove-machine --force --no-prompt 0 1 ...", Ok(figure(removed)));

        let begun = self.timed(|| {
            self.grigri(&["add-machine", "-n", &MANY.to_string()])?;
            self.started(MANY)
        })?;
        row("200 machines `started`", "-", "grigri add-machine -n 200", Ok(figure(begun)));
        let exec = median(3, || self.grigri(&["exec", "--all", "--", "true"]).map(drop));
        row("`exec` on 200 machines, all answers shown, median of 3", "-", "grigri exec --all -- true", exec);
        self.peers(&self.reach()?, &mut row);
        let removed = self.timed(|| self.remove(MACHINES..MACHINES + MANY))?;
        row("200 machines removed", "-", "grigri remove-machine --force --no-prompt 100 101 ...", Ok(figure(removed)));

        let begun = self.timed(|| {
            self.grigri(&["add-machine", "-n", &VERY_MANY.to_string()])?;
            self.started(VERY_MANY)
        })?;
        row("1,000 machines `started`", "<= 60 s", "grigri add-machine -n 1000", Ok(figure(begun)));
        let exec = median(3, || self.grigri(&["exec", "--all", "--", "true"]).map(drop));
        row("`exec` on 1,000 machines, all answers shown, median of 3", "-", "grigri exec --all -- true", exec);
        let removed = self.timed(|| self.remove(MACHINES + MANY..MACHINES + MANY + VERY_MANY))?;
        row(
            "1,000 machines removed",
            "-",
            "grigri remove-machine --force --no-prompt 300 301 ...",
            Ok(figure(removed)),
        );
        let destroyed = self
            .timed(|| self.grigri(&["destroy-controller", "warm", "--destroy-all-models", "--no-prompt"]).map(drop))?;
        row(
            "`destroy-controller` with an empty model",
            "-",
            "grigri destroy-controller warm ...",
            Ok(figure(destroyed)),
        );
        Ok(())
    }

    /// The same on the same machines by what people use otherwise.
    fn peers(&self, reach: &Reach<'_>, row: &mut impl FnMut(&str, &str, &str, Result<String, Error>)) {
        let count = reach.addresses.len();
        let pssh =
            fetch::program("parallel-ssh", "pssh").map_err(Error::Failed).and_then(|()| median(3, || reach.pssh()));
        let by_hand = format!("parallel-ssh -p {count} -i true");
        row(&format!("peer: `true` on the same {count} by pssh, median of 3"), "-", &by_hand, pssh);
        let ansible = peers::ansible().and_then(|program| median(3, || reach.ansible(&program)));
        let by_hand = format!("ansible all -f {count} -m raw -a true");
        row(&format!("peer: `true` on the same {count} by Ansible's `raw`, median of 3"), "-", &by_hand, ansible);
    }

    /// All machines that there are, by ssh.
    fn reach(&self) -> Result<Reach<'_>, Error> {
        Ok(Reach { addresses: self.addresses()?, key: self.home.join("data/ssh/juju_id_rsa"), folder: self.home })
    }

    /// Until a command has printed something. It is waited for: a machine runs one after another.
    fn first_byte(&self, mut command: Command) -> Result<Duration, Error> {
        let failed = |what: &str, error: std::io::Error| Error::failed(format!("cannot {what}: {error}"));
        let begun = Instant::now();
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|e| failed("start it", e))?;
        let mut byte = [0];
        let read = child.stdout.take().map_or(Ok(()), |mut out| out.read_exact(&mut byte));
        let took = begun.elapsed();
        child.wait().map_err(|e| failed("wait for it", e))?;
        read.map(|()| took).map_err(|e| failed("read its first byte", e))
    }

    fn addresses(&self) -> Result<Vec<String>, Error> {
        let machines = self.machines()?;
        Ok(machines.values().filter_map(|one| Some(one["dns-name"].as_str()?.to_owned())).collect())
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = super::grigri(self.binary);
        command.args(words).env("HOME", self.home).env("JUJU_DATA", self.home.join("data"));
        command
    }

    fn grigri(&self, words: &[&str]) -> Result<String, Error> {
        run::read_command(self.command(words).stderr(Stdio::piped()))
    }

    /// Returns when the status shows none of any.
    fn remove(&self, ids: std::ops::Range<usize>) -> Done {
        let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
        let mut words = vec!["remove-machine", "--force", "--no-prompt"];
        words.extend(ids.iter().map(String::as_str));
        self.grigri(&words)?;
        self.until("no machine is left", || self.states().is_ok_and(|states| states.is_empty()))
    }

    fn timed(&self, work: impl FnOnce() -> Done) -> Result<Duration, Error> {
        let before = Instant::now();
        work()?;
        Ok(before.elapsed())
    }

    fn states(&self) -> Result<Vec<String>, Error> {
        let machines = self.machines()?;
        Ok(machines.values().map(|one| one["juju-status"]["current"].as_str().unwrap_or_default().to_owned()).collect())
    }

    fn machines(&self) -> Result<serde_json::Map<String, Value>, Error> {
        let text = self.grigri(&["status", "--format", "json"])?;
        let status: Value =
            serde_json::from_str(&text).map_err(|e| Error::failed(format!("status is no JSON: {e}")))?;
        Ok(status["machines"].as_object().cloned().unwrap_or_default())
    }

    fn started(&self, count: usize) -> Done {
        self.until("the machines are started", || {
            self.states().is_ok_and(|states| states.len() == count && states.iter().all(|state| state == "started"))
        })
    }

    fn until(&self, what: &str, look: impl Fn() -> bool) -> Done {
        let begun = Instant::now();
        loop {
            let before = Instant::now();
            if look() {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(Error::failed(format!("{what}: not within {} s", PATIENCE.as_secs())));
            }
            // Looking at a thousand machines takes a core: nine tenths of the time are theirs.
            let looked = before.elapsed();
            std::thread::sleep((looked * 9).clamp(Duration::from_millis(10), Duration::from_secs(1)));
        }
    }
}

/// Our processes of a kind: `controller`, `agent`.
fn ours(kind: &str) -> Result<Vec<String>, Error> {
    let is_ours = |pid: &str| {
        let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
        let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let is_ours = program.to_string_lossy().contains("grigri") || words.contains("grigri");
        is_ours && words.split('\0').take(3).any(|word| word.contains(kind))
    };
    let entries = fs::read_dir("/proc").map_err(|e| Error::failed(format!("cannot list /proc: {e}")))?;
    let names = entries.filter_map(Result::ok).map(|entry| entry.file_name().to_string_lossy().into_owned());
    let pids: Vec<String> = names.filter(|pid| pid.parse::<u32>().is_ok() && is_ours(pid)).collect();
    if pids.is_empty() { Err(Error::failed(format!("no {kind} of ours is running"))) } else { Ok(pids) }
}

/// The memory of the one process of ours of that kind that uses most.
fn pss(kind: &str) -> Result<String, Error> {
    let kib = |pid: &String| -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        text.lines().find(|line| line.starts_with("Pss:"))?.split_whitespace().nth(1)?.parse().ok()
    };
    let largest = ours(kind)?.iter().filter_map(kib).max();
    let kib = largest.ok_or_else(|| Error::failed(format!("the memory of no {kind} can be read")))?;
    Ok(format!("{:.1} MB", kib as f64 * 1024.0 / 1e6))
}

/// How often an agent's threads went to sleep within a minute; of all agents the middle one.
fn wake_ups() -> Result<String, Error> {
    let agents = ours("agent")?;
    let before: Vec<u64> = agents.iter().map(|pid| sleeps(pid)).collect();
    std::thread::sleep(IDLE);
    let mut times: Vec<u64> =
        agents.iter().zip(before).map(|(pid, before)| sleeps(pid).saturating_sub(before)).collect();
    times.sort_unstable();
    Ok(times[times.len() / 2].to_string())
}

fn sleeps(pid: &str) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().filter_map(Result::ok);
    let count = |thread: fs::DirEntry| -> Option<u64> {
        let status = fs::read_to_string(thread.path().join("status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?.trim().parse().ok()
    };
    threads.filter_map(count).sum()
}
