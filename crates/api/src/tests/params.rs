//! Every method with parameters of the published shapes gone wrong: null and other types for each field, for each item and for each field of an item,
//! fields that nobody knows, ten thousand items. Each is answered, what is refused changes nothing, and the connection goes on.
//!
//! The surprise: nothing is said of which are refused. A field that we do not read may be anything.

use std::time::Duration;

use rpc::CallError;
use serde_json::{Map, Value, json};

use super::published::schemas;
use super::rig::{CONTROLLER_MODEL, Client, Rig};
use crate::table;

const MANY: usize = 10_000;
/// Bytes of a call that is not too large.
const LARGEST: usize = 3 << 20;
const SOON: Duration = Duration::from_secs(60);
/// They wait for something to happen, or end what everything else is asked of.
const OTHERWISE: &[&str] = &["Controller.DestroyController", "Pinger.Stop"];

/// What the schema of a facade says of its methods' parameters.
struct Schema<'s>(&'s Value);

impl Schema<'_> {
    fn params(&self, method: &str) -> Option<&Value> {
        self.0.pointer(&format!("/properties/{method}/properties/Params"))
    }

    fn resolved<'v>(&'v self, mut shape: &'v Value) -> &'v Value {
        while let Some(name) = shape["$ref"].as_str() {
            shape = self.0.pointer(name.trim_start_matches('#')).unwrap_or(&Value::Null);
        }
        shape
    }

    /// A value of this shape, with one item where there may be many. Shapes may hold themselves.
    fn sample(&self, shape: &Value, depth: usize) -> Value {
        let shape = self.resolved(shape);
        match shape["type"].as_str() {
            Some("string") => json!("x"),
            Some("integer" | "number") => json!(1),
            Some("boolean") => json!(true),
            Some("array") if depth > 0 => json!([self.sample(&shape["items"], depth - 1)]),
            Some("array") => json!([]),
            Some("object") if depth > 0 => {
                let fields = shape["properties"].as_object().into_iter().flatten();
                fields.map(|(name, shape)| (name.clone(), self.sample(shape, depth - 1))).collect::<Map<_, _>>().into()
            }
            _ => json!({}),
        }
    }
}

/// Where one value in an answerable call is to be another.
type Place = Vec<String>;

/// The fields of it, and of the first item of each list in it.
fn places(sample: &Value) -> Vec<Place> {
    let mut found = Vec::new();
    for (name, value) in sample.as_object().into_iter().flatten() {
        found.push(vec![name.clone()]);
        let Some(item) = value.get(0) else { continue };
        found.push(vec![name.clone(), "0".into()]);
        found.extend(
            item.as_object().into_iter().flatten().map(|(field, _)| vec![name.clone(), "0".into(), field.clone()]),
        );
    }
    found
}

fn put(sample: &Value, place: &Place, value: Value) -> Value {
    let mut changed = sample.clone();
    if let Some(there) = changed.pointer_mut(&format!("/{}", place.join("/"))) {
        *there = value;
    }
    changed
}

fn gone_wrong(sample: &Value) -> Vec<Value> {
    let mut all = vec![Value::Null, json!([]), json!("x"), json!(7)];
    for place in places(sample) {
        let others =
            [json!(null), json!("\u{0}"), json!(-1), json!(1e99), json!(true), json!([null]), json!({"x": {}})];
        all.extend(others.into_iter().map(|value| put(sample, &place, value)));
    }
    let mut unknown = sample.clone();
    if let Some(fields) = unknown.as_object_mut() {
        fields.insert("nobody-knows".into(), json!({"this": [1, 2, 3]}));
        all.push(unknown);
    }
    for (name, value) in sample.as_object().into_iter().flatten() {
        if let Some(item) = value.get(0) {
            let many = MANY.min(LARGEST / item.to_string().len());
            all.push(put(sample, &vec![name.clone()], json!(vec![item; many])));
        }
    }
    all
}

/// Nothing of it was done: the call was refused, or each of its items.
fn is_refused(answer: &Result<Value, CallError>) -> bool {
    let Ok(answer) = answer else { return true };
    let results = answer["results"].as_array();
    results.is_some_and(|all| !all.is_empty() && all.iter().all(|one| !one["error"].is_null()))
}

/// On which connection, and who asks.
async fn asked(rig: &Rig, on_model: bool) -> Client {
    let path = if on_model { format!("/model/{CONTROLLER_MODEL}/api") } else { "/api".into() };
    rig.login(&path, "admin").await
}

#[tokio::test]
async fn parameters_gone_wrong_are_answered_and_change_nothing() {
    let Some(schemas) = schemas() else { return };
    let mut tried = 0;
    for on_model in [false, true] {
        for facade in table::listed(on_model).filter(|facade| !facade.name.ends_with("Watcher")) {
            let rig = Rig::start().await;
            let client = asked(&rig, on_model).await;
            let Some(schema) = schemas.iter().find(|one| one["Name"] == facade.name) else { continue };
            let schema = Schema(&schema["Schema"]);
            for method in facade.methods {
                let name = format!("{}.{}", facade.name, method.name);
                let Some(shape) = schema.params(method.name).filter(|_| !OTHERWISE.contains(&name.as_str())) else {
                    continue;
                };
                let version = *facade.versions.last().expect("a version");
                for params in gone_wrong(&schema.sample(shape, 4)) {
                    let shown: String = params.to_string().chars().take(200).collect();
                    let before = rig.state.read().revision();
                    let called = client.call(facade.name, version, method.name, params);
                    let Ok(answer) = tokio::time::timeout(SOON, called).await else {
                        panic!("{name} {shown} is not answered")
                    };
                    if let Err(error) = &answer {
                        assert!(matches!(error, CallError::Refused(_)), "{name} {shown}: {error:?}");
                        assert!(!error.to_string().contains("quote incident"), "{name} {shown}: {error}");
                    }
                    if is_refused(&answer) {
                        let after = rig.state.read().revision();
                        assert_eq!(after, before, "{name} {shown} was refused and changed something: {answer:?}");
                    }
                    tried += 1;
                }
            }
            client.call("Pinger", 1, "Ping", json!({})).await.expect("the connection goes on");
        }
    }
    assert!(tried > 3_000, "only {tried}");
}
