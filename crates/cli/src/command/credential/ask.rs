//! A credential by questions, on stdout: name, region, authentication type, attributes.
//! The surprise: what is typed for a secret attribute is not shown on a terminal.

use client::files::{Attributes, Cloud};
use indexmap::IndexMap;
use serde_json::json;

use super::local;
use crate::command::cloud::whose;
use crate::context::Context;
use crate::error::{Error, Result};
use base::cloud_type::{Attribute, CloudType};

pub struct Answers {
    pub name: String,
    pub region: Option<String>,
    pub attributes: Attributes,
}

/// `region`: named already.
pub fn credential(context: &mut Context, cloud_name: &str, cloud: &Cloud, region: Option<&str>) -> Result<Answers> {
    let known = CloudType::of(&cloud.cloud_type);
    let auth_types: Vec<String> = match (cloud.auth_types.as_slice(), known) {
        ([], Some(of)) => of.auth_types.iter().map(|one| one.name.to_owned()).collect(),
        (some, _) => some.to_vec(),
    };
    if auth_types.iter().all(|one| one == "empty") {
        return Err(Error::failed(format!("cloud {cloud_name:?} does not require credentials")));
    }
    let name = loop {
        let answer = line(context, "Enter credential name: ")?;
        if local::is_name(&answer) {
            break answer;
        }
        context.out(format!("Invalid credential name: {answer:?}\n\n"))?;
    };
    let names: Vec<String> = cloud.regions.keys().cloned().collect();
    let region = match region {
        Some(region) => Some(region.to_owned()),
        None if names.is_empty() => None,
        None => {
            let question = "Select region [any region, credential is not region specific]: ";
            let answer = pick(context, "Regions", &names, question, "region")?;
            Some(answer).filter(|name| !name.is_empty())
        }
    };
    let auth = match auth_types.as_slice() {
        [only] => {
            context.out(format!("Using auth-type {only:?}.\n\n"))?;
            only.clone()
        }
        several => {
            let first = several.first().cloned().unwrap_or_default();
            let answer = pick(context, "Auth Types", several, &format!("Select auth type [{first}]: "), "auth type")?;
            if answer.is_empty() { first } else { answer }
        }
    };
    let schema = known.and_then(|of| of.auth_type(&auth)).ok_or_else(|| {
        Error::failed(format!(
            "credentials of auth type {auth:?} for clouds of type {:?} cannot be asked for: use a file",
            cloud.cloud_type
        ))
    })?;
    let mut all = IndexMap::from([("auth-type".to_owned(), json!(auth))]);
    for attribute in schema.attributes {
        if let Some(value) = value(context, attribute)? {
            all.insert(attribute.name.to_owned(), json!(value));
        }
    }
    Ok(Answers { name, region, attributes: Attributes(all) })
}

/// The end of the line is the user's; on stdout it is ours, wherever the input comes from.
fn line(context: &mut Context, question: &str) -> Result<String> {
    let answer = whose::ask(context, question)?;
    context.out("\n")?;
    Ok(answer)
}

fn pick(context: &mut Context, title: &str, names: &[String], question: &str, what: &str) -> Result<String> {
    let list: String = names.iter().map(|name| format!("  {name}\n")).collect();
    context.out(format!("{title}\n{list}\n"))?;
    loop {
        let answer = line(context, question)?;
        if answer.is_empty() || names.contains(&answer) {
            return Ok(answer);
        }
        context.out(format!("Invalid {what}: {answer:?}\n\n"))?;
    }
}

fn value(context: &mut Context, attribute: &Attribute) -> Result<Option<String>> {
    let optional = if attribute.optional { " (optional)" } else { "" };
    let question = format!("Enter {}{optional}: ", attribute.name);
    loop {
        let hidden = attribute.hidden && !attribute.file && context.io.stdin_is_terminal;
        let answer = if hidden { unseen(context, &question)? } else { line(context, &question)? };
        if hidden {
            context.out("\n")?;
        }
        match answer.is_empty() {
            true if attribute.optional => return Ok(None),
            true => {}
            false if attribute.file => match local::of_path(context, attribute.name, &answer) {
                Ok(text) => return Ok(Some(text)),
                Err(error) => context.out(format!("{error}\n\n"))?,
            },
            false => return Ok(Some(answer)),
        }
    }
}

/// The terminal shows nothing of the answer meanwhile.
fn unseen(context: &mut Context, question: &str) -> Result<String> {
    let _quiet = host::terminal::Unseen::start();
    line(context, question)
}
