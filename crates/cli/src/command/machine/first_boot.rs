//! `show-machine --first-boot-log`: what machines' instances printed when they began (Grigri's own).
//!
//! The surprise: a container's id is taken here, unlike by `show-machine` itself; and one machine's text is printed as it is, so that it can
//! be searched and piped.

use base::{MachineId, Tag};
use serde_json::json;
use wire::facade::diagnosis::FirstBootLog;
use wire::yaml::Node;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output::fields::Fields;

pub(super) const FLAG: Flag =
    Flag::bool(&["first-boot-log"], "Show what the machine's instance printed when it began, instead of its status");

pub(super) async fn run(context: &mut Context) -> Result<()> {
    let typed = context.args.positional().to_vec();
    if typed.is_empty() {
        return Err(Error::usage("no machine specified"));
    }
    let mut machines: Vec<MachineId> = Vec::new();
    for id in &typed {
        machines.push(id.parse().map_err(|_| Error::usage(format!("invalid machine id {id:?}")))?);
    }
    // Yaml is what `show-machine` prints unless told; a log is wanted as it is, and a failure leaves no empty document then.
    let is_structured = context.args.given("format") && context.format() != "tabular";
    if !is_structured {
        context.out("")?;
    }
    let api = context.model_api().await?;
    if api.connection.version("Diagnosis") == 0 {
        let words = format!("controller {:?} does not tell what its machines printed", api.controller);
        return Err(Error::failed(words));
    }
    let mut logs = Vec::new();
    for id in machines {
        let tag = Tag::Machine(id.clone()).to_string();
        let answer = api.call_one("Diagnosis", "FirstBootLog", json!({"entities": [{"tag": tag}]})).await?;
        let log: FirstBootLog = wire::lenient::from_value(answer).map_err(|error| Error::failed(error.to_string()))?;
        logs.push((id, log));
    }
    if is_structured {
        let nodes = logs.iter().map(|(id, log)| {
            let fields = Fields::new().text("log", &log.log).when("failed-start", log.failed);
            (id.to_string(), fields.done())
        });
        return context.result_node(&Fields::new().node("first-boot-logs", Node::Map(nodes.collect())).done());
    }
    let several = logs.len() > 1;
    let mut text = String::new();
    for (id, FirstBootLog { log, failed, .. }) in &logs {
        if several {
            text.push_str(&format!("{id}:\n"));
        }
        if *failed {
            context.info(format!("Machine {id} has no instance; this is of the last one, which did not come up."));
        }
        text.push_str(log);
        if !log.is_empty() && !log.ends_with('\n') {
            text.push('\n');
        }
        if several {
            text.push('\n');
        }
    }
    context.result(text)
}
