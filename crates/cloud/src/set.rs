//! The clouds that a program works in. They come and go while it runs: with their credentials.
//! It must not know what a credential is. The surprise: a cloud that needs none is there for all its accounts, and one that needs them once
//! for each, so what is asked for is always an account.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::Cloud;

/// By account (`lxd/admin/default`: cloud, owner, name), or, for a cloud that does not tell them apart, by its name.
#[derive(Default)]
pub struct Clouds(RwLock<BTreeMap<String, Arc<dyn Cloud>>>);

impl Clouds {
    pub fn new(all: impl IntoIterator<Item = (String, Arc<dyn Cloud>)>) -> Arc<Clouds> {
        Arc::new(Clouds(RwLock::new(all.into_iter().collect())))
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Arc<dyn Cloud>>> {
        // Every change is one step.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Under which key an account's cloud is here.
    pub fn key(&self, account: &str) -> Option<String> {
        let all = self.read();
        [account, name_of(account)].into_iter().find(|key| all.contains_key(*key)).map(str::to_owned)
    }

    pub fn get(&self, account: &str) -> Option<Arc<dyn Cloud>> {
        let all = self.read();
        all.get(account).or_else(|| all.get(name_of(account))).cloned()
    }

    /// Each with its key.
    pub fn all(&self) -> Vec<(String, Arc<dyn Cloud>)> {
        self.read().iter().map(|(key, cloud)| (key.clone(), cloud.clone())).collect()
    }

    /// Puts one there, or in the place of what was there.
    pub fn set(&self, key: impl Into<String>, cloud: Arc<dyn Cloud>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key.into(), cloud);
    }

    pub fn remove(&self, key: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// The cloud of an account.
pub fn name_of(account: &str) -> &str {
    account.split('/').next().unwrap_or(account)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;

    #[test]
    fn accounts_share_a_cloud_that_does_not_tell_them_apart() {
        let one: Arc<dyn Cloud> = Arc::new(Fake::default());
        let clouds = Clouds::new([("lab".to_owned(), one.clone()), ("lxd/admin/a".to_owned(), one.clone())]);
        let key = |account: &str| clouds.key(account);
        assert_eq!(key("lab/admin/default").as_deref(), Some("lab"));
        assert_eq!(key("lab").as_deref(), Some("lab"));
        assert_eq!(key("lxd/admin/a").as_deref(), Some("lxd/admin/a"));
        assert_eq!(key("lxd/admin/b"), None);
        clouds.set("lxd/admin/b", one);
        assert!(clouds.get("lxd/admin/b").is_some());
        clouds.remove("lxd/admin/a");
        assert!(clouds.get("lxd/admin/a").is_none());
    }
}
