//! Facade `Diagnosis`: what a machine waits for, and what its instance printed.
//! The surprise: while there is an instance its cloud is asked, which has all of it; only what a failed start printed is kept here, since its
//! instance is gone.

use super::machine_manager::machine_of;
use crate::call::Call;
use crate::error::IntoItem;
use base::{Kind, Refusal};
use model::output;
use model::query::why::{self, Link, Seen};
use model::record::instance::Instance;
use wire::facade::diagnosis::{Entities, FirstBootLog, FirstBootLogs, MOST_LOGS, Wait, Why, Whys};

/// Bytes of one log.
pub const MOST_LOG: usize = 64 << 10;

pub async fn why(call: Call, params: Entities) -> Result<Whys, Refusal> {
    let results = params.entities.iter().map(|entity| match one(&call, &entity.tag).into_item() {
        Ok(chain) => Why { waits_for: chain.into_iter().map(wait).collect(), error: None },
        Err(error) => Why { error: Some(error), ..Why::default() },
    });
    Ok(Whys { results: results.collect() })
}

fn one(call: &Call, tag: &str) -> Result<Vec<Link>, Refusal> {
    let (id, model, state) = (machine_of(tag)?, call.model()?, call.state());
    let read = state.read();
    let (within, _) = read.model(model)?;
    why::why(within, Seen { model, presence: state.presence(), now: state.now() }, &id)
}

fn wait(link: Link) -> Wait {
    Wait {
        machine: link.machine.to_string(),
        what: link.what.as_str().to_owned(),
        message: link.message,
        since: link.since,
        attempts: i64::from(link.attempts),
        last_error: link.last_error,
        next_try: link.next_try,
        first_boot_log: link.first_boot,
    }
}

pub async fn first_boot_log(call: Call, params: Entities) -> Result<FirstBootLogs, Refusal> {
    if params.entities.len() > MOST_LOGS {
        return Err(Refusal::plain(format!("cannot ask for more than {MOST_LOGS} first-boot logs at once")));
    }
    let mut results = Vec::new();
    for entity in &params.entities {
        results.push(match one_log(&call, &entity.tag).await.into_item() {
            Ok(log) => log,
            Err(error) => FirstBootLog { error: Some(error), ..FirstBootLog::default() },
        });
    }
    Ok(FirstBootLogs { results })
}

async fn one_log(call: &Call, tag: &str) -> Result<FirstBootLog, Refusal> {
    let (id, model) = (machine_of(tag)?, call.model()?);
    let read = call.read();
    let controller = read.controller()?.uuid.clone();
    let (within, record) = read.model(model)?;
    let (whole, machine) = within.machine(&id)?;
    let none = |why: &str| Err(Refusal::new(Kind::NotFound, format!("machine {id} has no first-boot log: {why}")));
    let instance = match whole.instance.as_deref() {
        // The controller runs on a host, as what is taken in does: what that printed when it began is its own.
        Some(instance) if machine.is_controller() || instance.is_manual() => return none("it is a host"),
        Some(instance) if instance.is_provisioned() => {
            let console =
                call.session.shared().advice.console(record.account(), &controller, &instance.instance_id).await;
            return Ok(FirstBootLog { log: newest(console?), ..FirstBootLog::default() });
        }
        other => other,
    };
    if !instance.is_some_and(|instance: &Instance| instance.first_boot) {
        return none("no instance of it was started");
    }
    let part = call.session.shared().append.blobs().read(&output::first_boot(model, &id), 0, MOST_LOG).await;
    match part.map_err(|failure| Refusal::internal("first-boot log cannot be read", failure))? {
        Some(part) => {
            Ok(FirstBootLog { log: String::from_utf8_lossy(&part.bytes).into_owned(), failed: true, error: None })
        }
        None => none("it was forgotten, like the output of old tasks"),
    }
}

/// Clouds keep to the bound; this is for one that does not.
fn newest(mut text: String) -> String {
    if let Some(excess) = text.len().checked_sub(MOST_LOG) {
        let from = (excess..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        text.drain(..from);
    }
    text
}
