//! What a model has from its cloud and its region, beneath what is its own.
//!
//! ```text
//!   Juju's default  <  set for the cloud    <  set for the region            <  given when the model was made, or set later
//!                   <  the cloud's `config`    <  the region's `region-config`
//! ```
//! A definition of a cloud is nearer than what is set beside it (`wire/commands-controllers.md` 3.3). The surprise: a model takes a copy when it
//! is made, and keeps it. Defaults are for new models: who changes one changes nothing that runs, neither proxies nor what becomes of instances.
//! A key that is reset gets what a new model would get.
//!
//! So where a value comes from is found by comparing it with each layer as it is now, the last that matches (`wire/commands-controllers.md` 9.1):
//! a value whose layer has changed since, or that matches none, is the model's own.

use super::{Source, default_of};
use crate::beliefs::{Beliefs, InModel, Stored};
use crate::key;
use crate::record::cloud::Cloud;
use crate::record::model_defaults::{ModelDefaults, Values};
use serde_json::Value;
use store::{Guard, Txn};

/// The two layers between Juju's defaults and the model.
pub struct Inherited<'a> {
    cloud: &'a str,
    region: &'a str,
    set: Option<&'a Stored<ModelDefaults>>,
    definition: Option<&'a Stored<Cloud>>,
    merged: ModelDefaults,
}

/// What is set beside a cloud's definition, and the definition over it. What of a definition is no default of models' (a controller's key, one
/// that counts while a controller is made) is left out.
pub fn merged(set: Option<&ModelDefaults>, definition: Option<&Cloud>) -> ModelDefaults {
    let mut all = set.cloned().unwrap_or_default();
    let Some(cloud) = definition else { return all };
    all.controller.extend(defaults_of(&cloud.config));
    for (region, values) in &cloud.region_config {
        let values: Values = defaults_of(values).collect();
        if !values.is_empty() {
            all.regions.entry(region.clone()).or_default().extend(values);
        }
    }
    all
}

/// Those of a definition's values that models begin with.
pub(crate) fn defaults_of(values: &Values) -> impl Iterator<Item = (String, Value)> {
    let defaults = values.iter().filter(|(name, _)| base::attribute::is_no_default(name).is_none());
    defaults.map(|(name, value)| (name.clone(), value.clone()))
}

impl<'a> Inherited<'a> {
    /// By models of a place.
    pub fn at(beliefs: &'a Beliefs, cloud: &'a str, region: &'a str) -> Inherited<'a> {
        let (set, definition) = (beliefs.model_defaults.get(cloud), beliefs.clouds.get(cloud));
        let merged = merged(set.map(|set| &**set), definition.map(|definition| &**definition));
        Inherited { cloud, region, set, definition, merged }
    }

    /// By a model that is there.
    pub fn by(beliefs: &'a Beliefs, within: &'a InModel) -> Inherited<'a> {
        let place = within.model.as_ref().map(|model| (model.cloud.as_str(), model.region.as_str()));
        let (cloud, region) = place.unwrap_or_default();
        Inherited::at(beliefs, cloud, region)
    }

    fn of_region(&self) -> Option<&Values> {
        self.merged.regions.get(self.region)
    }

    /// What a new model begins with.
    pub fn values(&self) -> Values {
        self.merged.in_region(self.region)
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.of_region().and_then(|values| values.get(name)).or_else(|| self.merged.controller.get(name))
    }

    pub fn source(&self, name: &str, value: &Value) -> Source {
        let is_of = |values: Option<&Values>| values.and_then(|values| values.get(name)) == Some(value);
        match () {
            () if is_of(self.of_region()) => Source::Region,
            () if is_of(Some(&self.merged.controller)) => Source::Controller,
            () if default_of(name).as_ref() == Some(value) => Source::Default,
            () => Source::Model,
        }
    }

    /// A transaction that copies from it rests on it.
    pub fn guard(&self, txn: &mut Txn) {
        let at = |revision: Option<store::Revision>| revision.map_or(Guard::Absent, Guard::At);
        txn.guard(key::model_defaults(self.cloud), at(self.set.map(|set| set.revision)));
        txn.guard(key::cloud(self.cloud), at(self.definition.map(|definition| definition.revision)));
    }
}
