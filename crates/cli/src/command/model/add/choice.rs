//! Which cloud and region a new model goes to.
//!
//! The surprise: a lone word is a cloud first; it is taken for a region of the controller's only cloud only when the
//! *call* that asks for such a cloud is refused with `not found`, as the original does (seen-commands.md 28).

use serde_json::{Value, json};

use crate::context::Api;
use crate::error::{Error, Result};
use crate::output::table::Table;

/// A cloud of the controller.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    pub cloud: String,
    /// Empty: the controller chooses.
    pub region: String,
    pub auth_types: Vec<String>,
    pub cloud_type: String,
}

/// Reads the argument, `cloud`, `region` or `cloud/region`; without one, the controller's only cloud.
pub async fn choose(api: &Api, place: Option<&str>) -> Result<Choice> {
    let Some(place) = place else { return only(&clouds(api).await?, "") };
    let (cloud, region) = place.split_once('/').unwrap_or((place, ""));
    let params = json!({"entities": [{"tag": format!("cloud-{cloud}")}]});
    let reply: Result<Value> = api.call("Cloud", "Cloud", params).await;
    let reply = match reply {
        Ok(reply) => reply,
        Err(error) if error.code() == "not found" && region.is_empty() => {
            return only(&clouds(api).await?, place);
        }
        Err(error) => return Err(error),
    };
    let found = crate::context::each(&reply).into_iter().next();
    let found = match found {
        Some(Ok(found)) => found.get("cloud").cloned().unwrap_or(found),
        Some(Err(error)) if error.code() == "not found" => {
            return Err(Error::failed(format!("cloud {cloud} not found")));
        }
        Some(Err(error)) => return Err(error),
        None => return Err(Error::failed(format!("cloud {cloud} not found"))),
    };
    let choice = read(cloud, &found);
    let known = regions(&found);
    if !region.is_empty() && !known.iter().any(|r| r == region) {
        return Err(Error::failed(format!("region {region:?} not found (expected one of {known:?})")));
    }
    Ok(Choice { region: region.to_owned(), ..choice })
}

async fn clouds(api: &Api) -> Result<Vec<(String, Value)>> {
    let reply: Value = api.call("Cloud", "Clouds", json!({})).await?;
    let mut clouds: Vec<(String, Value)> = reply
        .get("clouds")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(tag, cloud)| (tag.strip_prefix("cloud-").unwrap_or(tag).to_owned(), cloud.clone()))
        .collect();
    clouds.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(clouds)
}

fn only(clouds: &[(String, Value)], region: &str) -> Result<Choice> {
    match clouds {
        [] => Err(Error::failed(
            "you do not have add-model access to any clouds on this controller.\n\
             Please ask the controller administrator to grant you add-model permission\n\
             for a particular cloud to which you want to add a model.",
        )),
        [(name, cloud)] if region.is_empty() || regions(cloud).iter().any(|r| r == region) => {
            Ok(Choice { region: region.to_owned(), ..read(name, cloud) })
        }
        [(name, _)] => Err(Error::failed(format!(
            "{region:?} is neither a cloud supported by this controller,\n\
             nor a region in the controller's default cloud {name:?}.\n\
             The clouds/regions supported by this controller are:\n\n{}",
            table(clouds)
        ))),
        _ => Err(Error::failed(format!(
            "this controller manages more than one cloud.\n\
             Please specify which cloud/region to use:\n\n\
             \x20   juju add-model [options] <model-name> cloud[/region]\n\n\
             The clouds/regions supported by this controller are:\n\n{}",
            table(clouds)
        ))),
    }
}

fn table(clouds: &[(String, Value)]) -> String {
    let mut table = Table::new();
    table.row(&["Cloud", "Regions"]);
    for (name, cloud) in clouds {
        table.row(&[name.clone(), regions(cloud).join(", ")]);
    }
    String::from_utf8_lossy(&table.finish()).into_owned()
}

fn regions(cloud: &Value) -> Vec<String> {
    let list = cloud.get("regions").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|r| r.get("name")?.as_str().map(str::to_owned)).collect()
}

fn read(name: &str, cloud: &Value) -> Choice {
    let types = cloud.get("auth-types").and_then(Value::as_array).into_iter().flatten();
    Choice {
        cloud: name.to_owned(),
        region: String::new(),
        auth_types: types.filter_map(|t| t.as_str().map(str::to_owned)).collect(),
        cloud_type: cloud.get("type").and_then(Value::as_str).unwrap_or("").to_owned(),
    }
}
