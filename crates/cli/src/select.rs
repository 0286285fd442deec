//! Which controller and which model a command line means: flags, then environment, then what is current.
//!
//! Reads the client store only. The surprise: the *controller* is looked up before a command's own arguments are
//! checked (exit 2), the *model* only when it connects (exit 1), because the original does so and scripts see the codes.

use client::files::{Account, Controllers, Models, Store};

use crate::error::{Error, Result};
use crate::io::Io;

/// A model as somebody named it, with the controller it is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRef {
    pub controller: String,
    /// Empty: the controller's current model.
    pub model: String,
}

/// No controller to work with; names those there are.
pub fn no_controller(all: &Controllers) -> Error {
    if all.controllers.is_empty() {
        return Error::failed(
            "No controllers registered.\n\n\
             Please either create a new controller using \"juju bootstrap\" or connect to\n\
             another controller that you have been given access to using \"juju register\".\n",
        );
    }
    let names: Vec<String> = all.controllers.keys().map(|name| format!("\n  - {name}")).collect();
    Error::failed(format!(
        "No selected controller.\n\nUse \"juju switch\" to select from the following controllers:\n{}",
        names.concat()
    ))
}

pub fn controller_not_found(name: &str) -> Error {
    Error::failed(format!("controller {name} not found"))
}

/// The controller of a command that has `-c`.
pub fn controller(store: &Store, io: &Io, flag: Option<&str>) -> Result<String> {
    let all = store.controllers()?;
    if let Some(name) = flag.filter(|n| !n.is_empty()) {
        return match all.controllers.contains_key(name) {
            true => Ok(name.to_owned()),
            false => Err(controller_not_found(name)),
        };
    }
    current_controller(&all, io).ok_or_else(|| no_controller(&all))
}

/// The selected controller, if it is one that is known.
pub fn current_controller(all: &Controllers, io: &Io) -> Option<String> {
    let named = io
        .var("JUJU_MODEL")
        .and_then(|m| m.split_once(':').map(|(c, _)| c.to_owned()))
        .or_else(|| io.var("JUJU_CONTROLLER").map(str::to_owned))
        .or_else(|| all.current_controller.clone())?;
    all.controllers.contains_key(&named).then_some(named)
}

/// The model of a command that has `-m`, before anything is known about whether it exists. Errors are exit 2.
pub fn model(store: &Store, io: &Io, flag: Option<&str>) -> Result<ModelRef> {
    named_model(store, io, flag.filter(|m| !m.is_empty()).or_else(|| io.var("JUJU_MODEL"))).map_err(|e| e.with_exit(2))
}

fn named_model(store: &Store, io: &Io, typed: Option<&str>) -> Result<ModelRef> {
    let all = store.controllers()?;
    let (controller, model) = match typed.map(|t| t.split_once(':').unwrap_or(("", t))) {
        Some((controller, model)) => (controller, model),
        None => ("", ""),
    };
    let controller = match controller {
        "" => current_controller(&all, io).ok_or_else(|| no_controller(&all))?,
        name if all.controllers.contains_key(name) => name.to_owned(),
        name => return Err(controller_not_found(name)),
    };
    if !model.is_empty() {
        return Ok(ModelRef { controller, model: model.to_owned() });
    }
    let models = store.models()?;
    let entry = models.controllers.get(&controller);
    if let Some(current) = entry.and_then(|e| e.current_model.as_ref()) {
        return Ok(ModelRef { controller, model: current.clone() });
    }
    Err(no_model(&controller, &models, &store.accounts()?.controllers.get(&controller).cloned().unwrap_or_default()))
}

/// No model is selected; names those of the controller, its own model left out.
fn no_model(controller: &str, models: &Models, _account: &Account) -> Error {
    let names: Vec<String> = models
        .controllers
        .get(controller)
        .map(|e| e.models.keys().filter(|n| !n.ends_with("/controller")).cloned().collect())
        .unwrap_or_default();
    if names.is_empty() {
        return Error::failed(format!("current model for controller {controller} not found"));
    }
    let lines: Vec<String> = names.iter().map(|n| format!("\n  - {controller}:{n}")).collect();
    Error::failed(format!(
        "No selected model.\n\nUse \"juju switch\" to select one of the following models:\n{}",
        lines.concat()
    ))
}

/// `owner/model` from what was typed: an owner that lacks is the user, `@local` is left out.
pub fn qualify(typed: &str, user: &str) -> Result<String> {
    let (owner, name) = match typed.split_once('/') {
        Some((owner, name)) => (owner, name),
        None => (user, typed),
    };
    let owner = owner.strip_suffix("@local").unwrap_or(owner);
    if !is_user(owner) {
        return Err(Error::failed(format!("user name {owner:?} not valid")));
    }
    let full = format!("{owner}/{name}");
    if !is_model_name(name) {
        return Err(Error::failed(format!("model name {full:?} not valid")));
    }
    Ok(full)
}

/// The name as shown to `user`: without the owner when that is the user.
pub fn shown(qualified: &str, user: &str) -> String {
    match qualified.split_once('/') {
        Some((owner, name)) if owner == user.strip_suffix("@local").unwrap_or(user) => name.to_owned(),
        _ => qualified.to_owned(),
    }
}

/// Lower-case letters, digits and hyphens, neither first nor last a hyphen.
pub fn is_model_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// A user's name, `name` or `name@domain` (wire/protocol.md 5.2).
pub fn is_user(user: &str) -> bool {
    let (name, domain) = user.split_once('@').map_or((user, None), |(n, d)| (n, Some(d)));
    let word = |text: &str| {
        text.len() >= 2
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.ends_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "+.-_".contains(c))
    };
    word(name) && domain.is_none_or(word)
}

/// Whether a controller may be called so in the client store: other words around it must stay readable.
pub fn is_controller_name(name: &str) -> bool {
    !name.is_empty() && !name.contains([':', '/', ' ']) && !name.chars().any(char::is_control)
}

pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(i, c)| match i {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

/// Six or more hexadecimal digits: may be the beginning of a uuid.
pub fn may_be_uuid_prefix(text: &str) -> bool {
    text.len() >= 6 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_qualified_and_shortened() {
        for (typed, expected) in [
            ("prod", Ok("admin/prod")),
            ("bob@local/shared", Ok("bob/shared")),
            ("bob@ext/x", Ok("bob@ext/x")),
            ("DEV", Err(r#"model name "admin/DEV" not valid"#)),
            ("a/b/c", Err(r#"user name "a" not valid"#)),
            ("x/y", Err(r#"user name "x" not valid"#)),
        ] {
            let got = qualify(typed, "admin").map_err(|e| e.to_string());
            assert_eq!(got.as_deref().map_err(String::as_str), expected, "{typed}");
        }
        assert_eq!(shown("admin/prod", "admin"), "prod");
        assert_eq!(shown("admin/prod", "bob"), "admin/prod");
        assert!(may_be_uuid_prefix("a1b2c3") && !may_be_uuid_prefix("DEV") && !may_be_uuid_prefix("prod"));
        assert!(is_uuid("a1b2c3d4-0000-4000-8000-0000000000ff") && !is_uuid("a1b2c3"));
    }
}
