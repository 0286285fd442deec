//! `scp`: files to and from machines.
//!
//! The surprise: a failure is told with scp's own words and ends with exit 1, whatever scp's code was.

use super::target::{Connection, Host, Options, refuse_containers};
use super::{CONTAINER, NO_CHECKS, PROXY, REMOTE, process};
use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::{Error, Result};

pub const COMMAND: Command = Command {
    name: "scp",
    args: "<source> <destination>",
    purpose: "Securely transfer files within a model.",
    doc: "Copies files by OpenSSH's scp; a side that names a machine or unit (`0:/path`, `mysql/0:/path`) is found by\n\
          the controller, which also knows its host keys. Options for scp stand behind `--`. On a terminal scp shows how\n\
          far it is.\n\n\
          Both sides may be machines: the files then go through this client, which reaches both, so the machines need\n\
          neither see nor trust each other.",
    examples: "\n    juju scp 0:/var/log/syslog .\n    juju scp -- -r mysql/0:/var/log/mysql logs\n    juju scp file 0:\n    \
               juju scp -- -r 0:/srv/data 1:/srv",
    see_also: &["ssh"],
    flags: &[CONTAINER, NO_CHECKS, PROXY, REMOTE],
    scope: Scope::Model,
    flags_among: false,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let words = context.args.positional().to_vec();
    if words.len() < 2 {
        return Err(Error::usage("at least two arguments required"));
    }
    let api = context.model_api().await?;
    refuse_containers(context, &api).await?;
    let options = Options::read(context, &words);
    let mut connection = Connection::open(context, &api, options).await?;
    let (mut paths, mut hosts) = (Vec::new(), Vec::new());
    for word in words {
        match word.split_once(':').filter(|_| !word.starts_with('-')) {
            Some((target, path)) => {
                let host = connection.resolve(context, target).await?;
                paths.push(format!("{}:{path}", host.bracketed()));
                hosts.push(Some(host));
            }
            None => {
                paths.push(word);
                hosts.push(None);
            }
        }
    }
    let mut args = connection.options(context, false).await?;
    if are_both_machines(&hosts) && !paths.iter().any(|word| chooses_a_way(word)) {
        args.extend(THROUGH_HERE.map(str::to_owned));
    }
    args.extend(paths);
    let outcome = process::captured(context, "scp", &args).await;
    connection.forget();
    let (code, words) = outcome?;
    if code == 0 {
        return Ok(());
    }
    let machines: Vec<&Host> = hosts.iter().flatten().collect();
    Err(Error::failed(match (words.trim(), unreached(&words, &machines)) {
        (_, Some(why)) => why,
        ("", None) => format!("exit status {code}"),
        (words, None) => format!("exit status {code} ({words})"),
    }))
}

/// Through this client, as newer programs do by themselves; a side that is not there is not waited for longer than it takes to be sure.
const THROUGH_HERE: [&str; 3] = ["-o", "ConnectTimeout 15", "-3"];

/// Whether files go from machines to a machine: what is read, and where it goes.
fn are_both_machines(hosts: &[Option<Host>]) -> bool {
    let is_machine = |host: &Option<Host>| host.as_ref().is_some_and(|host| host.machine().is_some());
    hosts.split_last().is_some_and(|(last, sources)| is_machine(last) && sources.iter().any(is_machine))
}

/// Options of scp that say how two other hosts are brought together, alone or among others (`-r3`).
fn chooses_a_way(word: &str) -> bool {
    word.strip_prefix('-').is_some_and(|letters| !letters.starts_with('-') && letters.contains(['3', 'R']))
}

/// Which machine does not answer, when that is what scp's words say.
fn unreached(words: &str, hosts: &[&Host]) -> Option<String> {
    words.lines().find_map(|line| {
        let (address, rest) = line.trim().strip_prefix("ssh: connect to host ")?.split_once(" port ")?;
        let why = rest.split_once(": ").map_or(rest, |(_, why)| why);
        let machine = hosts.iter().filter(|host| host.address() == address).find_map(|host| host.machine())?;
        Some(format!("machine {machine} does not answer at {address}: {why}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_copies_from_machine_to_machine_go_through_this_client() {
        let (machine, world) = (|| Some(Host::of_machine("0", "10.0.0.1")), || Some(Host::of_world("h")));
        for (hosts, expected) in [
            (vec![machine(), machine()], true),
            (vec![None, machine(), None, machine()], true),
            (vec![machine(), None], false),
            (vec![None, machine()], false),
            (vec![world(), machine()], false),
            (vec![machine(), world()], false),
            (vec![world(), world()], false),
            (vec![], false),
        ] {
            assert_eq!(are_both_machines(&hosts), expected, "{hosts:?}");
        }
        for (word, expected) in
            [("-3", true), ("-r3", true), ("-R", true), ("-r", false), ("a3", false), ("--3", false)]
        {
            assert_eq!(chooses_a_way(word), expected, "{word}");
        }
    }

    #[test]
    fn a_machine_that_does_not_answer_is_named() {
        let (one, two, world) =
            (Host::of_machine("1", "10.0.0.11"), Host::of_machine("2", "fd00::2"), Host::of_world("h"));
        let hosts = [&one, &two, &world];
        for (words, expected) in [
            (
                "ssh: connect to host 10.0.0.11 port 22: No route to host\r\nscp: Connection closed\n",
                Some("machine 1 does not answer at 10.0.0.11: No route to host"),
            ),
            (
                "ssh: connect to host fd00::2 port 22: Connection timed out",
                Some("machine 2 does not answer at fd00::2: Connection timed out"),
            ),
            ("ssh: connect to host h port 22: Connection refused", None),
            ("ssh: connect to host 10.0.0.9 port 22: Connection refused", None),
            ("scp: /a: No such file or directory", None),
            ("", None),
        ] {
            assert_eq!(unreached(words, &hosts).as_deref(), expected, "{words}");
        }
    }
}
