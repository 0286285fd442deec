//! Disks in the stories: asked for with a machine, and there once it runs.

use base::status::StorageStatus;
use base::{MachineId, ModelUuid};
use model::change::machine::AddMachine;
use model::query::storage::{Asked, disks};

use super::bed::Bed;

impl Bed {
    /// One with two disks.
    pub async fn add_with_disks(&self, model: ModelUuid) -> MachineId {
        let asked = vec![Asked { pool: "loop".into(), size: 10, count: 2 }];
        let one = AddMachine { disks: asked, ..Default::default() };
        self.add_machines(model, &[one]).await.remove(0)
    }

    /// What is believed of them, the cloud has.
    pub fn has_its_disks(&self, model: ModelUuid, machine: &MachineId) {
        let read = self.user.read();
        let within = read.in_model(model).expect("there");
        let all: Vec<_> = disks(within).filter(|one| one.machine.id == *machine).collect();
        assert_eq!(all.len(), 2);
        for one in all {
            assert!(one.made.is_some() && one.status.current == StorageStatus::Attached, "{one:?}");
            let objects = self.cloud.objects();
            let lied = !objects.iter().any(|object| object.ends_with(&format!("-{machine}")));
            assert!(lied || objects.contains(&format!("disk {} 10M", one.disk.id)), "{objects:?}");
        }
    }
}
