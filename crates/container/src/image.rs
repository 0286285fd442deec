//! Root file systems that machines begin from: frozen directories, one for each version of a base, never changed once they have their name.
//! It must not know machines. The surprise: the image of the host's own base is no copy but hard links to the files of the host's packages; machines
//! see it through an overlay only, so nothing can be written through a link, and packages replace their files instead of writing into them.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

mod accounts;
mod adopt;
pub mod archive;
pub mod debootstrap;
mod dpkg;
mod etc;
mod tree;

use crate::files;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{what} {path}: {source}")]
    Path { what: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "the host's system is no Debian or Ubuntu (no /var/lib/dpkg): add a root file system of it by `grigri add-base`"
    )]
    NoDpkg,
    #[error("/etc/os-release does not say what system the host has")]
    NoRelease,
    #[error("archive {}: {fault}", .archive.display())]
    Archive { archive: PathBuf, fault: archive::Fault },
    #[error("archive {}: {why}", .archive.display())]
    NoRoot { archive: PathBuf, why: String },
    #[error("{0}")]
    Debootstrap(String),
    #[error("base {0:?} cannot be a name here: it is letters, digits, dots and dashes, an @, and the same again")]
    Name(String),
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
            let meta = entry.metadata().ok()?;
            let (kept, made) = (kept && meta.is_dir(), meta.modified().ok()?);
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

/// Whether a base can be the name of a directory, and nothing else.
fn check_name(base: &str) -> Result<(), Error> {
    let fine = |part: &str| {
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(letters) && part.len() <= 64
    };
    let named = base.split_once('@').is_some_and(|(name, version)| fine(name) && fine(version));
    if named { Ok(()) } else { Err(Error::Name(base.to_owned())) }
}

/// How an image is made that is not of the host's own files.
pub struct Making<'a> {
    pub images: &'a Path,
    pub base: &'a str,
    /// What stands in for `sudo` in an image that has none.
    pub sudo: Option<&'a Path>,
    /// Hears how far it is.
    pub say: &'a dyn Fn(&str),
}

impl Making<'_> {
    /// From an archive of a root file system. `unlike`: also if it says of itself that it is another base.
    pub fn from_archive(&self, archive: &Path, unlike: bool) -> Result<Image, Error> {
        check_name(self.base)?;
        (self.say)("reading the archive");
        let read = |error| Error::Archive { archive: archive.to_owned(), fault: archive::Fault::Read(error) };
        let version = digest(archive).map_err(read)?;
        let made = self.keep(&version, "archive", &archive.display().to_string(), |dir| {
            (self.say)("unpacking the archive");
            let limits = archive::Limits::OF_IMAGES;
            let fault = |fault| Error::Archive { archive: archive.to_owned(), fault };
            let unpacked = archive::unpack_file(archive, dir, &limits).map_err(fault)?;
            match adopt::check(dir, self.base) {
                Err(why) if !unlike || find_shell(dir).is_none() => {
                    return Err(Error::NoRoot { archive: archive.to_owned(), why });
                }
                _ => {}
            }
            Ok(Some(unpacked))
        })?;
        Ok(made)
    }

    /// By the host's `debootstrap`.
    pub fn from_debootstrap(&self, mirror: Option<&str>) -> Result<Image, Error> {
        check_name(self.base)?;
        let suite = debootstrap::suite(self.base).unwrap_or_default();
        self.keep("debootstrap", "debootstrap", suite, |dir| {
            debootstrap::make(self.base, dir, mirror, self.say).map_err(Error::Debootstrap).map(|()| None)
        })
    }

    /// Fills, settles, writes down, and then gives it its name.
    fn keep(
        &self,
        version: &str,
        source: &str,
        detail: &str,
        fill: impl FnOnce(&Path) -> Result<Option<archive::Unpacked>, Error>,
    ) -> Result<Image, Error> {
        let image = keep(self.images, self.base, version, |dir| {
            // Programs of a foreign system that run as root: nobody on the host may reach them.
            fs::set_permissions(self.images, fs::Permissions::from_mode(0o700)).map_err(at("close", self.images))?;
            let unpacked = fill(dir)?;
            adopt::settle(dir, self.sudo)?;
            (self.say)("writing to disk");
            let size = match unpacked {
                Some(unpacked) => Size { files: unpacked.files, bytes: unpacked.bytes },
                None => measure(dir).map_err(at("measure", dir))?,
            };
            let facts = Facts { source: source.to_owned(), detail: detail.to_owned(), size };
            facts.write(&facts_of(self.images, self.base, version))?;
            // A name that is there after a crash stands for files that are there too.
            let opened = fs::File::open(dir).map_err(at("open", dir))?;
            rustix::fs::syncfs(&opened).map_err(|errno| at("write to disk", dir)(errno.into()))
        })?;
        Ok(image)
    }
}

fn find_shell(dir: &Path) -> Option<PathBuf> {
    adopt::find(dir, "/bin/sh").filter(|shell| shell.is_file())
}

/// What is known of an image that was made of something else than the host's own files.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Facts {
    /// `archive`, `debootstrap`.
    pub source: String,
    /// The archive's path, the release's name.
    pub detail: String,
    #[serde(flatten)]
    pub size: Size,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Size {
    pub files: u64,
    pub bytes: u64,
}

impl Facts {
    fn write(&self, path: &Path) -> Result<(), Error> {
        let bytes = serde_json::to_vec_pretty(self).map_err(|error| at("write", path)(error.into()))?;
        files::replace(path, &bytes, 0o600).map_err(at("write", path))
    }
}

fn facts_of(images: &Path, base: &str, version: &str) -> PathBuf {
    images.join(format!(".{base}-{version}.json"))
}

/// What is written down of an image, if anything is.
pub fn facts(image: &Image) -> Option<Facts> {
    let name = image.dir.file_name()?.to_str()?;
    let bytes = fs::read(image.dir.with_file_name(format!(".{name}.json"))).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Takes an image away, for whoever made sure that nobody needs it. `used`: asked once more when it has lost its name already, since a
/// machine may have come in between; then it gets the name back, and `false` is the answer.
pub fn remove(image: &Image, used: impl FnOnce() -> bool) -> Result<bool, Error> {
    let images = image.dir.parent().unwrap_or(Path::new("/"));
    let lock = files::Lock::take(&images.join(".lock")).map_err(at("lock", images))?;
    let name = image.dir.file_name().unwrap_or_default().to_string_lossy();
    let aside = images.join(format!(".{name}.gone"));
    files::remove_tree(&aside).map_err(at("remove", &aside))?;
    fs::rename(&image.dir, &aside).map_err(at("set aside", &image.dir))?;
    if used() {
        fs::rename(&aside, &image.dir).map_err(at("put back", &image.dir))?;
        return Ok(false);
    }
    files::remove(&images.join(format!(".{name}.json"))).map_err(at("remove", images))?;
    files::remove_tree(&aside).map_err(at("remove", &aside))?;
    lock.remove().map_err(at("unlock", images))?;
    Ok(true)
}

/// The first ten digits of a file's SHA-256.
fn digest(file: &Path) -> io::Result<String> {
    let (mut file, mut hash) = (fs::File::open(file)?, Sha256::new());
    let mut buffer = vec![0; 1 << 20];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(hash.finalize().iter().take(5).map(|b| format!("{b:02x}")).collect()),
            got => hash.update(&buffer[..got]),
        }
    }
}

/// Files below a directory and their bytes; no link is followed.
fn measure(dir: &Path) -> io::Result<Size> {
    let mut size = Size::default();
    let mut waiting = vec![dir.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let meta = entry.metadata()?;
            match meta.is_dir() {
                true => waiting.push(entry.path()),
                false => {
                    size.files += 1;
                    size.bytes += if meta.is_file() { meta.len() } else { 0 };
                }
            }
        }
    }
    Ok(size)
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
        sweep(images)?;
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

/// Removes what interrupted work left; whoever has the lock is alone.
fn sweep(images: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(images).map_err(at("list", images))?.flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        if name.starts_with('.') && (name.ends_with(".new") || name.ends_with(".gone")) && path.is_dir() {
            files::remove_tree(&path).map_err(at("remove", &path))?;
        }
    }
    Ok(())
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
    fn what_was_interrupted_is_never_an_image_and_goes() {
        let dir = tempfile::tempdir().expect("tempdir");
        for left in [".own@1-1.new/etc", ".own@2-1.gone", "own@3"] {
            fs::create_dir_all(dir.path().join(left)).expect("made");
        }
        fs::write(dir.path().join("own@4-1"), "").expect("written");
        assert_eq!(all(dir.path()), []);
        keep(dir.path(), "debian@12", "1", |_| Ok(())).expect("keep");
        let mut names: Vec<_> =
            fs::read_dir(dir.path()).expect("there").flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        assert_eq!(names, [".lock", "debian@12-1", "own@3", "own@4-1"]);
        for (name, is_fine) in [
            ("debian@13", true),
            ("a.b-c@1.2", true),
            ("..@1", false),
            ("a@../b", false),
            ("a", false),
            ("@1", false),
            ("a@", false),
        ] {
            assert_eq!(check_name(name).is_ok(), is_fine, "{name}");
        }
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
