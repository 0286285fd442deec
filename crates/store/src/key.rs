//! Names of what is stored: paths such as `/models/5f0c.../machines/0`.
//!
//! A key does not know what it names. The surprise: a segment made by [`Key::of`] is escaped, so a machine `0/lxd/1` or
//! a name that somebody typed stays one segment and can never reach into another's subtree.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::sync::Arc;

/// A key: `/` and one or more segments, parted by `/`. Cheap to clone; ordered by bytes, as every back end orders.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

/// All keys below one path; its text ends with `/`, so that `machines/1/` never takes in `machines/10`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(Arc<str>);

/// A text that is no key or prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("key {text:?} {why}")]
pub struct InvalidKey {
    text: String,
    why: &'static str,
}

impl Key {
    /// The key of these segments, each escaped as needed.
    pub fn of<S: AsRef<str>>(segments: impl IntoIterator<Item = S>) -> Key {
        let path = join(segments);
        // A key needs a segment; none given reads as one empty one rather than as the root.
        Key(if path.is_empty() { "/%".into() } else { path.into() })
    }

    /// Reads a key as it stands in a back end.
    pub fn parse(text: &str) -> Result<Key, InvalidKey> {
        check(text, text)?;
        Ok(Key(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key one segment below this one.
    pub fn child(&self, segment: impl AsRef<str>) -> Key {
        let mut path = self.0.to_string();
        push(&mut path, segment.as_ref());
        Key(path.into())
    }

    /// All keys below this one (not the key itself).
    pub fn below(&self) -> Prefix {
        Prefix(format!("{}/", self.0).into())
    }

    /// The segments, escapes undone.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = Cow<'_, str>> {
        self.0[1..].split('/').map(unescape)
    }

    /// The segments below `prefix`, escapes undone; `None` when the key is not below it.
    pub fn under(&self, prefix: &Prefix) -> Option<impl DoubleEndedIterator<Item = Cow<'_, str>>> {
        Some(self.0.strip_prefix(&*prefix.0)?.split('/').map(unescape))
    }
}

impl Prefix {
    /// Every key there is.
    pub fn all() -> Prefix {
        Prefix("/".into())
    }

    /// All keys below these segments, each escaped as needed.
    pub fn of<S: AsRef<str>>(segments: impl IntoIterator<Item = S>) -> Prefix {
        Prefix((join(segments) + "/").into())
    }

    /// Reads a prefix such as `/models/`.
    pub fn parse(text: &str) -> Result<Prefix, InvalidKey> {
        if text == "/" {
            return Ok(Prefix::all());
        }
        let Some(path) = text.strip_suffix('/') else {
            return Err(InvalidKey { text: text.into(), why: "is no prefix: it does not end with a slash" });
        };
        check(path, text)?;
        Ok(Prefix(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn holds(&self, key: &Key) -> bool {
        key.0.starts_with(&*self.0)
    }

    /// The key one segment below this prefix.
    pub fn key(&self, segment: impl AsRef<str>) -> Key {
        let mut path = self.0[..self.0.len() - 1].to_string();
        push(&mut path, segment.as_ref());
        Key(path.into())
    }

    /// The first text after every key of this prefix: `0` is the byte after `/`.
    pub fn end(&self) -> String {
        format!("{}0", &self.0[..self.0.len() - 1])
    }
}

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn join<S: AsRef<str>>(segments: impl IntoIterator<Item = S>) -> String {
    let mut path = String::new();
    for segment in segments {
        push(&mut path, segment.as_ref());
    }
    path
}

/// Appends `/` and the segment. An empty segment is written `%`, which no other segment is written as.
fn push(path: &mut String, segment: &str) {
    path.push('/');
    if segment.is_empty() {
        path.push('%');
    }
    for c in segment.chars() {
        if matches!(c, '/' | '%') || c.is_control() {
            let mut buffer = [0; 4];
            for byte in c.encode_utf8(&mut buffer).bytes() {
                path.push_str(&format!("%{byte:02X}"));
            }
        } else {
            path.push(c);
        }
    }
}

fn unescape(segment: &str) -> Cow<'_, str> {
    if !segment.contains('%') {
        return Cow::Borrowed(segment);
    }
    if segment == "%" {
        return Cow::Borrowed("");
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%')
            .then(|| std::str::from_utf8(after.get(..2)?).ok())
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn check(path: &str, text: &str) -> Result<(), InvalidKey> {
    let refuse = |why| Err(InvalidKey { text: text.into(), why });
    let Some(rest) = path.strip_prefix('/') else {
        return refuse("does not start with a slash");
    };
    if rest.split('/').any(str::is_empty) {
        return refuse("has an empty segment");
    }
    if rest.chars().any(char::is_control) {
        return refuse("has a control character");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_that_are_keys_and_texts_that_are_not() {
        for good in ["/a", "/models/x/machines/0", "/users/bob@external", "/a b"] {
            assert_eq!(Key::parse(good).map(|key| key.to_string()), Ok(good.to_string()));
        }
        for bad in ["", "/", "a", "/a/", "//a", "/a//b", "/a\n", "a/b"] {
            assert!(Key::parse(bad).is_err(), "{bad:?} was taken for a key");
        }
        for bad in ["", "a/", "/a", "//"] {
            assert!(Prefix::parse(bad).is_err(), "{bad:?} was taken for a prefix");
        }
    }

    #[test]
    fn a_container_is_one_segment() {
        let key = Key::of(["models", "m", "machines", "0/lxd/1"]);
        assert_eq!(key.as_str(), "/models/m/machines/0%2Flxd%2F1");
        assert_eq!(key.segments().next_back().as_deref(), Some("0/lxd/1"));
        assert!(!Key::of(["machines", "1"]).below().holds(&Key::of(["machines", "10"])));
        assert!(!Key::of(["machines", "1"]).below().holds(&Key::of(["machines", "1/lxd/0"])));
    }

    proptest! {
        #[test]
        fn segments_come_back(segments in prop::collection::vec(any::<String>(), 1..4)) {
            let key = Key::of(&segments);
            prop_assert_eq!(&Key::parse(key.as_str()).unwrap_or_else(|e| panic!("{e}")), &key);
            prop_assert_eq!(key.segments().map(|s| s.into_owned()).collect::<Vec<_>>(), segments);
        }

        #[test]
        fn the_end_of_a_prefix_is_after_all_its_keys_and_before_all_later_ones(a in "[a-c/0.]{1,4}", b in "[a-c/0.]{1,4}") {
            let prefix = Prefix::of([&a]);
            let key = Key::of([&a, &b]);
            prop_assert!(prefix.holds(&key) && prefix.as_str() < key.as_str() && key.as_str() < prefix.end().as_str());
            let other = Key::of([&b]);
            let between = prefix.as_str() < other.as_str() && other.as_str() < prefix.end().as_str();
            prop_assert_eq!(between, prefix.holds(&other));
        }
    }
}
