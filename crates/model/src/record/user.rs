//! A user of this controller. Who may do what is in `access`. The surprise: a removed user stays as a record, since its name
//! may not come back as somebody else.

use super::Record;
use base::Secret;
use base::clock::Time;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct User {
    pub name: String,
    #[serde(default)]
    pub display_name: String,
    pub created_by: String,
    pub created: Time,
    /// An argon2id hash in PHC form; none: no password login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<Secret>,
    /// Sealed: the key of the token that lets the user set a first password. There until it is used, or a password is set otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub registration: String,
    #[serde(default)]
    pub disabled: bool,
    #[serde(default)]
    pub removed: bool,
}

impl User {
    /// Neither removed nor shut out.
    pub fn is_in_use(&self) -> bool {
        !self.removed && !self.disabled
    }
}

impl Record for User {
    const NOUN: &'static str = "user";
}

/// When a user was last seen on the controller or on a model (`login/<user>`, `login/<user>/<model uuid>`); written at most once a minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LastLogin {
    pub at: Time,
}

impl Record for LastLogin {
    const NOUN: &'static str = "last login";
}
