//! `leaks`: what clouds have and the controller has no record of, and the reverse (Grigri's own).
//!
//! Must not know any cloud: the controller compares. The surprise: what `--fix` sets right is what was shown; the controller looks anew, and leaves
//! alone what is no leak by then.

use serde_json::json;
use wire::facade::leaks::{Asked, Audit, Fixed, FixedOne, INSTANCE, Leak, MACHINE};
use wire::yaml::Node;

use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output::fields::Fields;
use crate::output::table::Table;
use crate::status::times::moment;

pub const COMMAND: Command = Command {
    name: "leaks",
    purpose: "Say what is left over in the controller's clouds, and whose instance is missing.",
    doc: "Asks every cloud of the controller, for all of its models, what it has with this controller's mark,\n\
          and compares that with the controller's records. Shown are instances that no machine has, also\n\
          those of models that are gone; what machines of a model shared when the model is gone, or what an\n\
          interrupted removal left; and machines whose instance is not in their cloud. A machine that is\n\
          starting or being removed is no leak, and neither is an instance that was kept.\n\n\
          With --fix the instances and the rest are removed, after a question unless --no-prompt is given,\n\
          and the machines are marked as lost, as would happen by itself a little later; no machine is\n\
          forgotten: that is what 'remove-machine --force' is for. Needs a superuser.",
    examples: "\n    grigri leaks\n    grigri leaks --format yaml\n    grigri leaks --fix --no-prompt",
    see_also: &["doctor", "remove-machine", "why"],
    flags: &[
        Flag::bool(&["fix"], "Set right what is shown"),
        Flag::bool(&["no-prompt"], "Do not ask for confirmation"),
        Flag::bool(&["utc"], "Display timestamps in the UTC timezone"),
    ],
    formats: &["tabular", "json", "yaml"],
    scope: Scope::Controller,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let iso = crate::command::status::iso(context, true)?;
    context.args.at_most(0)?;
    let fixes = context.args.is_set("fix");
    let api = context.controller_api().await?;
    if api.connection.version("Leaks") == 0 {
        return Err(Error::failed(format!("controller {:?} does not look for leaks", api.controller)));
    }
    let audit: Audit = api.call("Leaks", "List", json!({})).await?;
    let zone = context.zone();
    let since = |leak: &Leak| leak.since.and_then(|at| moment(at, &zone, iso)).unwrap_or_default();
    let mut shown: Vec<Shown> =
        audit.leaks.iter().map(|leak| Shown { leak, since: since(leak), outcome: None }).collect();
    let mut failed = 0;
    if fixes && !shown.is_empty() {
        if !context.args.is_set("no-prompt") {
            context.warn("This command will remove what is shown from its cloud, for good");
            context.note("\n");
            context.note_bytes(&table(&shown));
            context.confirm("leaks")?;
        }
        let fixed: Fixed = api.call("Leaks", "Fix", json!({ "leaks": audit.leaks })).await?;
        if fixed.results.len() != shown.len() {
            return Err(Error::failed("the controller did not answer for each leak"));
        }
        failed = fixed.results.iter().filter(|one| one.error.is_some()).count();
        for (one, outcome) in shown.iter_mut().zip(fixed.results) {
            one.outcome = Some(outcome);
        }
    }
    if context.format() != "tabular" {
        context.result_node(&document(&audit.clouds, &shown))?;
    } else if !shown.is_empty() {
        context.result_bytes(&table(&shown))?;
    }
    let silent: Vec<&Asked> = audit.clouds.iter().filter(|cloud| cloud.error.is_some()).collect();
    for cloud in &silent {
        let words = cloud.error.as_ref().map(|error| error.message.as_str()).unwrap_or_default();
        context.log_error(format!("cannot ask cloud {:?}: {words}", cloud.cloud));
    }
    let asked = audit.clouds.len() - silent.len();
    if shown.is_empty() && asked > 0 && context.format() == "tabular" {
        let plural = if asked == 1 { "" } else { "s" };
        context.info(format!("No leaks ({asked} cloud{plural} asked)."));
    }
    match (failed, silent.len()) {
        (0, 0) => Ok(()),
        (0, n) => Err(Error::failed(format!("{n} of {} clouds could not be asked", audit.clouds.len()))),
        (n, _) => Err(Error::failed(format!("{n} of {} leaks are left", shown.len()))),
    }
}

/// One line.
struct Shown<'a> {
    leak: &'a Leak,
    since: String,
    /// What `--fix` did.
    outcome: Option<FixedOne>,
}

fn table(all: &[Shown<'_>]) -> Vec<u8> {
    let mut table = Table::new();
    let is_done = all.iter().any(|one| one.outcome.is_some());
    table.row(&["Cloud", "Kind", "Id", "Model", "Machine", "Since", if is_done { "Outcome" } else { "Fix" }]);
    for one in all {
        let Leak { cloud, kind, id, machine, .. } = one.leak;
        let last = one.outcome.as_ref().map_or_else(|| cure(one.leak), |outcome| outcome_of(one.leak, outcome));
        let cells = [cloud, kind, id, model(one.leak), machine, &one.since, &last];
        table.row(&cells);
    }
    table.finish()
}

/// By its name, or, once it is gone, by its uuid.
fn model(leak: &Leak) -> &String {
    if leak.model.is_empty() { &leak.model_uuid } else { &leak.model }
}

/// What `--fix` would do, and what else can be done.
fn cure(leak: &Leak) -> String {
    match leak.kind.as_str() {
        INSTANCE => "stop and remove it".to_owned(),
        MACHINE => format!("mark it as lost; to forget it: {}", forget(leak)),
        _ => "remove it".to_owned(),
    }
}

fn outcome_of(leak: &Leak, outcome: &FixedOne) -> String {
    match (&outcome.error, leak.kind.as_str()) {
        (Some(error), _) => error.message.clone(),
        (None, _) if outcome.gone => "nothing to do any more".to_owned(),
        (None, MACHINE) => format!("marked as lost; to forget it: {}", forget(leak)),
        (None, _) => "removed".to_owned(),
    }
}

fn forget(leak: &Leak) -> String {
    format!("juju remove-machine -m {} {} --force", leak.model, leak.machine)
}

fn document(clouds: &[Asked], all: &[Shown<'_>]) -> Node {
    let clouds = clouds.iter().map(|one| {
        let error = one.error.as_ref().map(|error| error.message.as_str()).unwrap_or_default();
        Fields::new().text("cloud", &one.cloud).some("error", error).done()
    });
    let leaks = all.iter().map(|one| {
        let fields = Fields::new()
            .text("cloud", &one.leak.cloud)
            .text("kind", &one.leak.kind)
            .text("id", &one.leak.id)
            .some("model", &one.leak.model)
            .some("model-uuid", &one.leak.model_uuid)
            .some("machine", &one.leak.machine)
            .some("since", &one.since);
        match &one.outcome {
            None => fields.text("fix", &cure(one.leak)),
            Some(FixedOne { error: Some(error), .. }) => fields.text("error", &error.message),
            Some(outcome) => fields.text("outcome", &outcome_of(one.leak, outcome)),
        }
        .done()
    });
    Fields::new().node("clouds", Node::Seq(clouds.collect())).node("leaks", Node::Seq(leaks.collect())).done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_says_what_is_done_about_it() {
        let check = |kind: &str, before: &str, after: &str| {
            let leak = Leak { kind: kind.into(), model: "admin/m1".into(), machine: "0".into(), ..Leak::default() };
            assert_eq!((cure(&leak), outcome_of(&leak, &FixedOne::default())), (before.to_owned(), after.to_owned()));
            let gone = FixedOne { gone: true, error: None };
            assert_eq!(outcome_of(&leak, &gone), "nothing to do any more");
        };
        check("instance", "stop and remove it", "removed");
        check("profile", "remove it", "removed");
        let forget = "to forget it: juju remove-machine -m admin/m1 0 --force";
        check("machine", &format!("mark it as lost; {forget}"), &format!("marked as lost; {forget}"));
    }

    #[test]
    fn a_model_that_is_gone_is_shown_by_its_uuid() {
        let gone =
            Leak { kind: "profile".into(), id: "juju-m-a0".into(), model_uuid: "a0a0".into(), ..Leak::default() };
        let failed = FixedOne { error: Some(wire::Error::new("it is in use", "")), gone: false };
        let line = |outcome| {
            let text = table(&[Shown { leak: &gone, since: String::new(), outcome }]);
            String::from_utf8(text).expect("text").lines().nth(1).map(str::to_owned).expect("a line")
        };
        assert_eq!(line(None).split_whitespace().collect::<Vec<_>>(), ["profile", "juju-m-a0", "a0a0", "remove", "it"]);
        assert!(line(Some(failed)).ends_with("it is in use"));
    }
}
