//! Flags as Juju reads them: among the arguments, `--name value`, `--name=value`, `-n value`, `-nvalue`, `-qv`,
//! `--pty=false`; the last one wins; `--` ends them.
//!
//! Must not know any command. The surprise: a short flag takes everything behind its letter as value, the `=` too
//! (`-n=2` is the value `=2`), because that is how the original reads it and scripts have come to quote around it.

use crate::error::{Error, Result};
use base::duration;

/// What a flag takes. A value is checked while the line is parsed, so that a bad one is an exit 2.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Needs no value; `=true`, `=false` allowed.
    Bool,
    Text,
    /// May be given more than once; every value counts.
    Texts,
    Int,
    Uint,
    /// `90s`, `5m`, `1h30m`.
    Duration,
    /// The check answers with what is wrong, in the original's words.
    Checked(fn(&str) -> std::result::Result<(), String>),
}

/// A flag of a command: `names[0]` is the one it is asked by.
#[derive(Clone, Copy)]
pub struct Flag {
    pub names: &'static [&'static str],
    pub kind: Kind,
    /// Shown by the help text as `(= default)`.
    pub default: &'static str,
    pub help: &'static str,
}

impl Flag {
    pub const fn bool(names: &'static [&'static str], help: &'static str) -> Flag {
        Flag { names, kind: Kind::Bool, default: "false", help }
    }

    pub const fn text(names: &'static [&'static str], help: &'static str) -> Flag {
        Flag { names, kind: Kind::Text, default: "", help }
    }

    pub const fn texts(names: &'static [&'static str], help: &'static str) -> Flag {
        Flag { names, kind: Kind::Texts, default: "", help }
    }

    pub const fn int(names: &'static [&'static str], default: &'static str, help: &'static str) -> Flag {
        Flag { names, kind: Kind::Int, default, help }
    }

    pub const fn uint(names: &'static [&'static str], default: &'static str, help: &'static str) -> Flag {
        Flag { names, kind: Kind::Uint, default, help }
    }

    pub const fn duration(names: &'static [&'static str], default: &'static str, help: &'static str) -> Flag {
        Flag { names, kind: Kind::Duration, default, help }
    }

    pub const fn checked(
        names: &'static [&'static str],
        default: &'static str,
        check: fn(&str) -> std::result::Result<(), String>,
        help: &'static str,
    ) -> Flag {
        Flag { names, kind: Kind::Checked(check), default, help }
    }

    /// The name as typed: one letter takes one dash.
    pub fn dashed(name: &str) -> String {
        if name.chars().count() == 1 { format!("-{name}") } else { format!("--{name}") }
    }

    /// The name that help sorts by and completion offers: the long one, where there is one.
    pub fn spelled(&self) -> &'static str {
        self.names.iter().copied().max_by_key(|name| name.len()).unwrap_or_default()
    }

    /// Whether the next word is its value, when none stands behind `=`.
    pub fn takes_value(&self) -> bool {
        !matches!(self.kind, Kind::Bool)
    }
}

/// Flags and arguments of one command line, checked against the command's table.
#[derive(Debug, Default, Clone)]
pub struct Args {
    values: Vec<(&'static str, String)>,
    known: Vec<&'static str>,
    positional: Vec<String>,
}

impl Args {
    /// Reads `line` against `table`. Without `among`, the first argument that is no flag ends the flags.
    pub fn parse(table: &[Flag], line: &[String], among: bool) -> Result<Args> {
        let mut args = Args { known: table.iter().map(|f| f.names[0]).collect(), ..Args::default() };
        let mut words = line.iter();
        while let Some(word) = words.next() {
            if word == "--" {
                args.positional.extend(words.by_ref().cloned());
            } else if let Some(long) = word.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                let flag = find(table, name)?;
                let value = match value {
                    Some(value) => value,
                    None if !flag.takes_value() => "true".to_owned(),
                    None => next_value(words.next(), name)?,
                };
                args.set(flag, name, value)?;
            } else if word.len() > 1 && word.starts_with('-') {
                args.read_short(table, &word[1..], &mut words)?;
            } else {
                args.positional.push(word.clone());
                if !among {
                    args.positional.extend(words.by_ref().cloned());
                }
            }
        }
        Ok(args)
    }

    fn read_short<'a>(
        &mut self,
        table: &[Flag],
        letters: &str,
        words: &mut impl Iterator<Item = &'a String>,
    ) -> Result<()> {
        for (at, letter) in letters.char_indices() {
            let name = &letters[at..at + letter.len_utf8()];
            let flag = find(table, name)?;
            if !flag.takes_value() {
                self.set(flag, name, "true".to_owned())?;
                continue;
            }
            let rest = &letters[at + letter.len_utf8()..];
            let value = if rest.is_empty() { next_value(words.next(), name)? } else { rest.to_owned() };
            return self.set(flag, name, value);
        }
        Ok(())
    }

    fn set(&mut self, flag: Flag, typed: &str, value: String) -> Result<()> {
        let checked = match flag.kind {
            Kind::Bool => check_bool(&value),
            Kind::Int => check_number(&value, value.parse::<i64>().is_ok(), "ParseInt"),
            Kind::Uint => check_number(&value, value.parse::<u64>().is_ok(), "ParseUint"),
            Kind::Duration => match duration::parse(&value) {
                Some(_) => Ok(()),
                None => Err(format!("time: invalid duration {value:?}")),
            },
            Kind::Checked(check) => check(&value),
            Kind::Text | Kind::Texts => Ok(()),
        };
        checked.map_err(|wrong| {
            Error::usage(format!("invalid value {value:?} for option {}: {wrong}", Flag::dashed(typed)))
        })?;
        self.values.push((flag.names[0], value));
        Ok(())
    }

    fn last(&self, name: &str) -> Option<&str> {
        debug_assert!(self.known.contains(&name), "flag {name} is not in the command's table");
        self.values.iter().rev().find(|(n, _)| *n == name).map(|(_, v)| v.as_str())
    }

    pub fn given(&self, name: &str) -> bool {
        self.last(name).is_some()
    }

    /// A flag that may not be in this command's table at all.
    pub fn maybe(&self, name: &str) -> Option<&str> {
        if self.known.contains(&name) { self.last(name) } else { None }
    }

    pub fn is_set(&self, name: &str) -> bool {
        self.last(name).and_then(parse_bool).unwrap_or(false)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.last(name)
    }

    pub fn texts(&self, name: &str) -> Vec<&str> {
        debug_assert!(self.known.contains(&name), "flag {name} is not in the command's table");
        self.values.iter().filter(|(n, _)| *n == name).map(|(_, v)| v.as_str()).collect()
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        self.last(name).and_then(|v| v.parse().ok())
    }

    pub fn uint(&self, name: &str) -> Option<u64> {
        self.last(name).and_then(|v| v.parse().ok())
    }

    pub fn duration(&self, name: &str) -> Option<std::time::Duration> {
        self.last(name)
            .and_then(duration::parse)
            .map(|nanos| std::time::Duration::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX)))
    }

    /// The same, signed: some commands refuse a negative one with words of their own.
    pub fn duration_nanos(&self, name: &str) -> Option<i128> {
        self.last(name).and_then(duration::parse)
    }

    pub fn positional(&self) -> &[String] {
        &self.positional
    }

    /// The argument at a place.
    pub fn get(&self, at: usize) -> Option<&str> {
        self.positional.get(at).map(String::as_str)
    }

    /// Refuses what stands behind the first `most` arguments.
    pub fn at_most(&self, most: usize) -> Result<()> {
        match self.positional.get(most..) {
            None | Some([]) => Ok(()),
            Some(rest) => Err(unrecognized(rest)),
        }
    }
}

/// `unrecognized args: ["a" "b"]`, as Go prints a list of strings.
pub fn unrecognized(rest: &[String]) -> Error {
    let quoted: Vec<String> = rest.iter().map(|a| format!("{a:?}")).collect();
    Error::usage(format!("unrecognized args: [{}]", quoted.join(" ")))
}

fn find(table: &[Flag], name: &str) -> Result<Flag> {
    table
        .iter()
        .find(|f| f.names.contains(&name))
        .copied()
        .ok_or_else(|| Error::usage(format!("option provided but not defined: {}", Flag::dashed(name))))
}

fn next_value(word: Option<&String>, name: &str) -> Result<String> {
    word.cloned().ok_or_else(|| Error::usage(format!("option needs an argument: {}", Flag::dashed(name))))
}

fn parse_bool(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn check_bool(value: &str) -> std::result::Result<(), String> {
    match parse_bool(value) {
        Some(_) => Ok(()),
        None => Err(format!("strconv.ParseBool: parsing {value:?}: invalid syntax")),
    }
}

fn check_number(value: &str, parses: bool, function: &str) -> std::result::Result<(), String> {
    if parses {
        return Ok(());
    }
    let digits = value.strip_prefix(['-', '+']).unwrap_or(value);
    let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let why = if number && !(function == "ParseUint" && value.starts_with('-')) {
        "value out of range"
    } else {
        "invalid syntax"
    };
    Err(format!("strconv.{function}: parsing {value:?}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Flag] = &[
        Flag::bool(&["force"], ""),
        Flag::bool(&["q", "quiet"], ""),
        Flag::int(&["n"], "1", ""),
        Flag::text(&["base"], ""),
        Flag::texts(&["config"], ""),
        Flag::duration(&["t", "timeout"], "5m", ""),
    ];

    fn parse(line: &str) -> Result<Args> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Args::parse(TABLE, &words, true)
    }

    #[test]
    fn flags_stand_anywhere_and_the_last_wins() {
        let args = parse("lxd:0 --base a -n3 --base=b -q --config x --config y -- --base").expect("parses");
        assert_eq!(args.positional(), ["lxd:0", "--base"]);
        assert_eq!(args.text("base"), Some("b"));
        assert_eq!(args.int("n"), Some(3));
        assert!(args.is_set("q"));
        assert_eq!(args.texts("config"), ["x", "y"]);
        assert!(!parse("--force=false --force=true --force=false").expect("parses").is_set("force"));
        assert_eq!(parse("-").expect("parses").positional(), ["-"]);
    }

    #[test]
    fn what_does_not_hold_is_said_in_the_original_words() {
        for (line, expected) in [
            ("--bas x", "option provided but not defined: --bas"),
            ("--frob=1", "option provided but not defined: --frob"),
            ("-Z", "option provided but not defined: -Z"),
            ("-base x", "option provided but not defined: -b"),
            ("--base", "option needs an argument: --base"),
            (
                "--force=maybe",
                r#"invalid value "maybe" for option --force: strconv.ParseBool: parsing "maybe": invalid syntax"#,
            ),
            ("-n=2", r#"invalid value "=2" for option -n: strconv.ParseInt: parsing "=2": invalid syntax"#),
            ("-n x", r#"invalid value "x" for option -n: strconv.ParseInt: parsing "x": invalid syntax"#),
            ("--timeout soon", r#"invalid value "soon" for option --timeout: time: invalid duration "soon""#),
        ] {
            let error = parse(line).expect_err(line);
            assert_eq!((error.to_string().as_str(), error.exit()), (expected, 2), "{line}");
        }
        assert_eq!(parse("a b").expect("parses").at_most(1).expect_err("b").to_string(), r#"unrecognized args: ["b"]"#);
    }
}
