//! A black-box suite: an executable `tests/NAME/run`, any language, that knows the product only from outside.
//!
//! The contract, both ways, stands in tests/README.md: comment lines at the top say what it is and needs; it gets the binary by
//! `GRIGRI` and a private folder by `SUITE_FOLDER`; it prints `pass CASE`, `fail CASE: WHY`, `skip CASE: WHY`. The surprise: a
//! suite that ends well without having reported a single case has failed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::leftovers;
use crate::command::Error;
use crate::tally::Tally;
use crate::{fetch, run, tree};

pub struct Suite {
    pub name: String,
    pub about: String,
    /// Why it runs only when it is named.
    pub asked: Option<String>,
    program: PathBuf,
    needs: Vec<Need>,
    limit: Duration,
}

#[derive(Debug, PartialEq, Eq)]
enum Need {
    /// The suite makes machines, which takes root.
    Root,
    /// A program on PATH, and the Debian package that brings it.
    Program(String, String),
    /// A Python environment made from this file in the suite's folder; comes first on PATH.
    Python(String),
    /// The recordings of stock commands.
    Golden,
    /// A folder that outlives the run, for what takes long to make.
    Kept,
}

/// Every folder under tests/ that has a program `run`, in the order of their names.
pub fn all() -> Result<Vec<Suite>, Error> {
    let tests = tree::root().join("tests");
    let folders = fs::read_dir(&tests).map_err(|e| Error::failed(format!("cannot list {}: {e}", tests.display())))?;
    let mut suites = Vec::new();
    for folder in folders.filter_map(Result::ok) {
        let program = folder.path().join("run");
        if program.is_file() {
            let text = fs::read_to_string(&program)
                .map_err(|e| Error::failed(format!("cannot read {}: {e}", program.display())))?;
            let name = folder.file_name().to_string_lossy().into_owned();
            suites.push(parse(&name, &text, program).map_err(Error::Failed)?);
        }
    }
    suites.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(suites)
}

fn parse(name: &str, text: &str, program: PathBuf) -> Result<Suite, String> {
    let mut suite = Suite {
        name: name.into(),
        about: String::new(),
        asked: None,
        program,
        needs: Vec::new(),
        limit: Duration::from_secs(300),
    };
    for line in text.lines().take_while(|line| line.starts_with('#') || line.is_empty()) {
        if let Some(about) = line.strip_prefix("# about: ") {
            suite.about = about.trim().to_owned();
        } else if let Some(why) = line.strip_prefix("# asked: ") {
            suite.asked = Some(why.trim().to_owned());
        } else if let Some(needs) = line.strip_prefix("# needs: ") {
            suite.needs = needs
                .split_whitespace()
                .map(need)
                .collect::<Result<_, _>>()
                .map_err(|e| format!("tests/{name}/run: {e}"))?;
        } else if let Some(limit) = line.strip_prefix("# limit: ") {
            let seconds = limit.trim().parse().map_err(|e| format!("tests/{name}/run: limit {limit:?}: {e}"))?;
            suite.limit = Duration::from_secs(seconds);
        }
    }
    if suite.about.is_empty() {
        return Err(format!("tests/{name}/run: no line `# about: WHAT` at the top"));
    }
    Ok(suite)
}

fn need(word: &str) -> Result<Need, String> {
    match word.split_once(':') {
        None if word == "root" => Ok(Need::Root),
        None if word == "golden" => Ok(Need::Golden),
        None if word == "kept" => Ok(Need::Kept),
        Some(("python", file)) => Ok(Need::Python(file.into())),
        Some(("program", rest)) => {
            let (program, package) = rest.split_once('=').unwrap_or((rest, rest));
            Ok(Need::Program(program.into(), package.into()))
        }
        _ => Err(format!("unknown need {word:?}")),
    }
}

impl Suite {
    pub fn is_named(&self, part: &str) -> bool {
        self.name.contains(part)
    }

    pub fn needs_text(&self) -> String {
        let words: Vec<String> = self.needs.iter().map(|need| format!("{need:?}")).collect();
        if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
    }

    /// Meets the needs, runs the program within its limit, and counts what it reports.
    pub fn run(&self, binary: &Path, tally: &mut Tally) {
        let folder = match tempfile::Builder::new().prefix("grigri-test-").tempdir() {
            Ok(folder) => folder,
            Err(e) => {
                return tally.fail(&self.name, format!("cannot make a temporary directory: {e}"));
            }
        };
        let mut command = Command::new(&self.program);
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("JUJU_")) {
            command.env_remove(name);
        }
        command.env("GRIGRI", binary).env("SUITE_FOLDER", folder.path()).env("GRIGRI_GOLDEN", tree::golden());
        // The lock files of client stores stay where they are made, as the stock command has it.
        let temporary = folder.path().join("tmp");
        if let Err(e) = fs::create_dir(&temporary) {
            return tally.fail(&self.name, format!("cannot make {}: {e}", temporary.display()));
        }
        command
            .env("TMPDIR", temporary)
            .env("PYTHONUNBUFFERED", "1")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC");
        if let Err(reason) = self.meet_needs(&mut command) {
            println!("skipped: {reason}");
            return tally.skip(&self.name, reason);
        }
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(e) => {
                return tally.fail(&self.name, format!("cannot start {}: {e}", self.program.display()));
            }
        };
        let mut seen = Seen::default();
        let ended = self.follow(&mut child, &mut seen, tally);
        // What it left behind in its own process group; daemons that it must remove itself are in none of ours.
        let _ = Command::new("kill").args(["-9", "--", &format!("-{}", child.id())]).stderr(Stdio::null()).status();
        for name in leftovers::remove(binary, folder.path()) {
            println!("    killed the controller {name}, which the suite left running");
        }
        match ended {
            Err(why) => tally.fail(&self.name, why),
            Ok(status) if !status.success() && seen.failed == 0 => {
                tally.fail(&self.name, format!("ended with {status}"))
            }
            Ok(_) if seen.cases == 0 => tally.fail(&self.name, "reported no case"),
            Ok(_) => {}
        }
    }

    pub fn meet_needs(&self, command: &mut Command) -> Result<(), String> {
        for need in &self.needs {
            match need {
                Need::Root if !run::is_root() => return Err("needs root".to_owned()),
                Need::Root => {}
                Need::Golden if !tree::golden().is_dir() => {
                    return Err(format!(
                        "the recordings are not there: no folder {} (GRIGRI_GOLDEN names another)",
                        tree::golden().display()
                    ));
                }
                Need::Golden => {}
                Need::Kept => {
                    let folder = tree::target().map_err(|_| "there is no folder to keep things in")?.join(&self.name);
                    fs::create_dir_all(&folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
                    command.env("SUITE_KEPT", folder);
                }
                Need::Program(program, package) => fetch::program(program, package)?,
                Need::Python(file) => {
                    let folder = fetch::python("python", &self.program.with_file_name(file))?;
                    let path = std::env::var_os("PATH").unwrap_or_default();
                    let joined =
                        std::env::join_paths(std::iter::once(folder.join("bin")).chain(std::env::split_paths(&path)));
                    command.env("PATH", joined.map_err(|e| e.to_string())?).env("VIRTUAL_ENV", folder);
                }
            }
        }
        Ok(())
    }

    /// Shows and counts its lines until it ends; past the limit the whole process group is killed.
    fn follow(&self, child: &mut Child, seen: &mut Seen, tally: &mut Tally) -> Result<ExitStatus, String> {
        let (send, lines) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            std::thread::Builder::new()
                .name(format!("suite {}", self.name))
                .spawn(move || {
                    BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| send.send(line))
                })
                .map_err(|e| format!("cannot start a thread: {e}"))?;
        }
        let deadline = std::time::Instant::now() + self.limit;
        loop {
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            match lines.recv_timeout(left.min(Duration::from_millis(500))) {
                Ok(line) => {
                    println!("{line}");
                    seen.count(&self.name, &line, tally);
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    return child.wait().map_err(|e| format!("cannot wait for it: {e}"));
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    // A daemon it started may hold its stdout open for ever; its own end is what counts.
                    if let Ok(Some(status)) = child.try_wait() {
                        lines.try_iter().for_each(|line| seen.count(&self.name, &line, tally));
                        return Ok(status);
                    }
                    if left.is_zero() {
                        let _ = child.kill();
                        let _ = child.wait();
                        return Err(format!("still ran after {} s", self.limit.as_secs()));
                    }
                }
            }
        }
    }
}

#[derive(Default)]
struct Seen {
    cases: usize,
    failed: usize,
    /// The line before told of a failure or its details.
    failing: bool,
}

impl Seen {
    fn count(&mut self, suite: &str, line: &str, tally: &mut Tally) {
        if let Some(detail) = line.strip_prefix("    ").filter(|_| self.failing) {
            return tally.detail(None, detail);
        }
        self.failing = line.starts_with("fail ");
        let Some((word, rest)) = line.split_once(' ') else {
            return;
        };
        let (case, why) = rest.split_once(": ").unwrap_or((rest, "no reason given"));
        match word {
            "pass" => tally.pass(1),
            "skip" => tally.skip(format!("{suite}/{case}"), why),
            "fail" => {
                self.failed += 1;
                tally.fail(format!("{suite}/{case}"), why);
            }
            _ => return,
        }
        self.cases += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const HEADER: &str = "#!/bin/sh\n# about: x\n";

    #[test]
    fn headers_are_read() {
        let text = "#!/usr/bin/env python3\n# about: real clients\n# needs: root program:ssh=openssh-client python:pins.txt golden kept\n# limit: 20\n# asked: slow\n\nimport x\n# needs: nonsense\n";
        let suite = parse("python", text, PathBuf::new()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(suite.about, "real clients");
        assert_eq!(suite.limit, Duration::from_secs(20));
        assert_eq!(suite.asked.as_deref(), Some("slow"));
        assert_eq!(
            suite.needs,
            [
                Need::Root,
                Need::Program("ssh".into(), "openssh-client".into()),
                Need::Python("pins.txt".into()),
                Need::Golden,
                Need::Kept
            ]
        );
        assert!(parse("x", "#!/bin/sh\n# needs: moon\n# about: x\n", PathBuf::new()).is_err());
        assert!(parse("x", "#!/bin/sh\n", PathBuf::new()).is_err());
    }

    fn tally_of(script: &str, limit: u64) -> String {
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let program = folder.path().join("run");
        fs::write(&program, format!("{HEADER}{script}")).unwrap_or_else(|e| panic!("{e}"));
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap_or_else(|e| panic!("{e}"));
        let mut suite = parse("s", HEADER, program).unwrap_or_else(|e| panic!("{e}"));
        suite.limit = Duration::from_secs(limit);
        let mut tally = Tally::default();
        suite.run(Path::new("/bin/true"), &mut tally);
        tally.report()
    }

    #[test]
    fn what_a_suite_reports_is_counted() {
        for (script, last) in [
            ("echo pass a; echo other; echo skip b: why; echo pass c", "2 passed, 0 failed, 1 skipped"),
            ("echo pass a; echo fail b: because; exit 1", "1 passed, 1 failed, 0 skipped"),
            ("echo pass a; exit 3", "1 passed, 1 failed, 0 skipped"),
            ("echo fail a: x", "0 passed, 1 failed, 0 skipped"),
            ("true", "0 passed, 1 failed, 0 skipped"),
            ("echo pass a; sleep 30 & exit 0", "1 passed, 0 failed, 0 skipped"),
        ] {
            let report = tally_of(script, 20);
            assert_eq!(report.lines().last(), Some(last), "{script}: {report}");
        }
    }

    #[test]
    fn the_details_of_a_failure_are_repeated_at_the_end() {
        let report =
            tally_of("echo 'fail a: 1 differences'; echo '    new mount /x'; echo pass b; echo '    took 7 s'", 20);
        assert!(report.contains("s/a: 1 differences\n    new mount /x\n"), "{report}");
        assert!(!report.contains("took"), "{report}");
    }

    #[test]
    fn a_suite_that_hangs_is_ended_with_its_children() {
        let report = tally_of("echo pass a; sleep 300", 0);
        assert!(report.contains("s: still ran after 0 s"), "{report}");
    }
}
