//! Facade `CredentialManager`: a cloud refused the model's credential.

use crate::call::Call;
use crate::error::item;
use base::Refusal;
use model::change::credential;
use serde::Deserialize;
use wire::shared::ErrorResult;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Invalidate {
    reason: String,
}

pub async fn invalidate(call: Call, params: Invalidate) -> Result<ErrorResult, Refusal> {
    let model = call.model()?;
    let done =
        call.state().change(|beliefs, given| credential::invalidate(beliefs, model, &params.reason, given)).await;
    Ok(ErrorResult { error: item(done) })
}
