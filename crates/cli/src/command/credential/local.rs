//! The credentials of this client and of files: found, checked, made ready for a controller.
//! The surprise: an attribute may be the path of a file, which is read when the credential is added or used.

use client::files::{Attributes, CloudCredentials, Credentials, parse};
use serde_json::{Map, Value, json};

use crate::context::{Context, reason};
use crate::error::{Error, Result};
use base::cloud_type::{CloudType, is_auth_type};

/// All credentials of a file.
pub fn of_file(context: &mut Context, typed: &str) -> Result<Credentials> {
    let failed = |why: String| Error::failed(format!("reading credentials file: {why}"));
    let text = match typed {
        "-" => context.io.read_all()?,
        path => std::fs::read_to_string(context.io.path(path))
            .map_err(|e| failed(format!("open {typed}: {}", reason(&e))))?,
    };
    parse::<Credentials>(&text).map_err(|why| failed(format!("cannot parse {typed}: {why}")))
}

/// What this client has for a cloud.
pub fn of_client(context: &Context, cloud: &str) -> Result<CloudCredentials> {
    let found = context.store.credentials()?.credentials.shift_remove(cloud).filter(|one| !one.named.is_empty());
    found.ok_or_else(|| Error::failed(format!("loading credentials: credentials for cloud {cloud} not found")))
}

/// The one that is meant: by name, else the default one, else the only one.
pub fn default_of(context: &Context, cloud: &str, wanted: Option<&str>) -> Result<(String, Attributes)> {
    let all = of_client(context, cloud)?;
    let name = match wanted.map(str::to_owned).or(all.default_credential.clone()) {
        Some(name) => name,
        None => match all.named.keys().collect::<Vec<_>>().as_slice() {
            [only] => (*only).clone(),
            _ => {
                return Err(Error::failed(
                    "more than one credential is available\nspecify a credential using the --credential argument",
                ));
            }
        },
    };
    let found = all.named.get(&name).cloned();
    found.map(|one| (name.clone(), one)).ok_or_else(|| {
        Error::failed(format!("credential {name:?} for cloud {cloud:?} not found\nSee `juju add-credential {cloud} --help` for instructions"))
    })
}

pub fn is_name(name: &str) -> bool {
    base::tag::is_credential_name(name)
}

/// Refuses a credential that no cloud of these authentication types would take.
pub fn check(name: &str, one: &Attributes, cloud: &str, kind: &str, auth_types: &[String]) -> Result<()> {
    if !is_name(name) {
        return Err(Error::failed(format!("{name:?} is not a valid credential name")));
    }
    let auth = one.auth_type();
    let valid = match auth_types {
        [] => is_auth_type(kind, auth),
        some => some.iter().any(|known| known == auth),
    };
    if !valid {
        let known: Vec<&str> = match (auth_types, CloudType::of(kind)) {
            ([], Some(of)) => of.auth_types.iter().map(|one| one.name).collect(),
            (some, _) => some.iter().map(String::as_str).collect(),
        };
        return Err(Error::failed(format!(
            "credential {name:?} contains invalid auth type {auth:?}, valid auth types for cloud {cloud:?} are [{}]",
            known.join(" ")
        )));
    }
    let wanted = CloudType::of(kind).and_then(|of| of.auth_type(auth)).map_or(&[][..], |of| of.attributes);
    let has = |attribute: &str| one.values().any(|(key, value)| key == attribute && !value.is_empty());
    match wanted.iter().find(|attribute| !attribute.optional && !has(attribute.name)) {
        Some(missing) => {
            Err(Error::failed(format!("credential {name:?} of auth type {auth:?} has no {:?}", missing.name)))
        }
        None => Ok(()),
    }
}

/// Reads the files that attributes name.
pub fn expanded(context: &Context, kind: &str, one: &Attributes) -> Result<Attributes> {
    let wanted = CloudType::of(kind).and_then(|of| of.auth_type(one.auth_type())).map_or(&[][..], |of| of.attributes);
    let mut all = one.clone();
    for attribute in wanted.iter().filter(|attribute| attribute.file) {
        let Some(Value::String(text)) = all.0.get_mut(attribute.name) else { continue };
        *text = of_path(context, attribute.name, text)?;
    }
    Ok(all)
}

/// PEM as it is, or what is in the file of that path.
pub fn of_path(context: &Context, attribute: &str, text: &str) -> Result<String> {
    if text.trim_start().starts_with("-----BEGIN") {
        return Ok(text.to_owned());
    }
    let read = std::fs::read_to_string(context.io.path(text.trim()));
    let read = read.map_err(|e| Error::failed(format!("invalid {attribute}: open {text}: {}", reason(&e))))?;
    match read.trim_start().starts_with("-----BEGIN") {
        true => Ok(read),
        false => Err(Error::failed(format!("invalid {attribute}: {text} is no PEM file"))),
    }
}

pub fn tag(cloud: &str, user: &str, name: &str) -> String {
    base::Tag::Credential { cloud: cloud.to_owned(), owner: user.to_owned(), name: name.to_owned() }.to_string()
}

/// As the `Cloud` facade wants it.
pub fn tagged(context: &Context, kind: &str, cloud: &str, user: &str, name: &str, one: &Attributes) -> Result<Value> {
    let all = expanded(context, kind, one)?;
    let values: Map<String, Value> = all.values().map(|(key, value)| (key.to_owned(), json!(value))).collect();
    let tag = tag(cloud, user, name);
    Ok(json!({"tag": tag, "credential": {"auth-type": all.auth_type(), "attrs": values}}))
}
