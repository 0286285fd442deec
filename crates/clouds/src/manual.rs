//! Hosts that are there already: no cloud starts or stops them. What makes one a machine is a script that whoever adds it runs on it, as
//! root, over his own ssh; here it is written.
//! It must not know how the script gets there. The surprise: the script does little. It gets the agent's program, by whatever the host has
//! for that, and leaves all else to it; what it gets counts only if its digest is right.

mod cloud;

pub use self::cloud::Manual;

use base::shell;
use std::fmt::Write;

/// What a script is made of.
pub struct Script<'a> {
    pub controller: &'a str,
    pub model: &'a str,
    pub machine: &'a str,
    /// `amd64`, as `uname -m` of the host is read.
    pub arch: &'a str,
    /// SHA-256 of the agent's program, hex.
    pub digest: &'a str,
    /// Where the program is to be had: `host:port`, all that lead to the controller.
    pub addresses: &'a [String],
    /// The name in the controller's certificate.
    pub server_name: &'a str,
    /// The path of the program there.
    pub path: &'a str,
    /// PEM.
    pub ca_cert: &'a str,
    /// What the program is told on its standard input: JSON, with secrets.
    pub told: &'a str,
}

const BODY: &str = include_str!("manual/script.sh");

impl Script<'_> {
    /// For any POSIX shell.
    pub fn render(&self) -> String {
        let mut text = String::from("#!/bin/sh\n");
        let mut set = |name: &str, value: &str| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name}={}", shell::word(value));
        };
        set("controller", self.controller);
        set("model", self.model);
        set("machine", self.machine);
        set("arch", self.arch);
        set("digest", self.digest);
        set("addresses", &self.addresses.join(" "));
        set("server_name", self.server_name);
        set("path", self.path);
        set("ca_cert", self.ca_cert);
        set("told", self.told);
        text + BODY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn script<'a>(digest: &'a str, told: &'a str, addresses: &'a [String]) -> Script<'a> {
        let arch = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
        let (controller, model, machine) = ("c", "m", "3");
        let (server_name, path, ca_cert) = ("juju-apiserver", "/grigri/program/m/3/t", "PEM\n");
        Script { controller, model, machine, arch, digest, addresses, server_name, path, ca_cert, told }
    }

    /// Runs it in an empty folder, as whoever runs the tests; what it said on both streams, how it ended, and what is left in the folder.
    fn run(text: &str, program: Option<&str>) -> (String, bool, usize) {
        use std::io::Write;
        let folder = tempfile::tempdir().expect("a directory");
        let work = folder.path().join("work");
        std::fs::create_dir(&work).expect("made");
        let mut command = Command::new("/bin/sh");
        command
            .arg("-s")
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("GRIGRI_WORK", &work)
            .env("GRIGRI_ANY_USER", "yes");
        if let Some(program) = program {
            let path = folder.path().join("program");
            std::fs::write(&path, program).expect("written");
            command.env("GRIGRI_PROGRAM", path);
        }
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell");
        child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("read");
        let said = child.wait_with_output().expect("ended");
        let text = String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
        (text, said.status.success(), std::fs::read_dir(&work).expect("there").count())
    }

    /// SHA-256 of a program that says what it is told.
    fn digest(program: &str) -> String {
        use std::io::Write;
        let mut child =
            Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("coreutils");
        child.stdin.take().expect("piped").write_all(program.as_bytes()).expect("read");
        let said = child.wait_with_output().expect("ended");
        String::from_utf8_lossy(&said.stdout).split(' ').next().expect("a digest").to_owned()
    }

    const ECHO: &str = "#!/bin/sh\necho \"$1\"\ncat\n";

    #[test]
    fn a_program_that_was_brought_is_run_and_told_its_secrets_on_its_input() {
        let told = "{\"token\":\"it's $HOME `x`\"}";
        let (said, good, left) = run(&script(&digest(ECHO), told, &[]).render(), Some(ECHO));
        assert_eq!((said.as_str(), good, left), ("host-take-in\n{\"token\":\"it's $HOME `x`\"}\n", true, 0));
    }

    #[test]
    fn a_program_of_another_digest_is_not_run_and_nothing_stays() {
        // It is fetched instead, and nobody answers.
        let addresses = ["127.0.0.1:1".to_owned()];
        let (said, good, left) = run(&script(&digest("other"), "{}", &addresses).render(), Some(ECHO));
        assert!(!good && left == 0, "{said}");
        assert!(said.contains("cannot get the agent's program from 127.0.0.1:1"), "{said}");
        assert!(!said.contains("host-take-in"), "{said}");
    }

    #[test]
    fn a_program_that_fails_makes_the_script_fail() {
        let fails = "#!/bin/sh\nexit 7\n";
        let (_, good, left) = run(&script(&digest(fails), "{}", &[]).render(), Some(fails));
        assert!(!good && left == 0);
    }

    #[test]
    fn another_arch_is_refused() {
        let mut other = script("0", "{}", &[]);
        other.arch = "s390x";
        let (said, good, left) = run(&other.render(), None);
        assert!(!good && left == 0 && said.contains("no agent binaries for"), "{said}");
    }
}
