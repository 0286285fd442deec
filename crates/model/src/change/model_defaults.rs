//! What models of a cloud, or of one region of it, begin with.
//! It touches no model: a model has copied what it inherits (`crate::settings::Inherited`). The surprise: a region's defaults go with the region,
//! and a cloud's with the cloud, so that a new one of the same name begins with none.

use super::{Decision, Given, TxnExt, block};
use crate::beliefs::{Beliefs, Stored};
use crate::key;
use crate::record::block::BlockKind;
use crate::record::cloud::Cloud;
use crate::record::encode;
use crate::record::model_defaults::{ModelDefaults, Values};
use crate::settings;
use base::{Kind, Refusal};
use serde_json::Value;
use std::collections::BTreeMap;
use store::{Guard, Txn};

/// Values that one cloud may have, its regions' included.
pub const MOST: usize = 1000;
/// Bytes of them, with their keys, as JSON. Every model that is made takes a copy.
pub const BYTES: usize = 256 << 10;

/// Where they hold.
#[derive(Debug, Clone, Copy)]
pub struct Where<'a> {
    /// Empty: the controller's.
    pub cloud: &'a str,
    /// Empty: the whole cloud.
    pub region: &'a str,
}

pub fn set(
    beliefs: &Beliefs,
    at: Where<'_>,
    values: &BTreeMap<String, Value>,
    _: Given<'_>,
) -> Result<Decision, Refusal> {
    let values = checked(values)?;
    refuse_defined(beliefs, at, &values)?;
    change(beliefs, at, |all| all.extend(values))
}

/// What the cloud's definition says counts more: a value beside it would have no effect, and nobody would know.
fn refuse_defined(beliefs: &Beliefs, at: Where<'_>, values: &Values) -> Result<(), Refusal> {
    let name = if at.cloud.is_empty() { &beliefs.controller()?.cloud } else { at.cloud };
    let Some(cloud) = beliefs.clouds.get(name) else { return Ok(()) };
    let (defined, whose) = match at.region {
        "" => (Some(&cloud.config), "config"),
        region => (cloud.region_config.get(region), "region-config"),
    };
    let other = |(key, value): &(&String, &Value)| defined.and_then(|all| all.get(*key)).is_some_and(|is| is != *value);
    match values.iter().find(other) {
        None => Ok(()),
        Some((key, _)) => Err(Refusal::plain(format!(
            "{key:?} is in the {whose} of cloud {name:?}, which counts more: change it there, with update-cloud"
        ))),
    }
}

/// Keys without a default are passed over.
pub fn unset(beliefs: &Beliefs, at: Where<'_>, names: &[String], _: Given<'_>) -> Result<Decision, Refusal> {
    change(beliefs, at, |all| all.retain(|name, _| !names.contains(name)))
}

fn change(beliefs: &Beliefs, at: Where<'_>, edit: impl FnOnce(&mut Values)) -> Result<Decision, Refusal> {
    let controller = beliefs.controller()?;
    block::check(beliefs.in_model(controller.model_uuid)?, BlockKind::Change)?;
    let name = if at.cloud.is_empty() { &controller.cloud } else { at.cloud };
    let Some(cloud) = beliefs.clouds.get(name) else {
        return Err(Refusal::new(Kind::NotFound, format!("cloud {name:?} not found")));
    };
    if !at.region.is_empty() && !cloud.regions.iter().any(|known| known.name == at.region) {
        let known: Vec<String> = cloud.regions.iter().map(|known| format!("{:?}", known.name)).collect();
        let words = format!("region {:?} not found (expected one of [{}])", at.region, known.join(" "));
        return Err(Refusal::new(Kind::NotFound, words));
    }
    let read = beliefs.model_defaults.get(name);
    let mut record = read.map(Stored::to_record).unwrap_or_default();
    match at.region {
        "" => edit(&mut record.controller),
        region => edit(record.regions.entry(region.to_owned()).or_default()),
    }
    record.regions.retain(|_, values| !values.is_empty());
    check_size(name, &record)?;
    let mut txn = Txn::new();
    put(&mut txn, name, read, &record);
    if !txn.is_empty() {
        // The region must still be there.
        txn.rests_on(key::cloud(name), cloud);
    }
    Ok(Decision::new(txn, ()))
}

/// None are no record.
fn put(txn: &mut Txn, cloud: &str, read: Option<&Stored<ModelDefaults>>, record: &ModelDefaults) {
    let key = key::model_defaults(cloud);
    match read {
        Some(read) if record.is_empty() => _ = txn.remove(key, read.revision),
        Some(read) if **read == *record => {}
        None if record.is_empty() => {}
        _ => txn.upsert(key, read, record),
    }
}

/// The values as they are kept; refused when one is no default of models'.
fn checked(values: &BTreeMap<String, Value>) -> Result<Values, Refusal> {
    let one = |(name, value): (&String, &Value)| {
        if let Some(words) = base::attribute::is_no_default(name) {
            return Err(Refusal::plain(words));
        }
        let kept = settings::check(name, value)?;
        // A key without a value would be a key with a default that is none.
        if kept.is_null() {
            return Err(Refusal::plain(format!("{name}: expected a value, got null")));
        }
        Ok((name.clone(), kept))
    };
    values.iter().map(one).collect()
}

/// A cloud's definition as it is kept: what of it models begin with is checked as what is set beside it.
pub(super) fn checked_definition(mut cloud: Cloud) -> Result<Cloud, Refusal> {
    let of = |whose: &str, refusal: Refusal| {
        Refusal::plain(format!("{whose} of cloud {:?}: {}", cloud.name, refusal.words()))
    };
    let fit = |values: &Values| checked(&settings::defaults_of(values).collect());
    let config = fit(&cloud.config).map_err(|refusal| of("config", refusal))?;
    let mut regions = BTreeMap::new();
    for (name, values) in &cloud.region_config {
        if !cloud.regions.iter().any(|region| region.name == *name) {
            let known: Vec<String> = cloud.regions.iter().map(|known| format!("{:?}", known.name)).collect();
            let words = format!(
                "region-config of cloud {:?}: region {name:?} not found (expected one of [{}])",
                cloud.name,
                known.join(" ")
            );
            return Err(Refusal::plain(words));
        }
        regions.insert(name.clone(), fit(values).map_err(|refusal| of("region-config", refusal))?);
    }
    cloud.config.extend(config);
    for (name, values) in regions {
        cloud.region_config.entry(name).or_default().extend(values);
    }
    let whole = ModelDefaults { controller: cloud.config.clone(), regions: cloud.region_config.clone() };
    match is_too_much(&whole) {
        true => Err(Refusal::plain(format!("cloud {:?} has more config than a cloud can have", cloud.name))),
        false => Ok(cloud),
    }
}

/// What a controller begins with, of its own cloud.
pub(super) fn first(values: &BTreeMap<String, Value>, cloud: &str) -> Result<ModelDefaults, Refusal> {
    let record = ModelDefaults { controller: checked(values)?, regions: BTreeMap::new() };
    check_size(cloud, &record)?;
    Ok(record)
}

fn check_size(cloud: &str, record: &ModelDefaults) -> Result<(), Refusal> {
    if is_too_much(record) {
        let words = format!("cloud {cloud:?} has as many model defaults as it can hold, remove some first");
        return Err(Refusal::plain(words));
    }
    Ok(())
}

fn is_too_much(record: &ModelDefaults) -> bool {
    let count = record.controller.len() + record.regions.values().map(Values::len).sum::<usize>();
    count > MOST || encode(record).len() > BYTES
}

/// A cloud that is described anew keeps the defaults of the regions that it keeps.
pub(super) fn keep_regions(txn: &mut Txn, beliefs: &Beliefs, cloud: &Cloud) {
    let key = key::model_defaults(&cloud.name);
    let Some(read) = beliefs.model_defaults.get(&cloud.name) else {
        // Somebody may be setting the first ones, for a region that goes.
        txn.guard(key, Guard::Absent);
        return;
    };
    let mut record = read.to_record();
    record.regions.retain(|name, _| cloud.regions.iter().any(|region| region.name == *name));
    match record == **read {
        true => txn.rests_on(key, read),
        false => put(txn, &cloud.name, Some(read), &record),
    }
}
