//! Getting what tests need and the machine lacks: Debian packages, a Python environment.
//!
//! Nothing is fetched that is already there, and the package lists are refreshed at most once, only when a package is missing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::command::Error;
use crate::{run, tree};

/// Makes sure that PATH has `program`, installing `package` if it must; the error is a reason to skip.
pub fn program(program: &str, package: &str) -> Result<(), String> {
    if run::which(program).is_some() {
        return Ok(());
    }
    install(package)?;
    run::which(program).map(drop).ok_or_else(|| format!("package {package} brought no program {program}"))
}

/// A busybox that runs without any other file.
pub fn busybox() -> Option<PathBuf> {
    let found = || ["/bin/busybox", "/usr/bin/busybox"].iter().map(PathBuf::from).find(|file| file.is_file());
    found().or_else(|| install("busybox-static").ok().and_then(|()| found()))
}

/// Installs Debian packages, several as `one+other`. Each is tried once in a run.
fn install(package: &str) -> Result<(), String> {
    static TRIED: Mutex<BTreeMap<String, Result<(), String>>> = Mutex::new(BTreeMap::new());
    let mut tried = TRIED.lock().map_err(|e| e.to_string())?;
    if let Some(result) = tried.get(package) {
        return result.clone();
    }
    let first = tried.is_empty();
    let result = apt(package, first);
    tried.insert(package.to_owned(), result.clone());
    result
}

fn apt(package: &str, refresh: bool) -> Result<(), String> {
    if run::which("apt-get").is_none() {
        return Err(format!("package {package} is not installed, and there is no apt-get to install it with"));
    }
    if !run::is_root() {
        return Err(format!("package {package} is not installed; install it, or run as root"));
    }
    if refresh {
        println!("refreshing the package lists");
        apt_get(&["update", "-qq"])?;
    }
    let packages: Vec<&str> = package.split('+').collect();
    if packages.iter().any(|package| !is_offered(package)) {
        add_backports()?;
    }
    println!("installing Debian package {}", packages.join(" and "));
    apt_get(&[&["install", "-qq", "--yes", "--no-install-recommends"], packages.as_slice()].concat())
}

fn is_offered(package: &str) -> bool {
    let mut command = Command::new("apt-cache");
    command.args(["show", "--no-all-versions", package]).stdin(Stdio::null());
    run::read_command(&mut command).is_ok_and(|said| !said.is_empty())
}

/// Debian keeps newer packages for its stable release there; nothing is taken from it that the release itself has.
fn add_backports() -> Result<(), String> {
    const LIST: &str = "/etc/apt/sources.list.d/backports.list";
    let mut targets = Command::new("apt-get");
    targets.args(["indextargets", "--format", "$(ORIGIN) $(REPO_URI) $(CODENAME) $(SIGNED_BY)"]).stdin(Stdio::null());
    let targets = run::read_command(&mut targets).map_err(text)?;
    let known: Vec<Vec<&str>> = targets.lines().map(|line| line.split(' ').collect()).collect();
    let release = known.iter().find(|words| words[0] == "Debian" && words.len() > 2 && !words[2].contains('-'));
    let [_, mirror, name, signed_by @ ..] = release.ok_or("it is not offered here")?.as_slice() else {
        return Err("it is not offered here".into());
    };
    let signed_by = signed_by.iter().find(|key| key.starts_with('/'));
    let signed_by = signed_by.map(|key| format!("[signed-by={key}] ")).unwrap_or_default();
    println!("adding Debian's backports");
    fs::write(LIST, format!("deb {signed_by}{mirror} {name}-backports main\n"))
        .map_err(|e| format!("cannot write {LIST}: {e}"))?;
    apt_get(&["update", "-qq"])
}

fn apt_get(args: &[&str]) -> Result<(), String> {
    let mut command = Command::new("apt-get");
    command.args(args).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    run::read_command(&mut command).map(drop).map_err(text)
}

/// A Python environment with what `requirements` pins, `target/NAME`; made once, and again when the file changes.
pub fn python(name: &str, requirements: &Path) -> Result<PathBuf, String> {
    let wanted =
        fs::read_to_string(requirements).map_err(|e| format!("cannot read {}: {e}", requirements.display()))?;
    let folder = tree::target().map_err(text)?.join(name);
    let made_from = folder.join("made-from.txt");
    if fs::read_to_string(&made_from).is_ok_and(|made| made == wanted) && works(&folder) {
        return Ok(folder);
    }
    program("python3", "python3")?;
    if !python_can("import ensurepip, venv") {
        install("python3-venv")?;
    }
    println!("making a Python environment with {}", requirements.file_name().unwrap_or_default().to_string_lossy());
    let _ = fs::remove_dir_all(&folder);
    let mut make = Command::new("python3");
    make.args(["-m", "venv"]).arg(&folder).stdin(Stdio::null());
    run::read_command(&mut make).map_err(text)?;
    let mut pip = Command::new(folder.join("bin/python3"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(requirements)
        .stdin(Stdio::null());
    run::read_command(&mut pip).map_err(text)?;
    fs::write(&made_from, wanted).map_err(|e| format!("cannot write {}: {e}", made_from.display()))?;
    Ok(folder)
}

fn works(folder: &Path) -> bool {
    let mut python = Command::new(folder.join("bin/python3"));
    python.args(["-c", "import sys"]).stdin(Stdio::null()).stderr(Stdio::null());
    python.status().is_ok_and(|status| status.success())
}

fn python_can(statement: &str) -> bool {
    let mut python = Command::new("python3");
    python.args(["-c", statement]).stdin(Stdio::null()).stderr(Stdio::null());
    python.status().is_ok_and(|status| status.success())
}

fn text(error: Error) -> String {
    match error {
        Error::Failed(text) | Error::Usage(text) => text,
        Error::Told => "it failed, as said above".to_owned(),
    }
}
