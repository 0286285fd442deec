//! Where the cursor is: after a flag, in a flag's value, at which argument of which command.
//!
//! It reads the words as the parser of flags does, but forgives everything: a line that is being typed is not whole.

use super::noun::{self, Noun};
use crate::command::{self, Command, GLOBAL_FLAGS, TOP_FLAGS};
use crate::flags::Flag;

/// The place of the word being typed, and what may stand there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slot {
    /// The word as far as it is typed.
    pub typed: String,
    /// Its beginning that stays whatever follows: `--model=`, `0,1,`, `lab:`.
    pub kept: String,
    /// Stands behind each name that is looked up.
    pub suffix: &'static str,
    /// Words that are known without asking anyone.
    pub fixed: Vec<String>,
    /// What is to be looked up.
    pub nouns: Vec<Noun>,
    /// The controller that the line names, by `-c` or before a model's colon.
    pub controller: Option<String>,
    /// The model that the line names by `-m`.
    pub model: Option<String>,
    /// The cloud that stands before a credential.
    pub cloud: Option<String>,
}

/// Topics of help that are no commands.
const TOPICS: [&str; 4] = ["basics", "commands", "global-options", "topics"];

/// Every command's name and aliases.
pub fn names() -> Vec<&'static str> {
    let mut names = vec!["help"];
    for command in command::all().into_iter().filter(|c| !c.hidden) {
        names.push(command.name);
        names.extend(command.aliases);
    }
    names.sort_unstable();
    names
}

/// The place of the last of `words`; the program's name is not among them.
pub fn slot(words: &[String]) -> Slot {
    let (typed, before) = words.split_last().map_or(("", words), |(typed, before)| (typed.as_str(), before));
    let mut slot = Slot { typed: typed.to_owned(), ..Slot::default() };
    let top: Vec<Flag> = GLOBAL_FLAGS.iter().chain(TOP_FLAGS).copied().collect();
    let read = Read::of(&top, before, false);
    let Some((name, rest)) = read.arguments.split_first() else {
        slot.at(None, &top, &read, |slot| slot.fixed = names().into_iter().map(str::to_owned).collect());
        return slot;
    };
    if name == "help" {
        slot.fixed = names().into_iter().chain(TOPICS).map(str::to_owned).collect();
        return slot;
    }
    let Some(command) = command::find(name) else { return slot };
    let table: Vec<Flag> = command.own_flags().iter().chain(GLOBAL_FLAGS).copied().collect();
    let read = Read::of(&table, rest, command.flags_among);
    slot.controller = read.value("controller");
    slot.model = read.value("model");
    slot.cloud = read.arguments.first().filter(|_| command.arguments.first() == Some(&&[Noun::Cloud][..])).cloned();
    slot.at(Some(command), &table, &read, |slot| argument(slot, command, &read.arguments));
    slot
}

/// Words before the cursor, as the parser of flags takes them.
struct Read {
    arguments: Vec<String>,
    values: Vec<(&'static [&'static str], String)>,
    /// The flag whose value is typed next.
    waiting: Option<Flag>,
    /// A flag may be typed next.
    flags: bool,
}

impl Read {
    fn of(table: &[Flag], words: &[String], among: bool) -> Read {
        let mut read = Read { arguments: Vec::new(), values: Vec::new(), waiting: None, flags: true };
        for word in words {
            if let Some(flag) = read.waiting.take() {
                read.values.push((flag.names, word.clone()));
            } else if !read.flags || word.len() < 2 || !word.starts_with('-') {
                read.arguments.push(word.clone());
                read.flags &= among;
            } else if word == "--" {
                read.flags = false;
            } else if let Some(long) = word.strip_prefix("--") {
                let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                match (find(table, name), value) {
                    (Some(flag), Some(value)) => read.values.push((flag.names, value.to_owned())),
                    (Some(flag), None) if flag.takes_value() => read.waiting = Some(flag),
                    _ => {}
                }
            } else {
                read.letters(table, &word[1..]);
            }
        }
        read
    }

    fn letters(&mut self, table: &[Flag], letters: &str) {
        for (at, letter) in letters.char_indices() {
            let rest = &letters[at + letter.len_utf8()..];
            match find(table, &letters[at..at + letter.len_utf8()]) {
                Some(flag) if flag.takes_value() && rest.is_empty() => self.waiting = Some(flag),
                Some(flag) if flag.takes_value() => return self.values.push((flag.names, rest.to_owned())),
                _ => {}
            }
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        self.values.iter().rev().find(|(names, _)| names.contains(&name)).map(|(_, value)| value.clone())
    }
}

fn find(table: &[Flag], name: &str) -> Option<Flag> {
    table.iter().find(|flag| flag.names.contains(&name)).copied()
}

impl Slot {
    /// A flag's value, a flag, or an argument, which `argument` knows.
    fn at(&mut self, command: Option<&Command>, table: &[Flag], read: &Read, argument: impl FnOnce(&mut Slot)) {
        let typed = self.typed.clone();
        if let Some(flag) = read.waiting {
            return self.value(command, &flag);
        }
        if read.flags && typed.starts_with('-') {
            let long = typed.strip_prefix("--").and_then(|long| long.split_once('='));
            if let Some((name, _)) = long {
                self.kept = format!("--{name}=");
                if let Some(flag) = find(table, name) {
                    self.value(command, &flag);
                }
                return;
            }
            self.fixed = table.iter().map(|flag| Flag::dashed(flag.spelled())).collect();
            return self.fixed.sort();
        }
        argument(self);
    }

    fn value(&mut self, command: Option<&Command>, flag: &Flag) {
        if flag.names.contains(&"format") {
            let formats = command.map_or(&[][..], |command| command.formats);
            // The log has formats of its own, checked by the flag itself.
            let formats = if formats.is_empty() && command.is_some() { &["json", "text"][..] } else { formats };
            self.fixed = formats.iter().map(|format| (*format).to_owned()).collect();
            return;
        }
        if !flag.takes_value() {
            self.fixed = vec!["true".to_owned(), "false".to_owned()];
            return;
        }
        if noun::is_list(flag.names) {
            let from = self.kept.len();
            self.keep_to(self.typed.get(from..).and_then(|value| value.rfind(',')).map(|at| from + at + 1));
        }
        self.want(noun::of_flag(command, flag.names));
    }

    /// Takes the beginning of the typed word for given.
    fn keep_to(&mut self, end: Option<usize>) {
        if let Some(kept) = end.and_then(|end| self.typed.get(..end)) {
            self.kept = kept.to_owned();
        }
    }

    fn want(&mut self, nouns: &[Noun]) {
        for noun in nouns {
            match noun {
                Noun::Word(words) => self.fixed.extend(words.iter().map(|word| (*word).to_owned())),
                other => self.nouns.push(*other),
            }
        }
        let value = self.typed.get(self.kept.len()..).unwrap_or_default();
        if nouns.contains(&Noun::Model)
            && let Some((controller, _)) = value.split_once(':')
        {
            let kept = self.kept.len() + controller.len() + 1;
            self.controller = Some(controller.to_owned()).filter(|name| !name.is_empty()).or(self.controller.take());
            self.keep_to(Some(kept));
            self.nouns = vec![Noun::Model];
        }
    }
}

/// The argument after `before` ones.
fn argument(slot: &mut Slot, command: &Command, before: &[String]) {
    let typed = slot.typed.clone();
    match command.name {
        // A side of a copy is a path, or a machine's with a colon; what stands behind the colon only the machine knows.
        "scp" => {
            slot.suffix = ":";
            if !typed.contains(':') {
                slot.want(&[Noun::Machine, Noun::Unit, Noun::File]);
            }
        }
        "ssh" if before.is_empty() => {
            slot.keep_to(typed.rfind('@').map(|at| at + 1));
            slot.want(&[Noun::Machine, Noun::Unit]);
        }
        // What runs over there may take paths, but no flags of ours.
        "ssh" | "exec" => slot.want(&[Noun::File]),
        "add-machine" if before.is_empty() => match typed.strip_prefix("lxd:") {
            Some(_) => {
                slot.keep_to(Some("lxd:".len()));
                slot.want(&[Noun::Host]);
            }
            None => slot.fixed = ["lxd", "lxd:", "ssh:"].map(str::to_owned).to_vec(),
        },
        "wait-for" => match before {
            [] => slot.want(&[Noun::Word(&["application", "machine", "model", "unit"])]),
            [kind] => match kind.as_str() {
                "application" => slot.want(&[Noun::Application]),
                "machine" => slot.want(&[Noun::Machine]),
                "model" => slot.want(&[Noun::Model]),
                "unit" => slot.want(&[Noun::Unit]),
                _ => {}
            },
            _ => {}
        },
        _ => {
            let last = command.arguments.len().saturating_sub(1);
            let at = if command.args.contains("...") { before.len().min(last) } else { before.len() };
            slot.want(command.arguments.get(at).copied().unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: &str) -> Slot {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        slot(&words)
    }

    #[test]
    fn the_place_decides_what_is_looked_up() {
        for (line, kept, nouns) in [
            ("show-machine ", "", vec![Noun::Host]),
            ("show-machine 0 ", "", vec![Noun::Host]),
            ("show-machine --utc 1", "", vec![Noun::Host]),
            ("show-machine --format yaml ", "", vec![Noun::Host]),
            ("--debug show-machine ", "", vec![Noun::Host]),
            ("--log-file x show-machine ", "", vec![Noun::Host]),
            ("--log-file ", "", vec![Noun::File]),
            ("status -m ", "", vec![Noun::Model]),
            ("status -m lab:w", "lab:", vec![Noun::Model]),
            ("status --model=lab:w", "--model=lab:", vec![Noun::Model]),
            ("models -c ", "", vec![Noun::Controller]),
            ("exec --machine ", "", vec![Noun::Machine]),
            ("exec --machine 0,1,", "0,1,", vec![Noun::Machine]),
            ("exec --machine=0,", "--machine=0,", vec![Noun::Machine]),
            ("exec -u ", "", vec![Noun::Unit]),
            ("exec --machine 0 ", "", vec![Noun::File]),
            ("switch ", "", vec![Noun::Controller, Noun::Model]),
            ("switch :w", ":", vec![Noun::Model]),
            ("switch a ", "", vec![]),
            ("ssh ", "", vec![Noun::Machine, Noun::Unit]),
            ("ssh root@", "root@", vec![Noun::Machine, Noun::Unit]),
            ("ssh 0 ", "", vec![Noun::File]),
            ("ssh 0 -m ", "", vec![Noun::File]),
            ("ssh -m work 0", "", vec![Noun::Machine, Noun::Unit]),
            ("scp a ", "", vec![Noun::Machine, Noun::Unit, Noun::File]),
            ("scp 0:/e", "", vec![]),
            ("show-task ", "", vec![Noun::Task]),
            ("cancel-task 1 ", "", vec![Noun::LiveTask]),
            ("show-operation ", "", vec![Noun::Operation]),
            ("show-operation 1 ", "", vec![]),
            ("wait-for machine ", "", vec![Noun::Machine]),
            ("add-machine lxd:", "lxd:", vec![Noun::Host]),
            ("status -- -m ", "", vec![Noun::Machine, Noun::Unit, Noun::Application]),
            ("frobnicate ", "", vec![]),
            ("status -o ", "", vec![Noun::File]),
        ] {
            let slot = at(line);
            assert_eq!((slot.kept.as_str(), slot.nouns), (kept, nouns), "{line:?}");
        }
    }

    #[test]
    fn words_that_nobody_need_be_asked_for() {
        let check = |line: &str, some: &[&str], none: &[&str]| {
            let found = super::super::fitting(&at(line), []);
            for word in some {
                assert!(found.iter().any(|one| one == word), "{line:?} has no {word}: {found:?}");
            }
            for word in none {
                assert!(!found.iter().any(|one| one == word), "{line:?} has {word}: {found:?}");
            }
        };
        check("", &["status", "help", "list-models"], &["complete", "frobnicate"]);
        check("sta", &["status", "start-controller"], &["models"]);
        check("--de", &["--debug", "--description"], &["--version"]);
        check("help st", &["status"], &["topics"]);
        check("help ", &["topics", "status"], &[]);
        check("status --", &["--watch", "--model", "--debug"], &["--description", "-m"]);
        check("status --watch 5s --format ", &["yaml", "tabular"], &["text"]);
        check("status --format=y", &["--format=yaml"], &["--format=json"]);
        check("debug-log --format ", &["json", "text"], &[]);
        check("debug-log --level W", &["WARNING"], &["INFO"]);
        check("exec --parallel=f", &["--parallel=false"], &[]);
        check("operations --status pending,ru", &["pending,running"], &["running"]);
        check("completion ", &["bash", "fish", "zsh"], &[]);
        check("wait-for ", &["machine", "model"], &[]);
        check("add-machine ", &["lxd:", "ssh:"], &[]);
        check("bootstrap m", &["manual/"], &[]);
        check("add-machine --constraints me", &["mem="], &[]);
        check("ssh 0 --", &[], &["--proxy"]);
    }

    #[test]
    fn the_model_and_controller_of_the_line_are_known() {
        let slot = at("show-machine -m lab:work ");
        assert_eq!(slot.model.as_deref(), Some("lab:work"));
        assert_eq!(at("models --controller=lab --user ").controller.as_deref(), Some("lab"));
        assert_eq!(at("status -m lab:").controller.as_deref(), Some("lab"));
        assert_eq!(at("status -mwork 0").model.as_deref(), Some("work"));
        assert_eq!(at("exec --machine 0 -m work -- ").model.as_deref(), Some("work"));
    }

    #[test]
    fn every_command_that_takes_names_says_which() {
        // What stands there is the user's own: a new name, a shell command, a key, a setting.
        let free = [
            "add-cloud",
            "add-model",
            "add-space",
            "add-ssh-key",
            "add-user",
            "create-storage-pool",
            "exec",
            "import-ssh-key",
            "login",
            "register",
            "remove-ssh-key",
            "set-constraints",
            "model-config",
            "model-defaults",
        ];
        for command in command::all().into_iter().filter(|c| !c.hidden && !c.args.is_empty()) {
            let first = slot(&[command.name.to_owned(), String::new()]);
            let says = !first.nouns.is_empty() || !first.fixed.is_empty();
            assert!(says || free.contains(&command.name), "{}: nothing completes {}", command.name, command.args);
        }
    }
}
