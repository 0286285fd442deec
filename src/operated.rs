//! What this host's operator may ask of the running controller, over its control socket.
//! It knows no socket. The surprise: a change of CA is on disk first and in the records second; what a crash leaves between is put right at the next start.

use crate::certificates::Certificates;
use crate::control::{Answer, Answers, Question};
use api::agents::Door;
use base::{Life, Refusal};
use model::State;
use model::change::controller::set_ca_cert;
use rpc::tls::{AgentIdentity, CaMark};
use serde_json::{Value, json};
use std::sync::Arc;

pub struct Operated {
    pub state: State,
    pub certificates: Arc<Certificates>,
    pub door: Arc<Door>,
}

impl Answers for Operated {
    async fn answer(&self, question: Question) -> Answer {
        match question {
            Question::ResetPassword { user, hash } => {
                crate::operator::reset::set(&self.state, &user, &hash).await.map(|()| user.into()).into()
            }
            Question::RotateCa { finish, force } => self.rotate(finish, force).await.into(),
        }
    }
}

impl Operated {
    /// Begins a change of CA, or says how far it is, or ends it.
    async fn rotate(&self, finish: bool, force: bool) -> Result<Value, Refusal> {
        let words = |error: crate::certificates::Error| Refusal::plain(error.to_string()).with_context(&error);
        if !finish && !self.certificates.is_rotating() {
            self.certificates.rotate().map_err(words)?;
            tracing::warn!("a new CA signs from now on, by this host's operator");
            self.tell().await?;
        }
        let (renewed, behind) = self.agents();
        if finish {
            if !behind.is_empty() && !force {
                let who = behind.join(", ");
                return Err(Refusal::plain(format!(
                    "these agents would be lost, they have no certificate of the new CA yet: {who}"
                )));
            }
            self.certificates.finish().map_err(words)?;
            tracing::warn!("certificates of the old CA count no more, by this host's operator");
            self.tell().await?;
            if let Some(newest) = CaMark::of_ca(&self.certificates.newest()) {
                self.door.close_others(newest);
            }
        }
        Ok(json!({
            "ca-cert": self.certificates.ca_certs(),
            "rotating": self.certificates.is_rotating(),
            "renewed": renewed,
            "behind": behind,
        }))
    }

    async fn tell(&self) -> Result<(), Refusal> {
        let certs = self.certificates.ca_certs();
        self.state.change(|beliefs, given| set_ca_cert(beliefs, &certs, given)).await
    }

    /// How many agents hold a certificate of the newest CA, and who does not: connected with an older one, or not connected at all.
    fn agents(&self) -> (usize, Vec<String>) {
        let Some(newest) = CaMark::of_ca(&self.certificates.newest()) else { return (0, Vec::new()) };
        let read = self.state.read();
        let (mut renewed, mut behind) = (0, Vec::new());
        for (within, model) in read.models() {
            let machines =
                within.machines().filter(|(_, _, machine)| !machine.is_controller() && machine.life != Life::Dead);
            // One that never enrolled asks with its token, and gets a certificate of the newest CA.
            let enrolled = machines.filter(|(_, all, _)| all.enrolment.as_ref().is_some_and(|e| e.bound_key.is_some()));
            for (id, _, _) in enrolled {
                let who = AgentIdentity { model: model.uuid, machine: id.clone() };
                match self.door.is_of(&who, newest) {
                    Some(true) => renewed += 1,
                    Some(false) => behind.push(format!("{}/{}:{id}", model.owner, model.name)),
                    None => behind.push(format!("{}/{}:{id} (not connected)", model.owner, model.name)),
                }
            }
        }
        (renewed, behind)
    }
}
