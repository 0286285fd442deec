//! The controller's process of a simulator: the product's own parts over SQLite in a folder. A second start in the same folder finds what
//! the first one left, however it ended.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use base::Secret;
use rpc::tls::Authority;
use store::append::Append;
use store::sqlite::{Options, Sqlite};
use store::{Directory, Store};
use tokio::net::TcpSocket;

use super::Line;
use super::cloud::Folder;
use crate::assembly::{self, Running, Surroundings};

/// Serves on `address` until its standard input ends.
pub fn main(folder: &Path, address: &str) -> ExitCode {
    host::memory::frugal();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let Ok(runtime) = runtime else { return ExitCode::FAILURE };
    match runtime.block_on(serve(folder, address)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            super::driver::complain(&format!("simulator's controller: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn serve(folder: &Path, address: &str) -> Result<(), Box<dyn std::error::Error>> {
    super::driver::raise_file_limit();
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address.parse()?)?;
    let listener = socket.listen(4096)?;
    let address = listener.local_addr()?;
    let directory = Arc::new(Directory::open(&folder.join("data"))?);
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(directory.clone(), Options::default())?);
    let append = Append::open(directory)?;
    let instances = folder.join("instances");
    fs::create_dir_all(&instances)?;
    let authority = match kept(folder) {
        Some(authority) => authority,
        None => {
            let (authority, _) = assembly::authority();
            assembly::bootstrap(store.clone(), address, &authority.cert_pem).await;
            fs::write(folder.join("ca.crt"), &authority.cert_pem)?;
            fs::write(folder.join("ca.key"), authority.key_pem().reveal())?;
            authority
        }
    };
    let surroundings = Surroundings {
        store,
        append,
        tls: assembly::tls(&authority),
        authority: Arc::new(authority),
        clock: Arc::new(base::clock::SystemClock),
        pace: api::agents::Pace::default(),
        cloud: Arc::new(Folder { folder: instances, tell: Box::new(|line| say(&line)) }),
    };
    let running = Running::start(&surroundings, listener).await;
    let ca_cert = surroundings.authority.cert_pem.clone();
    say(&Line::Serving { address: address.to_string(), ca_cert });
    let mut lines = super::input();
    while lines.recv().await.is_some() {
        say(&Line::Connected { count: running.door.connected() });
    }
    Ok(())
}

fn kept(folder: &Path) -> Option<Authority> {
    let read = |name: &str| -> io::Result<String> { fs::read_to_string(folder.join(name)) };
    // The key is written last: without it there was no first start that got anywhere.
    let key = read("ca.key").ok()?;
    Authority::from_pem(read("ca.crt").ok()?, Secret::new(key)).ok()
}

fn say(line: &Line) {
    use std::io::Write;
    let text = serde_json::to_string(line).unwrap_or_default();
    // Nobody listens any more: the driver is gone, and this process with it.
    let _ = writeln!(io::stdout().lock(), "{text}");
}
