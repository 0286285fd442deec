//! Credentials and clouds through the port: what is kept, what is shown, what a cloud that objects does.

use super::rig::Rig;
use crate::doors::{Attributes, Boxed, Clear, CloudAdvice, NoAdvice, opened};
use base::storage::Disk;
use base::{Constraints, OsBase, Refusal, SeenSubnet};
use cloud::ModelRef;
use model::record::cloud::Cloud;
use serde_json::{Value, json};
use std::sync::Arc;

/// A cloud that lets nobody in whose key is `bad`.
struct Picky;

impl CloudAdvice for Picky {
    fn check(&self, cloud: &str, constraints: &Constraints) -> Result<Vec<String>, Refusal> {
        NoAdvice.check(cloud, constraints)
    }

    fn check_disks(&self, cloud: &str, disks: &[Disk]) -> Result<(), Refusal> {
        NoAdvice.check_disks(cloud, disks)
    }

    fn check_makes_machines(&self, cloud: &str) -> Result<(), Refusal> {
        NoAdvice.check_makes_machines(cloud)
    }

    fn check_placement(&self, cloud: &str, directive: &str) -> Result<(), Refusal> {
        NoAdvice.check_placement(cloud, directive)
    }

    fn default_base(&self, cloud: &str) -> Option<OsBase> {
        (cloud == "aws/admin/one").then(|| OsBase::parse("debian@12").expect("valid"))
    }

    fn zones(&self, cloud: &str) -> Vec<String> {
        NoAdvice.zones(cloud)
    }

    fn subnets(&self, cloud: &str, model: ModelRef) -> Boxed<Result<Vec<SeenSubnet>, Refusal>> {
        NoAdvice.subnets(cloud, model)
    }

    fn console(&self, cloud: &str, controller: &str, instance: &str) -> Boxed<Result<String, Refusal>> {
        NoAdvice.console(cloud, controller, instance)
    }

    fn check_credential(&self, cloud: &Cloud, auth_type: &str, attributes: &Attributes) -> Boxed<Result<(), String>> {
        let bad = attributes.get("secret-key").is_some_and(|value| value.reveal() == "bad");
        let words = format!("{} {auth_type} refused", cloud.name);
        Box::pin(async move { if bad { Err(words) } else { Ok(()) } })
    }
}

fn aws() -> Value {
    json!({"name": "aws", "cloud": {"type": "ec2", "auth-types": ["access-key"], "regions": [{"name": "east"}, {"name": "west"}]}})
}

fn key(name: &str, secret: &str) -> Value {
    json!({"tag": format!("cloudcred-aws_admin_{name}"), "credential": {"auth-type": "access-key",
        "attrs": {"access-key": "AK", "secret-key": secret}}})
}

fn message(answer: &Value) -> &str {
    answer.pointer("/results/0/error/message").and_then(Value::as_str).unwrap_or("")
}

#[tokio::test]
async fn secrets_are_kept_sealed_and_shown_only_when_asked_for() {
    let rig = Rig::start().await;
    let client = rig.login("/api", "admin").await;
    client.call("Cloud", 7, "AddCloud", aws()).await.expect("adds");
    let added = client.call("Cloud", 7, "AddCredentials", json!({"credentials": [key("one", "s3cr3t")]})).await;
    assert_eq!(added.expect("answers"), json!({"results": [{}]}));
    let read = rig.state.read();
    let kept = read.credentials.get(&("aws".into(), "admin".into(), "one".into())).expect("kept");
    assert!(kept.attributes.is_empty() && !kept.sealed.is_empty());
    assert_eq!(opened(&Clear, kept).expect("opens").len(), 2);

    let asked = json!({"credentials": [{"cloud-name": "aws", "credential-name": "one"}, {"cloud-name": "aws", "credential-name": "no"}]});
    let shown = client.call("Cloud", 7, "CredentialContents", asked.clone()).await.expect("answers");
    assert_eq!(shown["results"][0]["result"]["content"]["attrs"], json!({"access-key": "AK"}));
    assert_eq!(shown["results"][0]["result"]["content"]["valid"], true);
    assert_eq!(shown["results"][1]["error"]["code"], "not found");
    let mut asked = asked;
    asked["include-secrets"] = json!(true);
    let shown = client.call("Cloud", 7, "CredentialContents", asked).await.expect("answers");
    assert_eq!(shown["results"][0]["result"]["content"]["attrs"]["secret-key"], "s3cr3t");
    let tag = json!({"entities": [{"tag": "cloudcred-aws_admin_one"}]});
    let shown = client.call("Cloud", 7, "Credential", tag).await.expect("answers");
    let expected = json!({"auth-type": "access-key", "attrs": {"access-key": "AK"}, "redacted": ["secret-key"]});
    assert_eq!(shown["results"][0]["result"], expected);
}

#[tokio::test]
async fn what_a_cloud_refuses_is_told_and_not_kept() {
    let rig = Rig::advised(Arc::new(Picky)).await;
    let client = rig.login("/api", "admin").await;
    client.call("Cloud", 7, "AddCloud", aws()).await.expect("adds");
    let add = |secret: &str| json!({"credentials": [key("one", secret)]});
    let added = client.call("Cloud", 7, "AddCredentials", add("bad")).await.expect("answers");
    assert_eq!(message(&added), "aws access-key refused");
    client.call("Cloud", 7, "AddCredentials", add("good")).await.expect("answers");
    let create = json!({"name": "m", "owner-tag": "user-admin", "cloud-tag": "cloud-aws", "credential": "cloudcred-aws_admin_one"});
    client.call("ModelManager", 10, "CreateModel", create).await.expect("makes");
    let secret = || {
        let read = rig.state.read();
        let kept = read.credentials.get(&("aws".into(), "admin".into(), "one".into())).expect("kept");
        opened(&Clear, kept).expect("opens").remove("secret-key").map(|value| value.reveal().to_owned())
    };
    // A model is in the way, and named.
    for (method, kept) in [("CheckCredentialsModels", "good"), ("UpdateCredentialsCheckModels", "good")] {
        let answer = client.call("Cloud", 7, method, add("bad")).await.expect("answers");
        assert_eq!(message(&answer), "some models are no longer visible", "{method}");
        assert_eq!(answer["results"][0]["models"][0]["name"], "m");
        assert_eq!(answer["results"][0]["models"][0]["errors"][0]["error"]["message"], "aws access-key refused");
        assert_eq!(secret().as_deref(), Some(kept), "{method}");
    }
    let mut forced = add("bad");
    forced["force"] = json!(true);
    let answer = client.call("Cloud", 7, "UpdateCredentialsCheckModels", forced.clone()).await.expect("answers");
    assert_eq!(message(&answer), "");
    assert_eq!(secret().as_deref(), Some("bad"));
    let owner = rig.login("/api", "owner").await;
    let refused = owner.call("Cloud", 7, "UpdateCredentialsCheckModels", forced).await.expect_err("refused");
    assert!(refused.to_string().contains("unexpected force specified"), "{refused}");

    let revoke = |force: bool| json!({"credentials": [{"tag": "cloudcred-aws_admin_one", "force": force}]});
    let answer = client.call("Cloud", 7, "RevokeCredentialsCheckModels", revoke(false)).await.expect("answers");
    assert_eq!(message(&answer), "cannot revoke credential cloudcred-aws_admin_one: it is still used by 1 model");
    let answer = client.call("Cloud", 7, "RevokeCredentialsCheckModels", revoke(true)).await.expect("answers");
    assert_eq!(answer, json!({"results": [{}]}));
}

/// What a cloud has is known by account: whoever asks by the cloud's name is told nothing.
#[tokio::test]
async fn a_machine_without_a_base_has_the_first_of_its_models_account() {
    let rig = Rig::advised(Arc::new(Picky)).await;
    let client = rig.login("/api", "admin").await;
    client.call("Cloud", 7, "AddCloud", aws()).await.expect("adds");
    let keys = json!({"credentials": [key("one", "good"), key("two", "good")]});
    client.call("Cloud", 7, "AddCredentials", keys).await.expect("answers");
    for (account, base) in [("one", "debian@12/stable"), ("two", "ubuntu@24.04/stable")] {
        let credential = format!("cloudcred-aws_admin_{account}");
        let create =
            json!({"name": account, "owner-tag": "user-admin", "cloud-tag": "cloud-aws", "credential": credential});
        let made = client.call("ModelManager", 10, "CreateModel", create).await.expect("makes");
        let uuid: base::ModelUuid = made["uuid"].as_str().expect("a uuid").parse().expect("valid");
        let in_model = rig.login(&super::rig::model_path(uuid), "admin").await;
        in_model.call("MachineManager", 10, "AddMachines", json!({"params": [{}]})).await.expect("adds");
        let read = rig.state.read();
        let machine = read.models[&uuid].machines.values().next().expect("one").machine.clone().expect("there");
        assert_eq!(format!("{}@{}", machine.base.name, machine.base.channel), base, "{account}");
    }
}

#[tokio::test]
async fn clouds_are_added_described_anew_and_removed() {
    let rig = Rig::start().await;
    let client = rig.login("/api", "admin").await;
    let add = |name: &str, kind: &str, force: bool| json!({"name": name, "cloud": {"type": kind}, "force": force});
    for (params, expected) in [
        (add("l", "lxd", false), ""),
        (add("l", "lxd", false), "cloud \"l\" already exists (already exists)"),
        (add("x y", "lxd", false), "cloud name \"x y\" not valid ()"),
        (
            add("m", "maas", false),
            "cloud type \"builtin\" is not compatible with cloud type \"maas\" (incompatible clouds)",
        ),
        (add("m", "maas", true), ""),
        (add("n", "", false), "empty Type not valid (not valid)"),
    ] {
        let answer = client.call("Cloud", 7, "AddCloud", params.clone()).await;
        let said = match answer {
            Ok(_) => String::new(),
            Err(rpc::CallError::Refused(error)) => format!("{} ({})", error.message, error.code),
            Err(other) => other.to_string(),
        };
        assert_eq!(said, expected, "{params}");
    }
    let seen = client.call("Cloud", 7, "Cloud", json!({"entities": [{"tag": "cloud-l"}]})).await.expect("answers");
    assert_eq!(seen["results"][0]["cloud"]["regions"], json!([{"name": "default"}]));
    assert_eq!(seen["results"][0]["cloud"]["auth-types"], json!(["certificate", "interactive"]));

    let update = |name: &str, kind: &str| json!({"clouds": [{"name": name, "cloud": {"type": kind, "endpoint": "https://e:8443"}}]});
    let answer = client.call("Cloud", 7, "UpdateCloud", update("l", "lxd")).await.expect("answers");
    assert_eq!(answer, json!({"results": [{}]}));
    let seen = client.call("Cloud", 7, "Cloud", json!({"entities": [{"tag": "cloud-l"}]})).await.expect("answers");
    assert_eq!(seen["results"][0]["cloud"]["endpoint"], "https://e:8443");
    for (params, expected) in [
        (update("nope", "lxd"), "cloud \"nope\" not found"),
        (update("l", "ec2"), "cannot change the type of cloud \"l\" from \"lxd\" to \"ec2\""),
    ] {
        let answer = client.call("Cloud", 7, "UpdateCloud", params).await.expect("answers");
        assert_eq!(message(&answer), expected);
    }
    let remove = |name: &str| json!({"entities": [{"tag": format!("cloud-{name}")}]});
    for (name, expected) in [("l", ""), ("l", "cloud \"l\" not found"), ("lab", "cannot remove controller's own cloud")]
    {
        let answer = client.call("Cloud", 7, "RemoveClouds", remove(name)).await.expect("answers");
        assert_eq!(message(&answer), expected, "{name}");
    }
}
