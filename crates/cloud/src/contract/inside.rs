//! Machines inside machines, where a cloud says that it has them; where it does not, nothing is asked of it.

use super::{Given, one, request, start};
use crate::{Cloud, InstanceId, Progress, Retry, StartRequest};

pub(super) async fn live_and_end_with_their_hosts(cloud: &dyn Cloud, given: &Given) {
    if cloud.check_hosts("lxd").is_err() {
        return;
    }
    let host = request(given, &given.model, "8");
    let inside = |number: u32, host: &InstanceId| StartRequest {
        parent: Some(host.clone()),
        ..request(given, &given.model, &format!("8/lxd/{number}"))
    };
    cloud.prepare_model(&host.model).await.expect("prepare_model");
    let early = inside(0, &InstanceId(host.name.clone()));
    let error = cloud.start_instance(&early, &Progress::silent()).await.expect_err("nothing starts inside of nothing");
    assert!(matches!(error.retry(), Retry::After(_)), "its host may come back: {error:?}");
    assert!(cloud.instances(&given.controller).await.expect("instances").is_empty(), "and nothing is left of it");
    let around = start(cloud, &host).await;
    let first = start(cloud, &inside(0, &around)).await;
    let second = start(cloud, &inside(1, &around)).await;
    assert_eq!(start(cloud, &inside(0, &around)).await, first, "asked for again it is the same");
    let seen = one(cloud, &given.controller, &first).await.expect("it is listed as every instance");
    assert_eq!((seen.model.as_str(), seen.machine.as_str()), (given.model.as_str(), "8/lxd/0"), "with its marks");
    let of_host = one(cloud, &given.controller, &around).await.expect("its host is there");
    assert!(seen.addresses.iter().all(|address| !of_host.addresses.contains(address)), "its addresses are its own");
    if let Some(read) = &given.read {
        assert_eq!(read(&first, "/var/lib/juju/contract").as_deref(), Some(&b"8/lxd/0"[..]), "its files are there");
    }
    cloud.stop_instance(&given.controller, &first).await.expect("stop_instance");
    assert_eq!(one(cloud, &given.controller, &first).await, None, "one goes alone");
    assert!(one(cloud, &given.controller, &around).await.is_some(), "and leaves its host");
    assert!(one(cloud, &given.controller, &second).await.is_some(), "and its neighbour");
    cloud.stop_instance(&given.controller, &around).await.expect("stop_instance");
    assert!(cloud.instances(&given.controller).await.expect("instances").is_empty(), "a host takes all with it");
    cloud.stop_instance(&given.controller, &second).await.expect("stopping what went with its host is done");
}
