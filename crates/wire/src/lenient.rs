//! Reading JSON as Go does: keys match without regard to case, unknown keys are ignored, `null` is the zero value of
//! whatever was wanted. Missing keys are the business of `#[serde(default)]` on each type.
//! The surprise: among keys that differ only in case, the last one wins, as in Go.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Map, Value};

/// Turns a value into `T`. The error names what was expected.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    T::deserialize(Lenient(value))
}

/// Reads a document into `T`.
pub fn from_slice<T: DeserializeOwned>(text: &[u8]) -> Result<T, Error> {
    from_value(serde_json::from_slice(text)?)
}

/// Reads a document that was most likely written just as `T` wants it: then no tree of values is built of it.
/// A key in another case than `T`'s is passed over in a document that holds no null either; programs write keys in one way.
pub fn from_exact<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).or_else(|_| from_slice(text.as_bytes()))
}

struct Lenient(Value);

macro_rules! null_is {
    ($($method:ident => $visit:ident($zero:expr)),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0 {
                Value::Null => visitor.$visit($zero),
                value => value.$method(visitor),
            }
        }
    )*};
}

impl<'de> IntoDeserializer<'de, Error> for Lenient {
    type Deserializer = Lenient;
    fn into_deserializer(self) -> Lenient {
        self
    }
}

fn lenient_map(map: Map<String, Value>) -> impl Iterator<Item = (String, Lenient)> {
    map.into_iter().map(|(k, v)| (k, Lenient(v)))
}

impl<'de> Deserializer<'de> for Lenient {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        // Only free-form JSON asks for anything: there a null stays a null and keys stay as they are.
        self.0.deserialize_any(visitor)
    }

    null_is! {
        deserialize_bool => visit_bool(false),
        deserialize_i8 => visit_i64(0), deserialize_i16 => visit_i64(0), deserialize_i32 => visit_i64(0),
        deserialize_i64 => visit_i64(0), deserialize_u8 => visit_u64(0), deserialize_u16 => visit_u64(0),
        deserialize_u32 => visit_u64(0), deserialize_u64 => visit_u64(0),
        deserialize_f32 => visit_f64(0.0), deserialize_f64 => visit_f64(0.0),
        deserialize_str => visit_str(""), deserialize_string => visit_str(""),
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            value => visitor.visit_some(Lenient(value)),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_seq(SeqDeserializer::new(std::iter::empty::<Lenient>())),
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Lenient))),
            other => other.deserialize_seq(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_map(MapDeserializer::new(std::iter::empty::<(String, Lenient)>())),
            Value::Object(map) => visitor.visit_map(MapDeserializer::new(lenient_map(map))),
            other => other.deserialize_map(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let map = match self.0 {
            Value::Null => Map::new(),
            Value::Object(map) => map,
            other => return other.deserialize_map(visitor),
        };
        let mut named: Vec<(&'static str, Value)> = Vec::with_capacity(map.len());
        for (key, value) in map {
            let Some(field) = fields.iter().find(|f| f.eq_ignore_ascii_case(&key)) else { continue };
            match named.iter_mut().find(|(name, _)| name == field) {
                Some(slot) => slot.1 = value,
                None => named.push((field, value)),
            }
        }
        visitor.visit_map(Fields { named: named.into_iter(), value: None })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple_struct identifier ignored_any
    }
}

struct Fields {
    named: std::vec::IntoIter<(&'static str, Value)>,
    value: Option<Value>,
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((name, value)) = self.named.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(Lenient(self.value.take().unwrap_or(Value::Null)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize, Default, PartialEq)]
    #[serde(default, rename_all = "kebab-case")]
    struct Inner {
        model_name: String,
        count: i64,
    }

    #[derive(Debug, Deserialize, Default, PartialEq)]
    #[serde(default, rename_all = "kebab-case")]
    struct Outer {
        inner: Inner,
        list: Vec<Inner>,
        map: BTreeMap<String, Inner>,
        maybe: Option<Inner>,
        free: Value,
        flag: bool,
    }

    #[test]
    fn an_exact_document_is_read_as_any_other_is() {
        for text in [
            r#"{"inner": {"model-name": "x", "unknown": [1]}, "list": [{"count": 3}], "map": {"Key": {"count": 1}}, "flag": true}"#,
            r#"{"inner": null, "list": null, "map": {"Key": {"count": null}}, "maybe": {"count": 2}, "free": [null]}"#,
            r#"{"flag": true, "flag": false}"#,
            "{}",
        ] {
            let (exact, any): (Outer, Outer) =
                (from_exact(text).expect("reads"), from_slice(text.as_bytes()).expect("reads"));
            assert_eq!(exact, any, "{text}");
        }
        assert!(from_exact::<Outer>(r#"{"flag": 3}"#).is_err());
    }

    #[test]
    fn as_go_reads() {
        let got: Outer = from_value(json!({
            "INNER": {"Model-Name": "x", "unknown": [1]}, "list": [null, {"COUNT": 3}], "map": {"Key": {"count": null}},
            "maybe": null, "free": {"Keep": null}, "flag": null
        }))
        .expect("reads");
        let expected = Outer {
            inner: Inner { model_name: "x".into(), count: 0 },
            list: vec![Inner::default(), Inner { count: 3, ..Inner::default() }],
            map: BTreeMap::from([("Key".to_owned(), Inner::default())]),
            maybe: None,
            free: json!({"Keep": null}),
            flag: false,
        };
        assert_eq!(got, expected);
        assert_eq!(from_value::<Outer>(Value::Null).expect("reads"), Outer::default());
        assert!(from_value::<Outer>(json!({"list": 3})).is_err());
        assert!(from_value::<Outer>(json!([1])).is_err());
    }
}
