//! All calls there are: facade, versions, on which kind of connection, method, what its caller needs. Authorization reads this table before
//! a method runs; the Login answer lists what is in it; the tests walk it.
//! It runs nothing. The surprise: methods that Juju has and we have not are in it too, so that they are answered as such, but only to those
//! who might call them.

mod controller;
mod machine;

use crate::call::{Answering, Call};
use model::access::Need;

/// On which connections a facade is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Controller,
    Model,
    Both,
}

pub struct Facade {
    pub name: &'static str,
    pub versions: &'static [i64],
    pub on: On,
    pub methods: &'static [Method],
}

pub struct Method {
    pub name: &'static str,
    pub need: Need,
    /// Nothing: not built.
    pub run: Option<fn(Call) -> Answering>,
}

/// A row: `call!("Ping", Need::LoggedIn, pinger::ping)`.
macro_rules! call {
    ($name:literal, $need:expr, $($method:tt)+) => {
        $crate::table::Method { name: $name, need: $need, run: Some(|call| $crate::call::typed(call, $($method)+)) }
    };
}
/// A row of what is not built.
macro_rules! unbuilt {
    ($name:literal, $need:expr) => {
        $crate::table::Method { name: $name, need: $need, run: None }
    };
}
pub(crate) use {call, unbuilt};

impl On {
    fn fits(self, on_model: bool) -> bool {
        match self {
            On::Both => true,
            On::Model => on_model,
            On::Controller => !on_model,
        }
    }
}

/// Every facade, by name.
pub fn facades() -> impl Iterator<Item = &'static Facade> {
    let mut all: Vec<&Facade> = controller::FACADES.iter().chain(machine::FACADES).collect();
    all.sort_by_key(|facade| facade.name);
    all.into_iter()
}

/// Those that a connection may use.
pub fn listed(on_model: bool) -> impl Iterator<Item = &'static Facade> {
    facades().filter(move |facade| facade.on.fits(on_model))
}

/// Why a call leads nowhere (`wire/protocol.md` 2.2).
#[derive(Debug, PartialEq, Eq)]
pub enum Missing {
    Facade,
    /// Not on this kind of connection.
    Connection,
    Method,
}

pub fn find(
    name: &str,
    version: i64,
    method: &str,
    on_model: bool,
) -> Result<(&'static Facade, &'static Method), Missing> {
    let found = controller::FACADES.iter().chain(machine::FACADES).find(|facade| facade.name == name);
    let Some(facade) = found else {
        // On a controller connection, what is none of the controller's facades is not supported there, known or not.
        return Err(if on_model { Missing::Facade } else { Missing::Connection });
    };
    if !facade.on.fits(on_model) {
        return Err(Missing::Connection);
    }
    if !facade.versions.contains(&version) {
        return Err(Missing::Facade);
    }
    match facade.methods.iter().find(|row| row.name == method) {
        Some(row) => Ok((facade, row)),
        None => Err(Missing::Method),
    }
}
