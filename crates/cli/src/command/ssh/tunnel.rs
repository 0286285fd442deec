//! `ssh-tunnel`: what `ssh --proxy` gives OpenSSH as its way to a machine: bytes through the controller's port.
//!
//! The surprise: not for people; it stands in no list, and speaks on stdout to ssh alone.

use std::io::{Read, Write};

use client::LoginError;
use client::tunnel::Tunnel;

use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::{Error, Result};

pub const COMMAND: Command = Command {
    name: NAME,
    args: "<address>",
    purpose: "Carries what ssh says to a machine through the controller.",
    doc: "Used by 'juju ssh --proxy' and 'juju scp --proxy' as OpenSSH's ProxyCommand.",
    scope: Scope::Model,
    hidden: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

pub(super) const NAME: &str = "ssh-tunnel";

async fn run(context: &mut Context) -> Result<()> {
    let Some(host) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("no address specified"));
    };
    context.args.at_most(1)?;
    if !context.io.inherits {
        return Err(Error::failed("ssh-tunnel needs streams of its own"));
    }
    let Some(selected) = context.selected.clone() else { return Err(Error::failed("no model selected")) };
    let (_, uuid) = context.find_model(&selected).await?;
    let uuid = uuid.parse().map_err(|e: base::id::IdError| Error::failed(e.to_string()))?;
    let (target, who) = context.target(&selected.controller)?;
    let tunnel = match Tunnel::open(&target, uuid, &who, &host).await {
        Ok(tunnel) => tunnel,
        Err(LoginError::Refused(error)) => return Err(Error::from_result(&error.message, &error.code)),
        Err(error) => return Err(Error::connection(error.to_string())),
    };
    let (send, receive) = tokio::sync::mpsc::channel(16);
    // A thread, as a read of stdin waits for as long as ssh likes; it ends with the process.
    std::thread::spawn(move || {
        let mut chunk = vec![0; 16 << 10];
        while let Ok(count @ 1..) = std::io::stdin().read(&mut chunk) {
            if send.blocking_send(chunk[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    let mut out = std::io::stdout();
    tunnel.carry(receive, move |bytes| out.write_all(bytes).and_then(|()| out.flush())).await;
    Ok(())
}
