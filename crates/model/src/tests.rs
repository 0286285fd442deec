//! What the tests of this crate share, and the tests of changes: made through a real store in memory, seen in the beliefs.

mod keys;
mod leaks;
mod life;
mod lost;
mod model_defaults;
mod network;
mod races;
mod recover;
mod settings_page;
mod storage;
mod upgrade;
mod users;

use crate::State;
use crate::change::controller::{self, Bootstrap, ControllerMachine};
use crate::change::model::{CreateModel, create};
use crate::record::cloud::{Cloud, Region};
use base::chance::SystemChance;
use base::clock::{FixedClock, Time};
use base::{Hardware, ModelUuid, OsBase, Secret};
use std::sync::Arc;
use store::Limits;
use store::memory::Memory;

pub const CONTROLLER_MODEL: &str = "a1b2c3d4-0000-4000-8000-000000000002";

pub async fn a_state() -> State {
    a_state_with(Limits::default()).await
}

pub async fn a_state_with(limits: Limits) -> State {
    a_state_in(Arc::new(Memory::new()), limits).await
}

pub async fn a_state_in(store: Arc<Memory>, limits: Limits) -> State {
    let clock = Arc::new(FixedClock::new(Time::from_unix(1_000)));
    let state = State::open_with(store, clock, Arc::new(SystemChance), limits).await.expect("opens");
    let with = first_records();
    state.change(|beliefs, given| controller::bootstrap(beliefs, &with, given)).await.expect("bootstraps");
    state
}

pub fn first_records() -> Bootstrap {
    Bootstrap {
        uuid: "a1b2c3d4-0000-4000-8000-000000000001".into(),
        name: "lab".into(),
        model_uuid: CONTROLLER_MODEL.parse().expect("valid"),
        cloud: Cloud {
            name: "lab".into(),
            kind: "builtin".into(),
            auth_types: vec!["empty".into()],
            regions: vec![Region { name: "default".into(), ..Region::default() }],
            ..Cloud::default()
        },
        region: "default".into(),
        credential: None,
        ca_cert: String::new(),
        endpoints: Vec::new(),
        config: Default::default(),
        model_config: Default::default(),
        model_defaults: Default::default(),
        constraints: Default::default(),
        version: "3.6.100".into(),
        user: "admin".into(),
        password_hash: Secret::new("x"),
        keys: Vec::new(),
        machine: ControllerMachine {
            constraints: Default::default(),
            base: OsBase::parse("ubuntu@24.04").expect("valid"),
            instance_id: "here".into(),
            hostname: "host".into(),
            hardware: Hardware::default(),
        },
    }
}

pub async fn a_model(state: &State, name: &str) -> ModelUuid {
    let wanted = CreateModel { name: name.into(), owner: "admin".into(), ..CreateModel::default() };
    state.change(|beliefs, given| create(beliefs, &wanted, given)).await.expect("a model")
}
