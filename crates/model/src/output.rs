//! Names of what tasks wrote and instances printed, in the append store (`store::Blobs`): it is no state, and no record holds it.

use base::{MachineId, ModelUuid, TaskId};
use store::{Key, Prefix};

/// One of a task's two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    pub const BOTH: [Stream; 2] = [Stream::Stdout, Stream::Stderr];

    fn as_str(self) -> &'static str {
        match self {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        }
    }
}

/// What a task wrote on one stream.
pub fn blob(model: ModelUuid, task: TaskId, stream: Stream) -> Key {
    Key::of(["output", &model.to_string(), &task.to_string(), stream.as_str()])
}

/// All that a task wrote.
pub fn of_task(model: ModelUuid, task: TaskId) -> Prefix {
    Prefix::of(["output", &model.to_string(), &task.to_string()])
}

/// All that a model's tasks wrote.
pub fn of_model(model: ModelUuid) -> Prefix {
    Prefix::of(["output", &model.to_string()])
}

/// What the last instance of a machine printed that did not come up.
pub fn first_boot(model: ModelUuid, machine: &MachineId) -> Key {
    Key::of(["first-boot", &model.to_string(), machine.as_str(), "console"])
}

/// The same as all there is of it.
pub fn first_boot_of(model: ModelUuid, machine: &MachineId) -> Prefix {
    Prefix::of(["first-boot", &model.to_string(), machine.as_str()])
}

/// The same of all machines of a model.
pub fn first_boots(model: ModelUuid) -> Prefix {
    Prefix::of(["first-boot", &model.to_string()])
}
