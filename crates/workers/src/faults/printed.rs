//! What is kept outside the state, as far as the tests look at it: what instances printed that did not come up.

use std::collections::BTreeMap;
use std::sync::Mutex;

use base::clock::Time;
use base::{MachineId, ModelUuid, TaskId};
use store::Boxed;

use crate::parts::Kept;
use crate::retain::Bounds;

/// What instances printed that did not come up, by machine.
#[derive(Default)]
pub(super) struct Printed(pub Mutex<BTreeMap<(ModelUuid, MachineId), String>>);

impl Kept for Printed {
    fn forget_task(&self, _: ModelUuid, _: TaskId) -> Boxed<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }

    fn keep_first_boot<'a>(
        &'a self,
        model: ModelUuid,
        machine: &'a MachineId,
        console: &'a str,
        _: Time,
    ) -> Boxed<'a, Result<(), String>> {
        self.0.lock().expect("no panic").insert((model, machine.clone()), console.to_owned());
        Box::pin(async { Ok(()) })
    }

    fn forget_first_boot<'a>(&'a self, model: ModelUuid, machine: &'a MachineId) -> Boxed<'a, Result<(), String>> {
        self.0.lock().expect("no panic").remove(&(model, machine.clone()));
        Box::pin(async { Ok(()) })
    }

    fn forget_model(&self, model: ModelUuid) -> Boxed<'_, Result<(), String>> {
        self.0.lock().expect("no panic").retain(|(of, _), _| *of != model);
        Box::pin(async { Ok(()) })
    }

    fn retain(&self, _: Bounds) -> Boxed<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}
