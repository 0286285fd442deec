//! Takes secrets out of texts that somebody else is going to read.
//!
//! Must not know where a text comes from. Two nets: values that are known to be secret (the client store's, the environment's) go wherever
//! they stand; what looks like one (`password: x`, a private key, a token) goes whether it is known or not. The surprise: it takes rather too
//! much, since a line that lost its end costs a question, and a password that stayed costs more.

use serde_json::Value;

const GONE: &str = "[redacted]";
/// Shorter values stand in texts by chance.
const SHORTEST: usize = 4;
/// What the name of a secret has in it. Dashes and underlines of the name are passed over.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "macaroon",
    "credential",
    "apikey",
    "accesskey",
    "privatekey",
    "cakey",
    "authorization",
    "cookie",
    "nonce",
    "ticket",
    "userdata",
];
/// How tokens begin that are known for it, and how many characters follow at least.
const TOKENS: &[(&str, usize)] = &[
    ("AKIA", 12),
    ("ASIA", 12),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghs_", 20),
    ("ghu_", 20),
    ("ghr_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("xoxb-", 16),
    ("xoxp-", 16),
    ("eyJ", 24),
    ("Basic ", 8),
    ("Bearer ", 8),
];

/// Knows some secrets by value.
#[derive(Default)]
pub(super) struct Redactor {
    /// The longest first, so that no part of one is left over by another.
    known: Vec<String>,
}

impl Redactor {
    pub(super) fn new(known: impl IntoIterator<Item = String>) -> Redactor {
        let mut known: Vec<String> = known.into_iter().filter(|value| value.len() >= SHORTEST).collect();
        // As they stand in JSON.
        let escaped: Vec<String> =
            known.iter().map(|value| Value::from(value.as_str()).to_string().trim_matches('"').to_owned()).collect();
        known.extend(escaped);
        known.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        known.dedup();
        Redactor { known }
    }

    pub(super) fn text(&self, text: &str) -> String {
        let text = without_private_keys(&self.known(text.to_owned()));
        text.split_inclusive('\n').map(|line| without_tokens(&without_users(&without_named(line)))).collect()
    }

    fn known(&self, mut text: String) -> String {
        for value in &self.known {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), GONE);
            }
        }
        text
    }

    /// A document, printed for people.
    pub(super) fn document(&self, document: &Value) -> String {
        let printed = serde_json::to_string_pretty(&self.value(document));
        // What is not text has no names that could not be written.
        self.known(printed.unwrap_or_default()) + "\n"
    }

    /// Fields that are named like secrets lose all that is in them; texts are looked through.
    pub(super) fn value(&self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let one = |(name, value): (&String, &Value)| {
                    let is_empty = matches!(value, Value::Null | Value::Bool(_)) || value == "";
                    let kept = !is_secret_name(name) || is_empty;
                    (name.clone(), if kept { self.value(value) } else { Value::from(GONE) })
                };
                Value::Object(fields.iter().map(one).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(|item| self.value(item)).collect()),
            Value::String(text) => Value::String(self.text(text)),
            other => other.clone(),
        }
    }
}

/// Whether a field of this name holds a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let plain: String = name.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect();
    NAMES.iter().any(|word| plain.contains(word))
}

/// All texts of a document that stand under a secret's name.
pub(super) fn secrets_of(document: &Value, under: bool, found: &mut Vec<String>) {
    match document {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| secrets_of(value, under || is_secret_name(name), found));
        }
        Value::Array(items) => items.iter().for_each(|item| secrets_of(item, under, found)),
        Value::String(text) if under => found.push(text.clone()),
        Value::Number(number) if under => found.push(number.to_string()),
        _ => {}
    }
}

/// Cuts out what stands between the marks of a private key, however its lines are parted.
fn without_private_keys(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("-----BEGIN ") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let label = from["-----BEGIN ".len()..].find("-----").map(|end| &from["-----BEGIN ".len()..][..end]);
        if !label.is_some_and(|label| label.len() < 64 && label.contains("PRIVATE KEY")) {
            out.push_str("-----BEGIN ");
            rest = &from["-----BEGIN ".len()..];
            continue;
        }
        out.push_str("[redacted private key]");
        let end = from.find("-----END ").and_then(|at| Some(at + 9 + from[at + 9..].find("-----")? + 5));
        // One that was cut off has no end: all that follows may be of it.
        rest = end.map_or("", |end| &from[end..]);
    }
    out.push_str(rest);
    out
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// `password: x`, `"token": "x"`, `secret=x`, `--password x`.
fn without_named(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(is_name) {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let length = from.find(|c| !is_name(c)).unwrap_or(from.len());
        let (name, behind) = from.split_at(length);
        out.push_str(name);
        rest = behind;
        if !is_secret_name(name) {
            continue;
        }
        if let Some((sign, value)) = value_behind(behind, name.starts_with("--")) {
            out.push_str(&behind[..sign]);
            if !value.is_empty() {
                out.push_str(GONE);
            }
            rest = &behind[sign + value.len()..];
        }
    }
    out.push_str(rest);
    out
}

/// What is said to be the value of the name before it: how long the signs between are, and the value.
fn value_behind(behind: &str, is_flag: bool) -> Option<(usize, &str)> {
    let closed = behind.trim_start_matches(['\\', '"', '\'']);
    let bare = closed.trim_start_matches([' ', '\t']);
    let value = match bare.chars().next() {
        Some(':' | '=') => bare[1..].trim_start_matches([' ', '\t']),
        _ if is_flag && closed.starts_with(' ') => bare,
        _ => return None,
    };
    let sign = behind.len() - value.len();
    let quote = value.trim_start_matches('\\');
    let slashes = value.len() - quote.len();
    let value = match quote.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        Some(mark) => {
            let inside = &quote[1..];
            let closing = format!("{}{mark}", "\\".repeat(slashes));
            return Some((sign + slashes + 1, &inside[..end_of_quoted(inside, &closing)]));
        }
        None if is_flag || bare.starts_with('=') && !bare[1..].starts_with([' ', '\t', '[', '{']) => {
            let end = value.find(|c: char| c.is_whitespace() || matches!(c, '&' | ';' | ',' | '"' | '\'' | '}' | ']'));
            &value[..end.unwrap_or(value.len())]
        }
        // In YAML and in prose the value is all the rest of the line, a list or a map as well.
        None => value.trim_end_matches(['\n', '\r']),
    };
    Some((sign, value))
}

/// Where the closing mark stands; one that is escaped is none.
fn end_of_quoted(text: &str, closing: &str) -> usize {
    let mut from = 0;
    while let Some(at) = text[from..].find(closing).map(|at| at + from) {
        let behind = &text[at + closing.len()..];
        let backslashes = text[..at].len() - text[..at].trim_end_matches('\\').len();
        match closing {
            // YAML writes it twice.
            "'" if behind.starts_with('\'') => from = at + 2,
            "\"" if backslashes % 2 == 1 => from = at + 1,
            _ => return at,
        }
    }
    text.trim_end_matches(['\n', '\r']).len()
}

/// `https://user:pass@host`.
fn without_users(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://").map(|at| at + 3) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let end =
            from.find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '<' | '>')).unwrap_or(from.len());
        rest = from;
        if let Some(host) = from[..end].rfind('@') {
            out.push_str(GONE);
            rest = &from[host..];
        }
    }
    out.push_str(rest);
    out
}

fn without_tokens(line: &str) -> String {
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/' | '=');
    let mut text = line.to_owned();
    for (begin, least) in TOKENS {
        let mut from = 0;
        while let Some(at) = text[from..].find(begin).map(|at| at + from) {
            let tail = &text[at + begin.len()..];
            let length = tail.find(|c| !is_token(c)).unwrap_or(tail.len());
            let stands_alone = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
            from = at + begin.len();
            if length >= *least && stands_alone {
                text.replace_range(at..at + begin.len() + length, GONE);
                from = at + GONE.len();
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_looks_like_a_secret_goes() {
        let check = |text: &str, expected: &str| assert_eq!(Redactor::default().text(text), expected, "{text:?}");
        check("nothing here: 3 machines, all well\n", "nothing here: 3 machines, all well\n");
        check("enrolment token is not valid", "enrolment token is not valid");
        check("password: correct horse\nuser: admin\n", "password: [redacted]\nuser: admin\n");
        check("  admin-secret=abc&x=1", "  admin-secret=[redacted]&x=1");
        check(r#"{"password":"hunter2","user":"a"}"#, r#"{"password":"[redacted]","user":"a"}"#);
        check(r#"{"Token-ID" : "a\"b", "n": 1}"#, r#"{"Token-ID" : "[redacted]", "n": 1}"#);
        check(
            r#""msg": "got {\"password\":\"hunter2\"} from a""#,
            r#""msg": "got {\"password\":\"[redacted]\"} from a""#,
        );
        check(r#"{"password":""}"#, r#"{"password":""}"#);
        check("password: 'it''s' # x", "password: '[redacted]' # x");
        check("secret = two words\n", "secret = [redacted]\n");
        check("tokens: [a, b]\nnext", "tokens: [redacted]\nnext");
        check("Authorization: Basic dXNlcjpwYXNz x\n", "Authorization: [redacted]\n");
        check("sent Bearer abcdefghijkl to x", "sent [redacted] to x");
        check("run --password hunter2 --all", "run --password [redacted] --all");
        check("DB_PASSWORD=hunter2 ./run", "DB_PASSWORD=[redacted] ./run");
        check("get https://u:p@ss@host/x://y", "get https://[redacted]@host/x://y");
        check("get https://host/a@b", "get https://host/a@b");
        check("key AKIAABCDEFGHIJKLMNOP used", "key [redacted] used");
        check("XAKIAABCDEFGHIJKLMNOP", "XAKIAABCDEFGHIJKLMNOP");
        let pem = "a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b";
        check(pem, "a [redacted private key] b");
        check("-----BEGIN OPENSSH PRIVATE KEY-----\\nb3Bl", "[redacted private key]");
        let public = "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----";
        check(public, public);
        check("-----BEGIN ", "-----BEGIN ");
    }

    /// Each way of naming, in each of the texts that a name may stand in.
    #[test]
    fn a_named_secret_goes_however_it_is_written() {
        let names = ["password", "DB_PASSWORD", "admin-secret", "apiKey", "access_key", "Set-Cookie", "ca-private-key"];
        let ways = [
            "NAME: hunter2",
            "NAME:hunter2",
            "NAME=hunter2",
            "NAME = hunter2 and more",
            "--NAME hunter2",
            "--NAME=hunter2",
            "\"NAME\":\"hunter2\"",
            "\"NAME\" : \"hunter2\\\"hunter2\"",
            "'NAME': 'hunter2''hunter2'",
            "\\\"NAME\\\":\\\"hunter2\\\"",
            "NAME: [hunter2, hunter2]",
            "NAME={\"a\": \"hunter2\"}",
            "NAME:\thunter2\r",
            "NAME: \"hunter2",
            "NAME: hünter2 hunter2 – ü",
        ];
        let texts = ["WAY", "  - WAY\n", "{WAY}\n", "a line\nüé WAY\nanother", "{\"msg\": \"x\", WAY, \"n\": 1}"];
        for (name, way) in names.iter().flat_map(|name| ways.map(|way| (name, way))) {
            for text in texts {
                let written = text.replace("WAY", &way.replace("NAME", name));
                let seen = Redactor::default().text(&written);
                assert!(!seen.contains("hunter2"), "{written:?} became {seen:?}");
            }
        }
    }

    /// Whatever a text is made of, it is read to its end.
    #[test]
    fn no_text_is_too_odd() {
        const PARTS: &[&str] = &[
            "password",
            "token",
            "--secret",
            ":",
            "=",
            " ",
            "\t",
            "\"",
            "'",
            "\\",
            "\n",
            "\r",
            "ü",
            "{",
            "[",
            "://",
            "@",
            "/",
            "x",
            "-----BEGIN ",
            "PRIVATE KEY",
            "-----",
            "-----END ",
            "Bearer ",
            "AKIA",
            "eyJ",
            "abcdefghijklmnopqrstuvwxyz",
            "known",
        ];
        let redactor = Redactor::new(["known".to_owned(), "\"".repeat(5)]);
        let mut dice: u64 = 7;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..12 {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(PARTS[usize::try_from(dice >> 33).unwrap_or(0) % PARTS.len()]);
            }
            let once = redactor.text(&text);
            assert!(!once.contains("known"), "{text:?} became {once:?}");
        }
    }

    #[test]
    fn what_is_known_goes_wherever_it_stands() {
        let redactor = Redactor::new(["hunter2".into(), "hunter2-long".into(), "abc".into(), "q\"uote".into()]);
        assert_eq!(redactor.text("x hunter2-long hunter2y abc"), "x [redacted] [redacted]y abc");
        assert_eq!(redactor.text(r#"{"a": "q\"uote"}"#), r#"{"a": "[redacted]"}"#);
    }

    #[test]
    fn fields_of_documents_go_by_their_names() {
        let document = json!({"a": {"client-secret": {"deep": [1, "x"]}, "Credentials": "s"}, "b": ["token: t"], "password": null, "n": 3});
        assert_eq!(
            Redactor::default().value(&document),
            json!({"a": {"client-secret": GONE, "Credentials": GONE}, "b": ["token: [redacted]"], "password": null, "n": 3})
        );
        let mut found = Vec::new();
        secrets_of(&document, false, &mut found);
        assert_eq!(found, ["1", "x", "s"]);
    }
}
