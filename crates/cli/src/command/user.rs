//! Commands on the noun `user`.

use super::Command;

mod access;
mod add;
mod disable;
mod grant;
mod host;
pub mod list;
mod login;
mod logout;
mod password;
mod register;
mod remove;
mod show;
mod token;
mod welcome;
mod whoami;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[
    &add::COMMAND,
    &disable::DISABLE,
    &disable::ENABLE,
    &grant::GRANT,
    &grant::GRANT_CLOUD,
    &grant::REVOKE,
    &grant::REVOKE_CLOUD,
    &list::COMMAND,
    &login::COMMAND,
    &logout::COMMAND,
    &password::COMMAND,
    &register::COMMAND,
    &remove::COMMAND,
    &show::COMMAND,
    &whoami::COMMAND,
];
