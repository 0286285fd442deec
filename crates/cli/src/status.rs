//! What `status`, `machines` and `show-machine` print of a FullStatus.
//!
//! Pure: a status goes in, text comes out. It never asks the controller and never prints. The surprise: tabular
//! output and structured output share little, they leave out different things.

pub mod line;
pub mod object;
pub mod ports;
pub mod storage;
pub mod summary;
pub mod tabular;
pub mod times;
mod units;

use jiff::tz::TimeZone;
use wire::facade::client::{FullStatus, UnitStatus};

use crate::output::colour::Paint;

/// A status and how it is to be looked at.
pub struct View<'a> {
    pub status: &'a FullStatus,
    /// The controller's name in the client store.
    pub controller: &'a str,
    pub zone: TimeZone,
    /// Times in UTC and ISO form.
    pub iso: bool,
    pub paint: Paint,
    pub relations: bool,
    pub storage: bool,
    /// The branch that the client works on; empty or `master` for none.
    pub branch: &'a str,
    /// The version of this client: an older model's is marked.
    pub client_version: String,
}

impl View<'_> {
    /// Whether there is nothing to show but the model.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let s = self.status;
        s.applications.is_empty()
            && s.machines.is_empty()
            && s.offers.is_empty()
            && s.remote_applications.is_empty()
            && s.relations.is_empty()
    }

    pub(crate) fn containers(&self) -> bool {
        self.status.model.r#type == "caas"
    }

    /// The branch whose units hold this one.
    pub(crate) fn branch_of(&self, unit: &str) -> Option<&str> {
        let application = unit.split('/').next().unwrap_or_default();
        let holds = |units: &Vec<String>| units.iter().any(|u| u == unit);
        self.status
            .branches
            .iter()
            .find(|(_, b)| b.assigned_units.get(application).is_some_and(holds))
            .map(|(name, _)| name.as_str())
    }

    /// A workload's message; in error with a relation, the other end of it is told.
    pub(crate) fn workload_message(&self, unit: &str, status: &UnitStatus) -> String {
        let info = &status.workload_status.info;
        if status.workload_status.status != "error" {
            return info.clone();
        }
        let Some(id) = status.workload_status.data.get("relation-id").and_then(serde_json::Value::as_f64) else {
            return info.clone();
        };
        let application = unit.split('/').next().unwrap_or_default();
        #[allow(clippy::cast_precision_loss, reason = "relation ids are small")]
        let relation = self.status.relations.iter().find(|r| r.id as f64 == id);
        let other = relation
            .and_then(|r| r.endpoints.iter().find(|e| e.application != application).or_else(|| r.endpoints.first()));
        match other {
            Some(end) => format!("{info} for {}:{}", end.application, end.name),
            None => info.clone(),
        }
    }
}

impl<'a> View<'a> {
    /// A status as a command was asked to show it.
    #[must_use]
    pub fn of(context: &crate::Context, status: &'a FullStatus, controller: &'a str, iso: bool) -> View<'a> {
        // A session that was recorded with another client is played with that one's version.
        let version = context.io.var("GRIGRI_CLIENT_VERSION").map(str::to_owned);
        View {
            status,
            controller,
            zone: context.zone(),
            iso,
            paint: Paint(context.colour()),
            relations: false,
            storage: false,
            branch: "",
            client_version: version.unwrap_or_else(|| base::version::current_version().to_string()),
        }
    }
}
