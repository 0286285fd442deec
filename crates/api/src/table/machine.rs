//! The facades of a model connection.

use super::{Facade, On, call, unbuilt};
use crate::facade::*;
use model::access::ModelLevel::{Admin, Read, Write};
use model::access::Need::{self, Model};

pub static FACADES: &[Facade] = &[
    Facade {
        name: "Action",
        versions: &[7],
        on: On::Model,
        methods: &[
            call!("Actions", Model(Read), action::actions),
            call!("ApplicationsCharmsActions", Model(Read), action::charm_actions),
            call!("Cancel", Model(Write), action::cancel),
            call!("EnqueueOperation", Model(Write), action::enqueue_operation),
            call!("ListOperations", Model(Read), action::list_operations),
            call!("Operations", Model(Read), action::operations),
            call!("Run", Model(Admin), action::run),
            call!("RunOnAllMachines", Model(Admin), action::run_on_all_machines),
            call!("WatchActionsProgress", Model(Read), action::watch_progress),
        ],
    },
    Facade {
        name: "AllWatcher",
        versions: &[3],
        on: On::Model,
        methods: &[call!("Next", Model(Read), watchers::all_next), call!("Stop", Need::LoggedIn, watchers::stop)],
    },
    Facade {
        name: "Annotations",
        versions: &[2],
        on: On::Model,
        methods: &[call!("Get", Model(Read), annotations::get), call!("Set", Model(Write), annotations::set)],
    },
    Facade {
        name: "Block",
        versions: &[2],
        on: On::Model,
        methods: &[
            call!("List", Model(Read), block::list),
            call!("SwitchBlockOff", Model(Write), block::switch_off),
            call!("SwitchBlockOn", Model(Write), block::switch_on),
        ],
    },
    Facade {
        name: "Client",
        versions: &[6, 7, 8],
        on: On::Model,
        methods: &[
            call!("FullStatus", Model(Read), client::full_status),
            call!("StatusHistory", Model(Read), client::status_history),
            call!("WatchAll", Model(Read), client::watch_all),
        ],
    },
    Facade {
        name: "CredentialManager",
        versions: &[1],
        on: On::Model,
        methods: &[call!("InvalidateModelCredential", Model(Admin), credential_manager::invalidate)],
    },
    Facade {
        name: "Diagnosis",
        versions: &[1],
        on: On::Model,
        methods: &[
            call!("FirstBootLog", Model(Write), diagnosis::first_boot_log),
            call!("Why", Model(Read), diagnosis::why),
        ],
    },
    Facade {
        name: "KeyManager",
        versions: &[1],
        on: On::Model,
        methods: &[
            call!("AddKeys", Model(Admin), key_manager::add),
            call!("DeleteKeys", Model(Admin), key_manager::delete),
            call!("ImportKeys", Model(Admin), key_manager::import),
            call!("ListKeys", Model(Read), key_manager::list),
        ],
    },
    Facade {
        name: "MachineManager",
        versions: &[9, 10, 11],
        on: On::Model,
        methods: &[
            call!("AddMachines", Model(Write), machine_manager::add_machines),
            call!("DestroyMachineWithParams", Model(Write), machine_manager::destroy),
            call!("GetUpgradeSeriesMessages", Model(Write), machine_upgrade::messages),
            call!("InstanceTypes", Model(Read), machine_manager::instance_types),
            call!("ProvisioningScript", Model(Write), machine_manager::provisioning_script),
            call!("RetryProvisioning", Model(Write), machine_manager::retry_provisioning),
            call!("UpgradeSeriesComplete", Model(Write), machine_upgrade::complete),
            call!("UpgradeSeriesPrepare", Model(Write), machine_upgrade::prepare),
            call!("UpgradeSeriesValidate", Model(Read), machine_upgrade::validate),
            call!("WatchUpgradeSeriesNotifications", Model(Read), machine_upgrade::watch),
        ],
    },
    Facade {
        name: "MachineUpgrade",
        versions: &[1],
        on: On::Model,
        methods: &[call!("Cancel", Model(Write), machine_upgrade::cancel)],
    },
    Facade {
        name: "SSHClient",
        versions: &[4],
        on: On::Model,
        methods: &[
            call!("AllAddresses", Model(Admin), ssh_client::all_addresses),
            unbuilt!("ModelCredentialForSSH", Model(Admin)),
            call!("PrivateAddress", Model(Admin), ssh_client::private_address),
            call!("Proxy", Model(Admin), ssh_client::proxy),
            call!("PublicAddress", Model(Admin), ssh_client::public_address),
            call!("PublicKeys", Model(Admin), ssh_client::public_keys),
        ],
    },
    Facade {
        name: "Spaces",
        versions: &[6],
        on: On::Model,
        methods: &[
            call!("CreateSpaces", Model(Admin), spaces::create),
            call!("ListSpaces", Model(Read), spaces::list),
            call!("MoveSubnets", Model(Admin), spaces::move_subnets),
            call!("ReloadSpaces", Model(Admin), spaces::reload),
            call!("RemoveSpace", Model(Admin), spaces::remove),
            call!("RenameSpace", Model(Admin), spaces::rename),
            call!("ShowSpace", Model(Read), spaces::show),
        ],
    },
    Facade {
        name: "Storage",
        versions: &[6, 7],
        on: On::Model,
        methods: &[
            unbuilt!("AddToUnit", Model(Write)),
            unbuilt!("Attach", Model(Write)),
            call!("CreatePool", Model(Write), storage::create_pool),
            unbuilt!("DetachStorage", Model(Write)),
            unbuilt!("Import", Model(Write)),
            call!("ListFilesystems", Model(Read), storage::filesystems),
            call!("ListPools", Model(Read), storage::pools),
            call!("ListStorageDetails", Model(Read), storage::list),
            call!("ListVolumes", Model(Read), storage::volumes),
            unbuilt!("Remove", Model(Write)),
            call!("RemovePool", Model(Write), storage::remove_pool),
            call!("StorageDetails", Model(Read), storage::details),
            call!("UpdatePool", Model(Write), storage::update_pool),
        ],
    },
    Facade {
        name: "StringsWatcher",
        versions: &[1],
        on: On::Model,
        methods: &[
            call!("Next", Need::LoggedIn, watchers::strings_next),
            call!("Stop", Need::LoggedIn, watchers::stop),
        ],
    },
    Facade {
        name: "Subnets",
        versions: &[5],
        on: On::Model,
        methods: &[
            call!("AllZones", Model(Read), subnets::zones),
            call!("ListSubnets", Model(Read), subnets::list),
            call!("SubnetsByCIDR", Model(Read), subnets::by_cidr),
        ],
    },
    Facade {
        name: "TaskOutput",
        versions: &[1],
        on: On::Model,
        methods: &[call!("Read", Model(Read), task_output::read)],
    },
];
