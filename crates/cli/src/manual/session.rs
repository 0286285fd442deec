//! One talk with our program as root on a host, over one ssh connection: the shell there gets the program, the program gets the request, and
//! either end that is lost ends the other.
//! It does not know what is asked for. The surprise: the folder of the talk is also its lock, so that whoever comes to clean up waits for
//! whoever was cut off and is cleaning up by itself.

use std::path::PathBuf;

use tokio::io::AsyncReadExt;
use tokio::process::Child;
use tokio::task::JoinHandle;

use super::{Login, as_root};
use crate::bootstrap::{Asked, BootstrapError, Ended, HOST_MODE, Progress, Talk, Told};

/// `$1` the controller's UUID; `$2` what for: `make`, `start`, `remove`, or `destroyed` for one that takes itself away; `$3` the
/// program's word; `$4` how we came here.
/// Takes the controller's own program where that is there, and asks for one where it is not. `head` may read on behind what it was asked for:
/// nothing is there before it is answered.
const LOADER: &str = r#"umask 077
d=/var/lib/grigri.$1 c=/var/lib/grigri/controllers/$1 u=/etc/systemd/system/grigri-controller-$1.service n=0
until mkdir "$d" 2>/dev/null; do
    [ -d "$d" ] || { mkdir "$d"; exit 1; }
    n=$((n + 1)) o=$(cat "$d/pid" 2>/dev/null)
    if [ $n -gt 90 ] || { [ $n -gt 2 ] && ! kill -0 "$o" 2>/dev/null; }; then rm -rf "$d"; else sleep 1; fi
done
trap 'rm -rf "$d"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
echo $$ >"$d/pid"
n=0
while [ "$2" = destroyed ] && [ -e "$c" ] && [ $n -lt 15 ]; do n=$((n + 1)); sleep 1; done
case $2 in remove | destroyed) [ -e "$c" ] || [ -e "$u" ] || { echo '"gone"'; exit 0; } ;; esac
[ "$2" = make ] || cp "$c/grigri" "$d/program" 2>/dev/null
if ! [ -s "$d/program" ]; then
    echo '"send"'
    IFS= read -r n || exit 1
    head -c "$n" >"$d/program" || exit 1
    [ "$(wc -c <"$d/program")" -eq "$n" ] || exit 1
fi
chmod 700 "$d/program"
SSH_CONNECTION=$4 "$d/program" "$3"
exit"#;

/// As the shell of the host knows it.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Make,
    Start,
    Remove,
    /// One that was told over its API to take itself away.
    Destroyed,
}

impl Purpose {
    fn word(self) -> &'static str {
        match self {
            Purpose::Make => "make",
            Purpose::Start => "start",
            Purpose::Remove => "remove",
            Purpose::Destroyed => "destroyed",
        }
    }
}

pub(super) struct Session {
    host: String,
    child: Child,
    talk: Talk,
    /// What ssh and the shell say.
    errors: Option<JoinHandle<String>>,
}

impl Session {
    pub(super) fn open(login: &Login, uuid: &str, purpose: Purpose) -> Result<Session, BootstrapError> {
        let child = login.talk(&as_root(LOADER, &[uuid, purpose.word(), HOST_MODE]));
        let mut child = child.map_err(|error| failed(error.message()))?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout)) = (stdin, stdout) else { return Err(failed("ssh has no streams")) };
        let errors = stderr.map(|stderr| {
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                // What was read until then is what is known.
                let _ = stderr.take(64 << 10).read_to_end(&mut bytes).await;
                String::from_utf8_lossy(&bytes).trim().to_owned()
            })
        });
        let talk = Talk::new(Box::new(stdout), Box::new(stdin));
        Ok(Session { host: login.destination.clone(), child, talk, errors })
    }

    /// Asks, and gives the first answer that is no step; sends the program where it is wanted.
    pub(super) async fn ask(&mut self, asked: &Asked, progress: Progress<'_>) -> Result<Told, BootstrapError> {
        loop {
            match self.talk.ask(asked, progress).await {
                Ok(Told::Send) => {
                    progress(&format!("Copying the program to {}", self.host));
                    self.send_program().await?;
                }
                Ok(told) => return Ok(told),
                Err(ended) => return Err(self.ended(ended).await),
            }
        }
    }

    /// Says the one more word.
    pub(super) async fn say(&mut self, text: &str) -> Result<(), BootstrapError> {
        match self.talk.say(text).await {
            Ok(()) => Ok(()),
            Err(ended) => Err(self.ended(ended).await),
        }
    }

    /// What comes next.
    pub(super) async fn told(&mut self) -> Result<Told, BootstrapError> {
        match self.talk.told().await {
            Ok(told) => Ok(told),
            Err(ended) => Err(self.ended(ended).await),
        }
    }

    async fn send_program(&mut self) -> Result<(), BootstrapError> {
        let path: PathBuf =
            std::env::current_exe().map_err(|error| failed(format!("cannot find this program: {error}")))?;
        let unreadable = |error: std::io::Error| failed(format!("cannot read {}: {error}", path.display()));
        let mut file = tokio::fs::File::open(&path).await.map_err(unreadable)?;
        let length = file.metadata().await.map_err(unreadable)?.len();
        self.say(&format!("{length}\n")).await?;
        let copied = match self.talk.input() {
            Ok(input) => tokio::io::copy(&mut file, input).await.map_err(|_| Ended::Lost),
            Err(ended) => Err(ended),
        };
        match copied {
            Ok(_) => self.say("").await,
            Err(ended) => Err(self.ended(ended).await),
        }
    }

    /// Why the talk ended.
    async fn ended(&mut self, ended: Ended) -> BootstrapError {
        if let Ended::Failed(error) = ended {
            return error;
        }
        self.talk.hush();
        let code = self.child.wait().await.ok().and_then(|status| status.code()).unwrap_or(255);
        let words = match self.errors.take() {
            Some(errors) => errors.await.unwrap_or_default(),
            None => String::new(),
        };
        explain(&self.host, code, &words)
    }
}

pub(super) fn failed(message: impl Into<String>) -> BootstrapError {
    BootstrapError { message: message.into(), hints: Vec::new() }
}

/// A command that ended early, in words with a cure.
pub(super) fn explain(host: &str, code: i32, words: &str) -> BootstrapError {
    // What ssh only mentions by the way.
    let words: Vec<&str> = words.lines().filter(|line| !line.starts_with("Warning: Permanently added ")).collect();
    let words = words.join("\n");
    let said = if words.is_empty() { format!("exit {code}") } else { words.clone() };
    if code == 255 {
        return BootstrapError {
            message: format!("cannot reach {host} by ssh: {said}"),
            hints: vec![format!("Whatever lets `ssh {host} true` through without a password lets this through.")],
        };
    }
    if words.contains("sudo:") {
        return BootstrapError {
            message: format!("cannot become root on {host}: {said}"),
            hints: vec![
                "Log in as root, or let the user become root without a password; as root on that host:".into(),
                "    echo 'USER ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/USER".into(),
            ],
        };
    }
    failed(format!("{host} ended the work: {said}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    /// Talks to the loader in a folder of its own: what it said, how it ended, and what is left there.
    fn load(purpose: &str, prepare: impl Fn(&std::path::Path), input: &str) -> (String, Option<i32>, Vec<String>) {
        let folder = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(folder.path().join("grigri")).expect("made");
        prepare(folder.path());
        let loader = LOADER.replace("/var/lib/", &format!("{}/", folder.path().display()));
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &loader, "sh", "u-1", purpose, "word", "from here"]);
        let mut child = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
        // One that ends before it has read all says so.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        let said = child.wait_with_output().expect("ended");
        let names = std::fs::read_dir(folder.path()).expect("there").flatten();
        let left = names.map(|one| one.file_name().to_string_lossy().into_owned()).collect();
        (String::from_utf8_lossy(&said.stdout).into_owned(), said.status.code(), left)
    }

    const PROGRAM: &str = "#!/bin/sh\necho \"$1 $SSH_CONNECTION\"\nexit 3\n";

    fn there(folder: &std::path::Path) {
        std::fs::create_dir_all(folder.join("grigri/controllers/u-1")).expect("made");
        std::fs::write(folder.join("grigri/controllers/u-1/grigri"), PROGRAM).expect("written");
    }

    fn check(seen: (String, Option<i32>, Vec<String>), said: &str, code: i32) {
        assert_eq!(seen, (said.to_owned(), Some(code), vec!["grigri".to_owned()]));
    }

    #[test]
    fn the_program_comes_and_is_run_and_the_folder_goes() {
        let input = format!("{}\n{PROGRAM}", PROGRAM.len());
        check(load("make", |_| {}, &input), "\"send\"\nword from here\n", 3);
        check(load("make", there, &input), "\"send\"\nword from here\n", 3);
        check(load("start", there, ""), "word from here\n", 3);
        check(load("remove", there, ""), "word from here\n", 3);
    }

    #[test]
    fn half_a_program_is_not_run() {
        check(load("make", |_| {}, &format!("{}\n{PROGRAM}", PROGRAM.len() + 1)), "\"send\"\n", 1);
        check(load("make", |_| {}, ""), "\"send\"\n", 1);
    }

    #[test]
    fn what_is_gone_is_gone() {
        check(load("remove", |_| {}, ""), "\"gone\"\n", 0);
        check(load("destroyed", |_| {}, ""), "\"gone\"\n", 0);
    }

    #[test]
    fn a_folder_of_one_that_died_is_taken_over() {
        let died = |folder: &std::path::Path| {
            std::fs::create_dir(folder.join("grigri.u-1")).expect("made");
            // No process has this number.
            std::fs::write(folder.join("grigri.u-1/pid"), "99999999").expect("written");
        };
        check(load("remove", died, ""), "\"gone\"\n", 0);
    }
}
