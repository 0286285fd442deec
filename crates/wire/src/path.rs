//! HTTP paths of the API port (`wire/protocol.md` 1.6), and our own for machines' agents.

use base::{MachineId, ModelUuid};

pub const HEALTH: &str = "/health";
/// Figures for Prometheus, of our own.
pub const METRICS: &str = "/metrics";
/// Where a user who was given a registration token sets a password.
pub const REGISTER: &str = "/register";
/// Where macaroons for local users are discharged, and a password is shown for that.
pub const DISCHARGE: &str = "/auth/discharge";
pub const DISCHARGE_FORM: &str = "/auth/form";
/// Where an agent trades its token for a certificate.
pub const AGENT_ENROL: &str = "/grigri/enrol";
/// The agents' one stream, by client certificate.
pub const AGENT_STREAM: &str = "/grigri/agent";

/// Before the words that say for which host: where its script fetches the agent's program.
pub const AGENT_PROGRAM: &str = "/grigri/program/";

/// What a path asks for, once the prefix `/model/UUID` is taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// RPC of a controller connection.
    ControllerApi,
    /// RPC of a model connection.
    ModelApi(ModelUuid),
    /// Log stream of a model; `None` means the controller's model.
    Log(Option<ModelUuid>),
    /// A way to the ssh server of a machine of the model, of our own.
    Tunnel(ModelUuid),
    Health,
    Metrics,
    Register,
    Discharge,
    DischargeForm,
    AgentEnrol,
    AgentStream,
    /// The agent's program, for a host that is being taken in.
    AgentProgram {
        model: ModelUuid,
        machine: MachineId,
        ticket: String,
    },
    /// `/model/X/...` with an X that is no UUID.
    BadModel(String),
    Unknown,
}

/// Reads the path of a request, without its query.
pub fn parse(path: &str) -> Place {
    match path {
        "/" | "/api" => return Place::ControllerApi,
        "/log" => return Place::Log(None),
        HEALTH => return Place::Health,
        METRICS => return Place::Metrics,
        REGISTER => return Place::Register,
        DISCHARGE => return Place::Discharge,
        DISCHARGE_FORM => return Place::DischargeForm,
        AGENT_ENROL => return Place::AgentEnrol,
        AGENT_STREAM => return Place::AgentStream,
        _ => {}
    }
    if let Some(rest) = path.strip_prefix(AGENT_PROGRAM) {
        return program(rest).unwrap_or(Place::Unknown);
    }
    let Some((model, rest)) = path.strip_prefix("/model/").and_then(|p| p.split_once('/')) else {
        return Place::Unknown;
    };
    match (model.parse::<ModelUuid>(), rest) {
        (Ok(uuid), "api") => Place::ModelApi(uuid),
        (Ok(uuid), "log") => Place::Log(Some(uuid)),
        (Ok(uuid), "tunnel") => Place::Tunnel(uuid),
        (Err(_), "api" | "log" | "tunnel") => Place::BadModel(model.to_owned()),
        _ => Place::Unknown,
    }
}

/// The path of the agent's program for a host that is to be this machine. `ticket`: what its script shows, no secret beyond the program.
pub fn agent_program(model: ModelUuid, machine: &MachineId, ticket: &str) -> String {
    format!("{AGENT_PROGRAM}{model}/{}/{ticket}", machine.dashed())
}

fn program(rest: &str) -> Option<Place> {
    let mut words = rest.split('/');
    let (model, machine, ticket) = (words.next()?, words.next()?, words.next()?);
    let (None, Ok(model), Ok(machine)) = (words.next(), model.parse(), machine.parse()) else { return None };
    Some(Place::AgentProgram { model, machine, ticket: ticket.to_owned() })
}

/// The RPC path of a model connection.
pub fn model_api(uuid: ModelUuid) -> String {
    format!("/model/{uuid}/api")
}

/// The way to the machine of a model that has the address `host`. Whatever is no address stands there so that it stays one word.
pub fn tunnel(uuid: ModelUuid, host: &str) -> String {
    let plain: String = host.chars().filter(|c| c.is_ascii_hexdigit() || ".:".contains(*c)).collect();
    format!("/model/{uuid}/tunnel?host={plain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        assert_eq!(parse("/"), Place::ControllerApi);
        assert_eq!(parse("/model/zzz/api"), Place::BadModel("zzz".into()));
        assert_eq!(parse("/model/6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11/x"), Place::Unknown);
        assert!(matches!(parse("/model/6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11/api"), Place::ModelApi(_)));
        assert_eq!(parse("/nope"), Place::Unknown);
        let uuid: ModelUuid = "6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11".parse().expect("valid");
        let way = tunnel(uuid, "fd00::1 \r\nx");
        assert_eq!(way, "/model/6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11/tunnel?host=fd00::1");
        assert_eq!(way.split_once('?').map(|(path, _)| parse(path)), Some(Place::Tunnel(uuid)));
        let model: ModelUuid = "6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11".parse().expect("valid");
        let machine = MachineId::top(3);
        let program = agent_program(model, &machine, "abc");
        assert_eq!(parse(&program), Place::AgentProgram { model, machine, ticket: "abc".into() });
        assert_eq!(parse(&format!("{program}/x")), Place::Unknown);
    }
}
