//! As whom the host is logged in to, with which keys.
//! The surprise: without a user it is `ubuntu` where that one may become root, else whoever the user's own ssh configuration says.

use super::place::Place;
use crate::command::ssh::{keys, process};
use crate::context::Context;
use crate::error::Result;
use crate::io::Around;

/// How to get in.
#[derive(Clone)]
pub(crate) struct Login {
    /// As typed, without user and port.
    pub host: String,
    /// `user@host`, or the host alone.
    pub destination: String,
    options: Vec<String>,
    around: Around,
}

impl Login {
    /// For `[user@]host[:port]`.
    pub(crate) async fn find(context: &Context, typed: &str) -> Result<Login> {
        let place = Place::read(typed)?;
        let mut options: Vec<String> =
            ["-o", "PasswordAuthentication no", "-o", "ServerAliveInterval 30"].map(str::to_owned).to_vec();
        options.extend(place.port.into_iter().flat_map(|port| ["-p".to_owned(), port.to_string()]));
        let given = context.args.maybe("private-key").filter(|key| !key.is_empty()).map(str::to_owned);
        let known = keys::identities(context).into_iter().map(|path| path.display().to_string());
        options.extend(given.into_iter().chain(known).flat_map(|key| ["-i".to_owned(), key]));
        let named = |user: &str| format!("{user}@{}", place.host);
        let destination = place.user.as_deref().map_or_else(|| named("ubuntu"), named);
        let mut login = Login { host: place.host, destination, options, around: context.io.around() };
        if place.user.is_none() && login.run("sudo -n true", process::Fed::default()).await?.code != 0 {
            login.destination.clone_from(&login.host);
        }
        Ok(login)
    }

    /// Runs a command there, with an input of ours.
    pub(crate) async fn run(&self, command: &str, input: process::Fed) -> Result<process::Said> {
        process::fed(&self.around, "ssh", &self.line(command), input).await
    }

    /// Starts a command there that is talked to.
    pub(crate) fn talk(&self, command: &str) -> Result<tokio::process::Child> {
        process::talking(&self.around, "ssh", &self.line(command))
    }

    /// The host's name or address behind whatever the user's settings call it.
    pub(crate) async fn real_name(&self) -> Option<String> {
        let mut line = self.options.clone();
        line.extend(["-G".to_owned(), self.destination.clone()]);
        let said = process::fed(&self.around, "ssh", &line, process::Fed::default()).await.ok()?;
        said.stdout.lines().find_map(|line| line.strip_prefix("hostname ")).map(|name| name.trim().to_owned())
    }

    /// The arguments of ssh for a command there.
    fn line(&self, command: &str) -> Vec<String> {
        let mut line = self.options.clone();
        line.extend([self.destination.clone(), command.to_owned()]);
        line
    }
}
