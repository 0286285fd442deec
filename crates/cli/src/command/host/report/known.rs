//! The secrets that this client has: what stands for one in its store and its environment.
//!
//! The surprise: files are read as they are, whoever wrote them, since what a file of the original has beside our own fields may be secret too.
//! A file that cannot be read gives nothing here, and nothing of it is in the report.

use serde_json::Value;

use super::redact::{is_secret_name, secrets_of};
use crate::io::Io;

const FILES: &[&str] = &["accounts.yaml", "bootstrap-config.yaml", "controllers.yaml", "models.yaml"];
/// All of it is secret, but for what these name.
const CREDENTIALS: &str = "credentials.yaml";
const PLAIN: &[&str] =
    &["auth-type", "default-credential", "default-region", "username", "region", "endpoint", "project"];
/// Shorter words of a credential are names more often than secrets, and stand everywhere.
const CREDENTIAL: usize = 8;
/// A line of a variable that is named like a secret.
const VARIABLE: usize = 6;

pub(super) fn secrets(io: &Io) -> Vec<String> {
    let dir = io.data_dir();
    let document = |path: &std::path::Path| {
        std::fs::read_to_string(path).ok().and_then(|text| client::files::yaml::read(&text).ok())
    };
    let mut found = Vec::new();
    for file in FILES {
        if let Some(value) = document(&dir.join(file)) {
            secrets_of(&value, false, &mut found);
        }
    }
    if let Some(value) = document(&dir.join(CREDENTIALS)) {
        let mut all = Vec::new();
        credentials(&value, &mut all);
        found.extend(all.into_iter().filter(|value| value.len() >= CREDENTIAL));
    }
    for jar in std::fs::read_dir(dir.join("cookies")).into_iter().flatten().flatten() {
        if let Some(value) = document(&jar.path()) {
            let mut all = Vec::new();
            secrets_of(&value, true, &mut all);
            found.extend(all.into_iter().filter(|value| value.len() >= 2 * CREDENTIAL));
        }
    }
    let named = io.env.iter().filter(|(name, _)| is_secret_name(name) || name.ends_with("_KEY"));
    found.extend(named.map(|(_, value)| value.clone()).filter(|value| value.len() >= VARIABLE));
    // A private key in a file of many lines: each of them.
    let lines: Vec<String> = found
        .iter()
        .filter(|value| value.contains('\n'))
        .flat_map(|value| value.lines().filter(|line| line.len() >= 2 * CREDENTIAL).map(str::to_owned))
        .collect();
    found.extend(lines);
    found
}

fn credentials(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let secret = fields.iter().filter(|(name, _)| !PLAIN.contains(&name.as_str()));
            secret.for_each(|(_, value)| credentials(value, found));
        }
        other => secrets_of(other, true, found),
    }
}
