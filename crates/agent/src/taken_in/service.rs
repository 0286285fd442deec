//! What keeps the agent running on a host that was taken in: a unit of systemd where that rules, else a keeper, a process of our own.
//! The surprise: a keeper does not come back after a reboot. No init but systemd is written for, so whoever takes such a host in is told
//! the line that starts the agent, and where to put it.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};

use super::made::{Made, Note};

/// The keeper's mode: `--log FILE --config FILE`.
pub(crate) const KEEP_MODE: &str = "machine-keeper";

const UNITS: &str = "/etc/systemd/system";
const PREFIX: &str = "jujud-machine-";
const LOGS: &str = "/var/log/juju";
/// A log that is longer is begun anew, the older half is kept as `.1`.
const LOG_BYTES: u64 = 2 << 20;
const PAUSE: Duration = Duration::from_secs(3);
/// A process that was told to end has this long.
const PATIENCE: Duration = Duration::from_secs(5);

fn unit(machine: &str) -> String {
    format!("{PREFIX}{}.service", machine.replace('/', "-"))
}

fn systemd_rules() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// Whether a unit of some machine is there.
pub(super) fn is_there() -> bool {
    let names = ["/etc/systemd/system", "/lib/systemd/system", "/run/systemd/system"].map(std::fs::read_dir);
    let mut entries = names.into_iter().flatten().flatten().flatten();
    entries.any(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
}

/// Starts the agent, so that it starts again by itself.
pub(super) fn start(note: &mut Note, program: &Path, config: &Path) -> Result<(), String> {
    match systemd_rules() {
        true => start_unit(note, program, config),
        false => start_keeper(note, program, config),
    }
}

fn start_unit(note: &mut Note, program: &Path, config: &Path) -> Result<(), String> {
    let unit = unit(note.machine());
    let cannot = |error: io::Error| format!("cannot write the unit {unit}: {error}");
    let wants = Path::new(UNITS).join("multi-user.target.wants");
    if !wants.exists() {
        note.add(Made::Directory { path: wants.clone() }).map_err(cannot)?;
        std::fs::create_dir_all(&wants).map_err(cannot)?;
    }
    note.add(Made::Unit).map_err(cannot)?;
    let text = format!(
        "[Unit]\n\
         Description=juju agent for machine-{}\n\
         Wants=network-online.target\n\
         After=network-online.target\n\
         \n\
         [Service]\n\
         ExecStart={} {} --config {}\n\
         # An agent that ends well was told to, or its machine is dead.\n\
         Restart=on-failure\n\
         RestartPreventExitStatus=78\n\
         RestartSec=3\n\
         LimitNOFILE=65536\n\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n",
        note.machine(),
        program.display(),
        crate::AGENT_MODE,
        config.display()
    );
    host::files::write(&Path::new(UNITS).join(&unit), text.as_bytes(), 0o644).map_err(cannot)?;
    systemctl(&["daemon-reload"])?;
    systemctl(&["enable", "--quiet", &unit])?;
    systemctl(&["start", &unit])
}

/// Stops the agent of a machine, whatever keeps it.
pub(super) fn stop(machine: &str) {
    if systemd_rules() {
        // One that does not run is as good as stopped.
        let _ = systemctl(&["stop", &unit(machine)]);
        return;
    }
    let config = crate::Config::path(machine);
    // The keeper first: it would start the agent again.
    for mode in [KEEP_MODE, crate::AGENT_MODE] {
        end(&processes(mode, &config));
    }
}

/// The unit's file and its link; the unit itself goes when its process ends, which may be this one.
pub(super) fn remove_unit(machine: &str) -> io::Result<()> {
    let unit = unit(machine);
    for path in [Path::new(UNITS).join("multi-user.target.wants").join(&unit), Path::new(UNITS).join(&unit)] {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    systemctl(&["daemon-reload"]).map_err(io::Error::other)
}

fn systemctl(args: &[&str]) -> Result<(), String> {
    let said = Command::new("systemctl").args(args).stdin(Stdio::null()).output();
    let said = said.map_err(|error| format!("cannot run systemctl: {error}"))?;
    match said.status.success() {
        true => Ok(()),
        false => Err(format!("systemctl {}: {}", args.join(" "), String::from_utf8_lossy(&said.stderr).trim())),
    }
}

fn start_keeper(note: &mut Note, program: &Path, config: &Path) -> Result<(), String> {
    let cannot = |error: io::Error| format!("cannot start the agent: {error}");
    let log = Path::new(LOGS).join(format!("machine-{}.log", note.machine().replace('/', "-")));
    note.tree(Path::new(LOGS)).map_err(cannot)?;
    for path in [log.clone(), older(&log)] {
        note.add(Made::File { path }).map_err(cannot)?;
    }
    std::fs::create_dir_all(LOGS).map_err(cannot)?;
    let words = [KEEP_MODE, "--log", &log.display().to_string(), "--config", &config.display().to_string()];
    let mut keeper = Command::new(program)
        .args(words)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(cannot)?;
    // One that cannot even begin ends at once.
    std::thread::sleep(Duration::from_millis(200));
    if let Ok(Some(status)) = keeper.try_wait() {
        return Err(format!("the agent ended at once: {status}"));
    }
    let _ = writeln!(
        io::stderr(),
        "WARNING no systemd here: the agent runs now and is kept running, but nothing starts it after a reboot; for that have the host run, \
         as root: {} {} &",
        program.display(),
        words.join(" ")
    );
    Ok(())
}

/// The keeper's life: runs the agent, again when it fails, until it ends well.
pub(crate) fn keep_main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.collect();
    let [log_flag, log, config_flag, config] = args.as_slice() else { return ExitCode::from(2) };
    if log_flag != "--log" || config_flag != "--config" {
        return ExitCode::from(2);
    }
    host::detach();
    loop {
        match run_once(Path::new(log), config) {
            Ok(true) => return ExitCode::SUCCESS,
            Ok(false) => {}
            // Without its program or its configuration there is no agent to keep.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return ExitCode::FAILURE,
            Err(_) => {}
        }
        std::thread::sleep(PAUSE);
    }
}

/// Whether the agent ended well. What it writes goes to the log.
fn run_once(log: &Path, config: &OsString) -> io::Result<bool> {
    let mut agent = Command::new("/proc/self/exe")
        .args([crate::AGENT_MODE.as_ref(), crate::machine::KEPT.as_ref(), config.as_os_str()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(lines) = agent.stderr.take() {
        for line in BufReader::new(lines).split(b'\n') {
            let Ok(line) = line else { break };
            // A full disk must not end the agent.
            let _ = write_line(log, &line);
        }
    }
    let status = agent.wait()?;
    Ok(status.success() || status.code() == Some(i32::from(crate::leave::LEFT)))
}

fn older(log: &Path) -> PathBuf {
    log.with_extension("log.1")
}

/// No folder is made: when the agent has taken itself off the host, its last words go nowhere.
fn write_line(log: &Path, line: &[u8]) -> io::Result<()> {
    if std::fs::metadata(log).is_ok_and(|found| found.len() > LOG_BYTES) {
        std::fs::rename(log, older(log))?;
    }
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(log)?;
    file.write_all(&[line, b"\n"].concat())
}

/// Has this process end with the one that started it.
pub(crate) fn end_with_keeper() {
    let _ = set_parent_process_death_signal(Some(Signal::TERM));
}

/// Processes of ours in `mode`, with this configuration.
fn processes(mode: &str, config: &Path) -> Vec<Pid> {
    let config = config.display().to_string();
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let found = all.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw)?;
        let text = std::fs::read_to_string(entry.path().join("cmdline")).ok()?;
        let words: Vec<&str> = text.split('\0').collect();
        (words.get(1) == Some(&mode) && words.contains(&config.as_str())).then_some(pid)
    });
    found.collect()
}

fn end(pids: &[Pid]) {
    let begun = std::time::Instant::now();
    for signal in [Signal::TERM, Signal::KILL] {
        for pid in pids {
            let _ = kill_process(*pid, signal);
        }
        while begun.elapsed() < PATIENCE {
            if pids.iter().all(|pid| host::facts::start_time(pid.as_raw_nonzero().get().unsigned_abs()).is_none()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
