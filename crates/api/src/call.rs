//! One call as a method sees it: who asks, on which model, with what. Methods are `async fn(Call, Params) -> Result<R, Refusal>`.
//! The surprise: `typed` makes the method's answer into text here, so that a handler never touches JSON of its own answer.

use crate::error;
use crate::limits::ITEMS;
use crate::session::Session;
use crate::watcher::Watcher;
use base::{Kind, ModelUuid, Refusal};
use model::access::{self, CloudLevel, ModelLevel};
use model::{Read, State};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use wire::lenient;

/// An encoded body, or the error of the call.
pub type Answer = Result<String, wire::Error>;
pub type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

pub struct Call {
    pub session: Arc<Session>,
    /// Who is logged in.
    pub user: String,
    /// The envelope's object id: a watcher's.
    pub id: String,
    /// The one that the id named when the call came.
    pub watcher: Option<Arc<Watcher>>,
    pub params: serde_json::Value,
}

impl Call {
    /// The watcher that the call is of.
    pub fn watcher(&self) -> Result<&Watcher, Refusal> {
        self.watcher.as_deref().ok_or_else(crate::watcher::unknown)
    }

    pub fn state(&self) -> &State {
        &self.session.shared().state
    }

    pub fn read(&self) -> Read {
        self.state().read()
    }

    /// The model of a model connection; the controller's on others.
    pub fn model(&self) -> Result<ModelUuid, Refusal> {
        match self.session.model() {
            Some(model) => Ok(model),
            None => Ok(self.read().controller()?.model_uuid),
        }
    }

    pub fn is_superuser(&self, read: &Read) -> bool {
        access::is_superuser(read, &self.user)
    }

    /// The caller may do this on that model. A model that the caller may not even see is not found.
    pub fn may_on_model(&self, read: &Read, model: ModelUuid, level: ModelLevel) -> Result<(), Refusal> {
        match access::on_model(read, &self.user, model) {
            Some(has) if has >= level => Ok(()),
            _ => Err(Refusal::denied()),
        }
    }

    pub fn may_on_cloud(&self, read: &Read, cloud: &str, level: CloudLevel) -> Result<(), Refusal> {
        match access::on_cloud(read, &self.user, cloud) {
            Some(has) if has >= level => Ok(()),
            _ => Err(Refusal::denied()),
        }
    }
}

/// Runs a method: decodes, calls, encodes.
pub fn typed<P, R, F>(mut call: Call, method: fn(Call, P) -> F) -> Answering
where
    P: DeserializeOwned + Send + 'static,
    R: Serialize,
    F: Future<Output = Result<R, Refusal>> + Send + 'static,
{
    Box::pin(async move {
        if longest(&call.params) > ITEMS {
            return Err(wire::Error::new(
                format!("call has a list of more than {ITEMS} items"),
                wire::code::BAD_REQUEST,
            ));
        }
        let params =
            lenient::from_value::<P>(call.params.take()).map_err(|cause| wire::Error::new(cause.to_string(), ""))?;
        match method(call, params).await {
            Ok(result) => serde_json::to_string(&result)
                .map_err(|cause| error::wire(&Refusal::internal("answer cannot be written", cause))),
            Err(refusal) => Err(error::wire(&refusal)),
        }
    })
}

/// The length of the longest list in it: answers have an item for each, larger than what asked for it.
fn longest(params: &serde_json::Value) -> usize {
    match params {
        serde_json::Value::Array(items) => items.iter().map(longest).max().unwrap_or(0).max(items.len()),
        serde_json::Value::Object(fields) => fields.values().map(longest).max().unwrap_or(0),
        _ => 0,
    }
}

/// No parameters, whatever was sent, as long as it is an object or nothing.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct NoParams {}

/// An empty object.
pub use wire::envelope::Nothing;

/// A method of the facade that is not built.
pub fn not_built(facade: &str, method: &str) -> wire::Error {
    error::wire(&Refusal::new(
        Kind::NotImplemented,
        format!("{facade}.{method} is not built in this release of Grigri"),
    ))
}
