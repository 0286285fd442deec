//! `doctor`: what is wrong here, and what to do about it: this host, the controllers on it, the controllers that the
//! client store knows.
//!
//! The surprise: it goes on whatever fails, since what fails is what it is asked about; only errors make its exit 1.

use std::time::Duration;

use client::files::Controllers;
use serde_json::{Value, json};
use wire::facade::client::FullStatus;
use wire::yaml::Node;

use crate::command::Command;
use crate::command::controller::refresh::{self, ModelView};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::operating::{Finding, Level};
use crate::output::colour::{Ink, Paint};
use crate::output::fields::Fields;
use crate::output::table::Table;
use crate::select::{self, ModelRef};

pub const COMMAND: Command = Command {
    name: "doctor",
    purpose: "Say what is wrong with this host and its controllers, and what to do about it.",
    doc: "Looks at this host (limits, control groups, forwarding, disk, clock), at the controllers on\n\
          it (process, database, certificates, leftovers), and asks the controllers that the client\n\
          store knows (agents, work that failed). Nothing is changed.\n\n\
          Each finding has a level (ok, warning, error), and a cure where there is something to do.\n\
          Exit code 1 means that there are errors. Without root it looks at what it may, and says\n\
          what it could not see.",
    examples: "\n    sudo grigri doctor\n    grigri doctor -c prod --format json",
    see_also: &["status", "controllers", "debug-log"],
    flags: &[Flag::text(&["c", "controller"], "Ask only this controller of the client store")],
    formats: &["tabular", "json", "yaml"],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

/// A controller that does not answer within this is one finding.
const PATIENCE: Duration = Duration::from_secs(3);
/// Seconds between two clocks that nobody minds, and that certificates do not stand.
const SKEW: u64 = 5;
const SKEW_TOO_MUCH: u64 = 240;
/// Names in a finding.
const NAMED: usize = 10;

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let only = context.args.text("c").map(str::to_owned);
    let findings = look(context, only.as_deref()).await?;
    print(context, &findings)?;
    match findings.iter().any(|finding| finding.level == Level::Error) {
        true => Err(Error::silent(1)),
        false => Ok(()),
    }
}

/// All there is to be said, of one controller of the client store or of all of them.
pub(super) async fn look(context: &mut Context, only: Option<&str>) -> Result<Vec<Finding>> {
    let injected = context.injected.clone();
    let mut findings = match &injected.operator {
        Some(operator) => operator.examine().await,
        None => host::health::judge(&host::health::read("/".as_ref(), "/".as_ref(), false)),
    };
    let known = context.store.controllers()?;
    let names: Vec<String> = match only {
        Some(name) if known.controllers.contains_key(name) => vec![name.to_owned()],
        Some(name) => return Err(select::controller_not_found(name)),
        None => known.controllers.keys().cloned().collect(),
    };
    for name in names {
        findings.extend(ask(context, &name, &known).await);
    }
    Ok(findings)
}

/// Asks one controller.
async fn ask(context: &mut Context, name: &str, known: &Controllers) -> Vec<Finding> {
    let of = format!("controller {name}");
    let api = match context.controller_api_within(name, PATIENCE).await {
        Ok(api) => api,
        Err(error) => {
            let at = known.controllers.get(name).map(|entry| entry.api_endpoints.join(", ")).unwrap_or_default();
            let cure = format!(
                "is it running, and does anything between here and {at} stop it? its host says more: grigri doctor there"
            );
            return vec![Finding::error(&of, "API", error.to_string(), cure)];
        }
    };
    let version = api.connection.login_result().server_version.clone();
    let mut findings =
        vec![Finding::ok(&of, "API", format!("answers at {}, version {version}", api.connection.address()))];
    let views = match refresh::all_models(&api).await {
        Ok(models) => refresh::statuses(&api, "Controller", &models).await,
        Err(error) => Err(error),
    };
    match views {
        Ok(views) => {
            findings.extend(judge(&of, &views));
            if let Some(own) = views.iter().find(|view| view.is_controller) {
                findings.push(clock(context, &of, name, own).await);
            }
        }
        Err(error) => {
            let cure = "ask as a superuser of the controller";
            findings.push(Finding::unseen(&of, "agents", &error.to_string(), cure));
        }
    }
    findings
}

async fn clock(context: &mut Context, of: &str, name: &str, own: &ModelView) -> Finding {
    let place = ModelRef { controller: name.to_owned(), model: own.name.clone() };
    let asked = async {
        let api = context.model_api_of(&place).await?;
        api.call::<FullStatus>("Client", "FullStatus", json!({"patterns": Value::Null})).await
    };
    match asked.await {
        Ok(status) => {
            let here = (context.io.now)().as_second();
            skew(of, here.abs_diff(status.controller_timestamp.unix()))
        }
        Err(error) => Finding::unseen(of, "clock", &error.to_string(), ""),
    }
}

fn skew(of: &str, seconds: u64) -> Finding {
    let what = "clock against ours";
    let cure = "set both by NTP: certificates and the order of logs need clocks that are right";
    match seconds {
        _ if seconds <= SKEW => Finding::ok(of, what, format!("{seconds} s apart")),
        _ if seconds < SKEW_TOO_MUCH => Finding::warning(of, what, format!("{seconds} s apart"), cure),
        _ => Finding::error(of, what, format!("{seconds} s apart"), cure),
    }
}

/// What is to be said of all models of a controller. Pure.
fn judge(of: &str, models: &[ModelView]) -> Vec<Finding> {
    let (mut connected, mut starting) = (0, 0);
    let (mut missing, mut failed) = (Vec::new(), Vec::new());
    for view in models {
        for machine in &view.machines {
            let text = |key: &str| machine.get(key).and_then(Value::as_str).unwrap_or_default();
            let place = format!("{}:{}", view.name, text("id"));
            // The controller's own machine has no agent.
            if machine.get("has-vote") == Some(&Value::Bool(true)) {
                continue;
            }
            match text("status") {
                "error" => failed.push((place, text("message").to_owned())),
                "down" | "lost" => missing.push(place),
                "pending" => starting += 1,
                _ => connected += 1,
            }
        }
    }
    let mut value = format!("{connected} connected");
    if starting > 0 {
        value.push_str(&format!(", {starting} starting"));
    }
    let agents = match missing.is_empty() {
        true => Finding::ok(of, "agents", value),
        false => Finding::warning(
            of,
            "agents",
            format!("{value}, {} not: {}", missing.len(), listed(&missing)),
            "look at each with show-machine; one that is gone for good goes with remove-machine --force",
        ),
    };
    let work = match failed.first() {
        None => Finding::ok(of, "work", "nothing failed"),
        Some((place, why)) => {
            let places: Vec<String> = failed.iter().map(|(place, _)| place.clone()).collect();
            let (model, id) = place.rsplit_once(':').unwrap_or(("", place));
            Finding::warning(
                of,
                "work",
                format!("{} failed: {}; the first because: {why}", failed.len(), listed(&places)),
                format!("mend the reason, then: grigri retry-provisioning -m {model} {id}"),
            )
        }
    };
    vec![agents, work]
}

fn listed(names: &[String]) -> String {
    match names.len().checked_sub(NAMED) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..NAMED].join(", ")),
    }
}

fn count(findings: &[Finding], level: Level) -> usize {
    findings.iter().filter(|finding| finding.level == level).count()
}

/// All findings, for programs.
pub(super) fn document(findings: &[Finding]) -> Node {
    Fields::new()
        .node("findings", Node::Seq(findings.iter().map(node).collect()))
        .int("warnings", count(findings, Level::Warning) as i64)
        .int("errors", count(findings, Level::Error) as i64)
        .done()
}

fn print(context: &mut Context, findings: &[Finding]) -> Result<()> {
    if context.format() != "tabular" {
        return context.result_node(&document(findings));
    }
    let paint = Paint(context.colour());
    let mut table = Table::new();
    table.row(&["Of", "What", "Level", "Found"]);
    for finding in findings {
        let ink = match finding.level {
            Level::Ok => Ink::Good,
            Level::Warning => Ink::Warning,
            Level::Error => Ink::Bad,
        };
        table.row(&[
            finding.of.clone(),
            finding.what.clone(),
            paint.ink(ink, finding.level.as_str()),
            finding.value.clone(),
        ]);
    }
    let mut text = table.finish();
    let mut cures = String::new();
    for finding in findings.iter().filter(|finding| !finding.cure.is_empty()) {
        cures.push_str(&format!("{}: {}: {}\n", finding.of, finding.what, finding.cure));
    }
    if !cures.is_empty() {
        text.extend_from_slice(format!("\nWhat to do:\n{cures}").as_bytes());
    }
    let summary = format!("\n{} errors, {} warnings\n", count(findings, Level::Error), count(findings, Level::Warning));
    text.extend_from_slice(summary.as_bytes());
    context.result_bytes(&text)
}

fn node(finding: &Finding) -> Node {
    Fields::new()
        .text("level", finding.level.as_str())
        .text("of", &finding.of)
        .text("what", &finding.what)
        .text("value", &finding.value)
        .some("cure", &finding.cure)
        .done()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(machines: Value, agents: (Level, &str), work: (Level, &str)) {
        let machines = machines.as_array().cloned().unwrap_or_default();
        let view = ModelView { name: "admin/work".into(), machines, ..ModelView::default() };
        let found = judge("controller lab", &[view]);
        let short: Vec<(Level, &str)> = found.iter().map(|f| (f.level, f.value.as_str())).collect();
        assert_eq!(short, [agents, work]);
        assert!(found.iter().all(|f| (f.level == Level::Ok) == f.cure.is_empty()), "{found:?}");
    }

    #[test]
    fn agents_and_failed_work_are_counted_and_named() {
        use Level::{Ok, Warning};
        check(json!([]), (Ok, "0 connected"), (Ok, "nothing failed"));
        check(
            json!([{"id": "0", "status": "started"}, {"id": "1", "status": "pending"}, {"id": "2", "has-vote": true}]),
            (Ok, "1 connected, 1 starting"),
            (Ok, "nothing failed"),
        );
        check(
            json!([{"id": "0", "status": "down"}, {"id": "0/lxd/1", "status": "error", "message": "no room"}]),
            (Warning, "0 connected, 1 not: admin/work:0"),
            (Warning, "1 failed: admin/work:0/lxd/1; the first because: no room"),
        );
    }

    #[test]
    fn clocks_may_differ_a_little() {
        for (seconds, level) in
            [(0, Level::Ok), (5, Level::Ok), (6, Level::Warning), (239, Level::Warning), (240, Level::Error)]
        {
            assert_eq!(skew("c", seconds).level, level, "{seconds}");
        }
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..12).map(|n| n.to_string()).collect();
        assert_eq!(listed(&names[..2]), "0, 1");
        assert!(listed(&names).ends_with("9 and 2 more"), "{}", listed(&names));
    }
}
