//! Every example of every help text is read by the parser that reads what users type. That they do what they say is shown
//! by the suite `examples`, which runs them.

use std::path::Path;

use crate::command::{self, Command};
use crate::{Chosen, Io, choose};

/// The calls of this program in a line of shell, each without the program's name.
fn calls(line: &str) -> Vec<Vec<String>> {
    let mut parts: Vec<Vec<String>> = vec![Vec::new()];
    let (mut word, mut begun, mut quote) = (String::new(), false, None);
    for letter in line.chars().chain([' ']) {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => word.push(letter),
            None if letter == '\'' || letter == '"' => {
                quote = Some(letter);
                begun = true;
            }
            None if letter.is_whitespace() || "|;&()<>".contains(letter) => {
                if begun && let Some(part) = parts.last_mut() {
                    part.push(std::mem::take(&mut word));
                }
                begun = false;
                if !letter.is_whitespace() {
                    parts.push(Vec::new());
                }
            }
            None => {
                word.push(letter);
                begun = true;
            }
        }
    }
    assert_eq!(quote, None, "a quote is open: {line}");
    let without_sudo = parts.into_iter().map(|part| part.into_iter().skip_while(|word| word == "sudo").collect());
    without_sudo
        .filter_map(|part: Vec<String>| match part.split_first() {
            Some((program, rest)) if program == "juju" || program == "grigri" => Some(rest.to_vec()),
            _ => None,
        })
        .collect()
}

/// What is wrong with a command's examples.
fn faults(command: &Command) -> Vec<String> {
    let (io, _) = Io::captured(&[("HOME", "/nonexistent")], Path::new("/"), "");
    let lines: Vec<&str> = command.examples.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut faults = Vec::new();
    let mut own = false;
    for line in &lines {
        let calls = calls(line);
        if calls.is_empty() {
            faults.push(format!("{line}: calls nothing of ours"));
        }
        for call in calls {
            match choose(call, &io) {
                Ok(Chosen::Run(chosen, args)) => {
                    own |= chosen.name == command.name;
                    let format = args.maybe("format").filter(|format| !chosen.formats.contains(format));
                    faults.extend(format.map(|format| format!("{line}: no format {format}")));
                    let most = if chosen.args.is_empty() { 0 } else { usize::MAX };
                    if args.positional().len() > most {
                        faults.push(format!("{line}: takes no arguments"));
                    }
                }
                Ok(_) => faults.push(format!("{line}: runs nothing")),
                Err(error) => faults.push(format!("{line}: {error}")),
            }
        }
    }
    if !own {
        faults.push("no example of the command itself".to_owned());
    }
    faults
}

#[test]
fn every_example_is_understood() {
    for command in command::all().into_iter().filter(|c| !c.hidden) {
        assert_eq!(faults(command), Vec::<String>::new(), "{}", command.name);
    }
}

#[test]
fn a_bad_example_is_noticed() {
    for examples in [
        "juju status --frob",
        "juju frobnicate",
        "echo x",
        "juju models",
        "juju status --format text",
        "juju --version",
    ] {
        let command = Command { name: "status", examples, ..Command::BASE };
        assert!(!faults(&command).is_empty(), "{examples}");
    }
    let good =
        Command { name: "status", examples: "juju status\n echo 'a | b' | sudo juju status -m x > y", ..Command::BASE };
    assert_eq!(faults(&good), Vec::<String>::new());
    assert_eq!(calls("source <(juju completion bash)"), [["completion", "bash"]]);
}
