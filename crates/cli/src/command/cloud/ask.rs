//! A cloud's definition by questions, on stdout: type, name, endpoint, authentication types, regions.
//! It reaches no cloud. The surprise: a name that is taken is asked about here, and may be replaced.

use client::files::{Cloud, Region};

use crate::command::cloud::{definition, known, whose};
use crate::context::Context;
use crate::error::{Error, Result};
use base::cloud_type::{BUILTIN, CLOUD_TYPES, CloudType};

/// Asks until the answer is good; `problem` says what is wrong with one.
fn until(context: &mut Context, question: &str, problem: impl Fn(&str) -> Option<String>) -> Result<String> {
    loop {
        let answer = whose::ask(context, question)?;
        match problem(&answer) {
            None => {
                context.out("\n")?;
                return Ok(answer);
            }
            Some(words) => context.out(format!("{words}\n\n"))?,
        }
    }
}

pub fn cloud(context: &mut Context, name: Option<&str>) -> Result<(String, Cloud)> {
    let kind = kind(context)?;
    let name = match name {
        Some(name) => name.to_owned(),
        None => until(context, &format!("Enter a name for your {} cloud: ", kind.name), |answer| {
            (!base::tag::is_cloud_name(answer)).then(|| format!("cloud name {answer:?} not valid"))
        })?,
    };
    if known::of_client(context)?.iter().any(|known| known.name == name) {
        let question =
            format!("A cloud named {name:?} already exists. Do you want to replace that definition? (y/N): ");
        let answer = whose::ask(context, &question)?.to_lowercase();
        context.out("\n")?;
        if !matches!(answer.as_str(), "y" | "yes") {
            return Err(Error::failed(format!("cloud {name:?} is left as it is")));
        }
        context.store.update(|all: &mut client::files::Clouds| {
            all.clouds.shift_remove(&name);
            Ok::<_, Error>(())
        })?;
    }
    let mut cloud = Cloud { cloud_type: kind.name.to_owned(), ..Cloud::default() };
    if kind.wants_endpoint {
        let question = match kind.name {
            "manual" => {
                "Enter the ssh connection string for controller, username@<hostname or IP> or <hostname or IP>: "
            }
            "maas" => "Enter the API endpoint url: ",
            _ => "Enter the API endpoint url for the cloud: ",
        };
        let url = kind.name != "manual";
        cloud.endpoint = Some(until(context, question, |answer| match answer {
            "" => Some("an endpoint is needed".to_owned()),
            text if url && !text.starts_with("https://") && !text.starts_with("http://") => {
                Some(format!("{text:?} is no URL: it begins with https://"))
            }
            _ => None,
        })?);
    }
    cloud.auth_types = auth_types(context, kind)?;
    if kind.name == "ec2" || kind.name == "openstack" {
        regions(context, &mut cloud)?;
    }
    definition::check(&name, &cloud)?;
    Ok((name, cloud))
}

fn kind(context: &mut Context) -> Result<&'static CloudType> {
    // The cloud of the controller's own host is there already.
    let offered: Vec<&CloudType> = CLOUD_TYPES.iter().filter(|one| one.name != BUILTIN).collect();
    let list: String = offered.iter().map(|one| format!("  {}\n", one.name)).collect();
    context.out(format!("Cloud Types\n{list}\n"))?;
    let names: Vec<&str> = offered.iter().map(|one| one.name).collect();
    let answer = until(context, "Select cloud type: ", |answer| {
        (!names.contains(&answer)).then(|| format!("Invalid cloud type {answer:?}"))
    })?;
    CloudType::of(&answer).ok_or_else(|| Error::failed(format!("cloud type {answer:?} not supported")))
}

fn auth_types(context: &mut Context, kind: &CloudType) -> Result<Vec<String>> {
    let names: Vec<String> = kind.auth_types.iter().map(|one| one.name.to_owned()).collect();
    if names.len() < 2 {
        return Ok(names);
    }
    let list: String = names.iter().map(|name| format!("  {name}\n")).collect();
    context.out(format!("Auth Types\n{list}\n"))?;
    let split = |answer: &str| -> Vec<String> {
        answer.split(',').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect()
    };
    let question = format!("Select one or more auth types separated by commas [{}]: ", names.join(", "));
    let answer = until(context, &question, |answer| {
        let bad = split(answer).into_iter().find(|one| !names.contains(one));
        bad.map(|one| format!("Invalid auth type {one:?}"))
    })?;
    Ok(if answer.is_empty() { names } else { split(&answer) })
}

fn regions(context: &mut Context, cloud: &mut Cloud) -> Result<()> {
    loop {
        let name = until(context, "Enter region name: ", |answer| {
            (answer.is_empty() || answer.contains(char::is_whitespace)).then(|| "a region has a name".to_owned())
        })?;
        let of_cloud = if cloud.endpoint.is_some() { " [use cloud api url]" } else { "" };
        let answer = until(context, &format!("Enter the API endpoint url for the region{of_cloud}: "), |_| None)?;
        let endpoint = Some(answer).filter(|text| !text.is_empty()).or(cloud.endpoint.clone());
        cloud.regions.insert(name, Region { endpoint, ..Region::default() });
        let more = until(context, "Enter another region? (y/N): ", |_| None)?.to_lowercase();
        if !matches!(more.as_str(), "y" | "yes") {
            return Ok(());
        }
    }
}
