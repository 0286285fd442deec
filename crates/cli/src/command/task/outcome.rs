//! What came of commands: printed by target, what is missing told, the exit code found.
//!
//! The surprises: what the remote command wrote to stderr comes on stdout too; a return code above zero is exit 1, while a task that
//! failed without one is not (so the original), for which reason it is told.

use wire::facade::action::ActionResult;
use wire::yaml::{Node, natural_cmp};

use super::batch::receiver;
use super::result;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output;

/// The results in the format asked for.
pub(super) fn print(context: &mut Context, results: &[ActionResult]) -> Result<()> {
    if context.format() != "plain" {
        let zone = if context.args.is_set("utc") { jiff::tz::TimeZone::UTC } else { context.zone() };
        let entries = results.iter().map(|r| (result::target(receiver(r)).1, result::object(r, &zone)));
        let node = ordered(context, entries.collect());
        return print_node(context, &node);
    }
    let mut named: Vec<(String, &ActionResult)> = results.iter().map(|r| (result::target(receiver(r)).1, r)).collect();
    named.sort_by(|a, b| natural_cmp(&a.0, &b.0));
    let speaks = |r: &ActionResult| !result::text(r, "stdout").is_empty() || !result::text(r, "stderr").is_empty();
    let headed = named.iter().filter(|(_, r)| speaks(r)).count() > 1;
    let mut text = String::new();
    for (name, result) in &named {
        if headed {
            text += &format!("{name}:\n");
        }
        for key in ["stdout", "stderr"] {
            let output = result::text(result, key);
            text += &output;
            if !output.is_empty() && !output.ends_with('\n') {
                text.push('\n');
            }
        }
        if headed {
            text.push('\n');
        }
    }
    context.result(text)?;
    // The other formats have the status.
    for (name, result) in named {
        if let Some(words) = unfinished(result) {
            context.warn(format!("task {} on {name} {words}", result::id(result)));
        }
    }
    Ok(())
}

/// A map of names in the order of the format.
fn ordered(context: &Context, mut entries: Vec<(String, Node)>) -> Node {
    match context.format() {
        "json" => entries.sort_by(|a, b| a.0.cmp(&b.0)),
        _ => entries.sort_by(|a, b| natural_cmp(&a.0, &b.0)),
    }
    Node::Map(entries)
}

fn print_node(context: &mut Context, node: &Node) -> Result<()> {
    match (context.format(), context.colour()) {
        ("json", true) => context.result(output::json::print_coloured(node)),
        (_, true) => context.result(output::yaml::print_coloured(node)),
        (_, false) => context.result_node(node),
    }
}

/// `failed: command cancelled`: of a task that did not come to an end of its own.
fn unfinished(result: &ActionResult) -> Option<String> {
    if let Some(error) = &result.error {
        return Some(format!("error: {}", error.message));
    }
    let own_end = result::return_code(result).is_some() || result.status == "completed";
    match result.message.as_str() {
        _ if own_end => None,
        "" => Some(result.status.clone()),
        message => Some(format!("{}: {message}", result.status)),
    }
}

fn bad_code(result: &ActionResult) -> Option<i64> {
    result::return_code(result).filter(|code| *code >= 1)
}

/// How a task ended, if not well.
pub(super) fn not_well(result: &ActionResult) -> Option<String> {
    bad_code(result).map(|code| format!("with return code {code}")).or_else(|| unfinished(result))
}

/// Output is kept up to a bound, and an answer has one; that there was more is not to be found out by counting.
pub(super) fn tell_of_cuts(context: &mut Context, results: &[ActionResult]) {
    for one in results {
        let (id, on) = (result::id(one), result::target(receiver(one)).1);
        for words in result::cuts(one) {
            context.warn(format!("output of task {id} on {on} is cut: {words}"));
        }
    }
}

/// A return code above zero fails the command; `strict`: so does whatever did not come to an end of its own.
pub(super) fn judge(results: &[ActionResult], strict: bool) -> Result<()> {
    let counts = |r: &&ActionResult| strict || bad_code(r).is_some();
    let failed = results.iter().filter(counts);
    let failed = failed.filter_map(|r| Some(format!(" - id {:?} {}", result::id(r), not_well(r)?)));
    let mut failed: Vec<String> = failed.collect();
    failed.sort();
    let (task, failure) = match failed.len() {
        0 => return Ok(()),
        1 => ("task", "failure"),
        _ => ("tasks", "failures"),
    };
    let list = failed.join("\n");
    Err(Error::failed(format!(
        "the following {task} failed:\n{list}\n\nuse 'juju show-task' to inspect the {failure}\n"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn task(value: Value) -> ActionResult {
        let mut result: ActionResult = serde_json::from_value(value).expect("a result");
        result.action = Some(wire::facade::action::Action {
            tag: "action-8".into(),
            receiver: "machine-0".into(),
            ..Default::default()
        });
        result
    }

    #[test]
    fn what_fails_a_command() {
        let told = |value: Value, strict| match judge(&[task(value)], strict) {
            Ok(()) => String::new(),
            Err(error) => error.message().lines().nth(1).unwrap_or_default().to_owned(),
        };
        let check = |value: Value, usual: &str, strict: &str| {
            assert_eq!((told(value.clone(), false).as_str(), told(value, true).as_str()), (usual, strict));
        };
        check(json!({"status": "completed", "output": {"return-code": 0}}), "", "");
        let two = " - id \"8\" with return code 2";
        check(json!({"status": "completed", "output": {"return-code": 2}}), two, two);
        check(json!({"status": "failed", "message": "gone"}), "", " - id \"8\" failed: gone");
        check(json!({"status": "aborted"}), "", " - id \"8\" aborted");
        check(json!({"error": {"message": "pruned", "code": "not found"}}), "", " - id \"8\" error: pruned");
    }
}
