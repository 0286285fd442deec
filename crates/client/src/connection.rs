//! A logged-in connection: facade versions are agreed, calls are made by name.

use crate::dial::{self, Place, Target};
use crate::login::{Credentials, LoginError};
use crate::versions;
use rpc::{CallError, Caller};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wire::facade::admin::{LoginRequest, LoginResult};
use wire::macaroon::Macaroon;

/// A session with a controller or one of its models. Cheap to clone; closes when the last clone is dropped.
#[derive(Clone)]
pub struct Connection {
    caller: Caller,
    place: Place,
    address: String,
    login: LoginResult,
    offered: BTreeMap<String, Vec<i64>>,
}

fn written(macaroons: &[Vec<Macaroon>]) -> serde_json::Result<Vec<Vec<Value>>> {
    macaroons.iter().map(|slice| slice.iter().map(serde_json::to_value).collect()).collect()
}

impl Connection {
    /// Dials and logs in.
    pub async fn open(target: &Target, place: Place, who: &Credentials) -> Result<Connection, LoginError> {
        let dialled = dial::dial(target, &place.api_path(), &[]).await.map_err(LoginError::Dial)?;
        let caller = Caller::start(dialled.socket);
        Connection::login(caller, dialled.address, place, who).await
    }

    /// Logs in on an open connection.
    pub async fn login(
        caller: Caller,
        address: String,
        place: Place,
        who: &Credentials,
    ) -> Result<Connection, LoginError> {
        let request = LoginRequest {
            auth_tag: if who.user.is_empty() { String::new() } else { format!("user-{}", who.user) },
            bakery_version: 3,
            cli_args: who.cli_args.clone(),
            client_version: base::current_version().to_string(),
            credentials: who.password.reveal().to_owned(),
            macaroons: written(&who.macaroons).map_err(LoginError::Shape)?,
            ..LoginRequest::default()
        };
        let params = serde_json::to_value(request).map_err(LoginError::Shape)?;
        let answer = caller.call("Admin", 3, "", "Login", params).await?;
        let login: LoginResult = wire::lenient::from_value(answer).map_err(LoginError::Shape)?;
        if let Some(macaroon) = login.bakery_discharge_required.clone().or_else(|| login.discharge_required.clone()) {
            return Err(LoginError::Discharge(macaroon));
        }
        let offered = login.facades.iter().map(|f| (f.name.clone(), f.versions.clone())).collect();
        Ok(Connection { caller, place, address, login, offered })
    }

    /// What the login answered.
    pub fn login_result(&self) -> &LoginResult {
        &self.login
    }

    /// The address that answered, `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn place(&self) -> Place {
        self.place
    }

    /// The version of `facade` that is called; 0 when both ends have none in common.
    pub fn version(&self, facade: &str) -> i64 {
        versions::best(facade, &self.offered)
    }

    /// Calls a method and gives the body as it came. Methods without parameters take `json!({})`.
    pub async fn call(&self, facade: &str, method: &str, params: impl Serialize) -> Result<Value, CallError> {
        self.read_id(facade, "", method, params).await
    }

    /// Calls a method and reads the body as `T`.
    pub async fn call_as<T: DeserializeOwned>(
        &self,
        facade: &str,
        method: &str,
        params: impl Serialize,
    ) -> Result<T, CallError> {
        self.read_id(facade, "", method, params).await
    }

    /// Waits for the next news of watcher `id` and reads it as `T`.
    pub async fn next<T: DeserializeOwned>(&self, watcher: &str, id: &str) -> Result<T, CallError> {
        self.read_id(watcher, id, "Next", json!({})).await
    }

    /// Frees watcher `id`.
    pub async fn stop(&self, watcher: &str, id: &str) -> Result<(), CallError> {
        self.read_id::<Value>(watcher, id, "Stop", json!({})).await.map(drop)
    }

    async fn read_id<T: DeserializeOwned>(
        &self,
        facade: &str,
        id: &str,
        method: &str,
        params: impl Serialize,
    ) -> Result<T, CallError> {
        let params = serde_json::to_value(params)
            .map_err(|source| CallError::Shape { call: format!("{facade}.{method}"), source })?;
        self.caller.call_as(facade, self.version(facade), id, method, params).await
    }

    /// Whether the connection is gone.
    pub fn is_closed(&self) -> bool {
        self.caller.is_closed()
    }
}
