//! `documentation`: all texts of help at once, as Markdown or as man pages.

use std::path::Path;

use crate::command::Command;
use crate::context::{Context, reason};
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::help::{man, markdown};

pub const COMMAND: Command = Command {
    name: "documentation",
    purpose: "Generate the documentation for all commands.",
    doc: "Prints the help of every command as one Markdown document, or writes it to the folder of '--out': with '--split' a\n\
          file for each command and an index, with '--man' man pages, below 'man1' as man(1) looks for them.\n\n\
          The date of man pages is today's, or that of SOURCE_DATE_EPOCH.",
    examples: "\n    juju documentation\n    juju documentation --out docs --split --url https://example.com/commands\n    \
               juju documentation --man --out ~/.local/share/man",
    see_also: &["completion"],
    flags: &[
        Flag::bool(&["man"], "Write man pages"),
        Flag::bool(&["no-index"], "Leave out the list of the commands"),
        Flag::text(&["out"], "The folder to write to"),
        Flag::bool(&["split"], "Write a file for each command"),
        Flag::text(&["url"], "What links between the files begin with"),
    ],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let out = context.args.text("out").filter(|out| !out.is_empty()).map(|out| context.io.path(out));
    let index = !context.args.is_set("no-index");
    if context.args.is_set("man") {
        let Some(out) = out else { return Err(Error::usage("--man needs a folder to write to, --out")) };
        let pages = man::pages(&context.client_version(), &date(context)?);
        let pages = pages.into_iter().filter(|(name, _)| index || name != "grigri.1");
        return pages.into_iter().try_for_each(|(name, text)| write(&out.join("man1"), &name, &text));
    }
    let url = context.args.text("url").unwrap_or_default().trim_end_matches('/').to_owned();
    let base = if url.is_empty() { url } else { format!("{url}/") };
    if context.args.is_set("split") {
        let Some(out) = out else { return Err(Error::usage("--split needs a folder to write to, --out")) };
        let link = |name: &str| format!("{base}{name}.md");
        if index {
            write(&out, "index.md", &markdown::index(link))?;
        }
        return markdown::commands()
            .try_for_each(|command| write(&out, &format!("{}.md", command.name), &markdown::document(command, link)));
    }
    let link = |name: &str| format!("{base}#juju-{name}");
    let index = if index { markdown::index(link) } else { String::new() };
    let documents = markdown::commands().map(|command| markdown::document(command, link));
    let text: String = std::iter::once(index).chain(documents).collect();
    match out {
        Some(out) => write(&out, "documentation.md", &text),
        None => context.out(text),
    }
}

/// `2026-01-31`.
fn date(context: &Context) -> Result<String> {
    let when = match context.io.var("SOURCE_DATE_EPOCH") {
        Some(text) => {
            let seconds = text.parse().ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
            seconds.ok_or_else(|| Error::usage(format!("SOURCE_DATE_EPOCH {text:?} is no time")))?
        }
        None => (context.io.now)(),
    };
    Ok(when.strftime("%Y-%m-%d").to_string())
}

fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text));
    written.map_err(|e| Error::failed(format!("cannot write {}: {}", path.display(), reason(&e))))
}
