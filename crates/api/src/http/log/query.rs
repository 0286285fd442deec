//! What a client wants of the log, from the query of its request. Unknown keys and bad numbers are passed over.

use base::clock::Time;
use store::append::{Level, Line};

#[derive(Debug, Default)]
pub struct Query {
    include_entity: Vec<String>,
    exclude_entity: Vec<String>,
    include_module: Vec<String>,
    exclude_module: Vec<String>,
    include_label: Vec<String>,
    exclude_label: Vec<String>,
    level: Option<Level>,
    lines: Option<usize>,
    replay: bool,
    pub tail: bool,
    start: Option<Time>,
}

/// What a client gets of the past at most, unless it asks for all.
const MOST_BACKLOG: usize = 10_000;

impl Query {
    pub fn parse(text: &str) -> Query {
        let mut query = Query { tail: true, ..Query::default() };
        for (key, value) in form_urlencoded::parse(text.as_bytes()) {
            let value = value.into_owned();
            match key.as_ref() {
                "includeEntity" => query.include_entity.push(value),
                "excludeEntity" => query.exclude_entity.push(value),
                "includeModule" => query.include_module.push(value),
                "excludeModule" => query.exclude_module.push(value),
                "includeLabel" => query.include_label.push(value),
                "excludeLabel" => query.exclude_label.push(value),
                "level" => query.level = level(&value),
                "backlog" => query.lines = query.lines.or(value.parse().ok()),
                "maxLines" => query.lines = value.parse().ok().filter(|lines| *lines > 0).or(query.lines),
                "replay" => query.replay = value == "true",
                "noTail" => query.tail = value != "true",
                "startTime" => query.start = Time::parse(&value),
                _ => {}
            }
        }
        query
    }

    /// How many earlier lines come first; nothing for all.
    pub fn backlog(&self) -> Option<usize> {
        match (self.replay || self.start.is_some(), self.lines) {
            // Whoever wants so many and then the end gets the newest of all.
            (true, Some(lines)) if !self.tail => Some(lines.min(MOST_BACKLOG)),
            (true, _) => None,
            (false, Some(lines)) => Some(lines.min(MOST_BACKLOG)),
            (false, None) if self.tail => Some(0),
            (false, None) => Some(MOST_BACKLOG),
        }
    }

    pub fn wants(&self, line: &Line) -> bool {
        let named = |all: &[String]| all.iter().any(|wanted| entity_matches(wanted, &line.entity));
        let of_module = |all: &[String]| all.iter().any(|wanted| module_matches(wanted, &line.module));
        let labelled = |all: &[String]| all.iter().any(|wanted| line.labels.contains_key(wanted));
        let start = self.start.is_none_or(|start| i128::from(line.at) * 1000 >= start.unix_nanos());
        start
            && self.level.is_none_or(|least| line.level >= least)
            && (self.include_entity.is_empty() || named(&self.include_entity))
            && !named(&self.exclude_entity)
            && (self.include_module.is_empty() || of_module(&self.include_module))
            && !of_module(&self.exclude_module)
            && (self.include_label.is_empty() || labelled(&self.include_label))
            && !labelled(&self.exclude_label)
    }
}

fn level(word: &str) -> Option<Level> {
    Some(match word {
        "TRACE" => Level::Trace,
        "DEBUG" => Level::Debug,
        "INFO" => Level::Info,
        "WARNING" => Level::Warning,
        "ERROR" => Level::Error,
        "CRITICAL" => Level::Critical,
        _ => return None,
    })
}

/// `*` stands for anything; the whole entity must match.
fn entity_matches(pattern: &str, entity: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = entity.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// A module and those below it.
fn module_matches(wanted: &str, module: &str) -> bool {
    module.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_match_by_stars() {
        let check = |pattern: &str, entity: &str, expected: bool| {
            assert_eq!(entity_matches(pattern, entity), expected, "{pattern} {entity}");
        };
        check("machine-0", "machine-0", true);
        check("machine-0", "machine-01", false);
        check("unit-web-*", "unit-web-12", true);
        check("*", "anything", true);
        check("*-0", "machine-0", true);
        check("m*e-*", "machine-7", true);
        check("m*x-*", "machine-7", false);
        check("", "machine-0", false);
    }

    #[test]
    fn queries_are_read_and_asked() {
        let query = Query::parse(
            "includeEntity=machine-0&level=WARNING&backlog=3&includeModule=juju%2Eworker&noTail=true&x=%zz",
        );
        assert_eq!((query.backlog(), query.tail), (Some(3), false));
        assert_eq!(Query::parse("replay=true&maxLines=2&noTail=true").backlog(), Some(2));
        assert_eq!(Query::parse("replay=true").backlog(), None);
        let line = |entity: &str, level, module: &str| Line {
            at: 0,
            entity: entity.into(),
            level,
            module: module.into(),
            location: String::new(),
            message: String::new(),
            labels: Default::default(),
        };
        assert!(query.wants(&line("machine-0", Level::Error, "juju.worker.x")));
        assert!(!query.wants(&line("machine-0", Level::Info, "juju.worker.x")));
        assert!(!query.wants(&line("machine-0", Level::Error, "juju.workers")));
        assert!(!query.wants(&line("machine-1", Level::Error, "juju.worker")));
    }
}
