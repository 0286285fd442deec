//! Commands on the nouns `space` and `subnet`: which networks the machines of a model are in.

use base::tag::is_space_name;
use ipnet::IpNet;
use serde_json::Value;
use wire::yaml::Node;

use super::Command;
use crate::error::{Error, Result};
use crate::output::fields::Fields;

mod add;
mod list;
mod move_to;
mod reload;
mod remove;
mod rename;
mod show;
mod subnets;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[
    &add::COMMAND,
    &list::COMMAND,
    &move_to::COMMAND,
    &reload::COMMAND,
    &remove::COMMAND,
    &rename::COMMAND,
    &show::COMMAND,
    &subnets::COMMAND,
];

/// What is wrong with the arguments, in the words of the original.
fn wrong(words: impl std::fmt::Display) -> Error {
    Error::usage(format!("invalid arguments specified: {words}"))
}

/// A space's name as it was typed; `what`: how the argument is called.
fn named(typed: Option<&str>, what: &str) -> Result<String> {
    match typed {
        None | Some("") => Err(wrong(format!("{what} is required"))),
        Some(name) if is_space_name(name) => Ok(name.to_owned()),
        Some(name) => Err(wrong(format!("{name:?} is not a valid space name"))),
    }
}

/// Subnets as they were typed, without host bits.
fn cidrs(typed: &[String]) -> Result<Vec<String>> {
    let mut cidrs: Vec<String> = Vec::new();
    for text in typed {
        let cidr: IpNet = text.parse().map_err(|_| wrong(format!("{text:?} is not a valid CIDR")))?;
        let cidr = cidr.trunc().to_string();
        if cidrs.contains(&cidr) {
            return Err(wrong(format!("duplicate subnet {cidr:?} specified")));
        }
        cidrs.push(cidr);
    }
    Ok(cidrs)
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

/// The items of a list, nothing when it is absent.
fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// `ipv4`, `ipv6`.
fn kind(cidr: &str) -> &'static str {
    match cidr.parse::<IpNet>() {
        Ok(IpNet::V4(_)) => "ipv4",
        Ok(IpNet::V6(_)) => "ipv6",
        Err(_) => "",
    }
}

fn status(subnet: &Value) -> &'static str {
    match text(subnet, "life") {
        "alive" => "in-use",
        "dying" | "dead" => "terminating",
        _ => "",
    }
}

/// A list that is not there is an empty one in yaml, and `null` in json.
fn zones(subnet: &Value, json: bool) -> Node {
    match subnet.get("zones").filter(|zones| zones.is_array()) {
        Some(zones) => Node::from(zones),
        None if json => Node::Null,
        None => Node::Seq(Vec::new()),
    }
}

/// What lists of spaces and of subnets say of one, up to where they differ.
fn subnet_fields(subnet: &Value) -> Fields {
    Fields::new().some("type", kind(text(subnet, "cidr"))).some("provider-id", text(subnet, "provider-id"))
}

/// The name in `space-alpha`.
fn space_of(subnet: &Value) -> &str {
    text(subnet, "space-tag").trim_start_matches("space-")
}
