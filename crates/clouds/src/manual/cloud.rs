//! The cloud of hosts that are there already: it starts none and stops none, and has nothing of its own to take away.
//! The surprise: whatever it is told to end is gone as far as it knows; hosts are left by the agents on them.

use ::cloud::{Answer, Cloud, Constraints, Error, InstanceId, InstanceInfo, ModelRef, Progress, StartRequest, Started};

/// `wire/commands-controllers.md` 21.5.
const INSTEAD: &str = "use \"juju add-machine ssh:[user@]<host>\" to provision machines";

#[derive(Default)]
pub struct Manual;

fn answer<'a, T: Send + 'a>(answer: Result<T, Error>) -> Answer<'a, T> {
    Box::pin(async move { answer })
}

impl Cloud for Manual {
    fn kind(&self) -> &'static str {
        "manual"
    }

    fn preflight(&self) -> Answer<'_, ()> {
        answer(Ok(()))
    }

    /// Of hosts that do not say theirs: the controller's own.
    fn bases(&self) -> Answer<'_, Vec<String>> {
        answer(Ok(vec![host::facts::read().base]))
    }

    fn check_constraints(&self, wanted: &Constraints) -> Result<Vec<&'static str>, Error> {
        let text = |value: &Option<String>| value.as_deref().is_some_and(|value| !value.is_empty());
        let unsupported = [
            ("allocate-public-ip", wanted.allocate_public_ip.is_some()),
            ("cpu-power", wanted.cpu_power.is_some()),
            ("image-id", text(&wanted.image_id)),
            ("instance-type", text(&wanted.instance_type)),
            ("tags", wanted.tags.as_ref().is_some_and(|tags| !tags.is_empty())),
            ("virt-type", text(&wanted.virt_type)),
        ];
        Ok(unsupported.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| *name).collect())
    }

    fn check_makes_machines(&self) -> Result<(), Error> {
        Err(Error::permanent(INSTEAD))
    }

    fn check_placement(&self, _: &str) -> Result<(), Error> {
        Err(Error::unmet("placement", INSTEAD))
    }

    fn prepare_model<'a>(&'a self, _: &'a ModelRef) -> Answer<'a, ()> {
        answer(Ok(()))
    }

    fn start_instance<'a>(&'a self, _: &'a StartRequest, _: &'a Progress) -> Answer<'a, Started> {
        answer(Err(Error::permanent("manual provider cannot start instances")))
    }

    fn instances<'a>(&'a self, _: &'a str) -> Answer<'a, Vec<InstanceInfo>> {
        answer(Ok(Vec::new()))
    }

    fn stop_instance<'a>(&'a self, _: &'a str, _: &'a InstanceId) -> Answer<'a, ()> {
        answer(Ok(()))
    }

    fn release_instance<'a>(&'a self, _: &'a str, _: &'a InstanceId, _: &'a [String]) -> Answer<'a, ()> {
        answer(Ok(()))
    }

    fn destroy_model<'a>(&'a self, _: &'a ModelRef) -> Answer<'a, ()> {
        answer(Ok(()))
    }

    fn destroy_controller<'a>(&'a self, _: &'a str) -> Answer<'a, ()> {
        answer(Ok(()))
    }

    fn console_log<'a>(&'a self, _: &'a str, id: &'a InstanceId) -> Answer<'a, String> {
        answer(Err(Error::not_found(format!("console of host {}", id.0))))
    }

    fn restore<'a>(&'a self, _: &'a str) -> Answer<'a, ()> {
        answer(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_that_mean_nothing_to_a_host_are_named() {
        let check = |text: &str, expected: &[&str]| {
            let wanted = Constraints::parse(text).expect("valid");
            assert_eq!(Manual.check_constraints(&wanted).expect("never refused"), expected, "{text}");
        };
        check("", &[]);
        check("cores=2 mem=4G arch=amd64", &[]);
        check("virt-type=container tags=a,b cpu-power=3", &["cpu-power", "tags", "virt-type"]);
    }

    #[test]
    fn it_makes_no_machines() {
        assert_eq!(Manual.check_makes_machines().expect_err("refused").to_string(), INSTEAD);
        assert_eq!(Manual.check_placement("zone=a").expect_err("refused").to_string(), INSTEAD);
    }
}
