//! Facade `Spaces`: names for sets of subnets.

use super::subnets;
use crate::call::{Call, NoParams, Nothing};
use crate::error::{IntoItem, item, whole};
use base::{Kind, Refusal, Tag};
use cloud::ModelRef;
use ipnet::IpNet;
use model::change::network::{self as change, Uses};
use model::query::network::is_in;
use model::record::network::{Network, Space as Record};
use serde::Serialize;
use wire::facade::spaces::*;

fn shown(network: &Network, space: &Record) -> Space {
    Space {
        id: space.id.clone(),
        name: space.name.clone(),
        subnets: network.subnets_of(space).map(|subnet| subnets::shown(network, subnet)).collect(),
        error: None,
    }
}

/// The name in a tag.
fn name(tag: &str) -> Result<String, Refusal> {
    match tag.parse() {
        Ok(Tag::Space(name)) => Ok(name),
        _ => Err(Refusal::plain(format!("{tag:?} is not a valid space tag"))),
    }
}

pub async fn list(call: Call, _: NoParams) -> Result<ListSpacesResults, Refusal> {
    let read = call.read();
    let network = read.in_model(call.model()?)?.network();
    Ok(ListSpacesResults { results: network.spaces.iter().map(|space| shown(&network, space)).collect() })
}

#[derive(Serialize)]
pub struct Shown {
    results: Vec<ShowSpaceResult>,
}

pub async fn show(call: Call, params: Entities) -> Result<Shown, Refusal> {
    let read = call.read();
    let within = read.in_model(call.model()?)?;
    let network = within.network();
    let show = |tag: &str| {
        let name = name(tag)?;
        let space = network.space(&name).ok_or_else(|| {
            Refusal::new(Kind::NotFound, format!("fetching space {name:?}: space {name:?} not found"))
        })?;
        let machines = within.machines().filter(|(_, all, _)| is_in(&network, all, space)).count();
        Ok(ShowSpaceResult {
            space: shown(&network, space),
            machine_count: i64::try_from(machines).unwrap_or(i64::MAX),
            ..ShowSpaceResult::default()
        })
    };
    let results = params.entities.iter().map(|entity| match show(&entity.tag).into_item() {
        Ok(shown) => shown,
        Err(error) => ShowSpaceResult { error: Some(error), ..ShowSpaceResult::default() },
    });
    Ok(Shown { results: results.collect() })
}

pub async fn create(call: Call, params: CreateSpacesParams) -> Result<ErrorResults, Refusal> {
    let model = call.model()?;
    let mut results = Vec::new();
    for wanted in &params.spaces {
        let read = || {
            let cidr = |text: &String| {
                let words = || Refusal::plain(format!("{text:?} is not a valid CIDR"));
                text.parse::<IpNet>().map_err(|_| words())
            };
            Ok((name(&wanted.space_tag)?, wanted.cidrs.iter().map(cidr).collect::<Result<Vec<_>, _>>()?))
        };
        let made = match read() {
            Ok((name, cidrs)) => {
                call.state().change(|beliefs, given| change::create(beliefs, model, &name, &cidrs, given)).await
            }
            Err(refusal) => Err(refusal),
        };
        results.push(ErrorResult { error: item(whole(made)?) });
    }
    Ok(ErrorResults { results })
}

pub async fn rename(call: Call, params: RenameSpacesParams) -> Result<ErrorResults, Refusal> {
    let model = call.model()?;
    let mut results = Vec::new();
    for wanted in &params.changes {
        let renamed = match (name(&wanted.from_space_tag), name(&wanted.to_space_tag)) {
            (Ok(from), Ok(to)) => {
                let renamed =
                    call.state().change(|beliefs, given| change::rename(beliefs, model, &from, &to, given)).await;
                while renamed.is_ok()
                    && !call.state().change(|beliefs, given| change::settle(beliefs, model, given)).await?
                {
                }
                renamed
            }
            (Err(refusal), _) | (_, Err(refusal)) => Err(refusal),
        };
        results.push(ErrorResult { error: item(whole(renamed)?) });
    }
    Ok(ErrorResults { results })
}

pub async fn move_subnets(call: Call, params: MoveSubnetsParams) -> Result<MoveSubnetsResults, Refusal> {
    let model = call.model()?;
    let mut results = Vec::new();
    for wanted in &params.args {
        let read = || {
            let id = |tag: &String| match tag.parse() {
                Ok(Tag::Subnet(id)) => Ok(id),
                _ => Err(Refusal::plain(format!("{tag:?} is not a valid subnet tag"))),
            };
            Ok((name(&wanted.space_tag)?, wanted.subnets.iter().map(id).collect::<Result<Vec<_>, Refusal>>()?))
        };
        let moved = match read() {
            Ok((to, ids)) => {
                let force = wanted.force;
                let moves = call
                    .state()
                    .change(|beliefs, given| change::move_subnets(beliefs, model, &ids, &to, force, given))
                    .await;
                moves.map(|moved| (to, moved))
            }
            Err(refusal) => Err(refusal),
        };
        results.push(match whole(moved)?.into_item() {
            Ok((to, moved)) => MoveSubnetsResult {
                new_space: Tag::Space(to).to_string(),
                moved_subnets: moved.into_iter().map(moved_subnet).collect(),
                error: None,
            },
            Err(error) => MoveSubnetsResult { error: Some(error), ..MoveSubnetsResult::default() },
        });
    }
    Ok(MoveSubnetsResults { results })
}

fn moved_subnet(moved: change::Moved) -> MovedSubnet {
    MovedSubnet {
        cidr: moved.subnet.cidr.to_string(),
        old_space: Tag::Space(moved.from).to_string(),
        subnet: Tag::Subnet(moved.subnet.id).to_string(),
    }
}

/// Without `force`, whoever uses the space is listed and it stays; a dry run only lists.
pub async fn remove(call: Call, params: RemoveSpaceParams) -> Result<RemoveSpaceResults, Refusal> {
    let model = call.model()?;
    let mut results = Vec::new();
    for wanted in &params.space_param {
        let removed = match name(&wanted.space.tag) {
            Ok(name) if wanted.dry_run => {
                let read = call.read();
                let within = read.in_model(model)?;
                match within.network().space(&name) {
                    Some(_) => Ok(change::uses(within, &name)),
                    None => Err(Refusal::not_found("space", format!("{name:?}"))),
                }
            }
            Ok(name) => {
                let force = wanted.force;
                call.state().change(|beliefs, given| change::remove(beliefs, model, &name, force, given)).await
            }
            Err(refusal) => Err(refusal),
        };
        results.push(match whole(removed)?.into_item() {
            Ok(Uses { by_model, by_machines }) => {
                let tags = by_machines.into_iter().map(Tag::Machine).chain(by_model.then_some(Tag::Model(model)));
                RemoveSpaceResult {
                    constraints: tags.map(|tag| Entity { tag: tag.to_string() }).collect(),
                    ..RemoveSpaceResult::default()
                }
            }
            Err(error) => RemoveSpaceResult { error: Some(error), ..RemoveSpaceResult::default() },
        });
    }
    Ok(RemoveSpaceResults { results })
}

/// Asks the cloud anew.
pub async fn reload(call: Call, _: NoParams) -> Result<Nothing, Refusal> {
    let model = call.model()?;
    let (cloud, told) = {
        let read = call.read();
        let (within, record) = read.model(model)?;
        model::change::block::check(within, model::record::block::BlockKind::Change)?;
        let controller = read.controller()?.uuid.clone();
        (record.account().to_owned(), ModelRef { controller, model: model.to_string(), name: record.name.clone() })
    };
    let seen = call.session.shared().advice.subnets(&cloud, told).await?;
    call.state().change(|beliefs, given| change::learn(beliefs, model, &seen, true, given)).await?;
    Ok(Nothing {})
}
