//! Root file systems that machines begin from: frozen directories, one for each version of a base, never changed once they have their name.
//! It must not know machines. The surprise: the image of the host's own base is no copy but hard links to the files of the host's packages; machines
//! see it through an overlay only, so nothing can be written through a link, and packages replace their files instead of writing into them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

mod accounts;
mod dpkg;
mod etc;
mod tree;

use crate::files;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{what} {path}: {source}")]
    Path { what: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "the host's system is no Debian or Ubuntu (no /var/lib/dpkg): add a root file system archive of a base instead"
    )]
    NoDpkg,
    #[error("/etc/os-release does not say what system the host has")]
    NoRelease,
    #[error("unpack {archive}: {detail}")]
    Archive { archive: PathBuf, detail: String },
}

fn at(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Path { what, path, source }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `debian@12`.
    pub base: String,
    pub dir: PathBuf,
}

/// The base of the host's own system, from `/etc/os-release`: `debian@12`, `ubuntu@24.04`.
pub fn host_base() -> Result<String, Error> {
    let text = fs::read_to_string("/etc/os-release").map_err(|_| Error::NoRelease)?;
    base_of(&text).ok_or(Error::NoRelease)
}

fn base_of(os_release: &str) -> Option<String> {
    let field = |name: &str| {
        os_release
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            .map(|value| value.trim_matches(['"', '\'']).to_owned())
            .filter(|value| {
                let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
                !value.is_empty() && value.chars().all(fine)
            })
    };
    Some(format!("{}@{}", field("ID")?, field("VERSION_ID").unwrap_or_else(|| "rolling".into())))
}

/// All images of a directory, the newest of a base first.
pub fn all(images: &Path) -> Vec<Image> {
    let Ok(entries) = fs::read_dir(images) else {
        return Vec::new();
    };
    let mut found: Vec<(std::time::SystemTime, Image)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let (base, _version) = name.rsplit_once('-')?;
            let kept = !name.starts_with('.') && base.contains('@');
            let made = entry.metadata().ok()?.modified().ok()?;
            kept.then(|| {
                let image = Image { base: base.to_owned(), dir: entry.path() };
                (made, image)
            })
        })
        .collect();
    found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.dir.cmp(&b.1.dir)));
    found.into_iter().map(|(_, image)| image).collect()
}

pub fn find(images: &Path, base: &str) -> Option<Image> {
    all(images).into_iter().find(|image| image.base == base)
}

/// The image of the host's own base, made if there is none yet (one to three seconds). `sudo`: a program that can stand in for `sudo` when the
/// host has none.
pub fn of_host(images: &Path, sudo: Option<&Path>) -> Result<Image, Error> {
    let base = host_base()?;
    if let Some(image) = find(images, &base) {
        return Ok(image);
    }
    let status = fs::read("/var/lib/dpkg/status").map_err(|_| Error::NoDpkg)?;
    let digest = Sha256::digest(&status);
    let version: String = digest.iter().take(5).map(|b| format!("{b:02x}")).collect();
    keep(images, &base, &version, |dir| {
        let made = tree::link_packages(dir)?;
        etc::settle(dir)?;
        accounts::write(dir)?;
        if let Some(program) = sudo
            && !dir.join("usr/bin/sudo").exists()
        {
            accounts::stand_in_for_sudo(dir, program)?;
        }
        tracing::debug!(files = made, base, "image of the host's base made");
        Ok(())
    })
}

/// An image from a root file system archive (whatever `tar` can read).
pub fn from_archive(images: &Path, base: &str, archive: &Path) -> Result<Image, Error> {
    let bytes = fs::read(archive).map_err(at("read", archive))?;
    let version: String = Sha256::digest(&bytes).iter().take(5).map(|b| format!("{b:02x}")).collect();
    let failed = |detail: String| Error::Archive { archive: archive.to_owned(), detail };
    keep(images, base, &version, |dir| {
        let output = Command::new("tar")
            .args(["--extract", "--numeric-owner", "--preserve-permissions"])
            .args(["--exclude=./dev/*", "--exclude=dev/*"])
            .arg("--file")
            .arg(archive)
            .arg("--directory")
            .arg(dir)
            .output()
            .map_err(|error| failed(format!("cannot run tar: {error}")))?;
        if output.status.success() {
            Ok(())
        } else {
            Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
        }
    })
}

/// Fills a directory beside and gives it its name when it is whole.
fn keep(
    images: &Path,
    base: &str,
    version: &str,
    fill: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<Image, Error> {
    fs::create_dir_all(images).map_err(at("make", images))?;
    let _lock = files::Lock::take(&images.join(".lock")).map_err(at("lock", images))?;
    let dir = images.join(format!("{base}-{version}"));
    if !dir.exists() {
        let beside = images.join(format!(".{base}-{version}.new"));
        // What an interrupted making left.
        files::remove_tree(&beside).map_err(at("remove", &beside))?;
        fs::create_dir(&beside).map_err(at("make", &beside))?;
        let made = fill(&beside).and_then(|()| {
            tree::set(&beside, 0o755, 0, 0)?;
            fs::rename(&beside, &dir).map_err(at("name", &dir))
        });
        if let Err(error) = made {
            let _ = files::remove_tree(&beside);
            return Err(error);
        }
    }
    Ok(Image { base: base.to_owned(), dir })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_read_from_os_release() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(base_of(text).as_deref(), expected, "{text:?}");
        };
        check("ID=debian\nVERSION_ID=\"12\"\n", Some("debian@12"));
        check("NAME=x\nID=ubuntu\nVERSION_ID=\"24.04\"\n", Some("ubuntu@24.04"));
        check("ID=arch\n", Some("arch@rolling"));
        check("ID=../../x\nVERSION_ID=1\n", None);
        check("", None);
    }

    #[test]
    fn an_image_that_could_not_be_made_leaves_nothing() {
        let dir = tempfile::tempdir().expect("tempdir");
        let made = keep(dir.path(), "debian@12", "1", |_| Err(Error::NoDpkg));
        assert!(made.is_err());
        assert!(all(dir.path()).is_empty());
        let made = keep(dir.path(), "debian@12", "1", |_| Ok(())).expect("keep");
        assert_eq!(find(dir.path(), "debian@12"), Some(made.clone()));
        let again = keep(dir.path(), "debian@12", "1", |_| Err(Error::NoDpkg));
        assert_eq!(again.expect("one that is there is not made again"), made);
    }
}
