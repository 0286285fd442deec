//! What is to be said of a controller's directory and process on this host: pure, each with its cure.

use cli::operating::Finding;
use container::network::Gate;
use rpc::tls::Validity;
use std::path::PathBuf;
use store::sqlite::check::Checked;

/// A controller of this host as it was found.
#[derive(Debug, Clone)]
pub struct Seen {
    pub name: String,
    pub log: PathBuf,
    /// How it is started again.
    pub start: String,
    /// What the pid file says, when that process lives.
    pub process: Option<i32>,
    /// Who holds the directory's lock.
    pub holder: Option<i32>,
    pub databases: Vec<Checked>,
    pub ca: Result<Validity, String>,
    /// What the API port shows; nothing when it was not asked.
    pub shown: Option<Result<Validity, String>>,
    pub gates: Result<Vec<Gate>, String>,
}

const DAY: i64 = 86_400;
/// Days before its end that a CA is spoken of, and a certificate that should have been renewed by itself.
const CA_DAYS: i64 = 90;
const LEAF_DAYS: i64 = 14;

/// Everything that is to be said of it; `now` in seconds since 1970.
pub fn judge(seen: &Seen, now: i64) -> Vec<Finding> {
    let of = format!("controller {}", seen.name);
    let mut findings = vec![process(&of, seen)];
    findings.extend(seen.databases.iter().map(|one| database(&of, one)));
    findings.push(certificate(&of, "CA certificate", &seen.ca, now, CA_DAYS, "make another: grigri rotate-ca"));
    if let Some(shown) = &seen.shown {
        let cure = "it is renewed by a running controller: look into its log, and restart it";
        findings.push(certificate(&of, "server certificate", shown, now, LEAF_DAYS, cure));
    }
    findings.push(gates(&of, &seen.gates));
    findings
}

fn process(of: &str, seen: &Seen) -> Finding {
    let what = "process";
    match (seen.process, seen.holder) {
        (Some(pid), _) => Finding::ok(of, what, format!("{pid} runs")),
        (None, Some(pid)) => Finding::error(
            of,
            what,
            format!("{pid} holds the data directory and does not serve"),
            format!("it may be starting; what keeps it stands in {}", seen.log.display()),
        ),
        (None, None) => Finding::error(
            of,
            what,
            "does not run",
            format!("start it: {}; why it ended stands in {}", seen.start, seen.log.display()),
        ),
    }
}

fn database(of: &str, checked: &Checked) -> Finding {
    let what = format!("database {}", checked.name);
    match checked.problems.as_slice() {
        [] => Finding::ok(of, &what, format!("whole, {}", host::health::judge::size(checked.bytes))),
        problems => Finding::error(
            of,
            &what,
            problems.join("; "),
            "stop the controller, keep a copy of its directory, and restore a backup; SQLite's .recover saves what can be read",
        ),
    }
}

fn certificate(of: &str, what: &str, seen: &Result<Validity, String>, now: i64, days: i64, cure: &str) -> Finding {
    let validity = match seen {
        Ok(validity) => validity,
        Err(why) => return Finding::error(of, what, why, "look into the controller's log"),
    };
    if validity.not_before > now {
        let value = format!("not good for another {}", span(validity.not_before - now));
        return Finding::error(of, what, value, "this host's clock is wrong, or was when it was made: set it by NTP");
    }
    match validity.not_after - now {
        left if left <= 0 => Finding::error(of, what, format!("ended {} ago", span(-left)), cure),
        left if left < days * DAY => Finding::warning(of, what, format!("good for another {}", span(left)), cure),
        left => Finding::ok(of, what, format!("good for another {}", span(left))),
    }
}

fn span(seconds: i64) -> String {
    match seconds {
        0..=5_399 => format!("{} minutes", seconds / 60),
        5_400..=172_799 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / DAY),
    }
}

fn gates(of: &str, seen: &Result<Vec<Gate>, String>) -> Finding {
    let what = "forwarding rules";
    let gates = match seen {
        Ok(gates) => gates,
        Err(why) => return Finding::unseen(of, what, why, "run as root"),
    };
    let closed: Vec<&str> =
        gates.iter().filter(|gate| gate.drops && !gate.open).map(|gate| gate.name.as_str()).collect();
    match closed.as_slice() {
        [] => Finding::ok(of, what, format!("{} chains of others, none in the way", gates.len())),
        closed => Finding::error(
            of,
            what,
            format!("{} drops what its machines send", closed.join(", ")),
            "restart the controller: it puts its rules there again (a firewall that was loaded anew has lost them)",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cli::operating::Level;

    const NOW: i64 = 1_700_000_000;

    fn good() -> Seen {
        let long = Validity { not_before: NOW - 300, not_after: NOW + 3652 * DAY };
        Seen {
            name: "lab".into(),
            log: "/x/controller.log".into(),
            start: "systemctl start x".into(),
            process: Some(7),
            holder: Some(7),
            databases: vec![Checked { name: "state.sqlite", problems: Vec::new(), bytes: 3 << 20 }],
            ca: Ok(long),
            shown: Some(Ok(long)),
            gates: Ok(vec![Gate { name: "ip filter FORWARD".into(), drops: true, open: true }]),
        }
    }

    fn check(spoil: impl FnOnce(&mut Seen), expected: (Level, &str, &str), in_cure: &str) {
        let mut seen = good();
        spoil(&mut seen);
        let bad: Vec<Finding> = judge(&seen, NOW).into_iter().filter(|f| f.level != Level::Ok).collect();
        let [finding] = bad.as_slice() else { panic!("wanted {expected:?} alone, got {bad:?}") };
        assert_eq!((finding.level, finding.what.as_str(), finding.value.as_str()), expected);
        assert!(finding.cure.contains(in_cure), "{finding:?}");
    }

    #[test]
    fn a_sound_controller_has_nothing_to_cure() {
        let findings = judge(&good(), NOW);
        assert!(findings.iter().all(|f| f.level == Level::Ok && f.of == "controller lab"), "{findings:?}");
    }

    #[test]
    fn each_thing_that_is_wrong_is_named_with_its_cure() {
        use Level::{Error, Warning};
        check(|s| (s.process, s.holder) = (None, None), (Error, "process", "does not run"), "systemctl start x");
        check(
            |s| s.process = None,
            (Error, "process", "7 holds the data directory and does not serve"),
            "/x/controller.log",
        );
        check(
            |s| s.databases[0].problems = vec!["row 3 missing from index".into()],
            (Error, "database state.sqlite", "row 3 missing from index"),
            "restore a backup",
        );
        let lasts = |before, after| Ok(Validity { not_before: NOW + before, not_after: NOW + after });
        check(
            |s| s.ca = lasts(-1, 89 * DAY),
            (Warning, "CA certificate", "good for another 89 days"),
            "grigri rotate-ca",
        );
        check(|s| s.ca = lasts(-1, -7200), (Error, "CA certificate", "ended 2 hours ago"), "grigri rotate-ca");
        check(|s| s.ca = lasts(600, DAY), (Error, "CA certificate", "not good for another 10 minutes"), "clock");
        check(
            |s| s.shown = Some(lasts(-1, DAY)),
            (Warning, "server certificate", "good for another 24 hours"),
            "restart it",
        );
        check(
            |s| s.shown = Some(Err("cannot connect: refused".into())),
            (Error, "server certificate", "cannot connect: refused"),
            "log",
        );
        check(
            |s| s.gates = Ok(vec![Gate { name: "ip filter FORWARD".into(), drops: true, open: false }]),
            (Error, "forwarding rules", "ip filter FORWARD drops what its machines send"),
            "restart the controller",
        );
        check(
            |s| s.gates = Err("permission denied".into()),
            (Warning, "forwarding rules", "not seen: permission denied"),
            "root",
        );
    }
}
