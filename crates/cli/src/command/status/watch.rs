//! `status --watch`: the status anew every so often, on a cleared screen, until Ctrl-C.
//!
//! The surprise: it runs in this process; a lost connection is told in place of the status and tried again.

use std::time::Duration;

use super::show;
use crate::context::Context;
use crate::error::Result;

pub(super) async fn run(context: &mut Context, period: Duration, iso: bool) -> Result<()> {
    // One listener for all rounds: one made anew for each pause would not hear a Ctrl-C that comes while the status is fetched.
    let stopped = context.interrupted();
    tokio::select! {
        biased;
        () = stopped => Ok(()),
        ended = rounds(context, period, iso) => ended,
    }
}

async fn rounds(context: &mut Context, period: Duration, iso: bool) -> Result<()> {
    loop {
        if context.io.stdout_is_terminal {
            // Home, and clear to the end of the screen.
            context.out("\x1b[H\x1b[2J")?;
        }
        if let Err(error) = show::once(context, iso).await {
            if error.exit() == 2 || error.is_unproven() {
                return Err(error);
            }
            context.log_error(error.message());
        }
        context.sleep(period).await;
    }
}
