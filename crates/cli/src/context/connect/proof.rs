//! Logging in where no password is kept: by the macaroons of before, else by a password that is asked for once and kept nowhere.
//!
//! The surprise: it may happen in the midst of any command, when what was kept has run out.

use base::clock::Time;
use base::{Secret, chain};
use client::discharge::{self, DischargeError, Step};
use client::{Connection, Credentials, LoginError, Place, Target};
use serde_json::Value;
use wire::macaroon::Macaroon;

use super::Context;
use crate::error::{Error, Result};

impl Context {
    /// The moment, as this run's surroundings tell it.
    pub fn now(&self) -> Time {
        Time::from_unix((self.io.now)().as_second())
    }

    /// The macaroons to log in with that the controller wants discharged. `cookie`: what proves the user without a password, or nothing.
    pub(crate) async fn prove(
        &mut self,
        name: &str,
        target: &Target,
        user: &str,
        wanted: &Value,
        cookie: &str,
    ) -> Result<Vec<Macaroon>> {
        match discharge::begin(target, wanted, cookie).await.map_err(explain)? {
            Step::Done(slice) => Ok(slice),
            Step::Password(asked) => {
                let question = format!("please enter password for {user} on {name}: ");
                let Some(password) = self.ask_unseen(&question).await? else {
                    return Err(Error::failed(format!("cannot get discharge from {:?}: EOF", asked.location())));
                };
                asked.password(user, &Secret::new(password)).await.map_err(explain)
            }
        }
    }

    /// The same with a password that is known, which is kept nowhere.
    pub(crate) async fn prove_with(
        &mut self,
        target: &Target,
        place: Place,
        who: &mut Credentials,
        password: &Secret,
    ) -> Result<()> {
        let wanted = match Connection::open(target, place, who).await {
            Err(LoginError::Discharge(wanted)) => wanted,
            Ok(_) => return Ok(()),
            Err(error) => return Err(Error::connection(chain(&error))),
        };
        let slice = match discharge::begin(target, &wanted, "").await.map_err(explain)? {
            Step::Done(slice) => slice,
            Step::Password(asked) => asked.password(&who.user, password).await.map_err(explain)?,
        };
        who.macaroons = vec![slice];
        Ok(())
    }

    /// Opens a connection to a controller, and proves who it is where that is wanted. What proved it is in `who` afterwards.
    pub(crate) async fn enter(
        &mut self,
        name: &str,
        target: &Target,
        place: Place,
        who: &mut Credentials,
        cookie: &str,
    ) -> Result<Connection, Entering> {
        match Connection::open(target, place, who).await {
            Err(LoginError::Discharge(wanted)) => {
                let slice = self.prove(name, target, &who.user, &wanted, cookie).await.map_err(Entering::Proof)?;
                who.macaroons = vec![slice];
                Connection::open(target, place, who).await.map_err(Entering::Login)
            }
            other => other.map_err(Entering::Login),
        }
    }

    /// Where a controller is and who we are there, for streams that can ask nobody for a password: what is kept is seen to hold first.
    pub async fn proven_target(&mut self, name: &str) -> Result<(Target, Credentials)> {
        let (target, who) = self.target(name)?;
        if !who.password.is_empty() {
            return Ok((target, who));
        }
        self.controller_api_of(name).await?;
        self.target(name)
    }

    /// Keeps what proved the user for the next commands.
    pub(crate) fn keep_proof(&self, name: &str, uuid: &str, who: &Credentials) -> Result<()> {
        match who.macaroons.first() {
            Some(slice) if who.password.is_empty() => Ok(self.store.keep_macaroons(name, uuid, slice, self.now())?),
            _ => Ok(()),
        }
    }
}

/// Why there is no connection.
pub(crate) enum Entering {
    Login(LoginError),
    /// Nobody proved anything.
    Proof(Error),
}

fn explain(error: DischargeError) -> Error {
    match error {
        DischargeError::Refused(words) => Error::from_result(&words, "unauthorized access"),
        other => Error::connection(chain(&other)),
    }
}
