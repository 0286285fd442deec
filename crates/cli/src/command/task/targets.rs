//! Where a command is to run: the lists of `exec`, checked; the command's words as one text.

use crate::error::{Error, Result};
use crate::flags::Args;

pub(super) struct Targets {
    pub all: bool,
    pub machines: Vec<String>,
    pub applications: Vec<String>,
    pub units: Vec<String>,
}

pub(super) fn is_machine(text: &str) -> bool {
    text.parse::<base::MachineId>().is_ok()
}

/// `app/0` or `app/leader`.
pub(super) fn is_unit(text: &str) -> bool {
    let Some((application, number)) = text.split_once('/') else { return false };
    base::tag::is_application_name(application) && (number == "leader" || number.parse::<base::TaskId>().is_ok())
}

pub(super) fn list(args: &Args, flag: &str) -> Vec<String> {
    let text = args.text(flag).unwrap_or_default();
    text.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

impl Targets {
    pub(super) fn read(args: &Args) -> Result<Self> {
        let targets = Targets {
            all: args.is_set("all"),
            machines: list(args, "machine"),
            applications: list(args, "application"),
            units: list(args, "unit"),
        };
        let given =
            [(&targets.machines, "machines"), (&targets.applications, "applications"), (&targets.units, "units")];
        if targets.all {
            if let Some((_, what)) = given.iter().find(|(list, _)| !list.is_empty()) {
                return Err(Error::usage(format!("You cannot specify --all and individual {what}")));
            }
        } else if given.iter().all(|(list, _)| list.is_empty()) {
            let text = "You must specify a target, either through --all, --machine, --application or --unit";
            return Err(Error::usage(text));
        }
        let mut wrong = Vec::new();
        let mut check = |list: &[String], valid: &dyn Fn(&str) -> bool, what: &str| {
            let bad = list.iter().filter(|name| !valid(name));
            wrong.extend(bad.map(|name| format!("  {name:?} is not a valid {what}")));
        };
        check(&targets.machines, &is_machine, "machine id");
        check(&targets.applications, &base::tag::is_application_name, "application name");
        check(&targets.units, &is_unit, "unit name");
        if !wrong.is_empty() {
            let text = format!("The following exec targets are not valid:\n{}", wrong.join("\n"));
            return Err(Error::usage(text));
        }
        Ok(targets)
    }
}

/// One word is taken as it is; of several each that a shell would split or expand is quoted.
pub(super) fn command_text(words: &[String]) -> String {
    if let [one] = words {
        return one.clone();
    }
    let quoted = |word: &String| {
        if !word.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '$' | '\\')) {
            return word.clone();
        }
        let mut out = String::from("\"");
        for c in word.chars() {
            if matches!(c, '"' | '$' | '\\') {
                out.push('\\');
            }
            out.push(c);
        }
        out + "\""
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::command_text;

    #[test]
    fn words_are_quoted_as_the_original_quotes_them() {
        let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert_eq!(command_text(&words(&["echo 'a b'; x"])), "echo 'a b'; x");
        assert_eq!(
            command_text(&words(&["echo", "a b", "c\"d", "$HOME", "back\\slash", "*", "", "it's"])),
            "echo \"a b\" \"c\\\"d\" \"\\$HOME\" \"back\\\\slash\" *  it's"
        );
    }
}
