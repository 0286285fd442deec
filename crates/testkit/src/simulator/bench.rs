//! Figures of a controller with many agents: what each costs, how fast it answers, how soon all are back after a kill.
//! It prints lines of three parts with tabs between (what, budget, figure), which `cargo xtask bench` reads. It fails only when something is
//! broken. The surprise: answers are not decoded while they are timed, since their reading is the client's affair.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use base::ModelUuid;
use client::files::{Account, Accounts, Controller, Controllers, Model, Models, Store};
use client::{Connection, Place};
use futures_util::{SinkExt, StreamExt};
use rpc::websocket::Message;
use serde_json::{Value, json};

use self::status::Size;
use super::Simulator;
use super::driver::complain;
use crate::assembly::{CLOUD, CONTROLLER_UUID, PASSWORD};

mod programs;
mod status;
mod watchers;

type Failure = Box<dyn std::error::Error>;
type Done<T = ()> = Result<T, Failure>;

/// How many connections, models, machines and calls the small figures are made of.
const IDLE: usize = 1_000;
const LOGINS: usize = 2_000;
const SMALL: usize = 50;
const CALLS: usize = 1_000;
/// Machines asked for in one call.
const AT_ONCE: usize = 500;
const PATIENCE: Duration = Duration::from_secs(600);

struct Asked {
    agents: usize,
    machines: usize,
    grigri: Option<PathBuf>,
}

/// `words`: `--agents N`, `--machines N`, `--grigri PROGRAM`.
pub fn main(words: &[&str]) -> ExitCode {
    let asked = match read(words) {
        Ok(asked) => asked,
        Err(why) => {
            complain(&why);
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let measured = runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(measure(&asked)));
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("simulator: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn read(words: &[&str]) -> Result<Asked, String> {
    let mut asked = Asked { agents: 10_000, machines: 1_000, grigri: None };
    for pair in words.chunks(2) {
        let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is no number"));
        match pair {
            ["--agents", n] => asked.agents = number(n)?,
            ["--machines", n] => asked.machines = number(n)?,
            ["--grigri", program] => asked.grigri = Some(program.into()),
            [word, ..] => return Err(format!("unknown word, or one without its value: {word}")),
            [] => {}
        }
    }
    Ok(asked)
}

fn row(what: &str, budget: &str, figure: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{what}\t{budget}\t{figure}");
}

async fn measure(asked: &Asked) -> Done {
    let program = std::env::current_exe()?;
    let mut simulator = Simulator::start(&program)?;
    let admin = simulator.connect(Place::Controller).await?;
    logins(&simulator).await?;
    programs::short(&simulator).await?;
    connections(&simulator).await?;
    changes(&simulator, &admin).await?;
    let model = create_model(&admin, "many").await?;
    let session = simulator.connect(Place::Model(model)).await?;
    add_machines(&session, asked.machines).await?;
    until_started(&session, asked.machines).await?;
    let few = Size { machines: asked.machines, calls: CALLS, answer: "p99 <= 15 ms", command: "<= 60 ms" };
    status::measure(&simulator, model, &few, asked.grigri.as_deref()).await?;
    watchers::measure(&simulator, model, &session, asked.machines).await?;
    status::beside_history(&simulator, model, &session, asked.machines).await?;
    drop(session);
    many(&mut simulator, &admin, asked).await?;
    // The controller is another one now; and its models would be in the figures above.
    let admin = simulator.connect(Place::Controller).await?;
    programs::models(&simulator, &admin, asked.grigri.as_deref()).await
}

async fn logins(simulator: &Simulator) -> Done {
    // The first one pays the password's hash, the others find it remembered.
    let fresh = timed(SMALL, || async { Ok(simulator.connect(Place::Controller).await.map(drop)?) }).await?;
    row("login on a fresh connection, TLS included, password known, median of 50", "<= 3 ms", &time(fresh.at(50)));
    let connection = client::dial::dial(simulator.target(), "/api", &[]).await?;
    drop(connection);
    let begun = Instant::now();
    let worker = |count: usize| async move {
        for _ in 0..count {
            simulator.connect(Place::Controller).await.map_err(|error| error.to_string())?;
        }
        Ok::<(), String>(())
    };
    let all = futures_util::future::try_join_all((0..16).map(|_| worker(LOGINS / 16))).await;
    all?;
    let rate = LOGINS as f64 / begun.elapsed().as_secs_f64();
    row(
        "logins a second, password known, each a new TLS connection, client on the same cores",
        "-",
        &format!("{rate:.0}"),
    );
    let mut raws = Vec::new();
    for _ in 0..LOGINS {
        raws.push(Raw::open(simulator, "/api").await?);
        if raws.len() == 200 {
            break;
        }
    }
    let begun = Instant::now();
    let answers = futures_util::future::try_join_all(raws.iter_mut().map(Raw::login)).await?;
    let rate = answers.len() as f64 / begun.elapsed().as_secs_f64();
    row("logins a second, password known, on 200 connections opened before", ">= 2,000", &format!("{rate:.0}"));
    Ok(())
}

async fn connections(simulator: &Simulator) -> Done {
    let before = pss(simulator.controller_pid())?;
    row("controller memory (PSS), no machine, after 2,000 logins", "<= 40 MB", &megabytes(before));
    let mut held = Vec::new();
    for _ in 0..IDLE {
        let mut raw = Raw::open(simulator, "/api").await?;
        raw.login().await?;
        held.push(raw);
    }
    let each = pss(simulator.controller_pid())?.saturating_sub(before) as f64 / IDLE as f64;
    row("controller memory for one idle client connection, logged in", "<= 30 kB", &format!("{:.0} kB", each / 1e3));
    Ok(())
}

async fn changes(simulator: &Simulator, admin: &Connection) -> Done {
    let mut number = 0;
    let made = timed(SMALL, || {
        number += 1;
        let name = format!("small-{number}");
        async move { create_model(admin, &name).await.map(drop) }
    })
    .await?;
    row("CreateModel, median of 50", "<= 5 ms", &time(made.at(50)));
    let model = create_model(admin, "ones").await?;
    let session = simulator.connect(Place::Model(model)).await?;
    let added = timed(SMALL, || async { add_machines(&session, 1).await }).await?;
    row("AddMachines of one, median of 50", "<= 3 ms", &time(added.at(50)));
    Ok(())
}

async fn many(simulator: &mut Simulator, admin: &Connection, asked: &Asked) -> Done {
    let agents = asked.agents;
    let model = create_model(admin, "agents").await?;
    let session = simulator.connect(Place::Model(model)).await?;
    let begun = Instant::now();
    add_machines(&session, agents).await?;
    let asked_for = begun.elapsed();
    until_started(&session, agents).await?;
    let figure = format!("{} (asked for in {})", time(begun.elapsed()), time(asked_for));
    row(&format!("{agents} simulated machines added and started"), "-", &figure);
    let connected = simulator.connected()?;
    row(
        &format!("controller memory (PSS) with {connected} agents connected"),
        "<= 400 MB",
        &megabytes(pss(simulator.controller_pid())?),
    );
    drop(session);
    let all = Size { machines: agents, calls: 100, answer: "-", command: "-" };
    status::measure(simulator, model, &all, asked.grigri.as_deref()).await?;
    simulator.kill()?;
    let begun = Instant::now();
    simulator.revive()?;
    let serves = begun.elapsed();
    while simulator.connected()? < connected {
        if begun.elapsed() > PATIENCE {
            return Err(format!("only {} agents are back", simulator.connected()?).into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let figure = format!("{} (it serves after {})", time(begun.elapsed()), time(serves));
    row(&format!("{connected} agents back after a kill -9 of the controller"), "<= 10 s", &figure);
    let handshake = handshakes(simulator).await?;
    row("floor: TLS handshakes a second, both ends on these cores, nothing else done", "-", &format!("{handshake:.0}"));
    Ok(())
}

/// Bare TLS, both ends here.
async fn handshakes(simulator: &Simulator) -> Done<f64> {
    let config = rpc::tls::client_config(&simulator.target().ca_pem, None)?;
    let address = &simulator.target().addresses[0];
    let begun = Instant::now();
    let worker = |count: usize| {
        let config = config.clone();
        async move {
            for _ in 0..count {
                client::dial::secure(address, config.clone()).await.map_err(|error| error.to_string())?;
            }
            Ok::<(), String>(())
        }
    };
    futures_util::future::try_join_all((0..16).map(|_| worker(LOGINS / 16))).await?;
    Ok(LOGINS as f64 / begun.elapsed().as_secs_f64())
}

async fn create_model(admin: &Connection, name: &str) -> Done<ModelUuid> {
    let params = json!({"name": name, "owner-tag": "user-admin", "cloud-tag": format!("cloud-{CLOUD}")});
    let made = admin.call("ModelManager", "CreateModel", params).await?;
    Ok(made["uuid"].as_str().unwrap_or_default().parse()?)
}

async fn add_machines(session: &Connection, count: usize) -> Done {
    let mut left = count;
    while left > 0 {
        let some = left.min(AT_ONCE);
        let one = json!({"jobs": ["JobHostUnits"], "base": {"name": "ubuntu", "channel": "24.04"}});
        let added = session.call("MachineManager", "AddMachines", json!({"params": vec![one; some]})).await?;
        let refused = added["machines"].as_array().into_iter().flatten().find(|one| one["error"].is_object());
        if let Some(refused) = refused {
            return Err(refused["error"]["message"].to_string().into());
        }
        left -= some;
    }
    Ok(())
}

/// Counts by a watch: asking for the whole status again and again would be what is measured.
async fn until_started(session: &Connection, count: usize) -> Done {
    let watcher = session.call("Client", "WatchAll", json!({})).await?;
    let id = watcher["watcher-id"].as_str().unwrap_or_default().to_owned();
    let mut started = std::collections::BTreeSet::new();
    let watch = async {
        while started.len() < count {
            let news: Value = session.next("AllWatcher", &id).await?;
            for delta in news["deltas"].as_array().into_iter().flatten() {
                if delta[0] == "machine" && delta[2]["agent-status"]["current"] == "started" {
                    started.insert(delta[2]["id"].to_string());
                }
            }
        }
        Done::Ok(())
    };
    let seen = tokio::time::timeout(PATIENCE, watch).await;
    session.stop("AllWatcher", &id).await?;
    seen.map_err(|_| format!("only {} of {count} machines are started", started.len()))?
}

fn client_store(simulator: &Simulator, folder: &std::path::Path, model: ModelUuid) -> Done {
    let store = Store::new(folder, &std::env::temp_dir());
    let target = simulator.target();
    store.update(|controllers: &mut Controllers| {
        let controller = Controller {
            uuid: CONTROLLER_UUID.into(),
            api_endpoints: target.addresses.clone(),
            ca_cert: target.ca_pem.clone(),
            cloud: CLOUD.into(),
            ..Controller::default()
        };
        controllers.controllers.insert("bench".into(), controller);
        controllers.current_controller = Some("bench".into());
        Done::Ok(())
    })?;
    store.update(|accounts: &mut Accounts| {
        let account =
            Account { user: "admin".into(), password: Some(base::Secret::new(PASSWORD)), ..Account::default() };
        accounts.controllers.insert("bench".into(), account);
        Done::Ok(())
    })?;
    store.update(|models: &mut Models| {
        let of = models.controllers.entry("bench".into()).or_default();
        let model = Model { uuid: model.to_string(), model_type: "iaas".into(), ..Model::default() };
        of.models.insert("admin/many".into(), model);
        of.current_model = Some("admin/many".into());
        Done::Ok(())
    })?;
    Ok(())
}

/// A connection whose answers are text.
struct Raw {
    socket: rpc::websocket::Socket<tokio_rustls::client::TlsStream<tokio::net::TcpStream>>,
    number: u64,
}

impl Raw {
    async fn open(simulator: &Simulator, path: &str) -> Done<Raw> {
        Ok(Raw { socket: client::dial::dial(simulator.target(), path, &[]).await?.socket, number: 0 })
    }

    async fn call(&mut self, facade: &str, version: u32, method: &str, params: &Value) -> Done<String> {
        self.call_of(&json!(""), facade, version, method, params).await
    }

    /// Of one watcher.
    async fn call_of(&mut self, id: &Value, facade: &str, version: u32, method: &str, params: &Value) -> Done<String> {
        self.number += 1;
        let mut frame =
            json!({"request-id": self.number, "type": facade, "version": version, "request": method, "params": params});
        if id != "" {
            frame["id"] = id.clone();
        }
        self.socket.send(Message::text(frame.to_string())).await?;
        match self.socket.next().await {
            Some(Ok(Message::Text(text))) if !text.contains("\"error-code\"") => Ok(text.to_string()),
            other => Err(format!("{facade}.{method}: {other:?}").into()),
        }
    }

    async fn login(&mut self) -> Done {
        let params = json!({"auth-tag": "user-admin", "credentials": PASSWORD, "client-version": "3.6.100"});
        self.call("Admin", 3, "Login", &params).await.map(drop)
    }
}

/// Sorted.
struct Times(Vec<Duration>);

impl Times {
    fn of(mut times: Vec<Duration>) -> Times {
        times.sort_unstable();
        Times(times)
    }

    fn at(&self, percent: usize) -> Duration {
        self.0.get((self.0.len() * percent / 100).min(self.0.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

async fn timed<F: Future<Output = Done>>(count: usize, mut work: impl FnMut() -> F) -> Done<Times> {
    let mut times = Vec::new();
    for _ in 0..count {
        let begun = Instant::now();
        work().await?;
        times.push(begun.elapsed());
    }
    Ok(Times::of(times))
}

fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
}

/// Bytes of a process' own memory, with its part of what it shares.
fn pss(pid: u32) -> Done<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find(|line| line.starts_with("Pss:")).ok_or("no Pss in smaps_rollup")?;
    let kib: u64 = line.split_whitespace().nth(1).ok_or("no number in smaps_rollup")?.parse()?;
    Ok(kib * 1024)
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
