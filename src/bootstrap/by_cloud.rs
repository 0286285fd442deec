//! Who makes and unmakes a controller, by the type of its cloud: this host, or a server of containers.

use super::{OnThisHost, account, instance, records};
use cli::Bootstrapper;
use cli::bootstrap::{Account, BootstrapError, BootstrapParams, BootstrapResult, Boxed, KillParams, Progress, SERVERS};
use std::path::Path;

pub struct ByCloud;

fn is_server(kind: &str) -> bool {
    SERVERS.contains(&kind)
}

impl Bootstrapper for ByCloud {
    fn account<'b>(&'b self, cloud_type: &'b str, account: Account, client: &'b Path) -> Boxed<'b, Account> {
        Box::pin(account::usable(cloud_type, account, client))
    }

    fn check_settings(&self, params: &BootstrapParams) -> Result<(), BootstrapError> {
        records::check(params)
    }

    fn check<'b>(&'b self, params: &'b BootstrapParams) -> Boxed<'b, ()> {
        match is_server(&params.cloud_type) {
            true => Box::pin(instance::check(params)),
            false => OnThisHost.check(params),
        }
    }

    fn bootstrap<'b>(&'b self, params: &'b BootstrapParams, progress: Progress<'b>) -> Boxed<'b, BootstrapResult> {
        match is_server(&params.cloud_type) {
            true => Box::pin(instance::make(params, progress)),
            false => OnThisHost.bootstrap(params, progress),
        }
    }

    fn is_down(&self, uuid: &str) -> bool {
        OnThisHost.is_down(uuid)
    }

    fn start<'b>(&'b self, params: &'b KillParams, progress: Progress<'b>) -> Boxed<'b, bool> {
        match is_server(&params.cloud_type) {
            true => Box::pin(instance::start(params)),
            false => OnThisHost.start(params, progress),
        }
    }

    fn kill<'b>(&'b self, params: &'b KillParams, progress: Progress<'b>) -> Boxed<'b, ()> {
        match is_server(&params.cloud_type) {
            true => Box::pin(instance::kill(params, progress)),
            false => OnThisHost.kill(params, progress),
        }
    }
}
