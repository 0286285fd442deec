//! The table of commands: name, one line, help, and the function that does it.
//!
//! A command that is not in this table does not exist. Unknown words and flags end with exit 2, as in the product.

use crate::{bench, check, dist, fuzz, mutants, quickstart, replay, test};

/// How a command ends when it does not end well.
pub enum Error {
    /// The words typed make no sense: exit 2.
    Usage(String),
    /// It was tried and did not work: the text says what, on what, why.
    Failed(String),
    /// It did not work, and everything worth saying has been printed.
    Told,
}

impl Error {
    pub fn failed(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }

    pub fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }
}

pub type Done = Result<(), Error>;

pub struct Command {
    pub name: &'static str,
    pub summary: &'static str,
    pub help: &'static str,
    pub run: fn(&[String]) -> Done,
}

const COMMANDS: &[Command] = &[
    quickstart::COMMAND,
    test::COMMAND,
    check::COMMAND,
    dist::COMMAND,
    bench::COMMAND,
    replay::COMMAND,
    fuzz::COMMAND,
    mutants::COMMAND,
];

/// Finds the command that the first word names and hands it the others.
pub fn dispatch(words: &[String]) -> Done {
    let Some((first, rest)) = words.split_first() else {
        print!("{}", overview());
        return Ok(());
    };
    if matches!(first.as_str(), "-h" | "--help") {
        print!("{}", overview());
        return Ok(());
    }
    if first == "help" {
        return match rest.first() {
            None => {
                print!("{}", overview());
                Ok(())
            }
            Some(name) => find(name).map(|command| print!("{}", command.help)),
        };
    }
    let command = find(first)?;
    let own = rest.split(|word| word == "--").next().unwrap_or(rest);
    if own.iter().any(|word| word == "-h" || word == "--help") {
        print!("{}", command.help);
        return Ok(());
    }
    (command.run)(rest)
}

fn find(name: &str) -> Result<&'static Command, Error> {
    COMMANDS
        .iter()
        .find(|command| command.name == name)
        .ok_or_else(|| Error::usage(format!("unrecognized command: cargo xtask {name}")))
}

fn overview() -> String {
    let mut text = String::from("Usage: cargo xtask COMMAND [ARGUMENTS]\n\nCommands:\n");
    for command in COMMANDS {
        text.push_str(&format!("  {:<11} {}\n", command.name, command.summary));
    }
    text.push_str("\n`cargo xtask COMMAND --help` says more.\n");
    text
}

/// Refuses every word, for commands that take none.
pub fn no_words(name: &str, words: &[String]) -> Done {
    match words.first() {
        None => Ok(()),
        Some(word) => Err(Error::usage(format!("cargo xtask {name}: unrecognized argument {word:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn unknown_words_are_usage_errors() {
        for line in [
            "frobnicate",
            "help frobnicate",
            "check now",
            "dist --fast",
            "quickstart three",
            "bench --nope",
            "fuzz --nope",
        ] {
            assert!(matches!(dispatch(&words(line)), Err(Error::Usage(_))), "{line}");
        }
    }

    #[test]
    fn every_command_has_help_that_names_it() {
        for command in COMMANDS {
            let first = format!("Usage: cargo xtask {}", command.name);
            assert!(command.help.starts_with(&first), "{}", command.name);
            assert!(command.help.ends_with('\n'), "{}", command.name);
            assert!(overview().contains(command.summary), "{}", command.name);
        }
    }
}
