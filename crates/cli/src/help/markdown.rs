//! The same texts as Markdown: a document for each command, or all of them in one.
//!
//! The surprise: what stands between angle brackets is in code, or Markdown would take it for HTML.

use super::{default_of, names_of, sorted};
use crate::command::{self, Command};

/// All commands that are not hidden.
pub fn commands() -> impl Iterator<Item = &'static Command> {
    command::all().into_iter().filter(|command| !command.hidden)
}

/// A list of all commands. `link` gives the address of a command's document.
pub fn index(link: impl Fn(&str) -> String) -> String {
    let rows =
        commands().map(|command| format!("- [`{0}`]({1}): {2}\n", command.name, link(command.name), command.purpose));
    format!("# Commands\n\n{}\n", rows.collect::<String>())
}

/// The document of one command.
pub fn document(command: &Command, link: impl Fn(&str) -> String) -> String {
    let mut text = format!("# `juju {}`\n\n{}\n\n", command.name, command.purpose);
    let own = command.own_flags();
    let options = if own.is_empty() { "" } else { " [options]" };
    let usage = format!("juju {}{options} {}", command.name, command.args);
    text.push_str(&format!("## Usage\n\n```text\n{}\n```\n\n", usage.trim_end()));
    if !own.is_empty() {
        text.push_str("## Options\n\n| flag | default | meaning |\n|---|---|---|\n");
        for flag in sorted(&own) {
            let names: Vec<String> = names_of(&flag).iter().map(|name| format!("`{name}`")).collect();
            text.push_str(&format!("| {} | `{}` | {} |\n", names.join(", "), default_of(&flag), cell(flag.help)));
        }
        text.push('\n');
        if let [first, ..] = command.formats {
            text.push_str(&format!("Formats: `{}`, by default `{first}`.\n\n", super::formats(command)));
        }
    }
    for (title, body) in [("Details", command.doc), ("Examples", command.examples)] {
        let body = body.trim_matches('\n');
        if !body.is_empty() {
            let lines = body.lines().map(|line| line.strip_prefix("    ").unwrap_or(line));
            text.push_str(&format!("## {title}\n\n```text\n{}\n```\n\n", lines.collect::<Vec<_>>().join("\n")));
        }
    }
    if !command.aliases.is_empty() {
        text.push_str(&format!("Aliases: `{}`\n\n", command.aliases.join("`, `")));
    }
    let related = command.see_also.iter().filter(|name| command::find(name).is_some());
    let related: Vec<String> = related.map(|name| format!("- [`{name}`]({})", link(name))).collect();
    if !related.is_empty() {
        text.push_str(&format!("## See also\n\n{}\n\n", related.join("\n")));
    }
    text
}

/// Text inside a table: a bar would end its cell, an angle bracket begin a tag.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "\\<")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_three_cells() {
        for command in commands() {
            let text = document(command, |name| format!("{name}.md"));
            for line in text.lines().filter(|line| line.starts_with("| `")) {
                assert_eq!(line.replace("\\|", "").matches('|').count(), 4, "{}: {line}", command.name);
            }
            assert_eq!(text.matches("```").count() % 2, 0, "{}", command.name);
        }
        assert!(index(|name| format!("{name}.md")).contains("- [`status`](status.md): Report the status"));
    }
}
