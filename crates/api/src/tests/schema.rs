//! Every answer that a test's client gets, held against the original's own schema of that facade and version, which lies beside the recordings.
//!
//! `rig::Checked` asks here for each call, so every test of the API is one of its shapes too; without the schemas nothing is checked. The surprise:
//! a schema says `object` of what may be anything, and says of lists and maps nothing about null, which the original sends for empty ones.

use super::published;
use crate::table::{self, facades};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::OnceLock;

/// A file to which each answer that says something adds its `Facade.Method`.
const TOLD: &str = "GRIGRI_ANSWERS";

/// What the schemas, made of types, have otherwise than the wire: the types write themselves in another way.
const OTHERWISE: &[&str] = &[
    // `[kind, "change", {…}]`, where the type has a flag and an entity.
    "AllWatcher.Next",
    "AllModelWatcher.Next",
];

/// Fields that are ours: the facade's method, the path. Clients keep what they do not know aside.
const OURS: &[(&str, &str)] = &[];

/// Methods of which no test has an answer that says something, and why.
const UNSEEN: &[(&str, &str)] = &[
    ("Action.ApplicationsCharmsActions", NO_APPLICATIONS),
    ("Action.EnqueueOperation", NO_APPLICATIONS),
    ("Annotations.Set", "what went well leaves no item"),
    ("Cloud.InstanceTypes", "no cloud here has types of instances"),
    ("Controller.IdentityProviderURL", "there is none: an empty text"),
    ("Controller.MongoVersion", "there is none: an empty text"),
    ("MachineManager.InstanceTypes", "no cloud here has types of instances"),
    ("MachineManager.RetryProvisioning", "what went well leaves no item"),
    ("MachineManager.UpgradeSeriesValidate", NO_SERIES),
    ("SSHClient.PrivateAddress", "that of a machine with addresses, which the suites alone have"),
    ("Storage.StorageDetails", NO_APPLICATIONS),
    ("Subnets.AllZones", "no cloud here has zones of subnets"),
];

const NO_APPLICATIONS: &str = "there are no applications to ask for";
const NO_SERIES: &str = "nothing has a series to be upgraded";

struct Schema {
    version: i64,
    methods: Map<String, Value>,
    definitions: Map<String, Value>,
}

fn schemas() -> Option<&'static BTreeMap<String, Schema>> {
    static READ: OnceLock<Option<BTreeMap<String, Schema>>> = OnceLock::new();
    let read = || {
        let all = published::schemas()?;
        let object = |facade: &Value, name: &str| facade["Schema"][name].as_object().cloned().unwrap_or_default();
        let one = |facade: &Value| {
            let version = facade["Version"].as_i64().expect("a version");
            let schema =
                Schema { version, methods: object(facade, "properties"), definitions: object(facade, "definitions") };
            (facade["Name"].as_str().expect("a name").to_owned(), schema)
        };
        Some(all.iter().map(one).collect())
    };
    READ.get_or_init(read).as_ref()
}

/// Panics with all that is wrong with an answer.
pub fn check(facade: &str, version: i64, method: &str, answer: &Value) {
    let Some(schema) = schemas().and_then(|all| all.get(facade)).filter(|schema| schema.version == version) else {
        return;
    };
    let call = format!("{facade}.{method}");
    let Some(wanted) = schema.methods.get(method) else { return };
    if OTHERWISE.contains(&call.as_str()) {
        return tell(&call);
    }
    let mut wrong = Vec::new();
    match wanted["properties"].get("Result") {
        Some(wanted) => compare(&schema.definitions, wanted, answer, "", &mut wrong),
        None if answer.as_object().is_some_and(Map::is_empty) => {}
        None => wrong.push(format!(": an answer where the original has none: {answer}")),
    }
    wrong.retain(|what| {
        !OURS.iter().any(|(of, field)| *of == call && what.starts_with(&format!("{field}: unknown field")))
    });
    assert!(
        wrong.is_empty(),
        "{call}({version}) answers what the original does not:\n{}\n{answer:#}",
        wrong.join("\n")
    );
    // Of one that went well and has nothing to say the answer is empty.
    let is_bare = wanted["properties"].get("Result").is_none_or(|result| result["$ref"] == "#/definitions/ErrorResult");
    if is_bare && answer.get("error").is_none() || says_something(answer) {
        tell(&call);
    }
}

fn compare(definitions: &Map<String, Value>, schema: &Value, seen: &Value, path: &str, wrong: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.trim_start_matches("#/definitions/");
        return match definitions.get(name) {
            // A version writes itself as a text.
            Some(_) if name == "Number" && seen.is_string() => {}
            Some(schema) => compare(definitions, schema, seen, path, wrong),
            None => wrong.push(format!("{path}: the schema has no {name}")),
        };
    }
    let kind = schema["type"].as_str().unwrap_or_default();
    let fits = match kind {
        "string" => seen.is_string(),
        "boolean" => seen.is_boolean(),
        "integer" => seen.is_i64() || seen.is_u64(),
        "number" => seen.is_number(),
        // Bytes are a text in base64.
        "array" if schema["items"]["type"] == "integer" => seen.is_array() || seen.is_null() || seen.is_string(),
        "array" => seen.is_array() || seen.is_null(),
        "object" => true,
        _ => false,
    };
    if !fits {
        return wrong.push(format!("{path}: {seen} is no {kind}"));
    }
    if schema["format"] == "date-time" && seen.as_str().is_some_and(|text| !is_time(text)) {
        return wrong.push(format!("{path}: {seen} is no time"));
    }
    for one in seen.as_array().into_iter().flatten().filter(|_| kind == "array") {
        compare(definitions, &schema["items"], one, &format!("{path}[]"), wrong);
    }
    if kind == "object" && schema["additionalProperties"] != Value::Bool(true) {
        compare_object(definitions, schema, seen, path, wrong);
    }
}

fn compare_object(definitions: &Map<String, Value>, schema: &Value, seen: &Value, path: &str, wrong: &mut Vec<String>) {
    let of_map = schema["patternProperties"].get(".*");
    let Some(seen) = seen.as_object() else {
        if !(seen.is_null() && of_map.is_some()) {
            wrong.push(format!("{path}: {seen} is no object"));
        }
        return;
    };
    if let Some(of_map) = of_map {
        return seen.values().for_each(|one| compare(definitions, of_map, one, &format!("{path}.*"), wrong));
    }
    let fields = Fields::of(definitions, schema);
    if fields.all.is_empty() {
        // A type that says nothing of its fields and writes itself: a macaroon.
        return;
    }
    for name in fields.required.iter().filter(|name| !seen.contains_key(**name)) {
        wrong.push(format!("{path}.{name}: required field is missing"));
    }
    for (name, one) in seen {
        let path = format!("{path}.{name}");
        let required = fields.required.contains(name.as_str());
        match fields.all.get(name.as_str()) {
            None => wrong.push(format!("{path}: unknown field")),
            // What may be left out is left out: clients take null for a value.
            Some(_) if one.is_null() && !required => wrong.push(format!("{path}: null in place of nothing")),
            // What the original points to, and has to be there, is null when there is none.
            Some(schema) if one.is_null() && (schema.get("$ref").is_some() || schema["format"] == "date-time") => {}
            Some(schema) => compare(definitions, schema, one, &path, wrong),
        }
    }
}

/// The fields of an object, those of types that it has embedded among them: on the wire they stand beside its own, in the schema as one field of
/// the type's name.
#[derive(Default)]
struct Fields<'s> {
    all: BTreeMap<&'s str, &'s Value>,
    required: BTreeSet<&'s str>,
}

impl<'s> Fields<'s> {
    fn of(definitions: &'s Map<String, Value>, schema: &'s Value) -> Fields<'s> {
        let mut fields = Fields::default();
        let required: BTreeSet<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, one) in schema["properties"].as_object().into_iter().flatten() {
            let embedded = one["$ref"].as_str().and_then(|path| path.strip_prefix("#/definitions/"));
            match embedded.filter(|embedded| embedded == name).and_then(|name| definitions.get(name)) {
                Some(embedded) => {
                    let inner = Fields::of(definitions, embedded);
                    fields.all.extend(inner.all);
                    fields.required.extend(inner.required);
                }
                None => {
                    fields.all.insert(name, one);
                    fields.required.extend(required.get(name.as_str()));
                }
            }
        }
        fields
    }
}

/// RFC 3339.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits =
        |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    let at = |index: usize, byte: u8| bytes.get(index) == Some(&byte);
    digits(0..4)
        && at(4, b'-')
        && digits(5..7)
        && at(7, b'-')
        && digits(8..10)
        && at(10, b'T')
        && digits(11..13)
        && at(13, b':')
        && digits(14..16)
        && at(16, b':')
        && digits(17..19)
        && (text.ends_with('Z') || text[19..].contains(['+', '-']))
}

/// Whether anything in it has a value, or went well: an item that is nothing but no error did.
fn says_something(answer: &Value) -> bool {
    match answer {
        Value::Null => false,
        Value::Array(all) => all.iter().any(|one| one.as_object().is_some_and(Map::is_empty) || says_something(one)),
        Value::Object(all) => all.iter().any(|(name, one)| name != "error" && says_something(one)),
        Value::String(text) => !text.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn tell(call: &str) {
    if let Some(path) = std::env::var_os(TOLD) {
        let file = std::fs::File::options().append(true).create(true).open(path);
        // One write, so that lines of tests that run at once do not mix.
        file.expect("a file of answers").write_all(format!("{call}\n").as_bytes()).expect("written");
    }
}

/// Runs all other tests of this program again, and looks which answers they had.
#[test]
fn every_method_that_is_served_has_its_answer_checked() {
    let Some(schemas) = schemas() else { return };
    let path = std::env::temp_dir().join(format!("grigri-answers-{}", std::process::id()));
    let program = std::env::current_exe().expect("this program");
    let mut tests = std::process::Command::new(program);
    tests.args(["tests::", "--skip", "tests::schema::", "--skip", "tests::params::", "--quiet"]).env(TOLD, &path);
    let done = tests.output().expect("runs");
    let told = std::fs::read_to_string(&path).unwrap_or_default();
    let _ = std::fs::remove_file(&path);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    let told: BTreeSet<&str> = told.lines().collect();
    let served = facades().flat_map(|facade| facade.methods.iter().map(move |method| (facade, method)));
    let of_schema = served.filter(|(facade, method)| {
        let schema = schemas.get(facade.name).filter(|schema| facade.versions.contains(&schema.version));
        method.run.is_some() && schema.is_some_and(|schema| schema.methods.contains_key(method.name))
    });
    let unseen: BTreeSet<String> = of_schema
        .map(|(facade, method): (&table::Facade, &table::Method)| format!("{}.{}", facade.name, method.name))
        .filter(|call| !told.contains(call.as_str()))
        .collect();
    let listed: BTreeSet<String> = UNSEEN.iter().map(|(call, _)| (*call).to_owned()).collect();
    let (new, seen): (Vec<_>, Vec<_>) = (unseen.difference(&listed).collect(), listed.difference(&unseen).collect());
    assert!(new.is_empty() && seen.is_empty(), "no answer of {new:?} is looked at; there is one of {seen:?}");
}

#[test]
fn each_kind_of_difference_is_found() {
    use serde_json::json;
    let schema = json!({"type": "object", "additionalProperties": false, "required": ["name", "list", "one", "at"], "properties": {
        "name": {"type": "string"}, "list": {"type": "array", "items": {"type": "integer"}}, "one": {"$ref": "#/definitions/One"},
        "at": {"type": "string", "format": "date-time"}, "any": {"type": "object", "additionalProperties": true},
        "map": {"type": "object", "patternProperties": {".*": {"type": "boolean"}}}, "In": {"$ref": "#/definitions/In"}}});
    let one = json!({"type": "object", "additionalProperties": false, "properties": {"error": {"$ref": "#/definitions/One"}}});
    let within = json!({"type": "object", "required": ["inner"], "properties": {"inner": {"type": "integer"}}});
    let definitions = Map::from_iter([("One".to_owned(), one), ("In".to_owned(), within)]);
    let good = json!({"name": "n", "list": [1, 2], "one": null, "at": "2026-01-02T03:04:05.6Z", "any": 5, "map": {"a": true}, "inner": 1});
    let wrong = |field: &str, value: Value| {
        let mut seen = good.clone();
        match value {
            Value::Null if field == "name" => drop(seen.as_object_mut().expect("an object").remove(field)),
            value => seen[field] = value,
        }
        let mut wrong = Vec::new();
        compare(&definitions, &schema, &seen, "", &mut wrong);
        wrong.join("; ")
    };
    for (field, value, expected) in [
        ("list", json!(null), ""),
        ("map", json!({}), ""),
        ("any", json!(["x"]), ""),
        ("list", json!("AAEC"), ""),
        ("inner", json!("x"), ".inner: \"x\" is no integer"),
        ("In", json!({}), ".In: unknown field"),
        ("name", json!(null), ".name: required field is missing"),
        ("name", json!(1), ".name: 1 is no string"),
        ("list", json!([1.5]), ".list[]: 1.5 is no integer"),
        ("at", json!("yesterday"), ".at: \"yesterday\" is no time"),
        ("more", json!(1), ".more: unknown field"),
        ("map", json!({"a": 1}), ".map.*: 1 is no boolean"),
        ("map", json!(null), ".map: null in place of nothing"),
        ("one", json!({"error": null}), ".one.error: null in place of nothing"),
        ("one", json!({"error": {"code": ""}}), ".one.error.code: unknown field"),
        ("one", json!("x"), ".one: \"x\" is no object"),
    ] {
        assert_eq!(wrong(field, value.clone()), expected, "{field}: {value}");
    }
    for (answer, expected) in [
        (json!({}), false),
        (json!({"results": [{"error": {"message": "m"}}]}), false),
        (json!({"a": [{"b": 0}]}), true),
        (json!({"results": [{}]}), true),
    ] {
        assert_eq!(says_something(&answer), expected, "{answer}");
    }
}
