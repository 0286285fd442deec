//! What makes hosts that are there already machines of this controller: the script, its secrets, and the program that it fetches.
//! The surprise: the program is the daemon's own, the one that this process runs; its digest is taken once.

use agent::Config;
use api::TakesIn;
use base::{Kind, MachineId, ModelUuid, Refusal};
use clouds::manual::Script;
use model::record::controller::Controller;
use std::io;
use std::path::{Path, PathBuf};
use wire::agent::SERVER_NAME;
use workers::identity::{Root, token_hash};

pub struct Hosts {
    root: Root,
    program: PathBuf,
    /// SHA-256, hex; the reason when the program could not be read.
    digest: Result<String, String>,
}

impl Hosts {
    /// Reads the whole program.
    pub fn new(root: Root, program: PathBuf) -> Hosts {
        let digest = digest(&program).map_err(|error| format!("{}: {error}", program.display()));
        Hosts { root, program, digest }
    }
}

fn digest(program: &Path) -> io::Result<String> {
    use ring::digest::{SHA256, digest};
    let bytes = std::fs::read(program)?;
    Ok(digest(&SHA256, &bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

impl TakesIn for Hosts {
    fn arch(&self) -> &'static str {
        host::facts::built_for()
    }

    fn token_hash(&self, model: ModelUuid, machine: &MachineId) -> String {
        token_hash(&self.root.token(model, machine))
    }

    fn script(&self, controller: &Controller, model: ModelUuid, machine: &MachineId) -> Result<String, Refusal> {
        let words = "cannot read the agent's program";
        let digest = self.digest.as_ref().map_err(|why| Refusal::new(Kind::Internal, words).with_context(why))?;
        let addresses: Vec<String> = controller.endpoints.iter().map(|endpoint| endpoint.dial()).collect();
        let config = Config {
            taken_in: true,
            // The host has its own, by which it was reached.
            ssh_server: false,
            ..Config::new(
                addresses.clone(),
                controller.ca_cert.clone(),
                model.to_string(),
                machine.to_string(),
                self.root.token(model, machine),
            )
        };
        let script = Script {
            controller: &controller.uuid,
            model: &model.to_string(),
            machine: machine.as_str(),
            arch: self.arch(),
            digest,
            addresses: &addresses,
            server_name: SERVER_NAME,
            path: &wire::path::agent_program(model, machine, &self.root.ticket(model, machine)),
            ca_cert: &controller.ca_cert,
            told: &config.to_json(),
        };
        Ok(script.render())
    }

    fn program(&self, model: ModelUuid, machine: &MachineId, ticket: &str) -> Option<PathBuf> {
        let known = self.root.ticket(model, machine);
        let same =
            known.len() == ticket.len() && known.bytes().zip(ticket.bytes()).fold(0, |d, (a, b)| d | (a ^ b)) == 0;
        same.then(|| self.program.clone())
    }
}
