//! `why`: what a machine waits for (Grigri's own: the original shows statuses, and leaves the rest to its log).
//!
//! Must not know how the chain comes about: the controller gives it. The surprise: what to do about it is said here, since what
//! can be done depends on the commands there are.

use serde_json::json;
use wire::facade::diagnosis::{Wait, Why};
use wire::yaml::Node;

use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output::fields::Fields;
use crate::output::table::Table;
use crate::status::times::moment;

pub const COMMAND: Command = Command {
    name: "why",
    args: "<machine ID>",
    arguments: &[&[Noun::Machine]],
    purpose: "Say what a machine waits for.",
    doc: "Shows the chain of what a machine waits for, and what that waits for in turn: its cloud, the\n\
          next try of a start that failed, its host, its agent, its tasks, the containers on it, or a\n\
          user. Each link says since when, and, where something is tried again, how often it was tried,\n\
          what the last failure was, and when the next try is. The last link is where to look first.",
    examples: "\n    grigri why 3\n    grigri why 0/lxd/1 --format yaml",
    see_also: &["show-machine", "show-status-log", "retry-provisioning", "doctor"],
    flags: &[Flag::bool(&["utc"], "Display timestamps in the UTC timezone")],
    formats: &["tabular", "json", "yaml"],
    scope: Scope::Model,
    machines_only: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let iso = crate::command::status::iso(context, true)?;
    let Some(typed) = context.args.get(0).map(str::to_owned) else { return Err(Error::usage("no machine specified")) };
    context.args.at_most(1)?;
    let id: base::MachineId = typed.parse().map_err(|_| Error::usage(format!("invalid machine id {typed:?}")))?;
    let api = context.model_api().await?;
    if api.connection.version("Diagnosis") == 0 {
        let words = format!("controller {:?} does not tell what its machines wait for", api.controller);
        return Err(Error::failed(words));
    }
    let entities = json!({"entities": [{"tag": base::Tag::Machine(id).to_string()}]});
    let answer = api.call_one("Diagnosis", "Why", entities).await?;
    let why: Why = wire::lenient::from_value(answer).map_err(|error| Error::failed(error.to_string()))?;
    let zone = context.zone();
    let time = |at: Option<base::clock::Time>| at.and_then(|at| moment(at, &zone, iso)).unwrap_or_default();
    if context.format() != "tabular" {
        let links = why.waits_for.iter().map(|link| node(link, time(link.since), time(link.next_try)));
        let document = Fields::new().text("machine", &typed).node("waits-for", Node::Seq(links.collect()));
        return context.result_node(&document.done());
    }
    if why.waits_for.is_empty() {
        context.info(format!("Machine {typed} waits for nothing."));
        return Ok(());
    }
    let mut table = Table::new();
    table.row(&["Machine", "Since", "Tries", "Next try", "Waits for"]);
    for link in &why.waits_for {
        let tries = if link.attempts == 0 { String::new() } else { link.attempts.to_string() };
        table.row(&[link.machine.clone(), time(link.since), tries, time(link.next_try), sentence(link)]);
    }
    let mut text = table.finish();
    let cures: String =
        why.waits_for.iter().filter_map(|link| Some(format!("machine {}: {}\n", link.machine, cure(link)?))).collect();
    if !cures.is_empty() {
        text.extend_from_slice(format!("\nWhat to do:\n{cures}").as_bytes());
    }
    context.result_bytes(&text)
}

fn sentence(link: &Wait) -> String {
    match link.last_error.is_empty() {
        true => link.message.clone(),
        // It goes on, and this is of the time before.
        false if matches!(link.what.as_str(), "cloud" | "controller") => {
            format!("{}; the last try failed: {}", link.message, link.last_error)
        }
        false => format!("{}: {}", link.message, link.last_error),
    }
}

/// What a user can do about it, where there is anything.
fn cure(link: &Wait) -> Option<String> {
    let id = &link.machine;
    let does = match link.what.as_str() {
        "user" if link.last_error.is_empty() => {
            Some(format!("nothing of ours runs there, so remove it: juju remove-machine {id} --force"))
        }
        // A container cannot be named to that command, as in the original.
        "user" if id.contains('/') => Some("mend the reason, then: juju retry-provisioning --all".to_owned()),
        "user" => Some(format!("mend the reason, then: juju retry-provisioning {id}")),
        "upgrade" => Some(format!(
            "upgrade its system, then: juju upgrade-machine {id} complete; to leave it as it is: juju upgrade-machine {id} cancel"
        )),
        "contact" => {
            Some(format!("look whether it runs; one that is gone for good goes with: juju remove-machine {id} --force"))
        }
        "stop-again" => {
            Some(format!("mend the reason; to forget it whatever its cloud says: juju remove-machine {id} --force"))
        }
        _ => None,
    };
    let reads = link.first_boot_log.then(|| format!("see what it printed: juju show-machine {id} --first-boot-log"));
    match (reads, does) {
        (Some(reads), Some(does)) => Some(format!("{reads}; {does}")),
        (reads, does) => reads.or(does),
    }
}

fn node(link: &Wait, since: String, next_try: String) -> Node {
    Fields::new()
        .text("machine", &link.machine)
        .text("what", &link.what)
        .text("message", &link.message)
        .some("since", &since)
        .count("attempts", link.attempts)
        .some("last-error", &link.last_error)
        .some("next-try", &next_try)
        .when("first-boot-log", link.first_boot_log)
        .some("cure", &cure(link).unwrap_or_default())
        .done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_before_is_no_reason_of_what_goes_on() {
        let check = |what: &str, last_error: &str, expected: &str| {
            let link =
                Wait { what: what.into(), message: "it".into(), last_error: last_error.into(), ..Wait::default() };
            assert_eq!(sentence(&link), expected, "{what}");
        };
        check("cloud", "", "it");
        check("cloud", "no such image", "it; the last try failed: no such image");
        check("controller", "no such image", "it; the last try failed: no such image");
        check("start-again", "busy", "it: busy");
        check("stop-again", "busy", "it: busy");
        check("user", "quota exceeded", "it: quota exceeded");
    }

    #[test]
    fn what_to_do_is_said_where_a_user_can_do_anything() {
        let check = |machine: &str, what: &str, error: &str, expected: Option<&str>| {
            let link = Wait { machine: machine.into(), what: what.into(), last_error: error.into(), ..Wait::default() };
            assert_eq!(cure(&link).as_deref(), expected, "{machine} {what}");
        };
        let forced = "nothing of ours runs there, so remove it: juju remove-machine 3 --force";
        check("3", "user", "", Some(forced));
        check("3", "user", "no", Some("mend the reason, then: juju retry-provisioning 3"));
        check("3/lxd/0", "user", "no", Some("mend the reason, then: juju retry-provisioning --all"));
        check("3", "start-again", "busy", None);
        let forget = "mend the reason; to forget it whatever its cloud says: juju remove-machine 3 --force";
        check("3", "stop-again", "busy", Some(forget));
        check("3", "cloud", "", None);
        let upgrade = "upgrade its system, then: juju upgrade-machine 3 complete; to leave it as it is: juju upgrade-machine 3 cancel";
        check("3", "upgrade", "", Some(upgrade));
        let printed = Wait { machine: "3".into(), what: "agent".into(), first_boot_log: true, ..Wait::default() };
        assert_eq!(cure(&printed).as_deref(), Some("see what it printed: juju show-machine 3 --first-boot-log"));
        let both = "see what it printed: juju show-machine 3 --first-boot-log; mend the reason, then: juju retry-provisioning 3";
        assert_eq!(cure(&Wait { what: "user".into(), last_error: "no".into(), ..printed }).as_deref(), Some(both));
    }
}
