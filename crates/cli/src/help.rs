//! Help texts, made from the table of commands.
//!
//! The surprise: the layout is the original's (blocks in its order, each behind a blank line), the words are ours.

use crate::command::{self, Command, GLOBAL_FLAGS};
use crate::error::Result;
use crate::flags::Flag;

#[cfg(test)]
mod examples;
pub mod man;
pub mod markdown;
mod roff;

/// What the program is.
const ABOUT: &str = "Grigri manages machines: it starts them, watches them, runs commands on them and\n\
                     takes them away again, on this host or on a cloud.\n\
                     It speaks Juju's API, and understands what the juju command understands.";

/// What the program's bare name prints.
pub fn starter() -> String {
    let mut text = format!("{ABOUT}\n\nUsage: juju [help] <command>\n\nStarter commands:\n\n");
    for name in
        ["bootstrap", "add-model", "add-machine", "status", "exec", "ssh", "models", "controllers", "whoami", "switch"]
    {
        if let Some(command) = command::find(name) {
            text.push_str(&format!("    {:<20}{}\n", command.name, command.purpose));
        }
    }
    text.push_str(
        "\nHelp commands:\n\n    juju help <command>\n    juju help commands\n    juju help topics\n    juju <command> --help\n",
    );
    text
}

/// `help` and what stands behind it.
pub fn topic(words: &[String]) -> Result<String> {
    match words.first().map(String::as_str) {
        None => Ok(starter()),
        Some(name) => about(name),
    }
}

/// Help on one name: a topic or a command.
pub fn about(name: &str) -> Result<String> {
    match name {
        "topics" => Ok("basics          Basic Help Summary\n\
                        commands        Basic help for all commands\n\
                        global-options  Options common to all commands\n\
                        topics          Topic list\n"
            .to_owned()),
        "basics" => Ok(starter()),
        "commands" => Ok(commands()),
        "global-options" => {
            Ok(format!("Global Options\n\nThese options may be used with any command.\n\n{}", options(GLOBAL_FLAGS)))
        }
        "help" => Ok("Usage: juju help [topic]\n\nSummary:\nShow help on a command or other topic.\n".to_owned()),
        _ => match command::find(name) {
            Some(found) => Ok(command(found)),
            None => Err(crate::unknown(name)),
        },
    }
}

fn commands() -> String {
    let mut lines: Vec<(&str, String)> = vec![("help", "Show help on a command or other topic.".to_owned())];
    for command in command::all().into_iter().filter(|c| !c.hidden) {
        lines.push((command.name, command.purpose.to_owned()));
        for alias in command.aliases {
            lines.push((alias, format!("Alias for '{}'.", command.name)));
        }
    }
    lines.sort_by_key(|(name, _)| *name);
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 2;
    lines.into_iter().map(|(name, purpose)| format!("{name:<width$}{purpose}\n")).collect()
}

/// The help text of one command.
pub fn command(command: &Command) -> String {
    let own = command.own_flags();
    let mut usage = format!("Usage: juju {}", command.name);
    for part in [if own.is_empty() { "" } else { "[options]" }, command.args] {
        if !part.is_empty() {
            usage.push(' ');
            usage.push_str(part);
        }
    }
    let mut blocks = vec![usage, format!("Summary:\n{}", command.purpose)];
    blocks.push(format!("Global Options:\n{}", options(GLOBAL_FLAGS).trim_end()));
    if !own.is_empty() {
        let formats = match command.formats {
            [] => String::new(),
            [first, ..] => format!("\n\nFormats: {} (= {first})", formats(command)),
        };
        blocks.push(format!("Command Options:\n{}{formats}", options(&own).trim_end()));
    }
    for (title, text) in [("Details", command.doc), ("Examples", command.examples)] {
        if !text.is_empty() {
            blocks.push(format!("{title}:\n{}", text.trim_end()));
        }
    }
    if !command.aliases.is_empty() {
        blocks.push(format!("Aliases: {}", command.aliases.join(", ")));
    }
    if !command.see_also.is_empty() {
        let lines: Vec<String> = command.see_also.iter().map(|s| format!(" - {s}")).collect();
        blocks.push(format!("See also:\n{}", lines.join("\n")));
    }
    blocks.join("\n\n") + "\n"
}

/// `json|tabular|yaml`.
fn formats(command: &Command) -> String {
    let mut known = command.formats.to_vec();
    known.sort_unstable();
    known.join("|")
}

fn options(flags: &[Flag]) -> String {
    let line = |flag: &Flag| format!("{}  (= {})\n    {}\n", names_of(flag).join(", "), default_of(flag), flag.help);
    sorted(flags).iter().map(line).collect()
}

/// In the order in which help shows them.
fn sorted(flags: &[Flag]) -> Vec<Flag> {
    let mut sorted = flags.to_vec();
    sorted.sort_by_key(Flag::spelled);
    sorted
}

/// With their dashes, the shortest first.
fn names_of(flag: &Flag) -> Vec<String> {
    let mut names: Vec<String> = flag.names.iter().map(|n| Flag::dashed(n)).collect();
    names.sort_by_key(String::len);
    names
}

fn default_of(flag: &Flag) -> &'static str {
    if flag.default.is_empty() { "\"\"" } else { flag.default }
}
