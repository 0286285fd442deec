//! `cargo xtask quickstart`: from a fresh checkout to three running machines, seen.
//!
//! It does what a user would type and shows each line before it runs, so that the screen is the manual. A second run goes on
//! with what the first made. The surprise: it works in the user's own client store, since the user goes on from there.

use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command::{self, Command, Done, Error};
use crate::{dist, run};

pub const COMMAND: Command = Command {
    name: "quickstart",
    summary: "builds, makes a controller and three machines here, shows them (needs root)",
    help: "\
Usage: cargo xtask quickstart

Builds the release binary, bootstraps a controller `trial` on this host (cloud `builtin`), adds a model `try` with three
machines, runs a command on all of them, shows `status`, and says how to go on and how to remove everything. Needs root.
A second run goes on with what is there.
",
    run,
};

const CONTROLLER: &str = "trial";
const MODEL: &str = "try";
const MACHINES: usize = 3;
const PATIENCE: Duration = Duration::from_secs(120);

fn run(words: &[String]) -> Done {
    command::no_words("quickstart", words)?;
    if !run::is_root() {
        return Err(Error::failed(
            "machines of the builtin cloud are containers of this host, which takes root: run it as root",
        ));
    }
    let grigri = Grigri { binary: dist::build()? };
    grigri.controller()?;
    grigri.model()?;
    grigri.machines()?;
    grigri.show(&["exec", "--all", "--", "hostname; nproc; id -un"])?;
    grigri.show(&["status"])?;
    print!("{}", grigri.what_next());
    Ok(())
}

struct Grigri {
    binary: PathBuf,
}

impl Grigri {
    fn command(&self, words: &[&str]) -> Process {
        let mut command = Process::new(&self.binary);
        command.args(words).stdin(Stdio::null()).env_remove("JUJU_MODEL").env_remove("JUJU_CONTROLLER");
        command
    }

    /// Shows the line as typed, then runs it.
    fn show(&self, words: &[&str]) -> Done {
        let typed: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        println!("\n$ grigri {}", typed.join(" "));
        run::show(&mut self.command(words))
    }

    fn read(&self, words: &[&str]) -> Option<Value> {
        let text = run::read_command(self.command(words).stderr(Stdio::null())).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The controller of an earlier run if it answers; else a new one, after what is left of the old one is cleared away.
    fn controller(&self) -> Done {
        let known = self
            .read(&["controllers", "--format", "json"])
            .is_some_and(|list| !list["controllers"][CONTROLLER].is_null());
        if known {
            if self.read(&["models", "-c", CONTROLLER, "--format", "json"]).is_some() {
                println!("\nController {CONTROLLER:?} is there already: going on with it.");
                return self.show(&["switch", CONTROLLER]);
            }
            println!("\nController {CONTROLLER:?} of an earlier run does not answer: removing it first.");
            self.show(&["kill-controller", CONTROLLER, "--no-prompt", "--timeout", "0"])?;
        }
        self.show(&["bootstrap", "builtin", CONTROLLER])
    }

    fn model(&self) -> Done {
        let models = self.read(&["models", "-c", CONTROLLER, "--format", "json"]).unwrap_or_default();
        let there = models["models"].as_array().into_iter().flatten().any(|model| model["short-name"] == MODEL);
        if there { self.show(&["switch", &format!("{CONTROLLER}:{MODEL}")]) } else { self.show(&["add-model", MODEL]) }
    }

    fn machines(&self) -> Done {
        let there = self.states().len();
        if there < MACHINES {
            self.show(&["add-machine", "-n", &(MACHINES - there).to_string()])?;
        }
        let begun = Instant::now();
        loop {
            let states = self.states();
            if states.len() >= MACHINES && states.iter().all(|state| state == "started") {
                println!("\n{} machines started after {:.1} s.", states.len(), begun.elapsed().as_secs_f64());
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                self.show(&["status"])?;
                return Err(Error::failed(format!(
                    "the machines are not started after {} s: {}",
                    PATIENCE.as_secs(),
                    states.join(", ")
                )));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn states(&self) -> Vec<String> {
        let model = format!("{CONTROLLER}:{MODEL}");
        let status = self.read(&["status", "-m", &model, "--format", "json"]).unwrap_or_default();
        let machines = status["machines"].as_object().cloned().unwrap_or_default();
        machines.values().map(|one| one["juju-status"]["current"].as_str().unwrap_or("unknown").to_owned()).collect()
    }

    fn what_next(&self) -> String {
        let folder = self.binary.parent().unwrap_or(Path::new(".")).display();
        format!(
            "
Go on:
  export PATH=$PATH:{folder}    # holds `grigri`, and `juju` as a link to it
  grigri ssh 0
  grigri exec --machine 1 -- uptime
  grigri add-machine --constraints 'mem=512M cores=1'
  grigri status --watch 1s
  grigri remove-machine 2 --no-prompt

Clients made for Juju 3.6 find this controller too: python-libjuju, jubilant and the stock `juju` command.

Remove everything:
  grigri destroy-controller {CONTROLLER} --destroy-all-models --no-prompt
"
        )
    }
}

/// As one would have to type it in a shell.
fn quoted(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=,".contains(c));
    if plain { word.to_owned() } else { format!("'{word}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_shown_as_typed() {
        for (word, shown) in
            [("--all", "--all"), ("a b", "'a b'"), ("trial:try", "trial:try"), ("hostname; id", "'hostname; id'")]
        {
            assert_eq!(quoted(word), shown);
        }
    }
}
