//! What a model has from its cloud and its region, beneath what is its own.
//!
//! ```text
//!   Juju's default  <  the cloud's  <  the region's  <  given when the model was made, or set later
//! ```
//! The surprise: a model takes a copy when it is made, and keeps it. Defaults are for new models: who changes one changes nothing that runs,
//! neither proxies nor what becomes of instances. A key that is reset gets what a new model would get.
//!
//! So where a value comes from is found by comparing it with each layer as it is now, the last that matches (`wire/commands-controllers.md` 9.1):
//! a value whose layer has changed since, or that matches none, is the model's own.

use super::{Source, default_of};
use crate::beliefs::{Beliefs, InModel, Stored};
use crate::key;
use crate::record::model_defaults::{ModelDefaults, Values};
use serde_json::Value;
use store::{Guard, Txn};

/// The two layers between Juju's defaults and the model.
pub struct Inherited<'a> {
    cloud: &'a str,
    region: &'a str,
    record: Option<&'a Stored<ModelDefaults>>,
}

impl<'a> Inherited<'a> {
    /// By models of a place.
    pub fn at(beliefs: &'a Beliefs, cloud: &'a str, region: &'a str) -> Inherited<'a> {
        Inherited { cloud, region, record: beliefs.model_defaults.get(cloud) }
    }

    /// By a model that is there.
    pub fn by(beliefs: &'a Beliefs, within: &'a InModel) -> Inherited<'a> {
        let place = within.model.as_ref().map(|model| (model.cloud.as_str(), model.region.as_str()));
        let (cloud, region) = place.unwrap_or_default();
        Inherited::at(beliefs, cloud, region)
    }

    fn of_cloud(&self) -> Option<&'a Values> {
        self.record.map(|record| &record.controller)
    }

    fn of_region(&self) -> Option<&'a Values> {
        self.record.and_then(|record| record.regions.get(self.region))
    }

    /// What a new model begins with.
    pub fn values(&self) -> Values {
        let mut all = self.of_cloud().cloned().unwrap_or_default();
        all.extend(self.of_region().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
        all
    }

    pub fn get(&self, name: &str) -> Option<&'a Value> {
        let of = |values: Option<&'a Values>| values.and_then(|values| values.get(name));
        of(self.of_region()).or_else(|| of(self.of_cloud()))
    }

    pub fn source(&self, name: &str, value: &Value) -> Source {
        let is_of = |values: Option<&Values>| values.and_then(|values| values.get(name)) == Some(value);
        match () {
            () if is_of(self.of_region()) => Source::Region,
            () if is_of(self.of_cloud()) => Source::Controller,
            () if default_of(name).as_ref() == Some(value) => Source::Default,
            () => Source::Model,
        }
    }

    /// A transaction that copies from it rests on it.
    pub fn guard(&self, txn: &mut Txn) {
        let guard = self.record.map_or(Guard::Absent, |record| Guard::At(record.revision));
        txn.guard(key::model_defaults(self.cloud), guard);
    }
}
