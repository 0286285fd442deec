//! What the clouds say at once of machines that are asked for, before anything is recorded.

use api::CloudAdvice;
use base::{Constraints, OsBase, Refusal};
use std::sync::Arc;
use workers::Clouds;

/// Asks the cloud of the type in question.
pub struct Advice {
    pub clouds: Arc<Clouds>,
    /// The base of this host, which is that of its machines.
    pub host_base: Option<OsBase>,
}

impl CloudAdvice for Advice {
    fn check(&self, cloud_type: &str, constraints: &Constraints) -> Result<Vec<String>, Refusal> {
        let Some(cloud) = self.clouds.values().find(|cloud| cloud.kind() == cloud_type) else { return Ok(Vec::new()) };
        match cloud.check_constraints(constraints) {
            Ok(unmet) => Ok(unmet.into_iter().map(str::to_owned).collect()),
            Err(error) => Err(Refusal::plain(error.to_string())),
        }
    }

    fn default_base(&self, cloud_type: &str) -> Option<OsBase> {
        self.host_base.clone().filter(|_| cloud_type == crate::world::CLOUD)
    }
}
