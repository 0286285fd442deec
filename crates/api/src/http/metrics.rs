//! `GET /metrics`: figures for Prometheus, for whoever may read the controller's model.
//! The surprise: whoever may not is told by HTTP's own codes, as scrapers show those.

use super::{Reply, basic, text};
use crate::metrics::page::TYPE;
use crate::server::Shared;
use crate::strangers::{Seat, Source};
use base::{Kind, Refusal};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Request, StatusCode};
use model::access::{self, ModelLevel, Need};
use std::sync::Arc;

pub async fn answer(shared: Arc<Shared>, request: Request<Incoming>, seat: Seat) -> Reply {
    match admit(&shared, seat.source(), &request).await {
        Ok(()) => {
            seat.known();
            let mut reply = text(StatusCode::OK, shared.metrics.page(&shared.state));
            reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(TYPE));
            reply
        }
        Err(refusal) if refusal.kind() == Kind::Unauthorized => {
            let mut reply = text(StatusCode::UNAUTHORIZED, format!("{}\n", refusal.words()));
            let ask = HeaderValue::from_static("Basic realm=\"grigri\"");
            reply.headers_mut().insert(header::WWW_AUTHENTICATE, ask);
            reply
        }
        Err(refusal) if refusal.kind() == Kind::TryAgain => {
            text(StatusCode::TOO_MANY_REQUESTS, format!("{}\n", refusal.words()))
        }
        Err(refusal) => text(StatusCode::FORBIDDEN, format!("{}\n", refusal.words())),
    }
}

async fn admit(shared: &Shared, from: Source, request: &Request<Incoming>) -> Result<(), Refusal> {
    let user = basic::authenticate(shared, from, request.headers()).await?;
    let read = shared.state.read();
    let own = read.controller()?.model_uuid;
    match access::allows(&read, &user, Some(own), Need::Model(ModelLevel::Read)) {
        true => Ok(()),
        // Said to whoever is known: not the kind that asks for a password.
        false => Err(Refusal::plain("read access to the controller's model is needed")),
    }
}
