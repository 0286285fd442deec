//! Facade `Audit`: who did what, of those who may know all.

use crate::audit::{self, LOGS, REFUSED};
use crate::call::Call;
use base::{Kind, Refusal, Tag};
use store::append::Line;
use wire::facade::audit::{Entries, Query};

/// Of one answer.
const MOST: usize = 10_000;

pub async fn list(call: Call, query: Query) -> Result<Entries, Refusal> {
    let limit = if query.limit == 0 { MOST } else { query.limit.min(MOST) };
    let failed_alone = query.failed;
    let logs = call.session.shared().append.logs();
    let asked = std::sync::Arc::new(query);
    let mut found = Vec::new();
    for (name, _) in LOGS.iter().filter(|(name, _)| !failed_alone || *name == REFUSED) {
        // Searches of logs are long: this one takes its turn with theirs.
        let turn = call.session.shared().log_streams.search().await;
        let _turn = turn.ok_or_else(|| Refusal::new(Kind::TryAgain, "controller is closing"))?;
        let asked = asked.clone();
        let lines = logs.backlog(name, Some(limit), move |line| wants(&asked, line)).await;
        found.extend(lines.map_err(|failed| Refusal::internal("the audit cannot be read", failed))?.0);
    }
    found.sort_by_key(|logged| (logged.line.at, logged.id));
    let skipped = found.len().saturating_sub(limit);
    let read = call.read();
    let name_of = |uuid: &str| {
        let model = uuid.parse().ok().and_then(|uuid| read.model(uuid).ok());
        model.map(|(_, model)| format!("{}/{}", model.owner, model.name)).unwrap_or_default()
    };
    let entries = found.into_iter().skip(skipped).map(|logged| audit::entry(logged, name_of));
    Ok(Entries { entries: entries.collect() })
}

fn wants(query: &Query, line: &Line) -> bool {
    let user = |name: &String| *name == line.entity || Tag::user(name).is_ok_and(|name| name == line.entity);
    let since = query.since.map_or(i128::MIN, |since| since.unix_nanos() / 1000);
    (query.users.is_empty() || query.users.iter().any(user))
        && (query.methods.is_empty() || query.methods.iter().any(|method| line.module.starts_with(method.as_str())))
        && (query.model_uuid.is_empty() || line.labels.get("model") == Some(&query.model_uuid))
        && i128::from(line.at) >= since
}
