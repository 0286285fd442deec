//! `credentials`: those of a controller and of this client, without what is secret unless it is asked for.

use client::files::{Attributes, CloudCredentials};
use indexmap::IndexMap;
use serde_json::{Value, json};
use wire::yaml::{Node, natural_cmp};

use crate::command::Command;
use crate::command::cloud::{known, list, whose};
use crate::completion::Noun;
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output::fields::Fields;
use crate::output::table::Table;
use base::cloud_type::is_hidden;

pub const COMMAND: Command = Command {
    name: "credentials",
    aliases: &["list-credentials"],
    args: "[<cloud name>]",
    arguments: &[&[Noun::Cloud]],
    purpose: "Lists Juju credentials for a cloud.",
    doc: "The credentials that a controller has of the user who is logged in there, and those of this client; of one cloud, if one is named. The \
          default one of a cloud bears a '*'.\n\n\
          '--show-secrets' shows what is secret of them, in yaml and json.",
    examples: "\n    juju credentials\n    juju credentials aws --client --format yaml --show-secrets",
    see_also: &["add-credential", "show-credential", "update-credential", "remove-credential", "default-credential"],
    flags: &[
        whose::FLAGS[0],
        whose::FLAGS[1],
        whose::FLAGS[2],
        Flag::bool(&["show-secrets"], "Show secrets, applicable to yaml or json formats only"),
    ],
    formats: &["tabular", "json", "yaml"],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

type ByCloud = IndexMap<String, CloudCredentials>;

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(1)?;
    let cloud = context.args.get(0).map(str::to_owned);
    let mut secrets = context.args.is_set("show-secrets");
    let tabular = context.format() == "tabular";
    if secrets && tabular {
        context.info("secrets are not shown in tabular format");
        secrets = false;
    }
    let (controller, client) = list::sources(context)?;
    let mut remote = None;
    if let Some(controller) = &controller {
        let api = context.controller_api_of(controller).await?;
        let all = of_controller(context, &api, secrets).await?;
        remote = Some(filtered(all, cloud.as_deref()));
    }
    let local = match client {
        true => Some(of_client(context, cloud.as_deref(), secrets)?),
        false => None,
    };
    if tabular {
        return tables(context, remote.as_ref(), local.as_ref());
    }
    let json = context.format() == "json";
    let mut fields = Fields::new();
    for (key, all) in [("controller-credentials", &remote), ("client-credentials", &local)] {
        if let Some(all) = all.as_ref().filter(|all| !all.is_empty()) {
            fields = fields.node(key, node(all, json));
        }
    }
    context.result_node(&fields.done())
}

fn sorted(mut all: ByCloud) -> ByCloud {
    all.sort_by(|a, _, b, _| natural_cmp(a, b));
    all.values_mut().for_each(|one| one.named.sort_by(|a, _, b, _| natural_cmp(a, b)));
    all
}

fn filtered(mut all: ByCloud, cloud: Option<&str>) -> ByCloud {
    all.retain(|name, _| cloud.is_none_or(|cloud| cloud == name));
    sorted(all)
}

async fn of_controller(context: &mut Context, api: &Api, secrets: bool) -> Result<ByCloud> {
    let mut all = ByCloud::new();
    for result in api.call_each("Cloud", "CredentialContents", json!({"include-secrets": secrets})).await? {
        let content = match result {
            Ok(result) => result.get("content").cloned().unwrap_or(Value::Null),
            Err(error) => {
                context.log_error(error.to_string());
                continue;
            }
        };
        let (cloud, name, one) = read(&content);
        all.entry(cloud).or_default().named.insert(name, one);
    }
    Ok(all)
}

/// Cloud, name and attributes of what a controller tells of a credential.
pub fn read(content: &Value) -> (String, String, Attributes) {
    let text = |key: &str| content.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut attributes = IndexMap::from([("auth-type".to_owned(), Value::from(text("auth-type")))]);
    let others = content.get("attrs").and_then(Value::as_object).cloned().unwrap_or_default();
    attributes.extend(others);
    (text("cloud"), text("name"), Attributes(attributes))
}

/// What this client has, without what is secret unless `secrets`.
pub fn of_client(context: &mut Context, cloud: Option<&str>, secrets: bool) -> Result<ByCloud> {
    let known = known::of_client(context)?;
    let mut all = filtered(context.store.credentials()?.credentials, cloud);
    if secrets {
        return Ok(all);
    }
    let kind = |name: &str| known.iter().find(|known| known.name == name).map(|known| known.cloud.cloud_type.as_str());
    // Of a cloud that nobody knows it is not known what is secret.
    let gone: Vec<String> = all.keys().filter(|name| kind(name).is_none()).cloned().collect();
    for name in &gone {
        all.shift_remove(name);
    }
    for (name, of_cloud) in &mut all {
        let kind = kind(name).unwrap_or("");
        for one in of_cloud.named.values_mut() {
            let auth = one.auth_type().to_owned();
            one.0.retain(|attribute, _| attribute == "auth-type" || !is_hidden(kind, &auth, attribute));
        }
    }
    if !gone.is_empty() {
        context.info(format!(
            "The following clouds have been removed and are omitted from the results to avoid leaking secrets.\n\
             Run with --show-secrets to display these clouds' credentials: {}\n",
            gone.join(", ")
        ));
    }
    Ok(all)
}

fn node(all: &ByCloud, json: bool) -> Node {
    let of_one = |one: &Attributes| {
        let mut values: Vec<(String, Node)> =
            one.values().map(|(key, value)| (key.to_owned(), Node::str(value))).collect();
        values.sort_by(|(a, _), (b, _)| natural_cmp(a, b));
        let fields = Fields::new().text("auth-type", one.auth_type());
        match json {
            true => fields.filled("details", Node::Map(values)).done(),
            false => values.into_iter().fold(fields, |fields, (key, value)| fields.node(&key, value)).done(),
        }
    };
    let entries = all.iter().map(|(cloud, of_cloud)| {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let fields = Fields::new()
            .some("default-credential", &text(&of_cloud.default_credential))
            .some("default-region", &text(&of_cloud.default_region));
        let named = of_cloud.named.iter().map(|(name, one)| (name.clone(), of_one(one)));
        let whole = match json {
            true => fields.filled("cloud-credentials", Node::Map(named.collect())),
            false => named.fold(fields, |fields, (name, one)| fields.node(&name, one)),
        };
        (cloud.clone(), whole.done())
    });
    Node::Map(entries.collect())
}

fn tables(context: &mut Context, remote: Option<&ByCloud>, local: Option<&ByCloud>) -> Result<()> {
    let mut text = Vec::new();
    for (title, all) in [("Controller Credentials", remote), ("Client Credentials", local)] {
        let Some(all) = all else { continue };
        if all.values().all(|of_cloud| of_cloud.named.is_empty()) {
            let place = if title == "Client Credentials" { "from this client" } else { "from any controller" };
            text.extend(format!("No credentials {place} to display.\n").bytes());
            continue;
        }
        let mut table = Table::new();
        table.row(&["Cloud", "Credentials"]);
        for (cloud, of_cloud) in all.iter().filter(|(_, of_cloud)| !of_cloud.named.is_empty()) {
            let mark = |name: &String| match of_cloud.default_credential.as_ref() == Some(name) {
                true => format!("{name}*"),
                false => name.clone(),
            };
            let names: Vec<String> = of_cloud.named.keys().map(mark).collect();
            table.row(&[cloud.clone(), names.join(", ")]);
        }
        text.extend(format!("\n{title}:\n").bytes());
        text.extend(table.finish());
    }
    match text.is_empty() {
        true => Err(Error::silent(1)),
        false => context.result_bytes(&text),
    }
}
