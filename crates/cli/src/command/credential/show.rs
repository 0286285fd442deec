//! `show-credential`: credentials in full, with the models that use them, as a controller and this client know them.

use client::files::Attributes;
use serde_json::{Value, json};
use wire::yaml::{Node, natural_cmp};

use super::list;
use crate::command::Command;
use crate::command::cloud::{list as clouds, whose};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output::fields::Fields;

pub const COMMAND: Command = Command {
    name: "show-credential",
    aliases: &["show-credentials"],
    args: "[<cloud name> <credential name>]",
    arguments: &[&[Noun::Cloud], &[Noun::Credential]],
    purpose: "Shows credential information stored either on this client or on a controller.",
    doc: "Shows what a credential is made of, whether it holds, and which models use it; all credentials, unless one is named. What is secret is \
          shown with '--show-secrets'.",
    examples: "\n    juju show-credential\n    juju show-credential aws mine --controller mycontroller --show-secrets",
    see_also: &["credentials", "add-credential", "update-credential", "remove-credential"],
    flags: &[
        whose::FLAGS[0],
        whose::FLAGS[1],
        whose::FLAGS[2],
        Flag::bool(&["show-secrets"], "Display credential secret attributes"),
    ],
    formats: &["yaml"],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

/// (cloud, name, what is shown)
type Shown = Vec<(String, String, Node)>;

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(2)?;
    let wanted = match (context.args.get(0), context.args.get(1)) {
        (Some(cloud), Some(name)) => Some((cloud.to_owned(), name.to_owned())),
        (None, _) => None,
        (Some(_), None) => return Err(Error::usage("both cloud and credential name are needed")),
    };
    let secrets = context.args.is_set("show-secrets");
    let (controller, client) = clouds::sources(context)?;
    let mut fields = Fields::new();
    if let Some(controller) = &controller {
        let api = context.controller_api_of(controller).await?;
        let mut params = json!({"include-secrets": secrets});
        if let Some((cloud, name)) = &wanted {
            params["credentials"] = json!([{"cloud-name": cloud, "credential-name": name}]);
        }
        let mut shown = Shown::new();
        for result in api.call_each("Cloud", "CredentialContents", params).await? {
            match result {
                Ok(result) => shown.push(remote(&result)),
                Err(error) => context.log_error(error.to_string()),
            }
        }
        fields = fields.filled("controller-credentials", nested(shown));
    }
    if client {
        let all = list::of_client(context, wanted.as_ref().map(|(cloud, _)| cloud.as_str()), secrets)?;
        let named = all.into_iter().flat_map(|(cloud, of_cloud)| {
            of_cloud.named.into_iter().map(move |(name, one)| (cloud.clone(), name, one))
        });
        let named = named.filter(|(_, name, _)| wanted.as_ref().is_none_or(|(_, wanted)| wanted == name));
        let shown = named.map(|(cloud, name, one)| {
            let content = attributes(Fields::new().text("auth-type", one.auth_type()), &one).done();
            (cloud, name, Fields::new().node("content", content).done())
        });
        fields = fields.filled("client-credentials", nested(shown.collect()));
    }
    if fields.is_empty() {
        context.info("No credentials from this client or from a controller to display.");
        return Ok(());
    }
    context.result_node(&fields.done())
}

fn attributes(fields: Fields, one: &Attributes) -> Fields {
    let mut values: Vec<(&str, String)> = one.values().collect();
    values.sort_by(|(a, _), (b, _)| natural_cmp(a, b));
    values.into_iter().fold(fields, |fields, (key, value)| fields.node(key, Node::str(value)))
}

fn remote(result: &Value) -> (String, String, Node) {
    let content = result.get("content").unwrap_or(&Value::Null);
    let (cloud, name, one) = list::read(content);
    let valid = content.get("valid").and_then(Value::as_bool).unwrap_or(false);
    let first = Fields::new().text("auth-type", one.auth_type());
    let first = first.text("validity-check", if valid { "valid" } else { "invalid" });
    let mut shown = Fields::new().node("content", attributes(first, &one).done());
    let models = result.get("models").and_then(Value::as_array).into_iter().flatten();
    let mut models: Vec<(String, Node)> = models
        .map(|model| {
            let text = |key: &str| model.get(key).and_then(Value::as_str).unwrap_or("");
            let access = Some(text("access")).filter(|access| !access.is_empty()).unwrap_or("no access");
            (text("model").to_owned(), Node::str(access))
        })
        .collect();
    models.sort_by(|(a, _), (b, _)| natural_cmp(a, b));
    shown = shown.filled("models", Node::Map(models));
    (cloud, name, shown.done())
}

fn nested(mut shown: Shown) -> Node {
    shown.sort_by(|a, b| natural_cmp(&a.0, &b.0).then_with(|| natural_cmp(&a.1, &b.1)));
    let mut clouds: Vec<(String, Vec<(String, Node)>)> = Vec::new();
    for (cloud, name, node) in shown {
        match clouds.last_mut() {
            Some((last, entries)) if *last == cloud => entries.push((name, node)),
            _ => clouds.push((cloud, vec![(name, node)])),
        }
    }
    Node::Map(clouds.into_iter().map(|(cloud, entries)| (cloud, Node::Map(entries))).collect())
}
