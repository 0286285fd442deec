//! Facade `ModelConfig`: a model's settings and constraints. On a controller connection it speaks of the controller's own model.

use crate::call::{Call, NoParams, Nothing};
use base::Refusal;
use model::access::{self, ModelLevel, Need};
use model::change::settings as change;
use model::{Beliefs, InModel, settings};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wire::facade::model_config::*;

/// All settings as clients want to read them: with `default-series`, without keys.
pub fn shown(beliefs: &Beliefs, within: &InModel) -> BTreeMap<String, (Value, &'static str)> {
    let series = settings::default_series(&settings::text(within, "default-base"));
    let all = settings::effective(beliefs, within).into_iter();
    let mut all: BTreeMap<String, (Value, &'static str)> =
        all.map(|(name, (value, source))| (name, (value, source.word()))).collect();
    all.remove("authorized-keys");
    all.insert("default-series".into(), (json!(series), "model"));
    all
}

/// What of the controller's model is for everybody.
const PUBLIC: [&str; 5] = ["agent-version", "default-series", "name", "type", "uuid"];

pub async fn get(call: Call, _: NoParams) -> Result<ModelConfigResults, Refusal> {
    let model = call.model()?;
    let read = call.read();
    // Every user may ask the controller's model for its version; for the rest, and of other models, it takes the right to read.
    let reads = access::allows(&read, &call.user, Some(model), Need::Model(ModelLevel::Read));
    if call.session.model().is_some() && !reads {
        return Err(Refusal::denied());
    }
    let config = shown(&read, read.in_model(model)?)
        .into_iter()
        .filter(|(name, _)| reads || PUBLIC.contains(&name.as_str()))
        .map(|(name, (value, source))| (name, ConfigValue { value, source: source.to_owned() }));
    Ok(ModelConfigResults { config: config.collect() })
}

pub async fn set(call: Call, params: ModelSet) -> Result<Nothing, Refusal> {
    let model = call.model()?;
    let values = settings::without_series(params.config.into_iter().collect())?;
    call.state().change(|beliefs, given| change::set(beliefs, model, &values, given)).await?;
    Ok(Nothing {})
}

pub async fn unset(call: Call, params: ModelUnset) -> Result<Nothing, Refusal> {
    let model = call.model()?;
    let as_base = |name: String| if name == "default-series" { "default-base".to_owned() } else { name };
    let names: Vec<String> = params.keys.into_iter().map(as_base).collect();
    call.state().change(|beliefs, given| change::unset(beliefs, model, &names, given)).await?;
    Ok(Nothing {})
}

pub async fn constraints(call: Call, _: NoParams) -> Result<GetConstraintsResults, Refusal> {
    let model = call.model()?;
    let read = call.read();
    let constraints = read.in_model(model)?.constraints.as_ref().map(|all| all.0.clone()).unwrap_or_default();
    Ok(GetConstraintsResults { constraints })
}

pub async fn set_constraints(call: Call, params: SetConstraints) -> Result<Nothing, Refusal> {
    let model = call.model()?;
    super::machine_manager::check_values(&params.constraints)?;
    let cloud = call.read().model(model)?.1.account().to_owned();
    for warning in call.session.shared().advice.check(&cloud, &params.constraints)? {
        tracing::warn!(%model, "constraints set on the model: {warning}");
    }
    call.state().change(|beliefs, given| change::set_constraints(beliefs, model, &params.constraints, given)).await?;
    Ok(Nothing {})
}

#[derive(Serialize)]
pub struct Sequences {
    sequences: BTreeMap<String, u64>,
}

pub async fn sequences(call: Call, _: NoParams) -> Result<Sequences, Refusal> {
    let model = call.model()?;
    let read = call.read();
    let sequences = read.in_model(model)?.sequences.iter().map(|(what, next)| (what.clone(), **next)).collect();
    Ok(Sequences { sequences })
}

#[derive(Serialize)]
pub struct SlaLevel {
    result: &'static str,
}

pub async fn sla_level(_: Call, _: NoParams) -> Result<SlaLevel, Refusal> {
    Ok(SlaLevel { result: "unsupported" })
}
