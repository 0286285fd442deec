//! `grant`, `revoke`, `grant-cloud`, `revoke-cloud`: who may do what.

use crate::command::user::access::{self, CLOUD_LEVELS, LEVELS};
use crate::command::{Command, Scope};
use crate::completion::Noun;

pub const GRANT: Command = Command {
    name: "grant",
    args: "<user name> <permission> [<model name> ... | <offer url> ...]",
    arguments: &[&[Noun::User], &[Noun::Word(LEVELS)], &[Noun::Model]],
    purpose: "Grants access level to a Juju user for a model, controller, or application offer.",
    doc: "On models: `read` (see), `write` (see and change), `admin` (also ssh, other users, and the model's end).\n\
          On the controller, when nothing is named behind it: `login`, `superuser`.\n\
          On offers: `read`, `consume`, `admin`.\n\n\
          A level holds all that is below it. It is in force at once, on connections that are open, too.",
    examples: "\n    juju grant bob read mymodel\n    juju grant bob write mymodel yourmodel\n    juju grant -c mycontroller bob superuser",
    see_also: &["revoke", "add-user", "grant-cloud"],
    scope: Scope::Controller,
    run: |context| Box::pin(access::change(context, "grant")),
    ..Command::BASE
};

pub const REVOKE: Command = Command {
    name: "revoke",
    args: "<user name> <permission> [<model name> ... | <offer url> ...]",
    arguments: &[&[Noun::User], &[Noun::Word(LEVELS)], &[Noun::Model]],
    purpose: "Revokes access from a user for a model, controller, or application offer.",
    doc: "What is left is the level below: without `write` a user still has `read`, without `superuser` still `login`. Without `read`, or `login`,\n\
          nothing is left. It is in force at once, on connections that are open, too.",
    examples: "\n    juju revoke bob write mymodel yourmodel\n    juju revoke bob read mymodel\n    juju revoke -c mycontroller bob superuser",
    see_also: &["grant", "revoke-cloud"],
    scope: Scope::Controller,
    run: |context| Box::pin(access::change(context, "revoke")),
    ..Command::BASE
};

pub const GRANT_CLOUD: Command = Command {
    name: "grant-cloud",
    args: "<user name> <permission> <cloud name> ...",
    arguments: &[&[Noun::User], &[Noun::Word(CLOUD_LEVELS)], &[Noun::Cloud]],
    purpose: "Grants access level to a Juju user for a cloud.",
    doc: "Levels: `add-model` (make models on the cloud), `admin` (also its definition and who may use it).",
    examples: "\n    juju grant-cloud bob add-model mycloud\n    juju grant-cloud bob admin mycloud yourcloud",
    see_also: &["grant", "revoke-cloud", "add-user"],
    scope: Scope::Controller,
    run: |context| Box::pin(access::change_clouds(context, "grant")),
    ..Command::BASE
};

pub const REVOKE_CLOUD: Command = Command {
    name: "revoke-cloud",
    args: "<user name> <permission> <cloud name> ...",
    arguments: &[&[Noun::User], &[Noun::Word(CLOUD_LEVELS)], &[Noun::Cloud]],
    purpose: "Revokes access from a Juju user for a cloud.",
    doc: "Without `admin` a user still has `add-model`; without that nothing. Models that are there stay.",
    examples: "\n    juju revoke-cloud bob add-model mycloud\n    juju revoke-cloud bob admin mycloud yourcloud",
    see_also: &["revoke", "grant-cloud"],
    scope: Scope::Controller,
    run: |context| Box::pin(access::change_clouds(context, "revoke")),
    ..Command::BASE
};
