//! Man pages, made from the table of commands: one of the program, one of each command, and the same again under its aliases.
//!
//! The surprise: the program is called `grigri` in them, since the pages of the original may lie in the same folder.

use super::roff::Page;
use super::{default_of, names_of, sorted};
use crate::command::{self, Command, GLOBAL_FLAGS};
use crate::flags::Flag;

const PROGRAM: &str = "grigri";

const ENVIRONMENT: &[(&str, &str)] = &[
    ("JUJU_DATA", "The folder of the client store; else juju in XDG_DATA_HOME, else ~/.local/share/juju."),
    ("JUJU_CONTROLLER", "The controller of commands that name none."),
    ("JUJU_MODEL", "The model of commands that name none, with or without its controller before a colon."),
    ("NO_COLOR", "Set to anything: no colours, unless they are asked for."),
    ("GRIGRI_ROOT", "Where controllers of this host and their machines lie; else /var/lib/grigri."),
];

const EXIT: &[(&str, &str)] = &[
    ("0", "It is done. Commands that start something go before it has ended, unless they say that they wait."),
    ("1", "It failed, or a command that was run on a machine did."),
    ("2", "The line was not understood; nothing was done."),
];

/// File names and texts of all pages. `date` is `2026-01-31`.
pub fn pages(version: &str, date: &str) -> Vec<(String, String)> {
    let source = format!("{PROGRAM} {version}");
    let mut pages = vec![(format!("{PROGRAM}.1"), overview(&source, date))];
    for command in command::all().into_iter().filter(|c| !c.hidden) {
        for name in std::iter::once(&command.name).chain(command.aliases) {
            pages.push((format!("{}.1", page_of(name)), page(command, &source, date)));
        }
    }
    pages
}

fn page_of(name: &str) -> String {
    format!("{PROGRAM}-{name}")
}

fn overview(source: &str, date: &str) -> String {
    let mut page = Page::new(PROGRAM, date, source);
    page.name(PROGRAM, "manages machines, speaking Juju's API");
    page.synopsis(PROGRAM, "[options] <command> [options] [arguments]");
    page.section("DESCRIPTION");
    page.text(&format!(
        "{}\n\nThe program answers to the name juju as well: link it under that name, and scripts need no change. Texts of \
         help call it so.",
        super::ABOUT
    ));
    page.section("COMMANDS");
    for command in command::all().into_iter().filter(|c| !c.hidden) {
        page.term(&[command.name.to_owned()], "", command.purpose);
    }
    page.section("OPTIONS");
    page.text("These may be used with any command.");
    options(&mut page, GLOBAL_FLAGS);
    for (title, rows) in [("ENVIRONMENT", ENVIRONMENT), ("EXIT STATUS", EXIT)] {
        page.section(title);
        for (term, meaning) in rows {
            page.term(&[(*term).to_owned()], "", meaning);
        }
    }
    let first = ["bootstrap", "add-model", "add-machine", "status", "exec", "ssh"];
    page.see_also(&first.map(page_of));
    page.finish()
}

fn page(command: &Command, source: &str, date: &str) -> String {
    let name = page_of(command.name);
    let mut page = Page::new(&name, date, source);
    page.name(&name, command.purpose);
    let own = command.own_flags();
    let rest = if own.is_empty() { command.args.to_owned() } else { format!("[options] {}", command.args) };
    page.synopsis(&format!("{PROGRAM} {}", command.name), rest.trim());
    page.section("DESCRIPTION");
    page.text(if command.doc.is_empty() { command.purpose } else { command.doc });
    page.section("OPTIONS");
    let formats = match command.formats {
        [] => String::new(),
        [first, ..] => format!("\n\nFormats: {} (= {first})", super::formats(command)),
    };
    page.text(&format!("Those of every command are in {PROGRAM}(1).{formats}"));
    options(&mut page, &own);
    let examples = examples(command);
    if !examples.is_empty() {
        page.section("EXAMPLES");
        page.verbatim(&examples.join("\n"));
    }
    if !command.aliases.is_empty() {
        page.section("ALIASES");
        page.text(&command.aliases.join(", "));
    }
    let related = command.see_also.iter().filter(|name| command::find(name).is_some());
    let related: Vec<String> = std::iter::once(PROGRAM.to_owned()).chain(related.map(|name| page_of(name))).collect();
    page.see_also(&related);
    page.finish()
}

fn options(page: &mut Page, flags: &[Flag]) {
    for flag in sorted(flags) {
        page.term(&names_of(&flag), &format!("(= {})", default_of(&flag)), flag.help);
    }
}

/// Lines as they are typed, under the program's own name.
fn examples(command: &Command) -> Vec<String> {
    let lines = command.examples.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| line.replace("juju ", "grigri ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a checker of pages looks at: (line number, what is wrong).
    fn lint(text: &str) -> Vec<(usize, String)> {
        let mut wrong = Vec::new();
        let mut verbatim = false;
        let mut sections = Vec::new();
        let mut term = false;
        for (at, line) in text.lines().enumerate() {
            let mut say = |what: &str| wrong.push((at + 1, format!("{what}: {line}")));
            if line.trim_end() != line || line.is_empty() {
                say("blank at the end, or nothing at all");
            }
            if !line.is_ascii() {
                say("not ASCII");
            }
            if line.starts_with('\'') {
                say("begins with a request's other sign");
            }
            let mut rest = line;
            while let Some(found) = rest.find('\\') {
                let after = &rest[found + 1..];
                let known = ["-", "&", "fB", "fR", "(rs", "(aq", "(ga", "(ha", "(ti", "(dq", "[u"];
                match known.iter().find(|known| after.starts_with(**known)) {
                    Some(known) => rest = &after[known.len()..],
                    None => {
                        say("an escape that is none of ours");
                        break;
                    }
                }
            }
            if line.matches("\\fB").count() != line.matches("\\fR").count() {
                say("a font that does not end");
            }
            let unescaped = line.replace("\\-", "");
            if !line.starts_with('.') && unescaped.contains('-') {
                say("a dash that a typographer would take");
            }
            let Some(request) = line.strip_prefix('.') else {
                term = false;
                continue;
            };
            if term {
                say("a request where a term's name has to be");
            }
            let (word, arguments) = request.split_once(' ').unwrap_or((request, ""));
            if arguments.matches('"').count() % 2 != 0 {
                say("a quote that does not end");
            }
            match word {
                "TH" if at == 0 => {}
                "SH" => sections.push(arguments.trim_matches('"').to_owned()),
                "PP" if !verbatim => {}
                "TP" if !verbatim => term = true,
                "nf" if !verbatim => verbatim = true,
                "fi" if verbatim => verbatim = false,
                _ => say("a request out of place"),
            }
        }
        let order = [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "COMMANDS",
            "OPTIONS",
            "EXAMPLES",
            "ALIASES",
            "ENVIRONMENT",
            "EXIT STATUS",
            "SEE ALSO",
        ];
        let places: Vec<Option<usize>> =
            sections.iter().map(|title| order.iter().position(|one| one == title)).collect();
        if verbatim || !places.is_sorted() || places.contains(&None) || sections.first().is_none_or(|s| s != "NAME") {
            wrong.push((0, format!("sections {sections:?}, verbatim {verbatim}")));
        }
        wrong
    }

    /// The page as a reader sees it, without layout.
    fn read(text: &str) -> String {
        let mut plain = String::new();
        for line in text.lines().filter(|line| !line.starts_with('.') || line.starts_with(".SH")) {
            plain.push_str(line.trim_start_matches(".SH "));
            plain.push('\n');
        }
        for (escape, letter) in [
            ("\\fB", ""),
            ("\\fR", ""),
            ("\\&", ""),
            ("\\-", "-"),
            ("\\(aq", "'"),
            ("\\(ga", "`"),
            ("\\(ha", "^"),
            ("\\(ti", "~"),
            ("\\(dq", "\""),
            ("\\(rs", "\\"),
        ] {
            plain = plain.replace(escape, letter);
        }
        plain
    }

    #[test]
    fn every_page_is_sound() {
        let pages = pages("3.6.100", "2026-01-31");
        for (name, text) in &pages {
            assert_eq!(lint(text), [], "{name}");
        }
        for command in command::all().into_iter().filter(|c| !c.hidden) {
            for name in std::iter::once(&command.name).chain(command.aliases) {
                assert!(pages.iter().any(|(page, _)| *page == format!("grigri-{name}.1")), "{name} has no page");
            }
        }
        assert!(!pages.iter().any(|(name, _)| name.contains("complete.")));
    }

    #[test]
    fn the_checker_sees_what_is_wrong() {
        for bad in [
            ".TH \"X\"\n.SH \"NAME\"\nx --y\n",
            ".TH \"X\"\n.SH \"NAME\"\n.nf\nx\n",
            ".TH \"X\"\n.SH \"OPTIONS\"\n.SH \"NAME\"\nx\n",
            ".TH \"X\"\n.SH \"NAME\"\n\\x\n",
            ".TH \"X\"\n.SH \"NAME\"\n\nx\n",
            ".TH \"X\"\n.SH \"NAME\"\n.frob\n",
            ".TH \"X\"\n.SH \"NAME\"\n.TP\n.TP\nx\n",
            ".TH \"X\"\n.SH \"NAME\"\n\\fBx\n",
        ] {
            assert!(!lint(bad).is_empty(), "{bad}");
        }
    }

    #[test]
    fn a_page_says_all_that_help_says() {
        let pages = pages("3.6.100", "2026-01-31");
        for command in command::all().into_iter().filter(|c| !c.hidden) {
            let name = format!("grigri-{}.1", command.name);
            let text = read(&pages.iter().find(|(page, _)| *page == name).expect("has a page").1);
            let typed = examples(command);
            for line in command.doc.lines().map(str::trim).chain(typed.iter().map(String::as_str)) {
                assert!(text.contains(line), "{name} lacks {line:?}:\n{text}");
            }
            for flag in command.own_flags() {
                for word in names_of(&flag).iter().map(String::as_str).chain([flag.help, default_of(&flag)]) {
                    assert!(text.contains(word), "{name} lacks {word:?}");
                }
            }
        }
    }
}
