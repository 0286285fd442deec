//! The fake cloud passes the contract, and goes wrong as told.

use std::time::Duration;

use super::*;
use crate::contract::{self, Given, Trouble};

/// Goes wrong as the contract wants.
struct Scripted(Fake);

impl Trouble for Scripted {
    fn throttle(&self, after: Duration) {
        self.0.next(Call::Instances, Fault::throttled(after));
    }

    fn hang_stops(&self) {
        self.0.always(Call::Stop, None, Fault::Hang);
    }

    fn begin_anew_in_start(&self) {
        self.0.next(Call::Start, Fault::FailAfter(Error::transient("the cloud began anew")));
    }

    fn go_away(&self) {
        for call in [Call::Instances, Call::Start, Call::Stop, Call::Things] {
            self.0.always(call, None, Fault::transient());
        }
    }

    fn heal(&self) {
        self.0.heal();
    }
}

#[tokio::test(start_paused = true)]
async fn it_passes_the_contract() {
    let fake = Fake::new();
    fake.set_zones(&["a", "b"]);
    let given = Given { trouble: Some(Arc::new(Scripted(fake.clone()))), ..Given::default() };
    contract::passes(&fake, &given).await;
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
