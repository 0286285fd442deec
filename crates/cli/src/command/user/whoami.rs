//! `whoami`: controller, model and user that commands work with now. Asks nobody.

use crate::command::Command;
use crate::context::Context;
use crate::error::Result;
use crate::output::fields::Fields;
use crate::output::table::Table;
use crate::select;

pub const COMMAND: Command = Command {
    name: "whoami",
    purpose: "Print current login details.",
    doc: "Display the current controller, model and logged in user name.",
    examples: "\n    juju whoami",
    see_also: &["controllers", "login", "logout", "models", "users"],
    formats: &["tabular", "json", "yaml"],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let all = context.store.controllers()?;
    let Some(controller) = select::current_controller(&all, &context.io) else {
        context.info("There is no current controller.\nRun juju controllers to see available controllers.");
        return Ok(());
    };
    let models = context.store.models()?;
    let current = models.controllers.get(&controller).and_then(|k| k.current_model.clone());
    let Some(account) = context.account(&controller)? else {
        let model = current.map(|m| format!(" and model {m:?}")).unwrap_or_default();
        context.info(format!(
            "You are not logged in to controller {controller:?}{model}.\nRun juju login if you want to login."
        ));
        return Ok(());
    };
    let model = current.map(|m| select::shown(&m, &account.user)).unwrap_or_default();
    if context.format() == "tabular" {
        let mut table = Table::new();
        table.row(&["Controller:", &controller]);
        table.row(&["Model:", if model.is_empty() { "<no-current-model>" } else { &model }]);
        table.row(&["User:", &account.user]);
        return context.result_bytes(&table.finish());
    }
    let fields = Fields::new().text("controller", &controller).some("model", &model).text("user", &account.user);
    context.result_node(&fields.done())
}
