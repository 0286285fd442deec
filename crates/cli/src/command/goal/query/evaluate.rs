//! What a query says of something. Must not know what that is: names are looked up in a `Scope`.
//!
//! The surprise: `forEach` of an empty list is false, so nobody takes what is not there yet for done.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Expr;

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
    /// Something with names of its own.
    Thing(Rc<Scope>),
}

/// What names mean.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    /// As told to a user who names something else: `MachineInfo`.
    pub kind: &'static str,
    /// What it is called among others of its kind.
    pub id: String,
    pub names: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Nothing has this name; the kind it was looked for on.
    UnknownName { name: String, kind: &'static str, known: Vec<String> },
    /// Something cannot be done with that, in words.
    Senseless(String),
}

/// One run of a query.
#[derive(Debug, Default)]
pub struct Run {
    /// What was to be printed.
    pub printed: Vec<String>,
    /// What was looked at within lists: kind, id, name.
    pub seen: Vec<(&'static str, String, String, Value)>,
    bound: Vec<(String, Value)>,
}

fn senseless<T>(words: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Senseless(words.into()))
}

impl Value {
    /// What it is, to be spoken of.
    fn kind(&self) -> &'static str {
        match self {
            Value::Bool(_) => "a boolean",
            Value::Int(_) => "an integer",
            Value::Float(_) => "a float",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Thing(_) => "an entity",
        }
    }
}

impl Run {
    /// Whether the query holds.
    pub fn holds(&mut self, expr: &Expr, scope: &Scope) -> Result<bool, Failure> {
        match self.value(expr, scope)? {
            Value::Bool(holds) => Ok(holds),
            other => senseless(format!("{} is neither true nor false", other.kind())),
        }
    }

    fn value(&mut self, expr: &Expr, scope: &Scope) -> Result<Value, Failure> {
        match expr {
            Expr::Literal(value) => Ok(value.clone()),
            Expr::Name(name) => match self.bound.iter().rev().find(|(bound, _)| bound == name) {
                Some((_, value)) => Ok(value.clone()),
                None => look_up(scope, name),
            },
            Expr::Field(of, name) => match self.value(of, scope)? {
                Value::Thing(thing) => {
                    let value = look_up(&thing, name)?;
                    self.seen.push((thing.kind, thing.id.clone(), name.clone(), value.clone()));
                    Ok(value)
                }
                Value::Map(map) => match map.get(name) {
                    Some(value) => Ok(value.clone()),
                    None => senseless(format!("nothing is called {name:?} there")),
                },
                other => senseless(format!("{} has no {name:?}", other.kind())),
            },
            Expr::Index(of, index) => {
                let (of, index) = (self.value(of, scope)?, self.value(index, scope)?);
                let found = match (&of, &index) {
                    (Value::List(list), Value::Int(at)) => usize::try_from(*at).ok().and_then(|at| list.get(at)),
                    (Value::Map(map), Value::Text(key)) => map.get(key),
                    (of, index) => return senseless(format!("{} has no place by {}", of.kind(), index.kind())),
                };
                match found {
                    Some(value) => Ok(value.clone()),
                    None => senseless("nothing is at that place"),
                }
            }
            Expr::Call(function, arguments) => match &**function {
                Expr::Name(name) => self.call(name, arguments, scope),
                _ => senseless("only a function can be called"),
            },
            Expr::Lambda(..) => senseless("a function stands where a value should"),
            Expr::Binary(sign @ ("&&" | "||"), left, right) => {
                let left = self.holds(left, scope)?;
                match (*sign, left) {
                    ("&&", false) | ("||", true) => Ok(Value::Bool(left)),
                    _ => Ok(Value::Bool(self.holds(right, scope)?)),
                }
            }
            Expr::Binary(sign, left, right) => {
                let (left, right) = (self.value(left, scope)?, self.value(right, scope)?);
                compare(sign, &left, &right).map(Value::Bool)
            }
        }
    }

    fn call(&mut self, name: &str, arguments: &[Expr], scope: &Scope) -> Result<Value, Failure> {
        match (name, arguments) {
            ("forEach", [list, Expr::Lambda(variable, body)]) => {
                let items = match self.value(list, scope)? {
                    Value::List(items) => items,
                    Value::Map(map) => map.into_values().collect(),
                    other => return senseless(format!("forEach goes over lists, not over {}", other.kind())),
                };
                let mut all = !items.is_empty();
                for item in items {
                    self.bound.push((variable.clone(), item));
                    let holds = self.holds(body, scope);
                    self.bound.pop();
                    all &= holds?;
                }
                Ok(Value::Bool(all))
            }
            ("len", [of]) => match self.value(of, scope)? {
                Value::List(list) => Ok(length(list.len())),
                Value::Map(map) => Ok(length(map.len())),
                Value::Text(text) => Ok(length(text.chars().count())),
                other => senseless(format!("{} has no length", other.kind())),
            },
            ("startsWith" | "endsWith", [text, part]) => match (self.value(text, scope)?, self.value(part, scope)?) {
                (Value::Text(text), Value::Text(part)) if name == "startsWith" => {
                    Ok(Value::Bool(text.starts_with(&part)))
                }
                (Value::Text(text), Value::Text(part)) => Ok(Value::Bool(text.ends_with(&part))),
                _ => senseless(format!("{name} is for strings")),
            },
            ("int", [of]) => match self.value(of, scope)? {
                Value::Int(number) => Ok(Value::Int(number)),
                #[allow(clippy::cast_possible_truncation, reason = "that is what is asked for")]
                Value::Float(number) => Ok(Value::Int(number as i64)),
                Value::Text(text) => match text.parse() {
                    Ok(number) => Ok(Value::Int(number)),
                    Err(_) => senseless(format!("{text:?} is no integer")),
                },
                other => senseless(format!("{} is no integer", other.kind())),
            },
            ("print", [of]) => {
                let value = self.value(of, scope)?;
                self.printed.push(shown(&value));
                Ok(Value::Bool(true))
            }
            ("forEach" | "len" | "startsWith" | "endsWith" | "int" | "print", _) => {
                senseless(format!("{name} wants other arguments"))
            }
            _ => {
                let known = ["endsWith", "forEach", "int", "len", "print", "startsWith"].map(str::to_owned).to_vec();
                Err(Failure::UnknownName { name: name.to_owned(), kind: "functions", known })
            }
        }
    }
}

fn length(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

fn look_up(scope: &Scope, name: &str) -> Result<Value, Failure> {
    scope.names.get(name).cloned().ok_or_else(|| Failure::UnknownName {
        name: name.to_owned(),
        kind: scope.kind,
        known: scope.names.keys().cloned().collect(),
    })
}

fn compare(sign: &str, left: &Value, right: &Value) -> Result<bool, Failure> {
    #[allow(clippy::cast_precision_loss, reason = "an integer beside a float is compared as one")]
    let order = match (left, right) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Float(b)) => (*a as f64).partial_cmp(b),
        (Value::Float(a), Value::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) if matches!(sign, "==" | "!=") => Some(a.cmp(b)),
        (a, b) => return senseless(format!("{} and {} cannot be compared by {sign}", a.kind(), b.kind())),
    };
    Ok(order.is_some_and(|order| match sign {
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    }))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Text(value) => value.clone(),
        Value::List(list) => format!("[{}]", list.iter().map(shown).collect::<Vec<_>>().join(" ")),
        Value::Map(map) => {
            let entries: Vec<String> = map.iter().map(|(key, value)| format!("{key}:{}", shown(value))).collect();
            format!("map[{}]", entries.join(" "))
        }
        Value::Thing(thing) => thing.id.clone(),
    }
}
