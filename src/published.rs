//! Where people's public ssh keys are published, asked for `import-ssh-key`: GitHub and Launchpad, or what the controller's settings
//! name in their place.

use api::doors::{Boxed, KeySource, KeySourceError};
use base::ssh_key::{KeyId, Publisher};
use client::fetch;
use serde::{Deserialize, Serialize};

/// Addresses with `{user}` in them; none: the publisher's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Addresses {
    #[serde(skip_serializing_if = "Option::is_none")]
    gh: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lp: Option<String>,
}

impl Addresses {
    /// What `GRIGRI_KEYS_GH` and `GRIGRI_KEYS_LP` say when a controller is made.
    pub fn of_environment() -> Addresses {
        let said = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Addresses { gh: said("GRIGRI_KEYS_GH"), lp: said("GRIGRI_KEYS_LP") }
    }

    pub fn are_default(&self) -> bool {
        *self == Addresses::default()
    }

    fn of(&self, id: &KeyId) -> String {
        let (set, own) = match id.publisher {
            Publisher::Github => (&self.gh, "https://github.com/{user}.keys"),
            Publisher::Launchpad => (&self.lp, "https://launchpad.net/~{user}/+sshkeys"),
        };
        set.as_deref().unwrap_or(own).replace("{user}", &id.user)
    }
}

impl KeySource for Addresses {
    fn lines(&self, id: &KeyId) -> Boxed<Result<Vec<String>, KeySourceError>> {
        let (address, id) = (self.of(id), id.clone());
        Box::pin(async move {
            let page = fetch::text(&address).await.map_err(|error| KeySourceError(error.to_string()))?;
            match page.status {
                200 => Ok(page.text.lines().map(str::to_owned).collect()),
                404 => Err(KeySourceError(format!("no one is known as {id}"))),
                status => Err(KeySourceError(format!("cannot get the ssh keys of {id}: {address} answered {status}"))),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_keys_are_at_the_publishers_address_unless_another_is_set() {
        let set: Addresses =
            serde_json::from_str(r#"{"gh": "http://127.0.0.1:8000/{user}/{user}.txt"}"#).expect("reads");
        for (addresses, id, expected) in [
            (Addresses::default(), "gh:bob", "https://github.com/bob.keys"),
            (Addresses::default(), "lp:bob", "https://launchpad.net/~bob/+sshkeys"),
            (set.clone(), "gh:bob", "http://127.0.0.1:8000/bob/bob.txt"),
            (set, "lp:bob", "https://launchpad.net/~bob/+sshkeys"),
        ] {
            assert_eq!(addresses.of(&id.parse().expect("an id")), expected);
        }
    }
}
