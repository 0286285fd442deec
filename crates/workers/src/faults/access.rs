//! A cloud that does not accept a credential: nothing is given up, whoever looks is told, and another credential is all the cure.

use std::time::Duration;

use base::status::{InstanceStatus, ModelStatus};
use base::{MachineId, ModelUuid};
use cloud::Error;
use cloud::fake::{Call, Fault};
use model::beliefs::Beliefs;
use model::change::credential;
use model::change::model as model_change;
use model::record::credential::Credential;

use super::bed::Bed;

fn denied() -> Fault {
    Fault::Fail(Error::Denied { detail: "the cloud does not let us in".into() })
}

async fn put(bed: &Bed, name: &str) {
    let credential = Credential {
        cloud: "fake".into(),
        owner: "admin".into(),
        name: name.into(),
        auth_type: "empty".into(),
        attributes: Default::default(),
        sealed: String::new(),
        invalid: false,
        invalid_reason: String::new(),
    };
    bed.user.change(|b, g| credential::put(b, &credential, g)).await.expect("is kept");
}

async fn give(bed: &Bed, model: ModelUuid, name: &str) {
    let id = ("fake", "admin", name);
    bed.user.change(|b, g| model_change::set_credential(b, model, id, g)).await.expect("is given");
}

/// A model with a machine that nobody starts, since the cloud denies these calls.
async fn locked_out(calls: &[Call]) -> (Bed, ModelUuid, MachineId) {
    let bed = Bed::new().await;
    put(&bed, "me").await;
    let model = bed.add_model("m").await;
    give(&bed, model, "me").await;
    for call in calls {
        bed.cloud.always(*call, None, denied());
    }
    let machine = bed.add_machine(model).await;
    bed.until("it is told", |beliefs| {
        let words = "failed to start machine 0 (the cloud does not let us in), retrying in 60s";
        beliefs.models[&model].machines[&machine].instance.as_ref().is_some_and(|one| one.status.message == words)
    })
    .await;
    (bed, model, machine)
}

fn status(beliefs: &Beliefs, model: ModelUuid) -> (ModelStatus, String) {
    let status = &beliefs.models[&model].model.as_ref().expect("there").status;
    (status.current, status.message.clone())
}

fn is_invalid(beliefs: &Beliefs) -> Vec<bool> {
    beliefs.credentials.values().map(|one| one.invalid).collect()
}

const ALL: [Call; 3] = [Call::Start, Call::PrepareModel, Call::Instances];

#[tokio::test(start_paused = true)]
async fn a_model_that_the_cloud_does_not_let_in_is_suspended_until_its_credential_is_updated() {
    let (bed, model, machine) = locked_out(&ALL).await;
    // Far longer than eleven tries take.
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let read = bed.user.read();
    assert_eq!(status(&read, model), (ModelStatus::Suspended, credential::SUSPENDED.into()));
    assert_eq!(is_invalid(&read), [true]);
    let instance = read.models[&model].machines[&machine].instance.as_ref().expect("there");
    assert_eq!(instance.status.current, InstanceStatus::Allocating);
    let plain = model_change::DestroyModel::default();
    let refused = bed.user.change(|b, g| model_change::destroy(b, model, plain, g)).await;
    assert_eq!(refused.expect_err("it would hang").words(), "invalid cloud credential, use --force");
    bed.cloud.heal();
    let before = bed.now();
    put(&bed, "me").await;
    let read = bed.until_runs(model, &machine).await;
    assert!(bed.now().since(before) < Duration::from_secs(10), "nobody waits for the next try");
    assert_eq!((status(&read, model), is_invalid(&read)), ((ModelStatus::Available, String::new()), vec![false]));
}

#[tokio::test(start_paused = true)]
async fn another_credential_for_the_model_does_as_well() {
    let (bed, model, machine) = locked_out(&ALL).await;
    bed.cloud.heal();
    put(&bed, "other").await;
    let before = bed.now();
    give(&bed, model, "other").await;
    let read = bed.until_runs(model, &machine).await;
    assert!(bed.now().since(before) < Duration::from_secs(10), "nobody waits for the next try");
    assert_eq!(status(&read, model), (ModelStatus::Available, String::new()));
}

/// Somebody told the server to trust the certificate that it did not trust.
#[tokio::test(start_paused = true)]
async fn a_cloud_that_lets_us_in_again_needs_nobodys_word() {
    let (bed, model, machine) = locked_out(&ALL).await;
    bed.until("it is suspended", |beliefs| status(beliefs, model).0 == ModelStatus::Suspended).await;
    bed.cloud.heal();
    let read = bed.until_runs(model, &machine).await;
    let healed =
        |beliefs: &Beliefs| (status(beliefs, model).0, is_invalid(beliefs)) == (ModelStatus::Available, vec![false]);
    if !healed(&read) {
        bed.until("the model is told", healed).await;
    }
}

/// It may look, but not make machines: the credential is good, only not for that.
#[tokio::test(start_paused = true)]
async fn a_credential_that_may_not_do_one_thing_is_not_called_invalid() {
    let (bed, model, machine) = locked_out(&[Call::Start]).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let read = bed.user.read();
    assert_eq!((status(&read, model).0, is_invalid(&read)), (ModelStatus::Available, vec![false]));
    bed.cloud.heal();
    bed.until_runs(model, &machine).await;
}

/// A credential that was updated opens its cloud anew a moment later; until then the one answers that was opened with the old one.
#[tokio::test(start_paused = true)]
async fn what_the_old_credential_was_told_is_no_word_on_the_new_one() {
    let (bed, model, machine) = locked_out(&ALL).await;
    bed.until("it is suspended", |beliefs| status(beliefs, model).0 == ModelStatus::Suspended).await;
    let before = bed.now();
    put(&bed, "me").await;
    for tenth in 0..50 {
        assert_eq!(status(&bed.user.read(), model).0, ModelStatus::Available, "after {tenth} tenths of a second");
        if tenth == 2 {
            bed.cloud.heal();
            bed.clouds.set("fake", std::sync::Arc::new(bed.cloud.clone()));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bed.until_runs(model, &machine).await;
    assert!(bed.now().since(before) < Duration::from_secs(10), "nobody waits a minute for it");
}
