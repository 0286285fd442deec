//! What an argument or a flag's value names, as far as completion can look it up.

use crate::command::Command;

/// A kind of name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Noun {
    Application,
    /// Of the builtin cloud on this host.
    Base,
    Cloud,
    Controller,
    /// Of the cloud named before it, on this client.
    Credential,
    /// A path: left to the shell.
    File,
    /// A machine that is no container.
    Host,
    Machine,
    /// Of the controller that is meant; with `CONTROLLER:` before it of that one.
    Model,
    Operation,
    /// A storage pool.
    Pool,
    Space,
    Storage,
    /// Its CIDR.
    Subnet,
    Task,
    /// A task that can still be cancelled.
    LiveTask,
    Unit,
    User,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// Constraints of machines.
pub const CONSTRAINTS: &[&str] = &["arch=", "cores=", "mem=", "root-disk=", "tags=", "zones="];
/// Of storage.
pub const PROVIDERS: &[&str] = &["rootfs", "tmpfs", "loop"];
const LEVELS: &[&str] = &["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"];
const STATUSES: &[&str] = &["pending", "running", "completed", "failed", "cancelled", "aborting", "aborted", "error"];
const ENTITIES: &[&str] = &[
    "application",
    "container",
    "juju-container",
    "juju-machine",
    "juju-unit",
    "machine",
    "model",
    "unit",
    "workload",
];

/// What a flag's value names: by the flag's name, since a flag means the same wherever it is. `names`: all of them.
pub fn of_flag(command: Option<&Command>, names: &[&str]) -> &'static [Noun] {
    let is = |name: &str| names.contains(&name);
    let command = command.map_or("", |command| command.name);
    if is("model") {
        return &[Noun::Model];
    }
    if is("controller") {
        return &[Noun::Controller];
    }
    if is("machine") || is("machines") {
        return &[Noun::Machine];
    }
    if is("unit") || is("units") {
        return &[Noun::Unit];
    }
    if is("application") || is("applications") {
        return &[Noun::Application];
    }
    if is("status") {
        return &[Noun::Word(STATUSES)];
    }
    if is("level") {
        return &[Noun::Word(LEVELS)];
    }
    if is("constraints") || is("bootstrap-constraints") {
        return &[Noun::Word(CONSTRAINTS)];
    }
    if is("base") || is("bootstrap-base") {
        return &[Noun::Base];
    }
    if is("user") || is("owner") {
        return &[Noun::User];
    }
    if is("space") {
        return &[Noun::Space];
    }
    if is("provider") {
        return &[Noun::Word(PROVIDERS)];
    }
    if is("credential") {
        return &[Noun::Credential];
    }
    if is("regions") || is("cloud") {
        return &[Noun::Cloud];
    }
    if is("type") && command == "show-status-log" {
        return &[Noun::Word(ENTITIES)];
    }
    let paths = ["output", "out", "log-file", "file", "config", "model-default", "private-key", "public-key"];
    if paths.iter().any(|path| is(path)) {
        return &[Noun::File];
    }
    &[]
}

/// Flags that take several names with commas between them.
pub fn is_list(names: &[&str]) -> bool {
    ["application", "applications", "machine", "machines", "unit", "units", "status"]
        .iter()
        .any(|name| names.contains(name))
}
