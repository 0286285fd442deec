//! Whose copy a command on clouds or credentials changes: this client's, a controller's, or both. What `--client` and `-c` leave open is
//! asked on a terminal, and refused elsewhere (wire/commands-controllers.md 1.7).

use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::select;

/// Flags of every command on clouds and credentials.
pub const FLAGS: [Flag; 3] = [
    Flag::bool(&["B", "no-browser-login"], "Do not use web browser for authentication"),
    Flag::text(&["c", "controller"], "Controller to operate in"),
    Flag::bool(&["client"], "Client operation"),
];

/// What is changed; at least one of both.
pub struct Whose {
    pub client: bool,
    pub controller: Option<String>,
}

/// `to`: what the question says, `add cloud to`. None when the user would rather have nothing done, which they have been told.
pub fn choose(context: &mut Context, to: &str) -> Result<Option<Whose>> {
    let named = context.args.text("c").filter(|name| !name.is_empty()).map(str::to_owned);
    let client = context.args.is_set("client");
    if let Some(name) = named {
        let controller = select::controller(&context.store, &context.io, Some(&name))?;
        return Ok(Some(Whose { client, controller: Some(controller) }));
    }
    if client {
        return Ok(Some(Whose { client, controller: None }));
    }
    context.info("This operation can be applied to both a copy on this client and to the one on a controller.");
    let all = context.store.controllers()?;
    let current = select::current_controller(&all, &context.io);
    let chosen = match current {
        None if all.controllers.is_empty() => {
            context.info("No current controller was detected and there are no registered controllers on this client: either bootstrap one or register one.");
            Some(Whose { client: true, controller: None })
        }
        _ if !context.io.stdin_is_terminal => {
            return Err(Error::failed(
                "The command is piped and Juju cannot prompt to clarify whether the --client or a --controller is to be used.\n\
                 Please clarify by re-running the command with the desired option(s).",
            ));
        }
        None => {
            context.info("No current controller was detected but there are other controllers registered: use -c or --controller to specify a controller if needed.");
            let answer = ask(context, &format!("Do you ONLY want to {to} this client? (Y/n): "))?.to_lowercase();
            matches!(answer.as_str(), "" | "y" | "yes").then_some(Whose { client: true, controller: None })
        }
        Some(name) => menu(context, to, &name)?,
    };
    if chosen.is_none() {
        context.note("Neither client nor controller specified - nothing to do.\n");
    }
    Ok(chosen)
}

fn menu(context: &mut Context, to: &str, name: &str) -> Result<Option<Whose>> {
    let mut question = format!(
        "Do you want to {to}:\n    1. client only (--client)\n    2. controller {name:?} only (--controller {name})\n    \
         3. both (--client --controller {name})\nEnter your choice, or type Q|q to quit: "
    );
    loop {
        let answer = ask(context, &question)?;
        question.clear();
        let (client, controller) = match answer.as_str() {
            "1" => (true, None),
            "2" => (false, Some(name.to_owned())),
            "3" => (true, Some(name.to_owned())),
            "q" | "Q" => return Ok(None),
            _ => {
                context.note("Invalid choice, enter a number between 1 and 3 or quit Q|q\n");
                continue;
            }
        };
        return Ok(Some(Whose { client, controller }));
    }
}

/// A question on stdout, where these commands ask; the end of input is the user's leaving.
pub fn ask(context: &mut Context, question: &str) -> Result<String> {
    context.out(question)?;
    let line = context.io.read_line()?;
    line.map(|line| line.trim().to_owned()).ok_or_else(|| Error::failed("EOF"))
}
