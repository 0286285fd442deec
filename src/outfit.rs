//! What a new machine finds on its disk: the agent's configuration. The program itself the cloud puts there.

use agent::Config;
use cloud::{Content, File, Heir, Owner};
use std::path::PathBuf;
use workers::{Newcomer, Outfit, Outfitted};

/// Gives machines their agent.
pub struct Agents {
    /// `host:port` of the controller as seen from machines of the builtin cloud.
    pub inner_addresses: Vec<String>,
    /// This program, on the controller's host.
    pub program: PathBuf,
}

impl Outfit for Agents {
    fn outfit(&self, newcomer: &Newcomer<'_>) -> Outfitted {
        let machine = newcomer.machine.to_string();
        let mut addresses = self.inner_addresses.clone();
        addresses.extend(newcomer.controller.endpoints.iter().map(|endpoint| endpoint.dial()));
        let config = Config::new(
            addresses,
            newcomer.controller.ca_cert.clone(),
            newcomer.model.to_string(),
            machine.clone(),
            newcomer.token.clone(),
        );
        // Where Juju's tools look for an agent's program.
        let program = format!("/var/lib/juju/tools/{}/grigri", base::current_version());
        let files = vec![
            File {
                path: Config::path(&machine).display().to_string(),
                mode: 0o600,
                owner: Owner::Root,
                content: Content::Bytes(config.to_json().into_bytes().into()),
            },
            File {
                path: program.clone(),
                mode: 0o755,
                owner: Owner::Root,
                content: Content::OnHost(self.program.clone()),
            },
        ];
        let heir = Heir { after: agent::leave::LEFT.into(), args: agent::heir_args() };
        Outfitted { files, agent: agent::agent_command(&program, &machine), heir: Some(heir) }
    }

    fn farewell(&self) -> Vec<String> {
        agent::leave_args()
    }
}
