//! The structured form: the keys of yaml and json in their order, and what each leaves out.
//!
//! The surprise: an empty structure is left out of yaml and shown as `{}` in json; an application's status is in both.

mod application;
mod machine;

use wire::error::Error;
use wire::facade::client::DetailedStatus;
use wire::yaml::{Node, natural_cmp};

pub(super) use application::Charm;
pub use machine::machines;

use super::{View, storage};

/// Whether empty structures are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Yaml,
    Json,
}

impl Form {
    /// The form of an output format.
    #[must_use]
    pub fn of(format: &str) -> Form {
        if format == "json" { Form::Json } else { Form::Yaml }
    }
}

/// An ordered object under construction.
pub(super) struct Object {
    entries: Vec<(String, Node)>,
    form: Form,
}

impl Object {
    pub(super) fn new(form: Form) -> Self {
        Object { entries: Vec::new(), form }
    }

    pub(super) fn put(&mut self, key: &str, value: Node) -> &mut Self {
        self.entries.push((key.to_owned(), value));
        self
    }

    pub(super) fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.put(key, Node::str(value))
    }

    pub(super) fn text_if(&mut self, key: &str, value: &str) -> &mut Self {
        if !value.is_empty() {
            self.text(key, value);
        }
        self
    }

    pub(super) fn list_if(&mut self, key: &str, values: &[String]) -> &mut Self {
        if !values.is_empty() {
            self.put(key, texts(values));
        }
        self
    }

    /// A structure: left out of yaml when empty.
    pub(super) fn structure(&mut self, key: &str, value: Node) -> &mut Self {
        let empty = matches!(&value, Node::Map(entries) if entries.is_empty());
        if !empty || self.form == Form::Json {
            self.put(key, value);
        }
        self
    }

    /// A map: left out of both when empty.
    pub(super) fn map_if(&mut self, key: &str, entries: Vec<(String, Node)>) -> &mut Self {
        if !entries.is_empty() {
            self.put(key, map(entries, self.form));
        }
        self
    }

    pub(super) fn done(&mut self) -> Node {
        Node::Map(std::mem::take(&mut self.entries))
    }
}

/// A map of names: in natural order for yaml, bytewise for json.
pub(super) fn map(mut entries: Vec<(String, Node)>, form: Form) -> Node {
    match form {
        Form::Yaml => entries.sort_by(|a, b| natural_cmp(&a.0, &b.0)),
        Form::Json => entries.sort_by(|a, b| a.0.cmp(&b.0)),
    }
    Node::Map(entries)
}

pub(super) fn texts(values: &[String]) -> Node {
    Node::Seq(values.iter().map(Node::str).collect())
}

/// What stands in place of a thing that could not be read.
fn failure(error: &Error) -> Node {
    Node::Map(vec![("status-error".to_owned(), Node::str(&error.message))])
}

impl View<'_> {
    /// The whole status.
    #[must_use]
    pub fn document(&self, form: Form) -> Node {
        let s = self.status;
        let mut top = Object::new(form);
        top.put("model", self.model(form));
        top.put("machines", machines(self, form, |_| true));
        top.put("applications", self.applications(form));
        top.map_if("application-endpoints", self.remote_applications(form));
        top.map_if("offers", self.offers(form));
        top.put("storage", storage::document(self, form));
        if let Some(clock) = self.clock(s.controller_timestamp) {
            top.put("controller", Node::Map(vec![("timestamp".to_owned(), Node::str(clock))]));
        }
        top.map_if("branches", self.branches(form));
        top.done()
    }

    fn model(&self, form: Form) -> Node {
        let m = &self.status.model;
        let mut out = Object::new(form);
        out.text("name", &m.name).text("type", &m.r#type).text("controller", self.controller);
        out.text("cloud", m.cloud_tag.strip_prefix("cloud-").unwrap_or(&m.cloud_tag));
        out.text_if("region", &m.region).text("version", &m.version);
        out.text_if("upgrade-available", &m.available_version);
        out.structure("model-status", self.condition(&m.model_status, form));
        out.text_if("sla", &m.sla);
        out.done()
    }

    fn branches(&self, form: Form) -> Vec<(String, Node)> {
        let one = |(name, branch): (&String, &wire::facade::client::BranchStatus)| {
            let mut out = Object::new(form);
            let created = base::clock::Time::from_unix(branch.created);
            out.text_if("created", &self.clock(created).unwrap_or_default());
            out.text_if("created-by", &branch.created_by);
            if name == self.branch {
                out.put("active", Node::Bool(true));
            }
            (name.clone(), out.done())
        };
        self.status.branches.iter().map(one).collect()
    }

    /// A status: word, message, since when; for machines and models the reason.
    pub(super) fn condition(&self, status: &DetailedStatus, form: Form) -> Node {
        if let Some(error) = &status.err {
            return failure(error);
        }
        self.condition_with(status, &status.info, form)
    }

    pub(super) fn condition_with(&self, status: &DetailedStatus, message: &str, form: Form) -> Node {
        let mut out = Object::new(form);
        out.text_if("current", &status.status).text_if("message", message);
        if let Some(reason) = status.data.get("reason").and_then(serde_json::Value::as_str) {
            out.text_if("reason", reason);
        }
        out.text_if("since", &self.since(status.since).unwrap_or_default());
        out.text_if("version", &status.version).text_if("life", &status.life);
        out.done()
    }
}
