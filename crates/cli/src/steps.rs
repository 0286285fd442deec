//! The steps of long work, shown as they happen. It must not know the work.

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::context::Context;

/// Steps that were told and are still to be shown.
pub struct Steps(UnboundedReceiver<String>);

/// What work tells its steps to, and where they are shown from.
pub fn steps() -> (impl Fn(&str) + Send + Sync, Steps) {
    let (sender, told) = unbounded_channel::<String>();
    let tell = move |step: &str| {
        // Whoever shows them no longer waits for the work either.
        let _ = sender.send(step.to_owned());
    };
    (tell, Steps(told))
}

impl Steps {
    /// Waits for the work; the steps that it tells of come before its outcome.
    pub async fn show<T>(mut self, context: &mut Context, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let outcome = loop {
            tokio::select! {
                biased;
                Some(step) = self.0.recv() => context.info(step),
                outcome = &mut work => break outcome,
            }
        };
        while let Ok(step) = self.0.try_recv() {
            context.info(step);
        }
        outcome
    }
}
