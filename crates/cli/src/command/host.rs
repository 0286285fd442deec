//! Commands for whoever operates a host that controllers are on.

use super::Command;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::operating::{Local, Operator};

mod add_base;
mod bases;
mod doctor;
mod remove_base;
mod report;
mod reset;
mod rotate;
mod uninstall;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[
    &add_base::COMMAND,
    &bases::COMMAND,
    &doctor::COMMAND,
    &remove_base::COMMAND,
    &report::COMMAND,
    &reset::COMMAND,
    &rotate::COMMAND,
    &uninstall::COMMAND,
];

/// What the binary injected.
fn operator(injected: &crate::Injected) -> Result<&dyn Operator> {
    injected
        .operator
        .as_deref()
        .ok_or_else(|| Error::failed("this program is the command line alone: it knows no host"))
}

/// The controller of this host that the command is about: by argument, else the current one, else the only one.
async fn chosen(context: &Context, operator: &dyn Operator) -> Result<Local> {
    let mut all = operator.controllers().await?;
    if all.is_empty() {
        return Err(Error::failed("there is no controller on this host"));
    }
    let known = context.store.controllers()?;
    let named = context.args.get(0).map(str::to_owned);
    let wanted = match &named {
        Some(name) => Some(name.clone()),
        None => crate::select::current_controller(&known, &context.io),
    };
    let uuid = wanted.as_ref().and_then(|name| known.controllers.get(name)).map(|entry| entry.uuid.clone());
    let found = all.iter().position(|one| match (&uuid, &wanted) {
        (Some(uuid), _) => one.uuid == *uuid,
        (None, Some(name)) => one.name == *name || one.uuid == *name,
        (None, None) => false,
    });
    match (found, named, all.len()) {
        (Some(at), _, _) => Ok(all.swap_remove(at)),
        (None, Some(name), _) => Err(Error::failed(format!(
            "controller {name:?} is not on this host; here are: {}",
            all.iter().map(|one| one.name.clone()).collect::<Vec<_>>().join(", ")
        ))),
        (None, None, 1) => Ok(all.swap_remove(0)),
        (None, None, _) => Err(Error::failed(format!(
            "which controller? here are: {}",
            all.iter().map(|one| one.name.clone()).collect::<Vec<_>>().join(", ")
        ))),
    }
}
