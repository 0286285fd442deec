//! The files of the client store, which people, the stock command and other clients write too; and our YAML printer against our reader.

use client::files::{
    self, Accounts, BootstrapConfigs, Clouds, Controllers, Credentials, Document, Models, Store, yaml,
};
use serde_json::Value;
use wire::yaml::{Node, print};

use crate::engine::dice::Dice;
use crate::engine::{Target, sentence};

fn file<D: Document>() -> Target {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::new(dir.path().join("juju"), dir.path());
    std::fs::create_dir(store.dir()).expect("a folder");
    let path = store.dir().join(D::FILE);
    Target::of_text(move |text| {
        let _held = &dir;
        match files::parse::<D>(text) {
            Ok(mut found) => {
                let printed = files::print(&mut found).unwrap_or_else(|e| panic!("cannot be printed: {e}"));
                let mut again = files::parse::<D>(&printed)
                    .unwrap_or_else(|e| panic!("prints as {printed:?}, which is refused: {e}"));
                let value = |document: &D| serde_json::to_value(document).expect("plain data");
                assert!(
                    same(&value(&again), &value(&found)),
                    "prints as {printed:?}, which reads as {}",
                    value(&again)
                );
                assert_eq!(files::print(&mut again).as_deref(), Ok(printed.as_str()), "is not stable");
            }
            Err(why) => {
                sentence(&why, text.as_bytes());
                std::fs::write(&path, text).expect("written");
                let refused = store.update(|_: &mut D| Ok::<_, files::Error>(()));
                assert!(refused.is_err(), "the file is refused when read but not when changed");
                assert_eq!(std::fs::read_to_string(&path).expect("there"), text, "what was refused was changed");
            }
        }
    })
    .words(YAML)
    .cases(300)
}

const YAML: &[&str] = &[
    "controllers:",
    "current-controller: ",
    "models:",
    "current-model: ",
    "uuid: ",
    "api-endpoints: ",
    "dns-cache:",
    "ca-cert: |",
    "type: iaas",
    "user: ",
    "password: ",
    "credentials:",
    "default-credential: ",
    "auth-type: ",
    "controller-config:",
    "clouds:",
    "regions:",
    "auth-types: [",
    "\n  ",
    "\n    ",
    "\n- ",
    "- ",
    ": ",
    " #",
    "|-\n",
    ">-\n",
    "|2+\n",
    "? ",
    "&x ",
    "*x",
    "<<: *x",
    "!!str ",
    "!!binary ",
    "!!int ",
    "%YAML 1.2\n---\n",
    "---\n",
    "...\n",
    "''",
    "\"\\x00\"",
    "\"\\ud800\"",
    "{a: b}",
    "[a, b]",
    "~",
    "0o17",
    "0x1F",
    "1e3",
    ".inf",
    ".nan",
    "+12",
    "1_000",
    "12:30",
    "2020-01-01",
];

pub fn controllers() -> Target {
    file::<Controllers>()
}

pub fn models() -> Target {
    file::<Models>()
}

pub fn accounts() -> Target {
    file::<Accounts>()
}

pub fn credentials() -> Target {
    file::<Credentials>()
}

pub fn bootstrap() -> Target {
    file::<BootstrapConfigs>()
}

pub fn clouds() -> Target {
    file::<Clouds>()
}

/// Any JSON, printed as YAML, is read as the same.
pub fn printed() -> Target {
    Target::new(|input| {
        let Ok(value) = serde_json::from_slice::<Value>(input) else { return };
        let printed = print(&Node::from(&value));
        let again = yaml::read(&printed).unwrap_or_else(|e| panic!("prints as {printed:?}, which is refused: {e}"));
        assert!(same(&again, &value), "prints as {printed:?}, which reads as {again}");
    })
    .json()
    .words(YAML)
    .make(texts)
}

/// Numbers are the same when they are equal; the printer writes 100000.0 as 100000.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// Texts of what printers quote, fold and indent, as keys and values.
fn texts(dice: &mut Dice) -> Vec<u8> {
    const PARTS: &[&str] = &[
        "a",
        "b",
        " ",
        "  ",
        "\n",
        "\n\n",
        "\t",
        ":",
        ": ",
        " #",
        "-",
        "- ",
        "'",
        "\"",
        "\\",
        "|",
        ">",
        "0",
        "1",
        ".",
        "e",
        "_",
        "word",
        "true",
        "null",
        "~",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&",
        "*",
        "!",
        "%",
        "@",
        "?",
        "\r",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "é",
        "\u{1F600}",
        "---",
        "...",
        "a longer run of words that has to be folded somewhere past the end of the line, they say",
    ];
    let text = |dice: &mut Dice| (0..dice.below(8)).map(|_| *dice.pick(PARTS)).collect::<String>();
    let (key, first, second) = (text(dice), text(dice), text(dice));
    let value = match dice.below(4) {
        0 => serde_json::json!({ key: first }),
        1 => serde_json::json!([first, [second]]),
        2 => serde_json::json!({"x": {"y": [{ key: first }, second]}}),
        _ => serde_json::json!(first),
    };
    value.to_string().into_bytes()
}
