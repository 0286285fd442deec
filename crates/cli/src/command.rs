//! The table of commands: one entry says everything that help, completion, parsing and running need.
//!
//! A folder per noun, a file per verb; each file holds one `COMMAND` and the function it runs. Must not know how a
//! line is parsed or an error printed. The surprise: names of the original that are not built yet are known too
//! (`ORIGINAL`), so that a script learns the reason instead of a guess at a typing error.

use std::future::Future;
use std::pin::Pin;

use crate::completion::Noun;
use crate::context::Context;
use crate::error::Result;
use crate::flags::Flag;

mod absent;
mod application;
mod block;
mod client;
mod cloud;
mod controller;
mod credential;
mod goal;
mod host;
mod key;
mod log;
pub mod machine;
pub mod model;
mod space;
pub(crate) mod ssh;
mod status;
mod storage;
mod task;
mod user;

pub use absent::{ORIGINAL, reason, renamed};

/// What a running command is.
pub type Running<'c> = Pin<Box<dyn Future<Output = Result<()>> + 'c>>;

/// What a command works on: decides the flags it gets (`-c`, `-m`, `-B`) and what is looked up before it runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// The client alone.
    None,
    /// A controller; `-c`.
    Controller,
    /// A model; `-m`.
    Model,
}

/// The formats of a command's output; the first is the default.
pub type Formats = &'static [&'static str];

/// One command.
pub struct Command {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    /// The arguments as the usage line shows them.
    pub args: &'static str,
    /// What the arguments name, place by place, for completion. The last place is that of all that follow, where the usage line has `...`.
    pub arguments: &'static [&'static [Noun]],
    /// One line.
    pub purpose: &'static str,
    pub doc: &'static str,
    pub examples: &'static str,
    pub see_also: &'static [&'static str],
    pub flags: &'static [Flag],
    pub formats: Formats,
    pub scope: Scope,
    /// The first argument, where there is one, names the model in place of `-m`: then none need be selected.
    pub names_model: bool,
    /// Refused on models of kubernetes clouds.
    pub machines_only: bool,
    /// Flags may stand among the arguments; false where the rest of the line belongs to another program.
    pub flags_among: bool,
    /// Left out of lists.
    pub hidden: bool,
    /// Known only with this word in `JUJU_DEV_FEATURE_FLAGS`; empty: always.
    pub feature: &'static str,
    pub run: for<'c> fn(&'c mut Context) -> Running<'c>,
}

impl Command {
    /// What an entry need not say.
    pub const BASE: Command = Command {
        name: "",
        aliases: &[],
        args: "",
        arguments: &[],
        purpose: "",
        doc: "",
        examples: "",
        see_also: &[],
        flags: &[],
        formats: &[],
        scope: Scope::None,
        names_model: false,
        machines_only: false,
        flags_among: true,
        hidden: false,
        feature: "",
        run: |_| Box::pin(async { Ok(()) }),
    };

    /// All flags this command takes beside the global ones.
    pub fn own_flags(&self) -> Vec<Flag> {
        let mut flags = self.flags.to_vec();
        match self.scope {
            Scope::None => {}
            Scope::Controller => flags.extend(CONTROLLER_FLAGS),
            Scope::Model => flags.extend(MODEL_FLAGS),
        }
        if !self.formats.is_empty() {
            flags.extend(OUTPUT_FLAGS);
        }
        flags
    }
}

/// On every command, and before the command's name.
pub const GLOBAL_FLAGS: &[Flag] = &[
    Flag::bool(&["debug"], "Equivalent to --show-log --logging-config=<root>=DEBUG"),
    Flag::bool(&["h", "help"], "Show help on a command or other topic."),
    Flag::text(&["log-file"], "Path to write log to"),
    Flag::text(&["logging-config"], "Specify log levels for modules"),
    Flag::bool(&["q", "quiet"], "Show no informational output"),
    Flag::bool(&["show-log"], "If set, write the log file to stderr"),
    Flag::bool(&["v", "verbose"], "Show more verbose output"),
];

/// Only before the command's name.
pub const TOP_FLAGS: &[Flag] = &[
    Flag::bool(&["description"], "Show short description of plugin, if any"),
    Flag::bool(&["no-alias"], "Do not process command aliases when running this command"),
    Flag::bool(&["version"], "Show the command's version and exit"),
];

const BROWSER: Flag = Flag::bool(&["B", "no-browser-login"], "Do not use web browser for authentication");

const CONTROLLER_FLAGS: [Flag; 2] = [BROWSER, Flag::text(&["c", "controller"], "Controller to operate in")];

const MODEL_FLAGS: [Flag; 2] = [
    BROWSER,
    Flag::text(&["m", "model"], "Model to operate in. Accepts [<controller name>:]<model name>|<model UUID>"),
];

const OUTPUT_FLAGS: [Flag; 2] =
    [Flag::text(&["format"], "Specify output format"), Flag::text(&["o", "output"], "Specify an output file")];

/// Every command, in the order help lists them.
pub fn all() -> Vec<&'static Command> {
    let mut all: Vec<&'static Command> = [
        application::COMMANDS,
        block::COMMANDS,
        client::COMMANDS,
        cloud::COMMANDS,
        controller::COMMANDS,
        credential::COMMANDS,
        goal::COMMANDS,
        host::COMMANDS,
        key::COMMANDS,
        log::COMMANDS,
        machine::COMMANDS,
        model::COMMANDS,
        space::COMMANDS,
        ssh::COMMANDS,
        status::COMMANDS,
        storage::COMMANDS,
        task::COMMANDS,
        user::COMMANDS,
    ]
    .into_iter()
    .flatten()
    .copied()
    .collect();
    all.sort_by_key(|c| c.name);
    all
}

/// The command of this name or alias.
pub fn find(name: &str) -> Option<&'static Command> {
    all().into_iter().find(|c| c.name == name || c.aliases.contains(&name))
}

/// Names that come near what was typed, or the nearest at all: the original always has a guess.
pub fn nearest(typed: &str) -> &'static str {
    let mut names: Vec<&'static str> = ORIGINAL.to_vec();
    for command in all().iter().filter(|c| !c.hidden) {
        names.push(command.name);
        names.extend(command.aliases);
    }
    names.sort_unstable();
    names.into_iter().min_by_key(|name| distance(typed, name)).unwrap_or("help")
}

/// Levenshtein's distance.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (above + 1).min(row[j] + 1).min(diagonal + usize::from(ca != *cb));
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_and_no_flag_means_two_things() {
        let mut names = std::collections::BTreeSet::new();
        for command in all() {
            for name in std::iter::once(&command.name).chain(command.aliases) {
                assert!(names.insert(*name), "{name} stands twice");
            }
            let mut flags = std::collections::BTreeSet::new();
            for flag in command.own_flags().iter().chain(GLOBAL_FLAGS) {
                for name in flag.names {
                    assert!(flags.insert(*name), "{}: flag {name} stands twice", command.name);
                }
            }
        }
    }

    #[test]
    fn guesses_are_the_original_ones() {
        for (typed, expected) in [
            ("add-machin", "add-machine"),
            ("stauts", "status"),
            ("frob", "find"),
            ("payloads", "clouds"),
            ("set-default-credential", "set-default-credentials"),
        ] {
            assert_eq!(nearest(typed), expected, "{typed}");
        }
    }
}
