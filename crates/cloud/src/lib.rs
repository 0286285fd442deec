//! The vocabulary of clouds: what every cloud can be asked, in words of no cloud in particular.
//! It knows neither the store nor the model: a cloud is told, and it answers.
//! The surprise: everything here may be asked twice. A controller that dies between a cloud's answer and its own commit asks again,
//! so each call says what should be, and answers the same when it already is.

mod error;
mod instance;
mod request;
pub mod set;
mod thing;
pub mod turn;

#[cfg(any(test, feature = "contract"))]
pub mod contract;
#[cfg(any(test, feature = "fake"))]
pub mod fake;

use std::future::Future;
use std::pin::Pin;

pub use base::storage::{Disk, MadeDisk};
pub use base::{Constraints, Hardware, SeenSubnet};
pub use error::{Error, Retry};
pub use instance::{Address, AddressScope, InstanceId, InstanceInfo, InstanceStatus, Started};
pub use request::{Content, File, Heir, HostKey, ModelRef, Owner, Progress, StartRequest, instance_name};
pub use set::Clouds;
pub use thing::Thing;

/// The first of the zones that are wanted which is one of the cloud's; [`Error::Unmet`] when none is. Nothing: none is wanted, or the cloud
/// has no zones or has not learned them yet.
pub fn first_zone<'a>(wanted: &'a Constraints, known: &[String]) -> Result<Option<&'a str>, Error> {
    let wanted = wanted.zones.as_deref().unwrap_or_default();
    if wanted.is_empty() || known.is_empty() {
        return Ok(None);
    }
    let first = wanted.iter().find(|zone| known.contains(zone)).map(String::as_str);
    let none = || Error::unmet("zones", format!("no zone {} here: there are {}", wanted.join(", "), known.join(", ")));
    first.map(Some).ok_or_else(none)
}

/// What a cloud answers, in time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// A cloud. Every object that it makes bears the controller, and where there is one the model and the machine, so that it can be
/// found again without any record of ours.
pub trait Cloud: Send + Sync + 'static {
    /// Juju's word for the type of cloud: `builtin`, `lxd`.
    fn kind(&self) -> &'static str;

    /// Whether this cloud can work from here. An error names the cause and the cure.
    fn preflight(&self) -> Answer<'_, ()>;

    /// Bases that machines may have (`ubuntu@24.04`), the default one first.
    fn bases(&self) -> Answer<'_, Vec<String>>;

    /// The names of the constraints that this cloud does not honour (a warning, as Juju does), or [`Error::Unmet`] when a value can
    /// never be met. Asked before anything starts; it must not wait for anything.
    fn check_constraints(&self, wanted: &Constraints) -> Result<Vec<&'static str>, Error>;

    /// Whether a machine can have these disks beside its root disk: [`Error::Unmet`] when it never can, with the reason. Asked before anything
    /// starts; it must not wait. A cloud that gives some mounts each in the machine, names where in [`Started`], keeps them with the instance
    /// through every restart, and removes them with it.
    fn check_disks(&self, disks: &[Disk]) -> Result<(), Error> {
        match disks {
            [] => Ok(()),
            _ => Err(Error::unmet("disks", "the cloud has no disks to attach")),
        }
    }

    /// Whether machines can be asked of it at all; an error says what to do instead. Must not wait.
    fn check_makes_machines(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Whether machines of this cloud can have containers of this type (`lxd`) inside; an error says why not. Such a one is asked for with
    /// [`StartRequest::parent`]. It ends with its host at the latest, and while that is not there its start is [`Error::Transient`]. Must not wait.
    fn check_hosts(&self, kind: &str) -> Result<(), Error> {
        Err(Error::permanent(format!(
            "{kind} containers are not to be had on machines of clouds of type {}",
            self.kind()
        )))
    }

    /// Whether a placement directive of the user's (`zone=a`) can be followed: [`Error::Unmet`] when it means nothing here. Must not wait.
    fn check_placement(&self, directive: &str) -> Result<(), Error> {
        Err(Error::unmet("placement", format!("unknown placement directive: {directive}")))
    }

    /// The zones that machines can be spread over, by name; none: it has none. Must not wait.
    fn zones(&self) -> Vec<String> {
        Vec::new()
    }

    /// Learns what `zones` answers from, where that has to be asked for; may wait.
    fn learn_zones(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Makes what machines of a model share (networks). Asked before the first machine, and again whenever in doubt.
    fn prepare_model<'a>(&'a self, model: &'a ModelRef) -> Answer<'a, ()>;

    /// The subnets in which every machine of a model has an address; none: the cloud cannot say. May be asked before anything was prepared.
    fn subnets<'a>(&'a self, model: &'a ModelRef) -> Answer<'a, Vec<SeenSubnet>> {
        let _ = model;
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Starts an instance. The same machine asked for again is the same instance: it is answered, not made anew. An error leaves
    /// nothing behind, or what it leaves is seen in [`Cloud::instances`] and adopted by the next call.
    fn start_instance<'a>(&'a self, request: &'a StartRequest, progress: &'a Progress) -> Answer<'a, Started>;

    /// All instances of a controller, whatever their state, in no order.
    fn instances<'a>(&'a self, controller: &'a str) -> Answer<'a, Vec<InstanceInfo>>;

    /// Stops an instance and removes all that was made for it. `Ok` means that the cloud confirmed that it is gone (also when it was
    /// gone before): it is in [`Cloud::instances`] no more.
    fn stop_instance<'a>(&'a self, controller: &'a str, id: &'a InstanceId) -> Answer<'a, ()>;

    /// Lets an instance go on without us. Our program in it is run as root with the arguments `farewell`, which takes the agent and its files
    /// away; then it is in [`Cloud::instances`] no more, and no call but [`Cloud::destroy_controller`] touches it. `Ok` also when it was let
    /// go before, or is not there.
    fn release_instance<'a>(
        &'a self,
        controller: &'a str,
        id: &'a InstanceId,
        farewell: &'a [String],
    ) -> Answer<'a, ()>;

    /// What a controller has here beside its instances and can be left over: what machines of a model share, and what an interrupted call left
    /// behind. Nothing that a call of this process is at just now, and nothing that all of the controller's models share.
    fn things<'a>(&'a self, controller: &'a str) -> Answer<'a, Vec<Thing>> {
        let _ = controller;
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Removes one of [`Cloud::things`], by its kind and id. `Ok` also when it is gone; what bears another controller's mark stays.
    fn remove_thing<'a>(&'a self, controller: &'a str, thing: &'a Thing) -> Answer<'a, ()> {
        let _ = (controller, thing);
        Box::pin(async { Ok(()) })
    }

    /// Removes what machines of a model shared, and instances that should not be there any more.
    fn destroy_model<'a>(&'a self, model: &'a ModelRef) -> Answer<'a, ()>;

    /// Removes all that bears this controller's mark: afterwards the cloud is as if the controller had never been.
    fn destroy_controller<'a>(&'a self, controller: &'a str) -> Answer<'a, ()>;

    /// What the instance printed: how it began, and the newest of the rest where that was long; 64 KiB at most.
    fn console_log<'a>(&'a self, controller: &'a str, id: &'a InstanceId) -> Answer<'a, String>;

    /// Starts again what should run and does not: what a restart of the cloud's own host stopped, and, where nobody but us could do it, what
    /// ended by itself. Asked at each start of the controller and when an instance is seen stopped; it usually finds nothing to do.
    fn restore<'a>(&'a self, controller: &'a str) -> Answer<'a, ()>;
}
