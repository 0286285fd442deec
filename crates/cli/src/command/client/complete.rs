//! `complete`: called by the completion scripts with the words of a line, the last being typed. Hidden.

use crate::command::Command;
use crate::completion;
use crate::context::Context;
use crate::error::Result;
use crate::select;

pub const COMMAND: Command = Command {
    name: "complete",
    args: "-- <word> ...",
    purpose: "Print what the last word of a command line may become.",
    flags_among: false,
    hidden: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let known = context.store.controllers()?;
    let controllers: Vec<String> = known.controllers.keys().cloned().collect();
    let mut models = Vec::new();
    if let Some(current) = select::current_controller(&known, &context.io) {
        let user = context.user(&current).unwrap_or_default();
        if let Some(entry) = context.store.models()?.controllers.get(&current) {
            models.extend(entry.models.keys().map(|name| select::shown(name, &user)));
        }
    }
    let found = completion::candidates(context.args.positional(), &controllers, &models);
    context.out(found.into_iter().map(|c| c + "\n").collect::<String>())
}
