//! As whom the host is logged in to, with which keys.
//! The surprise: without a user it is `ubuntu` where that one may become root, else whoever the user's own ssh configuration says.

use std::path::PathBuf;

use crate::command::ssh::{keys, process};
use crate::context::Context;
use crate::error::{Error, Result};

/// How to get in.
pub(super) struct Login {
    /// As typed.
    pub host: String,
    /// `user@host`, or the host alone.
    destination: String,
    options: Vec<String>,
}

impl Login {
    pub(super) async fn find(context: &Context, directive: &str) -> Result<Login> {
        let (user, host) = match directive.split_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, directive),
        };
        // What begins with a dash would be taken for an option.
        if directive.starts_with('-') || host.starts_with('-') {
            return Err(Error::failed(format!("host name {host:?} not valid")));
        }
        let mut options: Vec<String> =
            ["-o", "PasswordAuthentication no", "-o", "ServerAliveInterval 30"].map(str::to_owned).to_vec();
        let given = context.args.text("private-key").filter(|key| !key.is_empty()).map(str::to_owned);
        let known = keys::identities(context).into_iter().map(|path| path.display().to_string());
        options.extend(given.into_iter().chain(known).flat_map(|key| ["-i".to_owned(), key]));
        let mut login = Login { host: host.to_owned(), destination: directive.to_owned(), options };
        if user.is_none() {
            login.destination = format!("ubuntu@{host}");
            let said = process::fed(context, "ssh", &login.line("sudo -n true"), process::Fed::default()).await?;
            if said.code != 0 {
                login.destination = host.to_owned();
            }
        }
        Ok(login)
    }

    /// The arguments of ssh for a command there.
    pub(super) fn line(&self, command: &str) -> Vec<String> {
        let mut line = self.options.clone();
        line.extend([self.destination.clone(), command.to_owned()]);
        line
    }
}

/// Keys to be let in beside the model's: the file that `--public-key` names.
pub(super) fn keys_to_install(context: &mut Context) -> Result<String> {
    let Some(typed) = context.args.text("public-key").filter(|typed| !typed.is_empty()) else {
        return Ok(String::new());
    };
    let path = match typed.starts_with("~/") || typed.starts_with('/') {
        true => context.io.path(typed),
        // As the original has it: beside the user's own keys.
        false => context.io.home().join(".ssh").join(typed),
    };
    let found = [path.clone(), context.io.cwd.join(typed)].into_iter().find(|path: &PathBuf| path.is_file());
    match found.map(std::fs::read_to_string) {
        Some(Ok(text)) => Ok(text),
        _ => Err(Error::failed(format!("cannot reading authorized-keys: cannot read {}", path.display()))),
    }
}
