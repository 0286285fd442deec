//! Facade `Pinger`: being there.

use crate::call::{Call, NoParams, Nothing};
use base::Refusal;

pub async fn ping(_: Call, _: NoParams) -> Result<Nothing, Refusal> {
    Ok(Nothing {})
}
