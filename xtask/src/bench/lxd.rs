//! Machines of LXD and Incus, beside the servers' own launches of the same image (`tests/lxd/measure`, which has the stopwatch).

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Row, figure};
use crate::command::Error;
use crate::{run, test, tree};

const SUITE: &str = "lxd";
pub const COMMAND: &str = "cargo xtask bench lxd";

/// What is measured of each server: its key, in words, and its budget.
const ROWS: &[(&str, &str, &str)] = &[
    ("bootstrap", "a controller in an instance, with a model", "-"),
    ("bare", "floor: one bare launch of the same image, to its end, median of 3", "-"),
    ("bare-up", "floor: the same, to the end of its boot", "-"),
    ("machine", "one machine `started` after `add-machine`, median of 3", "<= floor + 1 s"),
    ("bare-many", "floor: 15 bare launches at once", "-"),
    ("bare-many-up", "floor: the same, to the end of their boots", "-"),
    ("machines", "15 machines `started` after `add-machine -n 15`", "<= floor + 1 s"),
    ("bare-away", "floor: 15 bare deletes at once", "-"),
    ("away", "15 machines removed", "-"),
    ("destroy", "`destroy-controller` with an empty model", "-"),
];

pub fn measure(binary: &Path) -> Vec<Row> {
    if !run::is_root() {
        println!("not root: machines of LXD and Incus are not measured");
        return Vec::new();
    }
    let measured = measured(binary);
    let mut rows = Vec::new();
    for (kind, name) in [("lxd", "LXD"), ("incus", "Incus")] {
        for (key, what, budget) in ROWS {
            let figure = match &measured {
                Ok(all) => match all.get(&format!("{kind} {key}")) {
                    Some(time) => Ok(figure(*time)),
                    None => Err(Error::failed("it ended before that")),
                },
                Err(why) => Err(Error::failed(why.clone())),
            };
            rows.push(Row::new(&format!("{name}: {what}"), budget, COMMAND, figure));
        }
    }
    rows
}

fn measured(binary: &Path) -> Result<BTreeMap<String, Duration>, String> {
    let words = |error: Error| match error {
        Error::Failed(why) | Error::Usage(why) => why,
        _ => "it failed".to_owned(),
    };
    let folder = tempfile::tempdir().map_err(|e| format!("cannot make a folder: {e}"))?;
    let mut command = Command::new(tree::root().join("tests").join(SUITE).join("measure"));
    command.env("GRIGRI", binary).env("SUITE_FOLDER", folder.path()).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).stderr(Stdio::inherit());
    test::meet_needs(SUITE, &mut command).map_err(words)?;
    let done = command.output().map_err(|e| format!("cannot start: {e}"))?;
    // What was measured before an end that came too early counts.
    Ok(read(&String::from_utf8_lossy(&done.stdout)))
}

fn read(text: &str) -> BTreeMap<String, Duration> {
    let line = |line: &str| {
        let (what, seconds) = line.rsplit_once(' ')?;
        Some((what.to_owned(), Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_figure_is_passed_over() {
        let seen = read("making an image\nlxd bare 3.250\nincus away -1\nlxd machine x\n");
        assert_eq!(seen, BTreeMap::from([("lxd bare".to_owned(), Duration::from_millis(3250))]));
    }
}
