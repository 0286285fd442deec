//! What the clouds themselves are asked by calls.

use crate::doors::{CloudAdvice, CloudsAsked};
use base::Constraints;
use cloud::fake::{Call, Fake, Fault};
use cloud::{Cloud, Clouds, Error, ModelRef, Progress, StartRequest};
use serde_json::json;
use std::sync::Arc;

use super::rig::{Rig, refused};

fn request(machine: &str) -> StartRequest {
    StartRequest {
        model: ModelRef { controller: "c".into(), model: "m".into(), name: "m".into() },
        machine: machine.into(),
        name: format!("i-{machine}"),
        base: "ubuntu@24.04".into(),
        parent: None,
        constraints: Constraints::default(),
        disks: Vec::new(),
        zone: Some("b".into()),
        files: Vec::new(),
        agent: Vec::new(),
        heir: None,
        authorized_keys: Vec::new(),
        user_data: Default::default(),
        tags: Default::default(),
        host_keys: Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn zones_placements_and_consoles_are_the_clouds_own() {
    let fake = Fake::new();
    fake.set_zones(&["a", "b"]);
    fake.prepare_model(&request("0").model).await.expect("prepares");
    fake.start_instance(&request("0"), &Progress::silent()).await.expect("starts");
    let cloud: Arc<dyn Cloud> = Arc::new(fake.clone());
    let asked = CloudsAsked::learn(Clouds::new([("lab".to_owned(), cloud)]), |_, _, _| Ok(None)).await;
    assert_eq!((asked.zones("lab"), asked.zones("other")), (vec!["a".to_owned(), "b".to_owned()], Vec::new()));
    asked.check_placement("lab", "zone=a").expect("a zone");
    let refusal = asked.check_placement("lab", "zone=z").expect_err("no zone");
    assert_eq!(refusal.words(), "unknown placement directive: zone=z");
    let zones = |text: &str| asked.check("lab", &base::Constraints::parse(text).expect("constraints"));
    assert_eq!(zones("zones=z,b").expect("one of them is there"), Vec::<String>::new());
    assert_eq!(zones("zones=y,z").expect_err("none").words(), "no zone y, z here: there are a, b");
    let console = async |cloud: &str, instance: &str| {
        let answer = asked.console(cloud, "c", instance).await;
        answer.unwrap_or_else(|refusal| refusal.words().to_owned())
    };
    assert_eq!(console("lab", "i-0").await, "i-0 started\n");
    assert_eq!(console("lab", "i-9").await, "cannot read the console of instance i-9: instance i-9 not found");
    assert_eq!(console("other", "i-0").await, "cloud \"other\" is not known to this controller");
    fake.next(Call::ConsoleLog, Fault::Fail(Error::transient("busy")));
    assert_eq!(console("lab", "i-0").await, "cannot read the console of instance i-0: busy");
    fake.next(Call::ConsoleLog, Fault::Hang);
    let late = "cannot read the console of instance i-0: no answer from the cloud in 20s";
    assert_eq!(console("lab", "i-0").await, late);
}

#[tokio::test]
async fn the_controllers_own_host_is_one_cloud() {
    let rig = Rig::start().await;
    let admin = rig.login("/api", "admin").await;
    let add = json!({"name": "again", "cloud": {"type": "builtin", "auth-types": ["empty"]}, "force": true});
    let words = refused(admin.call("Cloud", 7, "AddCloud", add).await);
    assert_eq!(words, "the builtin cloud of this controller is \"lab\" already: it has but one host ()");
}
