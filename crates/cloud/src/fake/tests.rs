//! The fake cloud passes the contract, and goes wrong as told.

use std::time::Duration;

use super::*;
use crate::contract::{self, Given};

#[tokio::test(start_paused = true)]
async fn it_passes_the_contract() {
    let fake = Fake::new();
    fake.set_zones(&["a", "b"]);
    contract::passes(&fake, &Given::default()).await;
    assert!(fake.objects().is_empty(), "left over: {:?}", fake.objects());
}

#[tokio::test(start_paused = true)]
async fn faults_come_as_scripted() {
    let fake = Fake::new();
    let given = Given::default();
    let request = contract::request(&given, &given.model, "0");
    fake.prepare_model(&request.model).await.expect("no fault");

    fake.next(Call::Start, Fault::transient());
    assert!(fake.start_instance(&request, &Progress::silent()).await.is_err());
    assert_eq!(fake.objects().len(), 1, "a failed start makes nothing");

    fake.next_for(Call::Start, "1", Fault::permanent());
    fake.next(Call::Start, Fault::FailAfter(Error::transient("broken pipe")));
    assert!(fake.start_instance(&request, &Progress::silent()).await.is_err());
    assert_eq!(fake.objects().len(), 2, "one that failed too late made an instance");

    let started = fake.start_instance(&request, &Progress::silent()).await.expect("it is adopted");
    fake.next(Call::Stop, Fault::Lie);
    fake.stop_instance(&given.controller, &started.id).await.expect("a lie");
    assert_eq!(fake.objects().len(), 2);

    fake.next(Call::Stop, Fault::Hang);
    let stop = fake.stop_instance(&given.controller, &started.id);
    assert!(tokio::time::timeout(Duration::from_secs(3600), stop).await.is_err());

    fake.next(Call::Stop, Fault::Late(Duration::from_secs(5)));
    let before = tokio::time::Instant::now();
    fake.stop_instance(&given.controller, &started.id).await.expect("late, but well");
    assert_eq!(before.elapsed(), Duration::from_secs(5));
    assert_eq!(fake.objects().len(), 1);
}
