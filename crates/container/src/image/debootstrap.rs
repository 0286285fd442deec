//! Images of Debian and Ubuntu, made by the host's own `debootstrap` where it is installed: signed packages, from the mirror that
//! the host itself uses where it is of the same kind.
//!
//! It must not trust a mirror: what has no good signature is refused. The surprise: it runs in process and mount namespaces of its
//! own that end with this process, whatever ends it, so that no mount and no half of an unpacking outlives a controller.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Bases that may be made: `debootstrap` calls them by another name.
const SUITES: &[(&str, &str)] = &[
    ("debian@11", "bullseye"),
    ("debian@12", "bookworm"),
    ("debian@13", "trixie"),
    ("debian@14", "forky"),
    ("ubuntu@20.04", "focal"),
    ("ubuntu@22.04", "jammy"),
    ("ubuntu@24.04", "noble"),
    ("ubuntu@26.04", "resolute"),
];

/// What a machine has beside the smallest system.
const PACKAGES: &str = "ca-certificates,iproute2,procps,sudo";
const SCRIPTS: &str = "/usr/share/debootstrap/scripts";
/// Its last lines that are told when it fails, and bytes of a line that are looked at.
const TOLD: usize = 3;
const LINE: u64 = 4096;
/// So many packages between two words of progress.
const STEP: usize = 10;

/// `debian@13` is `trixie`; `None` of what it does not make.
pub fn suite(base: &str) -> Option<&'static str> {
    SUITES.iter().find(|(name, _)| *name == base).map(|(_, suite)| *suite)
}

/// Where the program is.
pub fn program() -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin"]
        .iter()
        .map(|dir| Path::new(dir).join("debootstrap"))
        .find(|path| path.is_file())
}

/// The bases that it can make here; none where it is not installed.
pub fn makes() -> Vec<&'static str> {
    if program().is_none() {
        return Vec::new();
    }
    let known = |suite: &str| Path::new(SCRIPTS).join(suite).exists();
    SUITES.iter().filter(|(_, suite)| known(suite)).map(|(base, _)| *base).collect()
}

/// All bases that it makes where it is installed.
pub fn could_make() -> impl Iterator<Item = &'static str> {
    SUITES.iter().map(|(base, _)| *base)
}

/// Fills an empty directory. `mirror`: instead of the one that is right of itself. An error is for whoever asked for the base.
pub fn make(base: &str, root: &Path, mirror: Option<&str>, say: &dyn Fn(&str)) -> Result<(), String> {
    let suite = suite(base).ok_or_else(|| format!("debootstrap does not make {base}"))?;
    let program = program().ok_or("debootstrap is not on this host: install the package debootstrap")?;
    let mirror = mirror.map(str::to_owned).or_else(|| host_mirror(base));
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    command.arg(program).args(["--variant=minbase", "--force-check-gpg"]).arg(format!("--include={PACKAGES}"));
    command.arg(suite).arg(root).args(mirror);
    // Its words are read: they must be in one language.
    command.env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().map_err(|error| format!("cannot run debootstrap: {error}"))?;
    let output = child.stdout.take().ok_or("debootstrap has no output")?;
    let mut seen = Seen::default();
    let mut lines = BufReader::new(output);
    loop {
        let mut line = Vec::new();
        match lines.by_ref().take(LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        if let Some(words) = seen.line(String::from_utf8_lossy(&line).trim()) {
            say(&words);
        }
    }
    let status = child.wait().map_err(|error| format!("cannot wait for debootstrap: {error}"))?;
    if !status.success() {
        return Err(format!("debootstrap cannot make {base} ({status}): {}", seen.last.join("; ")));
    }
    // Nodes that it made; a machine gets its own.
    let dev = root.join("dev");
    let emptied = crate::files::remove_tree(&dev).and_then(|()| fs::create_dir(&dev));
    emptied.map_err(|error| format!("cannot empty {}: {error}", dev.display()))
}

/// What was heard of it.
#[derive(Default)]
struct Seen {
    phase: &'static str,
    packages: usize,
    last: Vec<String>,
}

impl Seen {
    /// Hears a line; words of progress now and then.
    fn line(&mut self, line: &str) -> Option<String> {
        if line.is_empty() {
            return None;
        }
        if self.last.len() == TOLD {
            self.last.remove(0);
        }
        self.last.push(line.chars().filter(|letter| !letter.is_control()).collect());
        let word = line.strip_prefix("I: ")?.split(' ').next()?;
        let phase = match word {
            // Each is validated, too, after it.
            "Retrieving" => "retrieving packages",
            "Extracting" => "extracting packages",
            "Unpacking" => "unpacking packages",
            "Configuring" => "configuring packages",
            _ => return None,
        };
        if phase != self.phase {
            (self.phase, self.packages) = (phase, 0);
        }
        self.packages += 1;
        (self.packages % STEP == 1).then(|| match self.packages {
            1 => phase.to_owned(),
            many => format!("{phase} ({})", many - 1),
        })
    }
}

/// The mirror that the host's own apt uses, if the host is of the base's kind.
fn host_mirror(base: &str) -> Option<String> {
    let own = super::host_base().ok()?;
    if own.split('@').next() != base.split('@').next() {
        return None;
    }
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
        let mut more: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        more.sort();
        files.extend(more);
    }
    let code = suite(&own)?;
    files.iter().filter_map(|file| fs::read_to_string(file).ok()).find_map(|text| mirror_in(&text, code))
}

/// The first address in a file of apt's that has the release `code` itself, in either of its forms. One with a password is not
/// taken: it would lie in every machine.
fn mirror_in(text: &str, code: &str) -> Option<String> {
    let good = |uri: &str| (uri.starts_with("http://") || uri.starts_with("https://")) && !uri.contains('@');
    let one_line = text.lines().find_map(|line| {
        let rest = line.trim().strip_prefix("deb ")?.trim();
        let rest = match rest.strip_prefix('[') {
            Some(options) => options.split_once(']')?.1.trim(),
            None => rest,
        };
        let mut words = rest.split_whitespace();
        let (uri, suite) = (words.next()?, words.next()?);
        (suite == code && good(uri)).then(|| uri.to_owned())
    });
    one_line.or_else(|| {
        text.split("\n\n").find_map(|stanza| {
            let field = |name: &str| {
                stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default()
            };
            let enabled = field("Enabled").trim() != "no";
            let fits = enabled && field("Suites").split_whitespace().any(|suite| suite == code);
            field("URIs").split_whitespace().find(|uri| fits && good(uri)).map(str::to_owned)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_of_the_release_itself_is_found() {
        for (text, expected) in [
            ("# deb http://a/debian bookworm main\ndeb http://b/debian bookworm main\n", Some("http://b/debian")),
            ("deb [signed-by=/x.gpg arch=amd64] https://c/debian bookworm main\n", Some("https://c/debian")),
            ("deb http://d/debian-security bookworm-security main\n", None),
            ("deb http://user:secret@e/debian bookworm main\n", None),
            ("deb file:///srv bookworm main\n", None),
            (
                "Types: deb\nURIs: http://f/debian\nSuites: bookworm bookworm-updates\nComponents: main\n",
                Some("http://f/debian"),
            ),
            (
                "Types: deb\nURIs: http://g/s\nSuites: bookworm-security\n\nTypes: deb\nURIs: http://h/d\nSuites: bookworm\n",
                Some("http://h/d"),
            ),
            ("Enabled: no\nURIs: http://i/d\nSuites: bookworm\n", None),
            ("", None),
        ] {
            assert_eq!(mirror_in(text, "bookworm").as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn progress_is_told_by_phases_and_now_and_then() {
        let mut seen = Seen::default();
        let mut told = Vec::new();
        for line in ["I: Target architecture can be executed", "W: odd"] {
            assert_eq!(seen.line(line), None);
        }
        for number in 0..25 {
            for word in ["Retrieving", "Validating"] {
                told.extend(seen.line(&format!("I: {word} package{number} 1.0")));
            }
        }
        told.extend(seen.line("I: Extracting a..."));
        told.extend(seen.line("E: Couldn't download packages: a\u{1b}[m b"));
        assert_eq!(
            told,
            ["retrieving packages", "retrieving packages (10)", "retrieving packages (20)", "extracting packages"]
        );
        assert_eq!(seen.last.last().map(String::as_str), Some("E: Couldn't download packages: a[m b"));
    }

    #[test]
    fn bases_have_one_suite_each() {
        let mut suites: Vec<&str> = could_make().filter_map(suite).collect();
        suites.sort_unstable();
        suites.dedup();
        assert_eq!(suites.len(), could_make().count());
        assert_eq!((suite("debian@13"), suite("arch@rolling")), (Some("trixie"), None));
    }
}
