//! `bug-report`: one archive with what somebody needs who is to find out what is wrong (Grigri's own).
//!
//! The surprise: it goes on whatever fails, as `doctor` does, and says in the archive what is missing; it is most needed when little works.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::command::Command;
use crate::context::{Context, reason};
use crate::error::{Error, Result};
use crate::flags::Flag;

mod archive;
mod gather;
mod known;
mod redact;

pub const COMMAND: Command = Command {
    name: "bug-report",
    purpose: "Put what is needed to find a fault into one archive.",
    doc: "Writes an archive (tar, gzip) with: the versions, what doctor finds, facts of this host, and of the\n\
          controller's models their status with machines, what machines that are not well wait for and\n\
          what their instances printed, settings, and the newest lines of their logs; of a controller on\n\
          this host also its own log. What cannot be had is named in the archive's README.txt.\n\n\
          Passwords, keys, tokens and the like are taken out: those that the client store and the\n\
          environment hold wherever they stand, others by how they look. Commands that were run, their\n\
          output and the settings that may hold secrets are not in it at all. Names of hosts, users and\n\
          models and addresses are. Look into it before you give it away.\n\n\
          A file that is there is never overwritten. Each file in the archive has 8 MiB at most, all of them\n\
          64 MiB.",
    examples: "\n    grigri bug-report\n    sudo grigri bug-report -m prod:web -o web.tar.gz",
    see_also: &["doctor", "debug-log", "why"],
    flags: &[
        Flag::text(&["c", "controller"], "Ask this controller, not the current one"),
        Flag::int(&["n", "lines"], "2000", "Lines of each model's log"),
        Flag::text(&["m", "model"], "Only this model. Accepts [<controller name>:]<model name>|<model UUID>"),
        Flag::text(&["o", "output"], "Write the archive to this file"),
    ],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

const LINES: u64 = 2000;
/// More would not fit.
const MOST_LINES: u64 = 50_000;

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let lines = match context.args.int("n").map_or(Ok(LINES), u64::try_from) {
        Ok(lines) if lines <= MOST_LINES => lines,
        _ => return Err(Error::usage(format!("--lines must be a number from 0 to {MOST_LINES}"))),
    };
    let of = gather::choose(context)?;
    let now = (context.io.now)();
    let named = context.args.maybe("o").filter(|path| !path.is_empty()).map(str::to_owned);
    let typed = named.unwrap_or_else(|| {
        let stamp = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ");
        format!("bug-report-{}-{stamp}.tar.gz", of.controller.as_deref().unwrap_or("host").replace('/', "-"))
    });
    let path = context.io.path(&typed);
    // Told before all the work; that nothing came meanwhile is seen to when it is written.
    if path.symlink_metadata().is_ok() {
        return Err(there_already(&typed));
    }
    let (archive, about) = gather::all(context, &of, lines).await;
    let bytes = archive.finish(&about, now.as_second())?;
    write(&path, &typed, &bytes)?;
    context.out(format!("{typed}\n"))?;
    context.info(format!("{} KiB. Look into it before you give it away.", bytes.len().div_ceil(1024)));
    Ok(())
}

fn there_already(typed: &str) -> Error {
    Error::failed(format!("{typed} is there already, and is not overwritten: name another file with -o"))
}

/// Writes a file that was not there, readable for its owner alone; half of one is removed again.
fn write(path: &Path, typed: &str, bytes: &[u8]) -> Result<()> {
    let failed = |error: &std::io::Error| Error::failed(format!("open {typed}: {}", reason(error)));
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => there_already(typed),
        _ => failed(&error),
    })?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| {
        // What cannot be removed either is told by the error that stands.
        let _ = std::fs::remove_file(path);
        failed(&error)
    })
}
