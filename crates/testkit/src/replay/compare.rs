//! Judging a case: streams, exit code and written files against the recording, with what must vary masked.

use super::Recording;
use super::report::Outcome;
use super::run::Seen;

/// What the original prints for a command it does not know; ours says the same for one that is not built yet.
const UNKNOWN: &str = "is not a juju command";

pub(super) fn judge(recording: &Recording, seen: &Seen) -> Outcome {
    let mut diff = String::new();
    let mut pair = |what: &str, expected: &[u8], got: &[u8]| {
        let (expected, got) = (mask(&lossy(expected)), mask(&masked(&lossy(got), seen)));
        if !same(&expected, &got) {
            diff += &format!("--- {what} (- recorded, + ours)\n{}", lines_diff(&expected, &got));
        }
    };
    pair("stdout", &recording.stdout, &seen.stdout);
    pair("stderr", &recording.stderr, &seen.stderr);
    for (name, expected) in &recording.written {
        let got = seen.written.iter().find(|(n, _)| n == name).map(|(_, c)| c.as_slice()).unwrap_or_default();
        pair(&format!("file {name}"), expected, got);
    }
    if let Some(expected) = recording.ssh.as_ref().filter(|_| super::deviations::compares_ssh(recording)) {
        pair("ssh", expected, &seen.ssh);
    }
    match seen.exit {
        Some(exit) if exit == recording.exit => {}
        Some(exit) => diff += &format!("--- exit: recorded {}, ours {exit}\n", recording.exit),
        None => diff += "--- no end within the deadline\n",
    }
    if diff.is_empty() {
        return Outcome::Passed { findings: seen.findings.clone() };
    }
    let stderr = lossy(&seen.stderr);
    if stderr.contains("is not built in this release")
        || (stderr.contains(UNKNOWN) && !lossy(&recording.stderr).contains(UNKNOWN))
    {
        return Outcome::Skipped("not built yet".to_owned());
    }
    Outcome::Failed { diff, findings: seen.findings.clone() }
}

fn lossy(bytes: &[u8]) -> String {
    // One character for each odd byte, so that a cut in the middle of one still counts.
    bytes.utf8_chunks().fold(String::new(), |mut text, chunk| {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text += &format!("<{byte:02x}>");
        }
        text
    })
}

fn masked(text: &str, seen: &Seen) -> String {
    seen.masks.iter().fold(text.to_owned(), |text, (ours, theirs)| text.replace(ours.as_str(), theirs))
}

/// Names of temporary files, on both sides.
fn mask(text: &str) -> String {
    // The recordings were written down with plain line ends.
    let text = &super::certificates::mask(&text.replace("\r\n", "\n"));
    const PREFIX: &str = "ssh_known_hosts";
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(PREFIX) {
        let (before, after) = rest.split_at(at + PREFIX.len());
        let start = before.rfind([' ', '\n']).map_or(0, |i| i + 1);
        out += &before[..start];
        out += "KNOWN_HOSTS";
        rest = after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_' || c == '-');
    }
    out + rest
}

fn same(expected: &str, got: &str) -> bool {
    // A help text is not kept in the recordings: there must be one, ours.
    if let Some(at) = expected.find("(help text:") {
        let end = expected[at..].find(')').map_or(expected.len(), |e| at + e + 1);
        let tail = expected[end..].trim_start_matches('\n');
        return got.starts_with(&expected[..at]) && got.ends_with(tail) && got.len() > at + tail.len();
    }
    expected == got
}

/// The differing lines with two lines around them, from the first to the last that differ.
fn lines_diff(expected: &str, got: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) =
        (expected.split_inclusive('\n').collect(), got.split_inclusive('\n').collect());
    let head = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(x, y)| x == y).count();
    let mut out = String::new();
    let mut put = |sign: char, line: &str| {
        let line: String = line.escape_debug().collect::<String>().replace("\\\"", "\"").replace("\\'", "'");
        let mut line = line.strip_suffix("\\n").map_or_else(|| format!("{line}\\"), str::to_owned);
        if line.len() > 1200 {
            line = line.chars().take(1200).collect::<String>() + "…";
        }
        out += &format!("{sign}{line}\n");
    };
    a[head.saturating_sub(2)..head].iter().for_each(|l| put(' ', l));
    a[head..a.len() - tail].iter().take(40).for_each(|l| put('-', l));
    b[head..b.len() - tail].iter().take(40).for_each(|l| put('+', l));
    a[a.len() - tail..].iter().take(2).for_each(|l| put(' ', l));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_names_are_masked_and_odd_bytes_are_not() {
        let a = mask("UserKnownHostsFile /tmp/ssh_known_hosts123\nx");
        let b = mask("UserKnownHostsFile /tmp/replay/ssh_known_hosts.Ab-9\nx");
        assert_eq!(a, b);
        assert_ne!(lossy(b"a\xff"), lossy(b"a\xfe"));
    }

    #[test]
    fn a_difference_shows_its_lines() {
        assert_eq!(lines_diff("a\nb\nc\n", "a\nx\nc\n"), " a\n-b\n+x\n c\n");
        assert_eq!(lines_diff("a\n", "a"), "-a\n+a\\\n");
    }
}
