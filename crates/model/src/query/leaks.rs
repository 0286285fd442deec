//! What a cloud has and no record stands for, and records whose instance their cloud has not.
//! It asks no cloud: it is told what one said. The surprise: it wants two views, one from before the cloud was asked and one from after, since
//! machines come and go meanwhile; what either of them can explain is no leak. So a start that has made its instance and not said so yet is
//! none (its record came first), and neither is a machine whose end came in between.

use crate::beliefs::{AMachine, Beliefs};
use crate::record::instance::Instance;
use base::{Life, MachineId, ModelUuid};
use std::collections::HashSet;

/// What was believed before a cloud was asked, and after.
#[derive(Clone, Copy)]
pub struct Views<'a> {
    pub before: &'a Beliefs,
    pub now: &'a Beliefs,
}

/// The marks of something in a cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks<'a> {
    /// The model's uuid; empty: it is of none.
    pub model: &'a str,
    /// The machine's and the instance's id, of an instance.
    pub instance: Option<(&'a str, &'a str)>,
}

impl Views<'_> {
    /// Whether no record stands for it. With it gone by itself in the meantime the answer may be yes as well: to remove it does nothing then.
    pub fn is_stray(self, marks: Marks<'_>) -> bool {
        !stands_for(self.before, marks) && !stands_for(self.now, marks)
    }
}

fn stands_for(beliefs: &Beliefs, marks: Marks<'_>) -> bool {
    let Some(within) = marks.model.parse::<ModelUuid>().ok().and_then(|model| beliefs.models.get(&model)) else {
        return false;
    };
    let Some((machine, id)) = marks.instance else { return true };
    let Some(whole) = machine.parse::<MachineId>().ok().and_then(|machine| within.machines.get(&machine)) else {
        return false;
    };
    // One that is starting has no id yet. Of a machine that has one, another with the same marks is nobody's.
    in_a_cloud(whole).is_none_or(|instance| instance.instance_id == id)
}

/// A machine's instance, if a cloud must know it.
pub fn in_a_cloud(whole: &AMachine) -> Option<&Instance> {
    let instance = whole.instance.as_deref().filter(|instance| instance.is_provisioned())?;
    // What no cloud made, no cloud knows.
    (!whole.machine.as_ref()?.is_controller() && !instance.is_manual()).then_some(instance)
}

/// A machine whose instance is not in its cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    pub model: ModelUuid,
    pub machine: MachineId,
    pub instance_id: String,
}

impl Views<'_> {
    /// Living machines of the models that `asked` accepts (by account), whose instance is none of `seen` (by model, machine and id).
    pub fn lost(self, asked: impl Fn(&str) -> bool, seen: &HashSet<(&str, &str, &str)>) -> Vec<Lost> {
        let mut lost = Vec::new();
        for (within, model) in self.before.models().filter(|(_, model)| asked(model.account())) {
            let uuid = model.uuid.to_string();
            for (id, whole, machine) in within.machines() {
                let Some(instance) = in_a_cloud(whole).filter(|_| machine.life == Life::Alive) else { continue };
                let instance_id = instance.instance_id.clone();
                let is_seen = seen.contains(&(uuid.as_str(), id.as_str(), instance_id.as_str()));
                if !is_seen && self.is_still(model.uuid, id, &instance_id) {
                    lost.push(Lost { model: model.uuid, machine: id.clone(), instance_id });
                }
            }
        }
        lost
    }

    /// Whether the machine is alive and has this instance, after the cloud was asked.
    fn is_still(self, model: ModelUuid, id: &MachineId, instance_id: &str) -> bool {
        let whole = self.now.models.get(&model).and_then(|within| within.machines.get(id));
        let is_alive = |whole: &AMachine| whole.machine.as_ref().is_some_and(|machine| machine.life == Life::Alive);
        whole.is_some_and(|whole| {
            is_alive(whole) && in_a_cloud(whole).is_some_and(|instance| instance.instance_id == instance_id)
        })
    }
}
