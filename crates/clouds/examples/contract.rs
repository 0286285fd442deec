//! The contract of clouds, kept or broken by a server of LXD or Incus that is there: `contract KIND SOCKET POOL-FOLDER BASE`.
//! It makes instances there and removes them. Part of suite `lxd`, which starts the server.

#![allow(clippy::print_stdout, reason = "it tells a suite how it went")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use cloud::contract::{self, Given};
use clouds::lxd::{Endpoint, Flavour, Lxd, Options};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [kind, socket, pool, base] = args.as_slice() else {
        println!("wanted: KIND SOCKET POOL-FOLDER BASE");
        return ExitCode::from(2);
    };
    let Some(flavour) = Flavour::of(kind) else {
        println!("{kind:?} is no kind of cloud");
        return ExitCode::from(2);
    };
    let options = Options {
        endpoint: Endpoint::Socket(PathBuf::from(socket)),
        project: "default".into(),
        image_servers: Vec::new(),
        // Its machines have none of our program.
        relay: None,
    };
    let cloud = Lxd::new(flavour, options);
    let folder = PathBuf::from(pool).join("containers");
    let root = folder.clone();
    let given = Given {
        base: base.clone(),
        read: Some(Arc::new(move |id, path| {
            std::fs::read(root.join(&id.0).join("rootfs").join(path.trim_start_matches('/'))).ok()
        })),
        runs: Some(Arc::new(move |id| folder.join(&id.0).join("rootfs").exists())),
        ..Given::default()
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            println!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(contract::passes(&cloud, &given));
    println!("kept");
    ExitCode::SUCCESS
}
