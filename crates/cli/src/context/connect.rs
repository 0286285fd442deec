//! Connecting as the user of a controller, to the controller or to one of its models.
//!
//! Must not know what is asked over the connection.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Context;
use crate::error::{Error, Result};

/// A connection that is logged in.
pub struct Api {
    /// The user's name.
    pub user: String,
    /// Empty on a controller connection.
    pub model_uuid: String,
}

impl Context {
    /// A connection to the controller this command works on.
    pub async fn controller_api(&mut self) -> Result<Api> {
        let name = self.controller_name()?;
        self.controller_api_of(&name).await
    }

    /// A connection to a controller by name.
    pub async fn controller_api_of(&mut self, _name: &str) -> Result<Api> {
        Err(Error::connection("connecting is not landed"))
    }

    /// A connection to the model this command works on.
    pub async fn model_api(&mut self) -> Result<Api> {
        Err(Error::connection("connecting is not landed"))
    }
}

impl Api {
    /// Calls a method at the best version both sides speak. A refusal becomes `Error::from_call`.
    pub async fn call<P: Serialize, R: DeserializeOwned>(&self, _facade: &str, _method: &str, _params: P) -> Result<R> {
        Err(Error::connection("connecting is not landed"))
    }

    /// The same for what answers `{"results": [{"error": …, "result": …}]}`: one outcome for each.
    pub async fn call_each<P: Serialize>(&self, facade: &str, method: &str, params: P) -> Result<Vec<Result<Value>>> {
        let reply: Value = self.call(facade, method, params).await?;
        Ok(each(&reply))
    }

    /// The same when exactly one result is due.
    pub async fn call_one<P: Serialize>(&self, facade: &str, method: &str, params: P) -> Result<Value> {
        let mut results = self.call_each(facade, method, params).await?;
        match results.len() {
            1 => results.remove(0),
            n => Err(Error::failed(format!("expected 1 result, got {n}"))),
        }
    }
}

/// The outcomes in a list of results. A result without a `result` key is itself the value.
pub fn each(reply: &Value) -> Vec<Result<Value>> {
    let Some(results) = reply.get("results").and_then(Value::as_array) else { return Vec::new() };
    results
        .iter()
        .map(|entry| match entry.get("error").filter(|e| !e.is_null()) {
            Some(error) => {
                let field = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or("");
                Err(Error::from_result(field("message"), field("code")))
            }
            None => Ok(entry.get("result").unwrap_or(entry).clone()),
        })
        .collect()
}
