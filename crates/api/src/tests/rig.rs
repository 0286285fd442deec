//! A controller in memory behind a real port, and clients for it.

use crate::Passwords;
use crate::agents::{Authority as Signer, Door, Pace};
use crate::doors::{Clear, CloudAdvice, NoAdvice, TakesIn};
use crate::limits::Limits;
use crate::server::{Handle, Server, ServerParts};
use base::chance::SystemChance;
use base::clock::SystemClock;
use base::{Hardware, MachineId, ModelUuid, OsBase, Secret};
use model::State;
use model::change::controller::{self, Bootstrap, ControllerMachine};
use model::change::model as model_change;
use model::change::user::{self, Proof};
use model::key::Object;
use model::record::address::{Address, Endpoint};
use model::record::cloud::{Cloud, Region};
use model::record::credential::Credential;
use rpc::tls::{AgentIdentity, Authority, Leaf, LeafStore, client_config, server_config};
use rpc::websocket::{self, Socket};
use rpc::{CallError, Caller};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use store::append::Append;
use store::memory::Memory;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub const PASSWORD: &str = "s3cret";
pub const CONTROLLER_MODEL: &str = "a1b2c3d4-0000-4000-8000-000000000002";

pub struct Rig {
    pub state: State,
    pub address: SocketAddr,
    pub append: Append,
    authority: Arc<Authority>,
    pub door: Arc<Door>,
    handle: Handle,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.handle.close();
    }
}

pub type Tls = TlsStream<TcpStream>;

impl Rig {
    pub async fn start() -> Rig {
        Rig::with(Limits::default()).await
    }

    pub async fn with(limits: Limits) -> Rig {
        Rig::paced(limits, Pace::default()).await
    }

    pub async fn paced(limits: Limits, pace: Pace) -> Rig {
        Rig::of(limits, pace, Arc::new(NoAdvice)).await
    }

    pub async fn advised(advice: Arc<dyn CloudAdvice>) -> Rig {
        Rig::of(Limits::default(), Pace::default(), advice).await
    }

    async fn of(limits: Limits, pace: Pace, advice: Arc<dyn CloudAdvice>) -> Rig {
        let now = base::clock::Clock::now(&SystemClock).unix();
        let store = Arc::new(Memory::new());
        let state = State::open(store, Arc::new(SystemClock), Arc::new(SystemChance)).await.expect("opens");
        let authority = Arc::new(Authority::create("test", now, &SystemChance).expect("a CA"));
        let hash = Passwords::hash_now(PASSWORD, &SystemChance).expect("hashes");
        let bootstrap = bootstrap(authority.cert_pem.clone(), hash.clone());
        state.change(|beliefs, given| controller::bootstrap(beliefs, &bootstrap, given)).await.expect("bootstraps");
        for (name, level) in [("reader", "read"), ("writer", "write"), ("owner", "admin"), ("stranger", "")] {
            let proof = Proof::Password(hash.clone());
            state.change(|beliefs, given| user::add(beliefs, name, "", &proof, "admin", given)).await.expect("a user");
            if !level.is_empty() {
                let object = Object::Model(CONTROLLER_MODEL.parse().expect("valid"));
                state
                    .change(|beliefs, given| user::grant(beliefs, &object, name, level, given))
                    .await
                    .expect("granted");
            }
        }
        let named = authority.controller_leaf(now, &SystemChance).expect("a leaf");
        let by_address =
            authority.address_leaf(Vec::new(), vec![[127, 0, 0, 1].into()], now, &SystemChance).expect("a leaf");
        let leaves = LeafStore::new(&named, &by_address).expect("leaves");
        let tls = server_config(leaves, &authority.cert_pem).expect("a configuration");
        let append = Append::memory().expect("an append store");
        let (clock, chance) = (Arc::new(SystemClock), Arc::new(SystemChance));
        let signer = Signer { authority: authority.clone(), clock, chance };
        let door = Door::open_with(state.clone(), append.clone(), Arc::new(signer), pace);
        let server = Server::new(ServerParts {
            state: state.clone(),
            append: append.clone(),
            tls,
            passwords: Passwords::new(&SystemChance),
            doors: Arc::new(door.clone()),
            advice,
            seals: Arc::new(Clear),
            key_source: Arc::new(super::keys::People),
            takes_in: Arc::new(Hosts),
            version: "3.6.100".into(),
            limits,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let handle = server.handle();
        tokio::spawn(async move { server.serve(listener).await });
        Rig { state, address, append, authority, door, handle }
    }

    /// The way in of whoever comes from `127.0.0.1` and shows no certificate.
    pub fn way(&self) -> Way<'_> {
        Way { rig: self, from: [127, 0, 0, 1], identity: None }
    }

    pub fn way_from(&self, last: u8) -> Way<'_> {
        Way { from: [127, 0, 0, last], ..self.way() }
    }

    pub fn way_of(&self, agent: Leaf) -> Way<'_> {
        Way { identity: Some(agent), ..self.way() }
    }

    /// A machine's certificate, of a new key.
    pub fn agent(&self, model: ModelUuid, machine: &MachineId) -> Leaf {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(Vec::new()).expect("no names");
        let csr = params.serialize_request(&key).expect("signs").pem().expect("PEM");
        let who = AgentIdentity { model, machine: machine.clone() };
        let now = base::clock::Clock::now(&SystemClock).unix();
        let chain_pem = self.authority.sign_agent(&csr, &who, now, 1, &SystemChance).expect("signed");
        Leaf { chain_pem, key_pem: Secret::new(key.serialize_pem()) }
    }

    pub async fn tls(&self) -> Tls {
        self.way().tls().await.expect("TLS")
    }

    pub async fn socket(&self, path: &str) -> Socket<Tls> {
        self.try_socket(path, &[]).await.expect("upgrades")
    }

    pub async fn try_socket(&self, path: &str, headers: &[(&str, &str)]) -> Result<Socket<Tls>, websocket::Error> {
        self.way().socket(path, headers).await
    }

    pub async fn caller(&self, path: &str) -> Client {
        Client::on(self.socket(path).await)
    }

    /// Logged in on a path.
    pub async fn login(&self, path: &str, user: &str) -> Client {
        let client = self.caller(path).await;
        client.log_in(user, PASSWORD).await.expect("logs in");
        client
    }

    pub async fn add_model(&self, name: &str) -> ModelUuid {
        let wanted = model_change::CreateModel { name: name.into(), owner: "admin".into(), ..Default::default() };
        self.state.change(|beliefs, given| model_change::create(beliefs, &wanted, given)).await.expect("a model")
    }
}

/// Hosts are taken in by a script that names machine and hash, and by a program that is this test's manifest.
pub struct Hosts;

pub const TICKET: &str = "good-ticket";

impl TakesIn for Hosts {
    fn arch(&self) -> &'static str {
        "amd64"
    }

    fn token_hash(&self, _: ModelUuid, machine: &MachineId) -> String {
        format!("hash-of-{machine}")
    }

    fn script(
        &self,
        _: &model::record::controller::Controller,
        _: ModelUuid,
        machine: &MachineId,
    ) -> Result<String, base::Refusal> {
        Ok(format!("script of {machine}"))
    }

    fn program(&self, _: ModelUuid, _: &MachineId, ticket: &str) -> Option<std::path::PathBuf> {
        (ticket == TICKET).then(|| concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into())
    }
}

/// From where and as whom one connects.
pub struct Way<'a> {
    rig: &'a Rig,
    from: [u8; 4],
    identity: Option<Leaf>,
}

impl Way<'_> {
    pub async fn tcp(&self) -> std::io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((self.from, 0)))?;
        socket.connect(self.rig.address).await
    }

    pub async fn tls(&self) -> std::io::Result<Tls> {
        let config = client_config(&self.rig.authority.cert_pem, self.identity.as_ref()).expect("a configuration");
        let name = ServerName::try_from("juju-apiserver").expect("a name");
        TlsConnector::from(config).connect(name, self.tcp().await?).await
    }

    pub async fn socket(&self, path: &str, headers: &[(&str, &str)]) -> Result<Socket<Tls>, websocket::Error> {
        let tls = self.tls().await.map_err(websocket::Error::Io)?;
        websocket::connect(tls, &self.rig.address.to_string(), path, headers, 64 << 20).await
    }

    pub async fn caller(&self, path: &str) -> Client {
        Client::on(self.socket(path, &[]).await.expect("upgrades"))
    }
}

/// The header of basic authentication.
pub fn basic(user: &str, password: &str) -> String {
    use base64::Engine;
    let pair = format!("user-{user}:{password}");
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

/// A caller whose answers are held against the original's schemas.
#[derive(Clone)]
pub struct Checked(Caller);

impl Checked {
    pub async fn call(
        &self,
        facade: &str,
        version: i64,
        id: &str,
        method: &str,
        params: Value,
    ) -> Result<Value, CallError> {
        let answer = self.0.call(facade, version, id, method, params).await;
        if let Ok(answer) = &answer {
            super::schema::check(facade, version, method, answer);
        }
        answer
    }
}

impl std::ops::Deref for Checked {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

#[derive(Clone)]
pub struct Client(pub Checked);

impl Client {
    pub fn on(socket: Socket<Tls>) -> Client {
        Client(Checked(Caller::start(socket)))
    }

    pub async fn call(&self, facade: &str, version: i64, method: &str, params: Value) -> Result<Value, CallError> {
        self.0.call(facade, version, "", method, params).await
    }

    pub async fn log_in(&self, user: &str, password: &str) -> Result<Value, CallError> {
        let params = json!({"auth-tag": format!("user-{user}"), "credentials": password, "client-version": "3.6.28"});
        self.call("Admin", 3, "Login", params).await
    }
}

/// `message (code)` of a refused call.
pub fn refused(result: Result<Value, CallError>) -> String {
    match result {
        Err(CallError::Refused(error)) => format!("{} ({})", error.message, error.code),
        other => panic!("not refused: {other:?}"),
    }
}

pub fn model_path(uuid: ModelUuid) -> String {
    format!("/model/{uuid}/api")
}

fn bootstrap(ca_cert: String, password_hash: base::Secret) -> Bootstrap {
    Bootstrap {
        uuid: "a1b2c3d4-0000-4000-8000-000000000001".into(),
        name: "lab".into(),
        model_uuid: CONTROLLER_MODEL.parse().expect("valid"),
        cloud: Cloud {
            name: "lab".into(),
            kind: "builtin".into(),
            auth_types: vec!["empty".into()],
            regions: vec![Region { name: "default".into(), ..Region::default() }],
            ..Cloud::default()
        },
        region: "default".into(),
        credential: Some(Credential {
            cloud: "lab".into(),
            owner: "admin".into(),
            name: "default".into(),
            auth_type: "empty".into(),
            attributes: Default::default(),
            sealed: String::new(),
            invalid: false,
            invalid_reason: String::new(),
        }),
        ca_cert,
        endpoints: vec![Endpoint { address: Address::of("192.0.2.2"), port: 17070 }],
        config: Default::default(),
        model_config: Default::default(),
        model_defaults: Default::default(),
        constraints: Default::default(),
        version: "3.6.100".into(),
        user: "admin".into(),
        password_hash,
        keys: vec!["ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ juju-client-key".into()],
        machine: ControllerMachine {
            constraints: Default::default(),
            base: OsBase::parse("ubuntu@24.04").expect("valid"),
            instance_id: "here".into(),
            hostname: "host".into(),
            hardware: Hardware::default(),
        },
    }
}
