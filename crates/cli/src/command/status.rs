//! Commands on the noun `status`.

use super::Command;
use crate::context::Context;
use crate::error::{Error, Result};

mod history;
mod show;
mod watch;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[&history::COMMAND, &show::COMMAND];

/// Whether times are UTC and ISO: `--utc`, or for some commands the environment.
pub(crate) fn iso(context: &Context, environment: bool) -> Result<bool> {
    if context.args.is_set("utc") {
        return Ok(true);
    }
    let Some(value) = context.io.var("JUJU_STATUS_ISO_TIME").filter(|_| environment) else { return Ok(false) };
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        other => Err(Error::usage(format!(
            "invalid JUJU_STATUS_ISO_TIME env var, expected true|false: strconv.ParseBool: parsing {other:?}: invalid syntax"
        ))),
    }
}
