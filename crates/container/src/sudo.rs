//! A stand-in for `sudo` in machines whose image has none: the login user and members of `sudo` become another user, without a password.
//! It must not be more than that. The surprise: it runs with root's rights from its first instruction, started by anybody, so it reads nothing but its
//! arguments and two files that root owns, and refuses before it does anything else.

use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::process::{Gid, Uid};

use crate::spec::PATH;

#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    user: Option<String>,
    login: bool,
    keep: bool,
    settings: Vec<(String, String)>,
    command: Vec<String>,
}

fn parse(args: &[String]) -> Result<Wish, String> {
    let mut wish = Wish::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--" => {
                wish.command.extend(args.cloned());
                break;
            }
            "-u" | "--user" => {
                wish.user = Some(args.next().ok_or("option -u needs a user")?.clone());
            }
            "-i" | "--login" | "-s" | "--shell" => wish.login = true,
            "-E" | "--preserve-env" => wish.keep = true,
            // There is no password to ask for, and the home directory is always the other user's.
            "-n" | "-S" | "-H" | "-k" | "-v" | "--non-interactive" | "--stdin" | "--set-home" => {}
            option if option.starts_with("--user=") => {
                wish.user = Some(option["--user=".len()..].to_owned());
            }
            option if option.starts_with("--preserve-env=") => wish.keep = true,
            option if option.starts_with("-u") => wish.user = Some(option[2..].to_owned()),
            option if option.starts_with('-') => {
                return Err(format!("option {option} is not known to this stand-in: install the package sudo"));
            }
            word => match word.split_once('=') {
                Some((name, value)) if !name.contains('/') => {
                    wish.settings.push((name.to_owned(), value.to_owned()));
                }
                _ => {
                    wish.command.push(word.to_owned());
                    wish.command.extend(args.cloned());
                    break;
                }
            },
        }
    }
    Ok(wish)
}

#[derive(Debug, PartialEq, Eq)]
struct Account {
    name: String,
    uid: u32,
    gid: u32,
    home: String,
    shell: String,
}

fn account(passwd: &str, wanted: impl Fn(&Account) -> bool) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, _, home, shell] = fields.as_slice() else {
            return None;
        };
        let account = Account {
            name: (*name).to_owned(),
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
            home: (*home).to_owned(),
            shell: (*shell).to_owned(),
        };
        wanted(&account).then_some(account)
    })
}

fn groups(group: &str, member: &str) -> Vec<(String, u32)> {
    group
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, gid, members] = fields.as_slice() else {
                return None;
            };
            let inside = members.split(',').any(|one| one == member);
            inside.then(|| Some(((*name).to_owned(), gid.parse().ok()?)))?
        })
        .collect()
}

/// The program, when it was started as `sudo`.
pub fn sudo_main(args: &[String]) -> ExitCode {
    let error = match run(args) {
        Ok(never) => match never {},
        Err(error) => error,
    };
    let _ = writeln!(io::stderr(), "sudo: {error}");
    ExitCode::FAILURE
}

fn run(args: &[String]) -> Result<std::convert::Infallible, String> {
    let read = |path: &str| fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    let (passwd, group) = (read("/etc/passwd")?, read("/etc/group")?);
    let caller = rustix::process::getuid().as_raw();
    let who = account(&passwd, |a| a.uid == caller);
    let may =
        caller == 0 || who.as_ref().is_some_and(|a| groups(&group, &a.name).iter().any(|(name, _)| name == "sudo"));
    if !may {
        return Err(format!("the user with id {caller} may not become another"));
    }
    if !rustix::process::geteuid().is_root() {
        return Err("this program has lost its right to become root".into());
    }
    let wish = parse(args)?;
    let name = wish.user.as_deref().unwrap_or("root");
    let number = name.strip_prefix('#').and_then(|n| n.parse().ok());
    let target =
        account(&passwd, |a| a.name == name || Some(a.uid) == number).ok_or_else(|| format!("unknown user {name}"))?;
    let ids: Vec<Gid> = groups(&group, &target.name)
        .into_iter()
        .map(|(_, gid)| Gid::from_raw(gid))
        .chain([Gid::from_raw(target.gid)])
        .collect();
    let gid = Gid::from_raw(target.gid);
    let uid = Uid::from_raw(target.uid);
    // One thread: what a thread becomes, the process becomes.
    rustix::thread::set_thread_groups(&ids)
        .and_then(|()| rustix::thread::set_thread_res_gid(gid, gid, gid))
        .and_then(|()| rustix::thread::set_thread_res_uid(uid, uid, uid))
        .map_err(|errno| format!("cannot become {name}: {errno}"))?;

    let mut command = match (wish.login, wish.command.split_first()) {
        (false, Some((program, rest))) => {
            let mut command = Command::new(program);
            command.args(rest);
            command
        }
        (true, rest) => {
            let mut command = Command::new(&target.shell);
            command.arg("-l");
            if let Some((first, rest)) = rest {
                let words = [std::slice::from_ref(first), rest].concat();
                command.arg("-c").arg(words.join(" "));
            }
            let _ = std::env::set_current_dir(&target.home);
            command
        }
        (false, None) => return Err("no command given".into()),
    };
    if !wish.keep {
        command.env_clear();
        for name in ["TERM", "LANG", "DISPLAY", "COLORTERM"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(std::env::vars_os().filter(|(k, _)| k.to_string_lossy().starts_with("LC_")));
    }
    command
        .env("PATH", PATH)
        .env("HOME", &target.home)
        .env("USER", &target.name)
        .env("LOGNAME", &target.name)
        .env("SHELL", &target.shell)
        .env("SUDO_UID", caller.to_string());
    if let Some(who) = who {
        command.env("SUDO_USER", who.name);
    }
    command.envs(wish.settings);
    let what = command.get_program().to_string_lossy().into_owned();
    Err(format!("{what}: {}", command.exec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn arguments_are_read_as_sudo_does() {
        let check = |text: &str, user: Option<&str>, login: bool, command: &str| {
            let wish = parse(&words(text)).expect(text);
            assert_eq!((wish.user.as_deref(), wish.login, wish.command), (user, login, words(command)), "{text}");
        };
        check("ls -l", None, false, "ls -l");
        check("-n -u bob id -u", Some("bob"), false, "id -u");
        check("-ubob id", Some("bob"), false, "id");
        check("-i", None, true, "");
        check("-E A=b env", None, false, "env");
        check("-- -x", None, false, "-x");
        assert!(parse(&words("-l")).is_err());
        assert!(parse(&words("-u")).is_err());
    }
}
