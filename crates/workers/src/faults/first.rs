//! What the controller of these tests begins with.

use std::collections::BTreeMap;

use base::{Hardware, OsBase, Secret};
use model::change::controller::{Bootstrap, ControllerMachine};
use model::record::cloud::Cloud;

use super::bed::CONTROLLER;

pub(super) fn records() -> Bootstrap {
    Bootstrap {
        uuid: CONTROLLER.into(),
        name: "c".into(),
        model_uuid: "a0a0a0a0-0000-4000-8000-00000000a0a0".parse().expect("valid"),
        cloud: Cloud {
            name: "fake".into(),
            kind: "fake".into(),
            auth_types: vec!["empty".into()],
            ..Default::default()
        },
        region: String::new(),
        credential: None,
        ca_cert: String::new(),
        endpoints: Vec::new(),
        config: BTreeMap::new(),
        model_config: BTreeMap::new(),
        model_defaults: BTreeMap::new(),
        constraints: Default::default(),
        version: "3.6.100".into(),
        user: "admin".into(),
        password_hash: Secret::new(""),
        keys: Vec::new(),
        machine: ControllerMachine {
            constraints: Default::default(),
            base: OsBase::parse("ubuntu@24.04").expect("valid"),
            instance_id: "localhost".into(),
            hostname: "localhost".into(),
            hardware: Hardware::default(),
        },
    }
}
