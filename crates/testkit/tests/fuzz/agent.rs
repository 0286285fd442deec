//! What the agent keeps on its machine, and the requests of its sftp server that change nothing.
//! It must not open tasks or serve whole sessions: those end processes and write files, wherever an input says.

use agent::Config;
use agent::sftp::Files;
use agent::tasks::journal;
use russh_sftp::server::Handler;

use crate::engine::{Target, logged};

pub fn conf() -> Target {
    Target::new(|input| match Config::parse(input) {
        Ok(config) => {
            assert!(!config.addresses.is_empty() && !config.candidates().is_empty());
            let printed = config.to_json();
            let again = Config::parse(printed.as_bytes())
                .unwrap_or_else(|e| panic!("prints as {printed:?}, which is refused: {e}"));
            assert_eq!(again.to_json(), printed);
            assert!(again.directory().starts_with(config.data_dir.join("agents")), "{:?}", config.directory());
            let secret = Config { token: base::Secret::new("a token to look for"), ..config };
            assert!(!format!("{secret:?}").contains("a token to look for"), "a secret shows");
        }
        Err(error) => logged(&error, input),
    })
    .json()
    .words(&[
        "addresses",
        "boot-addresses",
        "ca-cert",
        "model-uuid",
        "machine",
        "token",
        "data-dir",
        "login-user",
        "ssh-server",
        "..",
        "/",
    ])
}

pub fn journal() -> Target {
    Target::of_text(|text| {
        let found = journal::read(text);
        let printed = journal::write(&found);
        let again = journal::read(&printed);
        assert_eq!(again.tasks, found.tasks, "prints as {printed:?}");
        assert_eq!(again.acknowledged, found.acknowledged, "prints as {printed:?}");
        // Whatever comes after it, a task that began is known to have begun until the controller knows its end.
        let torn = format!("{printed}{{\"started\":{{\"id\":\"torn");
        assert_eq!(journal::read(&torn).tasks, found.tasks);
    })
    .json()
    .words(&[
        "{\"started\":{\"id\":\"1\",\"at\":1,\"boot\":\"b\"}}\n",
        "{\"acknowledged\":\"1\"}\n",
        "\n",
        "\"at\":0",
        "\"process\"",
        "\"done\"",
    ])
}

/// `REQUEST` and a newline, then the request's bytes.
pub fn sftp() -> Target {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    Target::new(move |input| {
        let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
        let (request, rest) = (String::from_utf8_lossy(&input[..end]), input.get(end + 1..).unwrap_or_default());
        runtime.block_on(async {
            let mut files = Files::default();
            let told = match &*request {
                "realpath" => {
                    let named = files.realpath(1, String::from_utf8_lossy(rest).into_owned()).await;
                    named.map(|name| {
                        assert!(name.files[0].filename.starts_with('/'), "{:?} is not absolute", name.files[0].filename)
                    })
                }
                "stat" => files.stat(1, String::from_utf8_lossy(rest).into_owned()).await.map(drop),
                // The others of the extended requests change files.
                "statvfs@openssh.com"
                | "fstatvfs@openssh.com"
                | "fsync@openssh.com"
                | "limits@openssh.com"
                | "expand-path@openssh.com" => files.extended(1, request.into_owned(), rest.to_vec()).await.map(drop),
                _ => return,
            };
            let _ = told;
        });
    })
    .words(&[
        "realpath\n",
        "stat\n",
        "expand-path@openssh.com\n",
        "statvfs@openssh.com\n",
        "..",
        "/",
        "~",
        "~root",
        "\0\0\0\x01",
        ".",
    ])
}
