//! What every cloud must keep: one suite, run for each of them (and first for the fake, which proves the suite).
//! It must not know any cloud: where one needs something of its own (a base that is there, a way to look inside), [`Given`] has it.
//! It panics on the first breach, saying which sentence of the trait was broken.

mod inside;

use std::sync::Arc;
use std::time::Duration;

use crate::{
    Cloud, Constraints, Content, Disk, Error, File, HostKey, InstanceId, InstanceInfo, InstanceStatus, ModelRef, Owner,
    Progress, Retry, StartRequest, Thing, instance_name,
};

/// Reads a file inside an instance.
pub type Read = Arc<dyn Fn(&InstanceId, &str) -> Option<Vec<u8>> + Send + Sync>;

/// Looks at an instance from outside.
pub type Runs = Arc<dyn Fn(&InstanceId) -> bool + Send + Sync>;

/// Has a cloud go wrong on purpose.
pub trait Trouble: Send + Sync {
    /// The next question for instances is refused: too many questions, the next not before `after`.
    fn throttle(&self, after: Duration);

    /// No stop ends, until all is well again.
    fn hang_stops(&self);

    /// The cloud ends in the middle of the next start, and is back at once.
    fn begin_anew_in_start(&self);

    /// The cloud is not there, until all is well again.
    fn go_away(&self);

    fn heal(&self);
}

/// What the suite works with.
#[derive(Clone)]
pub struct Given {
    /// Uuids, of nothing that exists.
    pub controller: String,
    pub other_controller: String,
    pub model: String,
    pub other_model: String,
    /// A base that the cloud has.
    pub base: String,
    /// The agent's command line in the instance; something that keeps running.
    pub agent: Vec<String>,
    /// What our program is run with in an instance that is let go; nothing: it is not run.
    pub farewell: Vec<String>,
    /// Without one, what is inside is not looked at.
    pub read: Option<Read>,
    /// Whether an instance runs that is none of ours any more; without one, nobody looks.
    pub runs: Option<Runs>,
    /// Without it the cloud is only asked on good days.
    pub trouble: Option<Arc<dyn Trouble>>,
}

impl Default for Given {
    fn default() -> Self {
        Given {
            controller: "c0c0c0c0-0000-4000-8000-00000000c0c0".into(),
            other_controller: "c1c1c1c1-0000-4000-8000-00000000c1c1".into(),
            model: "a0a0a0a0-0000-4000-8000-00000000a0a0".into(),
            other_model: "a1a1a1a1-0000-4000-8000-00000000a1a1".into(),
            base: "ubuntu@24.04".into(),
            agent: vec!["/bin/sleep".into(), "86400".into()],
            farewell: Vec::new(),
            read: None,
            runs: None,
            trouble: None,
        }
    }
}

/// The whole suite, one part after the other; the cloud ends as it began.
pub async fn passes(cloud: &dyn Cloud, given: &Given) {
    cloud.preflight().await.expect("preflight: this cloud can work here");
    assert!(!cloud.bases().await.expect("bases").is_empty(), "a cloud has at least one base");
    starts_once(cloud, given).await;
    stops_for_good(cloud, given).await;
    shares_no_name(cloud, given).await;
    bears_trouble(cloud, given).await;
    keeps_what_is_let_go(cloud, given).await;
    refuses_what_cannot_be(cloud, given).await;
    starts_where_it_is_told(cloud, given).await;
    gives_the_disks_that_it_lets_pass(cloud, given).await;
    inside::live_and_end_with_their_hosts(cloud, given).await;
    starts_many_at_once(cloud, given).await;
    models_end_apart(cloud, given).await;
    controllers_end_apart(cloud, given).await;
}

/// A request for a machine of one of the given models.
pub fn request(given: &Given, model: &str, machine: &str) -> StartRequest {
    StartRequest {
        model: model_ref(&given.controller, model),
        machine: machine.into(),
        name: instance_name(model, machine),
        base: given.base.clone(),
        parent: None,
        constraints: Constraints::default(),
        disks: Vec::new(),
        zone: None,
        files: vec![File {
            path: "/var/lib/juju/contract".into(),
            mode: 0o600,
            owner: Owner::Root,
            content: Content::Bytes(Arc::from(machine.as_bytes())),
        }],
        agent: given.agent.clone(),
        heir: None,
        authorized_keys: vec!["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx0 contract".into()],
        user_data: Default::default(),
        tags: Default::default(),
        host_keys: Vec::<HostKey>::new(),
    }
}

fn model_ref(controller: &str, model: &str) -> ModelRef {
    ModelRef { controller: controller.into(), model: model.into(), name: "contract".into() }
}

async fn one(cloud: &dyn Cloud, controller: &str, id: &InstanceId) -> Option<InstanceInfo> {
    let all = cloud.instances(controller).await.expect("instances");
    all.into_iter().find(|one| one.id == *id)
}

async fn start(cloud: &dyn Cloud, request: &StartRequest) -> InstanceId {
    cloud.start_instance(request, &Progress::silent()).await.expect("start_instance").id
}

async fn starts_once(cloud: &dyn Cloud, given: &Given) {
    let request = request(given, &given.model, "0");
    cloud.prepare_model(&request.model).await.expect("prepare_model");
    cloud.prepare_model(&request.model).await.expect("prepare_model may be asked again");
    let started = cloud.start_instance(&request, &Progress::silent()).await.expect("start_instance");
    let seen = one(cloud, &given.controller, &started.id).await.expect("a started instance is listed");
    assert_eq!(
        (seen.model.as_str(), seen.machine.as_str()),
        (given.model.as_str(), "0"),
        "an instance bears its marks"
    );
    assert!(
        matches!(seen.status, InstanceStatus::Running | InstanceStatus::Allocating),
        "a started instance runs or will: {:?}",
        seen.status
    );
    let again = start(cloud, &request).await;
    assert_eq!(again, started.id, "the same machine asked for again is the same instance");
    assert_eq!(cloud.instances(&given.controller).await.expect("instances").len(), 1, "and it is one");
    assert!(cloud.instances(&given.other_controller).await.expect("instances").is_empty(), "of one controller only");
    if let Some(read) = &given.read {
        assert_eq!(read(&started.id, "/var/lib/juju/contract").as_deref(), Some(&b"0"[..]), "its files are there");
    }
    cloud.console_log(&given.controller, &started.id).await.expect("console_log of an instance that runs");
    let log = cloud.console_log(&given.other_controller, &started.id).await;
    assert!(matches!(log, Err(Error::NotFound { .. })), "another controller's instance has no console: {log:?}");
    cloud.restore(&given.controller).await.expect("restore finds nothing to do");
    assert_eq!(one(cloud, &given.controller, &started.id).await.map(|one| one.machine), Some("0".into()));
}

async fn stops_for_good(cloud: &dyn Cloud, given: &Given) {
    let id = start(cloud, &request(given, &given.model, "0")).await;
    cloud
        .stop_instance(&given.other_controller, &id)
        .await
        .expect("another controller's instance is none of ours: nothing to do");
    assert!(one(cloud, &given.controller, &id).await.is_some(), "a controller stops its own instances only");
    cloud.stop_instance(&given.controller, &id).await.expect("stop_instance");
    assert_eq!(one(cloud, &given.controller, &id).await, None, "stopped is gone");
    cloud.stop_instance(&given.controller, &id).await.expect("stopping what is gone is done");
    let unheard = InstanceId("juju-ffffff-999".into());
    cloud.stop_instance(&given.controller, &unheard).await.expect("stopping what never was is done");
    let log = cloud.console_log(&given.controller, &unheard).await;
    assert!(matches!(log, Err(Error::NotFound { .. })), "an unknown instance has no console: {log:?}");
    // The machine of that number may come back (retry-provisioning).
    let id = start(cloud, &request(given, &given.model, "0")).await;
    cloud.stop_instance(&given.controller, &id).await.expect("stop_instance");
}

/// Two machines that ask for one name are not one instance, and the first is none the worse for it.
async fn shares_no_name(cloud: &dyn Cloud, given: &Given) {
    let first = request(given, &given.model, "0");
    let id = start(cloud, &first).await;
    let before = one(cloud, &given.controller, &id).await.expect("it is there");
    let second = StartRequest { name: first.name.clone(), ..request(given, &given.other_model, "9") };
    let error = cloud.start_instance(&second, &Progress::silent()).await.expect_err("the name is taken");
    assert_eq!(error.retry(), Retry::Never, "{error:?}");
    let after = one(cloud, &given.controller, &id).await.expect("it is there still");
    assert_eq!((after.model, after.machine), (before.model, before.machine), "and the same machine's");
    cloud.stop_instance(&given.controller, &id).await.expect("stop_instance");
    assert!(cloud.instances(&given.controller).await.expect("instances").is_empty(), "nothing is left of the second");
}

/// Longer than a cloud needs to stop an instance that it stops.
const MOMENT: Duration = Duration::from_secs(3);

async fn bears_trouble(cloud: &dyn Cloud, given: &Given) {
    let Some(trouble) = &given.trouble else { return };
    let wanted = request(given, &given.model, "8");
    let id = start(cloud, &wanted).await;

    let pause = Duration::from_secs(7);
    trouble.throttle(pause);
    let error = cloud.instances(&given.controller).await.expect_err("it is asked too often");
    assert!(matches!(error, Error::Throttled { .. }), "it says so: {error:?}");
    assert_eq!(error.retry(), Retry::After(Some(pause)), "and when to ask again");

    trouble.hang_stops();
    let stop = tokio::time::timeout(MOMENT, cloud.stop_instance(&given.controller, &id)).await;
    assert!(!matches!(stop, Ok(Ok(()))), "a stop that does not end says nothing, or that it failed");
    assert!(one(cloud, &given.controller, &id).await.is_some(), "what is not stopped is listed");
    trouble.heal();
    cloud.stop_instance(&given.controller, &id).await.expect("whoever waited no longer may ask again");
    assert_eq!(one(cloud, &given.controller, &id).await, None, "stopped is gone");

    trouble.begin_anew_in_start();
    let broken = cloud.start_instance(&wanted, &Progress::silent()).await;
    let error = broken.expect_err("a start that was broken off did not work");
    assert!(matches!(error.retry(), Retry::After(_)), "it may work yet: {error:?}");
    let id = start(cloud, &wanted).await;
    assert_eq!(cloud.instances(&given.controller).await.expect("instances").len(), 1, "asked again it is one");

    trouble.go_away();
    let unreached = [
        cloud.instances(&given.controller).await.map(drop).expect_err("nobody answers"),
        cloud.start_instance(&wanted, &Progress::silent()).await.map(drop).expect_err("nobody answers"),
        cloud.stop_instance(&given.controller, &id).await.expect_err("nobody answers"),
        cloud.things(&given.controller).await.map(drop).expect_err("nobody answers"),
    ];
    for error in unreached {
        assert!(matches!(error.retry(), Retry::After(_)), "it may come back: {error:?}");
    }
    trouble.heal();
    assert_eq!(start(cloud, &wanted).await, id, "it is there as it was");
    cloud.stop_instance(&given.controller, &id).await.expect("stop_instance");
}

async fn keeps_what_is_let_go(cloud: &dyn Cloud, given: &Given) {
    let id = start(cloud, &request(given, &given.model, "6")).await;
    cloud.release_instance(&given.controller, &id, &given.farewell).await.expect("release_instance");
    assert_eq!(one(cloud, &given.controller, &id).await, None, "let go is none of ours");
    cloud.release_instance(&given.controller, &id, &given.farewell).await.expect("letting go again is done");
    cloud.stop_instance(&given.controller, &id).await.expect("stopping it is nothing");
    cloud.destroy_model(&model_ref(&given.controller, &given.model)).await.expect("its model may end");
    cloud.prepare_model(&model_ref(&given.controller, &given.model)).await.expect("and begin again");
    if let Some(runs) = &given.runs {
        assert!(runs(&id), "it goes on running");
    }
    let unheard = InstanceId("juju-ffffff-999".into());
    cloud.release_instance(&given.controller, &unheard, &given.farewell).await.expect("letting go of nothing is done");
    assert!(cloud.instances(&given.controller).await.expect("instances").is_empty());
}

async fn refuses_what_cannot_be(cloud: &dyn Cloud, given: &Given) {
    let mut wild = request(given, &given.model, "1");
    wild.constraints.mem = Some(1 << 40);
    let said = cloud.check_constraints(&wild.constraints).expect_err("a value that can never be met is refused");
    assert!(matches!(&said, Error::Unmet { name, .. } if name == "mem"), "{said:?}");
    let error = cloud.start_instance(&wild, &Progress::silent()).await.expect_err("and does not start");
    assert_eq!(error.retry(), Retry::Never, "{error:?}");
    assert!(cloud.instances(&given.controller).await.expect("instances").is_empty(), "a refusal leaves nothing behind");
    assert_eq!(cloud.check_constraints(&Constraints::default()).expect("no wish is met"), Vec::<&str>::new());
}

async fn starts_where_it_is_told(cloud: &dyn Cloud, given: &Given) {
    for zone in cloud.zones() {
        cloud.check_placement(&format!("zone={zone}")).expect("a zone of the cloud's own is a placement");
        let mut request = request(given, &given.model, "7");
        request.zone = Some(zone.clone());
        let started = cloud.start_instance(&request, &Progress::silent()).await.expect("start_instance in a zone");
        assert_eq!(started.hardware.availability_zone, Some(zone), "an instance says where it is");
        cloud.stop_instance(&given.controller, &started.id).await.expect("stop_instance");
    }
    cloud.check_placement("zone=no-such-zone").expect_err("a zone that the cloud has not");
}

async fn gives_the_disks_that_it_lets_pass(cloud: &dyn Cloud, given: &Given) {
    assert!(cloud.check_disks(&[]).is_ok(), "no disks can always be had");
    let disk = |n: u32, provider: &str| Disk {
        id: format!("0/{n}"),
        pool: provider.into(),
        provider: provider.into(),
        size: 16,
        ..Disk::default()
    };
    let never = Disk { size: u64::MAX, ..disk(0, "loop") };
    let refused = cloud.check_disks(&[never]).expect_err("no cloud has as much");
    assert_eq!(refused.retry(), Retry::Never, "what never can be had is not tried again: {refused}");
    let disks: Vec<Disk> = [disk(1, "loop"), disk(2, "tmpfs")]
        .into_iter()
        .filter(|disk| cloud.check_disks(std::slice::from_ref(disk)).is_ok())
        .collect();
    let wanted = StartRequest { disks: disks.clone(), ..request(given, &given.model, "0") };
    cloud.prepare_model(&wanted.model).await.expect("prepare_model");
    let started = cloud.start_instance(&wanted, &Progress::silent()).await.expect("starts with its disks");
    let made: Vec<_> = started.disks.iter().map(|made| made.id.clone()).collect();
    assert_eq!(made, disks.iter().map(|disk| disk.id.clone()).collect::<Vec<_>>(), "one for each that was asked for");
    assert!(started.disks.iter().all(|made| !made.mount_point.is_empty()), "it is said where: {:?}", started.disks);
    let again = cloud.start_instance(&wanted, &Progress::silent()).await.expect("asked again");
    assert_eq!(again.disks, started.disks, "asked again, it answers the same disks");
    cloud.stop_instance(&given.controller, &started.id).await.expect("stop_instance");
}

async fn starts_many_at_once(cloud: &dyn Cloud, given: &Given) {
    let [a, b, c, d] = ["2", "3", "4", "5"].map(|machine| request(given, &given.model, machine));
    let quiet = Progress::silent();
    // The last is asked for twice at the same time.
    let (a, b, c, d, e) = tokio::join!(
        cloud.start_instance(&a, &quiet),
        cloud.start_instance(&b, &quiet),
        cloud.start_instance(&c, &quiet),
        cloud.start_instance(&d, &quiet),
        cloud.start_instance(&d, &quiet),
    );
    let ids = [a, b, c].map(|started| started.expect("starts beside others").id);
    let twice: Vec<InstanceId> = [d, e].into_iter().flatten().map(|started| started.id).collect();
    assert!(
        !twice.is_empty() && twice.iter().all(|id| *id == twice[0]),
        "of two starts of one machine one wins, or both agree"
    );
    assert_eq!(cloud.instances(&given.controller).await.expect("instances").len(), 4);
    let _ = tokio::join!(
        cloud.stop_instance(&given.controller, &ids[0]),
        cloud.stop_instance(&given.controller, &ids[1]),
        cloud.stop_instance(&given.controller, &ids[2]),
        cloud.stop_instance(&given.controller, &ids[2]),
    );
    for id in ids.iter().chain(&twice) {
        cloud.stop_instance(&given.controller, id).await.expect("stop_instance");
    }
    assert!(cloud.instances(&given.controller).await.expect("instances").is_empty());
}

async fn models_end_apart(cloud: &dyn Cloud, given: &Given) {
    let (ours, theirs) = (request(given, &given.model, "0"), request(given, &given.other_model, "0"));
    cloud.prepare_model(&theirs.model).await.expect("prepare_model");
    let (gone, stays) = (start(cloud, &ours).await, start(cloud, &theirs).await);
    assert_ne!(gone, stays, "machine 0 of two models is two instances");
    cloud.destroy_model(&ours.model).await.expect("destroy_model");
    assert_eq!(one(cloud, &given.controller, &gone).await, None, "a model takes its instances with it");
    assert!(one(cloud, &given.controller, &stays).await.is_some(), "and no other model's");
    cloud.destroy_model(&ours.model).await.expect("destroy_model may be asked again");
    let things = cloud.things(&given.controller).await.expect("things");
    assert!(things.iter().all(|thing| thing.model == given.other_model), "nothing is left of a model: {things:?}");
    let theirs_only = cloud.things(&given.other_controller).await.expect("things");
    assert!(theirs_only.is_empty(), "what is shared is one controller's: {theirs_only:?}");
    cloud
        .remove_thing(&given.other_controller, &things.first().cloned().unwrap_or_else(nothing))
        .await
        .expect("not his");
    assert_eq!(cloud.things(&given.controller).await.expect("things"), things, "a controller removes its own things");
    cloud.stop_instance(&given.controller, &stays).await.expect("stop_instance");
    // What is left when the model's own end was never asked for can be removed one by one.
    for thing in &things {
        cloud.remove_thing(&given.controller, thing).await.expect("remove_thing");
        cloud.remove_thing(&given.controller, thing).await.expect("what is gone is removed");
    }
    let things = cloud.things(&given.controller).await.expect("things");
    assert!(things.is_empty(), "what was removed is gone: {things:?}");
    cloud.destroy_model(&theirs.model).await.expect("destroy_model");
}

/// No cloud has it.
fn nothing() -> Thing {
    Thing { kind: "nothing".into(), id: "nothing".into(), model: String::new(), since: None }
}

async fn controllers_end_apart(cloud: &dyn Cloud, given: &Given) {
    let ours = request(given, &given.model, "0");
    let mut theirs = request(given, &given.other_model, "0");
    theirs.model.controller = given.other_controller.clone();
    cloud.prepare_model(&ours.model).await.expect("prepare_model");
    cloud.prepare_model(&theirs.model).await.expect("prepare_model of another controller");
    let (gone, stays) = (start(cloud, &ours).await, start(cloud, &theirs).await);
    cloud.destroy_controller(&given.controller).await.expect("destroy_controller");
    assert_eq!(one(cloud, &given.controller, &gone).await, None, "a controller takes all with it");
    assert!(one(cloud, &given.other_controller, &stays).await.is_some(), "but nothing of another one");
    cloud.destroy_controller(&given.controller).await.expect("destroy_controller may be asked again");
    cloud.destroy_controller(&given.other_controller).await.expect("destroy_controller");
    assert!(cloud.instances(&given.other_controller).await.expect("instances").is_empty());
}
