//! Disks of a machine beside its root: files of the host with a file system in them, and memory.
//! It knows no cloud. The surprise: the host never sees one mounted. They are mounted in the machine's own mount namespace, and a loop device lets
//! go of its file when nothing is mounted of it any more; so there is nothing to clean up but the file, whatever was killed when.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::FallocateFlags;
use rustix::io::Errno;
use rustix::mount::MountFlags;
use serde::{Deserialize, Serialize};

use crate::files;
use crate::plan::Dir;

/// One disk, as the plan has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// Part of a file's name: `volume-0-1`.
    pub name: String,
    /// Where the machine has it: `/mnt/disk0`.
    pub at: String,
    pub mib: u64,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A file of the host, all of it taken from the start.
    Reserved,
    /// A file of the host that grows up to its size.
    Thin,
    /// Empty after each start.
    Memory,
}

impl Disk {
    pub fn is_file(&self) -> bool {
        self.kind != Kind::Memory
    }
}

/// Smaller ones hold no file system to speak of.
pub const LEAST_MIB: u64 = 8;
/// Where programs that make file systems are.
const PATH: &str = "/usr/sbin:/sbin:/usr/bin:/bin";
const MAKES_FILE_SYSTEMS: &str = "mkfs.ext4";
const CONTROL: &str = "/dev/loop-control";
/// How long a device of an earlier run of the machine may take to let go of its file.
const PATIENCE: Duration = Duration::from_secs(15);
/// Others take free devices too.
const TRIES: usize = 64;

/// Why this host can give no disks that are files, with the cure; nothing when it can.
pub fn lacks() -> Option<String> {
    if !Path::new(CONTROL).exists() {
        return Some(format!(
            "there are no loop devices here ({CONTROL}): load them with `modprobe loop`, or give this container access to them"
        ));
    }
    if rustix::mount::fsopen("ext4", rustix::mount::FsOpenFlags::FSOPEN_CLOEXEC).is_err() {
        return Some("the kernel has no ext4: load it with `modprobe ext4`".to_owned());
    }
    let is_there = PATH.split(':').any(|dir| Path::new(dir).join(MAKES_FILE_SYSTEMS).exists());
    (!is_there).then(|| format!("there is no {MAKES_FILE_SYSTEMS} here: install e2fsprogs"))
}

/// Makes the files that are not there yet. One that was half made is made anew.
pub fn make(dir: &Dir, disks: &[Disk]) -> io::Result<()> {
    for disk in disks.iter().filter(|disk| disk.is_file()) {
        let place = dir.disk_file(&disk.name);
        if place.exists() {
            continue;
        }
        let beside = place.with_extension("new");
        files::remove(&beside)?;
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        if let Err(error) = fill(&file, disk).and_then(|()| format(&beside)) {
            files::remove(&beside)?;
            return Err(io::Error::new(error.kind(), format!("{}: {error}", disk.name)));
        }
        fs::rename(&beside, &place)?;
    }
    Ok(())
}

fn fill(file: &File, disk: &Disk) -> io::Result<()> {
    let size = disk.mib << 20;
    if disk.kind == Kind::Reserved {
        match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, size) {
            // A file system that cannot reserve: it grows then.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
            other => return Ok(other?),
        }
    }
    file.set_len(size)
}

fn format(file: &Path) -> io::Result<()> {
    // Discarding would give back what was reserved.
    let output = Command::new(MAKES_FILE_SYSTEMS)
        .args(["-q", "-F", "-m", "0", "-E", "nodiscard,root_owner=0:0"])
        .arg(file)
        .env_clear()
        .env("PATH", PATH)
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("run {MAKES_FILE_SYSTEMS} (of e2fsprogs): {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{MAKES_FILE_SYSTEMS}: {} {}", output.status, said.trim())))
}

/// Mounts the file system that is in a file. Must run in the machine's mount namespace: the device goes with the last mount.
pub fn mount(file: &Path, at: &Path) -> io::Result<()> {
    let (device, _open) = attach(file)?;
    Ok(rustix::mount::mount(&device, at, "ext4", MountFlags::NODEV, None)?)
}

/// Waits until the kernel has let go of the files: a little after the last process of the machine is gone.
pub fn settle(dir: &Dir, disks: &[Disk]) -> io::Result<()> {
    for disk in disks.iter().filter(|disk| disk.is_file()) {
        match fs::metadata(dir.disk_file(&disk.name)) {
            Ok(meta) => until_free(&meta)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn until_free(file: &fs::Metadata) -> io::Result<()> {
    let begun = Instant::now();
    while is_attached(file.dev(), file.ino()) {
        if begun.elapsed() > PATIENCE {
            return Err(io::Error::other("a loop device does not let go of a disk"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// The file as a device; it is let go of when neither the descriptor nor a mount of it is left.
fn attach(file: &Path) -> io::Result<(PathBuf, OwnedFd)> {
    let open = OpenOptions::new().read(true).write(true).open(file)?;
    // Two devices of one file would be two file systems that know nothing of each other.
    until_free(&open.metadata()?)?;
    let control = OpenOptions::new().read(true).write(true).open(CONTROL).map_err(at_path(Path::new(CONTROL)))?;
    for _ in 0..TRIES {
        let path = PathBuf::from(format!("/dev/loop{}", free_device(&control)?));
        let device = OpenOptions::new().read(true).write(true).open(&path).map_err(at_path(&path))?;
        match configure(&device, &open) {
            Ok(()) => return Ok((path, device.into())),
            // Somebody else was quicker.
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {}
            Err(error) => return Err(at_path(&path)(error)),
        }
    }
    Err(io::Error::other("no loop device stays free for long enough"))
}

fn at_path(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Whether a file is behind a device: of a run of the machine that has just ended, or of one that is not ours.
fn is_attached(device: u64, inode: u64) -> bool {
    let Ok(entries) = fs::read_dir("/sys/block") else { return false };
    let looped = entries.flatten().filter(|entry| entry.path().join("loop").exists());
    looped
        .filter_map(|entry| File::open(Path::new("/dev").join(entry.file_name())).ok())
        .any(|open| status(&open).is_ok_and(|info| info.lo_device == device && info.lo_inode == inode))
}

/// `struct loop_info64` of linux/loop.h.
#[repr(C)]
#[derive(Clone, Copy)]
struct Info {
    lo_device: u64,
    lo_inode: u64,
    lo_rdevice: u64,
    lo_offset: u64,
    lo_sizelimit: u64,
    lo_number: u32,
    lo_encrypt_type: u32,
    lo_encrypt_key_size: u32,
    lo_flags: u32,
    lo_file_name: [u8; 64],
    lo_crypt_name: [u8; 64],
    lo_encrypt_key: [u8; 32],
    lo_init: [u64; 2],
}

/// `struct loop_config`.
#[repr(C)]
struct Config {
    fd: u32,
    block_size: u32,
    info: Info,
    reserved: [u64; 8],
}

const NO_INFO: Info = Info {
    lo_device: 0,
    lo_inode: 0,
    lo_rdevice: 0,
    lo_offset: 0,
    lo_sizelimit: 0,
    lo_number: 0,
    lo_encrypt_type: 0,
    lo_encrypt_key_size: 0,
    lo_flags: 0,
    lo_file_name: [0; 64],
    lo_crypt_name: [0; 64],
    lo_encrypt_key: [0; 32],
    lo_init: [0; 2],
};

const LOOP_CTL_GET_FREE: libc::Ioctl = 0x4C82;
const LOOP_CONFIGURE: libc::Ioctl = 0x4C0A;
const LOOP_GET_STATUS64: libc::Ioctl = 0x4C05;
const LO_FLAGS_AUTOCLEAR: u32 = 4;

#[allow(unsafe_code, reason = "loop devices are spoken to by ioctl(2)")]
fn free_device(control: &File) -> io::Result<i32> {
    // SAFETY: it takes no argument.
    answer(unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE) })
}

#[allow(unsafe_code, reason = "loop devices are spoken to by ioctl(2)")]
fn configure(device: &File, file: &File) -> io::Result<()> {
    let fd = u32::try_from(file.as_raw_fd()).map_err(io::Error::other)?;
    let info = Info { lo_flags: LO_FLAGS_AUTOCLEAR, ..NO_INFO };
    let config = Config { fd, block_size: 0, info, reserved: [0; 8] };
    // SAFETY: the structure is the kernel's own and outlives the call.
    answer(unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE, &raw const config) }).map(drop)
}

#[allow(unsafe_code, reason = "loop devices are spoken to by ioctl(2)")]
fn status(device: &File) -> io::Result<Info> {
    let mut info = NO_INFO;
    // SAFETY: the structure is the kernel's own and outlives the call.
    answer(unsafe { libc::ioctl(device.as_raw_fd(), LOOP_GET_STATUS64, &raw mut info) })?;
    Ok(info)
}

fn answer(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_are_as_large_as_the_kernels() {
        assert_eq!((size_of::<Info>(), size_of::<Config>()), (232, 304));
    }

    #[test]
    fn a_file_is_made_once_whole_and_of_its_size() {
        if let Some(words) = lacks().filter(|_| !Path::new("/usr/sbin/mkfs.ext4").exists()) {
            let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("nothing is made here: {words}\n"));
            return;
        }
        let home = tempfile::tempdir().expect("a folder");
        let dir = Dir(home.path().to_owned());
        let disk = |name: &str, kind| Disk { name: name.into(), at: "/mnt/x".into(), mib: LEAST_MIB, kind };
        let disks = [disk("a", Kind::Reserved), disk("b", Kind::Thin), disk("c", Kind::Memory)];
        fs::create_dir_all(home.path().join("disks")).expect("made");
        fs::write(home.path().join("disks/a.new"), "half").expect("written");
        make(&dir, &disks).expect("made");
        let mut names: Vec<_> =
            fs::read_dir(home.path().join("disks")).expect("there").flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        assert_eq!(names, ["a.img", "b.img"]);
        let meta = |name: &str| fs::metadata(dir.disk_file(name)).expect("there");
        assert_eq!((meta("a").len(), meta("b").len()), (LEAST_MIB << 20, LEAST_MIB << 20));
        assert!(meta("a").blocks() * 512 >= LEAST_MIB << 20, "taken from the start");
        assert!(meta("b").blocks() * 512 < LEAST_MIB << 20, "taken when it is written");
        let before = meta("a").ino();
        make(&dir, &disks).expect("nothing to do");
        assert_eq!(meta("a").ino(), before);
    }
}
