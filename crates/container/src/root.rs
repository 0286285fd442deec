//! The root file system of a machine: read-only layers, and above them a disk of its own.
//! It knows no container. The surprise: where the kernel can, layers are mounted with shifted ids, so files that root of the host owns are owned by
//! root of the machine, who is nobody on the host; the disk's files belong to that nobody in truth.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount_change, move_mount,
    open_tree, unmount,
};
use rustix::thread::UnshareFlags;

use crate::disks;
use crate::plan::{Dir, IDS, Plan};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{what} {path}: {source}")]
    Path { what: &'static str, path: PathBuf, source: io::Error },
    #[error("{what}: {source}")]
    Step { what: &'static str, source: io::Error },
}

fn step<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> Error {
    move |error| Error::Step { what, source: error.into() }
}

fn path<E: Into<io::Error>>(what: &'static str, path: &Path) -> impl FnOnce(E) -> Error {
    let path = path.to_owned();
    move |error| Error::Path { what, path, source: error.into() }
}

#[derive(Debug)]
pub struct Root {
    pub path: PathBuf,
    /// The first of the host's ids, if ids are shifted.
    pub ids: Option<u32>,
}

/// Whether the kernel has overlayfs. It is asked for a file system rather than for its list, which holds only what was used since boot: asking loads
/// the module.
pub fn has_overlay() -> bool {
    rustix::mount::fsopen("overlay", rustix::mount::FsOpenFlags::FSOPEN_CLOEXEC).is_ok()
}

/// Mounts it in a mount namespace of this process's own. The process must have one thread.
pub fn mount_namespace() -> Result<(), Error> {
    alone()?;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .map_err(step("keep mounts to ourselves"))
}

#[allow(unsafe_code, reason = "unshare(2) is unsafe only for shared file tables, which stay as they are")]
fn alone() -> Result<(), Error> {
    // SAFETY: a mount namespace of its own changes nothing about memory or descriptors.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }.map_err(step("make a mount namespace"))
}

pub fn mount_root(dir: &Dir, plan: &Plan) -> Result<Root, Error> {
    for made in [dir.upper(), dir.work(), dir.stage()] {
        fs::create_dir_all(&made).map_err(path("make", &made))?;
    }
    if let Some(first) = plan.ids {
        // Before the overlay exists: it remembers whose its own root was, and would not let the machine's root write there.
        give(&dir.upper(), first)?;
        match assemble(dir, plan, Some(first)) {
            Ok(root) => {
                own_disk(dir, first)?;
                return Ok(root);
            }
            // A kernel or a file system that cannot shift ids: the other walls have to do.
            Err(_) => {
                while unmount(dir.stage(), UnmountFlags::DETACH).is_ok() {}
                give(&dir.upper(), 0)?;
            }
        }
    }
    assemble(dir, plan, None)
}

/// See [`mount_namespace`] and [`mount_root`].
pub fn mount(dir: &Dir, plan: &Plan) -> Result<Root, Error> {
    mount_namespace()?;
    mount_root(dir, plan)
}

fn assemble(dir: &Dir, plan: &Plan, ids: Option<u32>) -> Result<Root, Error> {
    let stage = dir.stage();
    self::mount_tmpfs(&stage)?;
    let namespace = ids.map(user_namespace).transpose()?;
    let mut lower = Vec::new();
    for (number, layer) in plan.layers.iter().enumerate() {
        let name = format!("l{number}");
        bind(layer, &stage.join(&name), namespace.as_ref())?;
        lower.push(name);
    }
    // Not shifted as the layers are: whoever mounts an overlay must be able to write to its disk as himself. Its files belong to the shifted ids.
    bind(&dir.disk(), &stage.join("disk"), None)?;
    for (number, disk) in plan.disks.iter().enumerate().filter(|(_, disk)| disk.is_file()) {
        let (file, at) = (dir.disk_file(&disk.name), dir.mounted(number));
        let bare = at.with_extension("bare");
        fs::create_dir(&bare).map_err(path("make", &bare))?;
        disks::mount(&file, &bare).map_err(path("mount a disk on", &bare))?;
        bind(&bare, &at, namespace.as_ref())?;
    }
    let root = stage.join("root");
    fs::create_dir(&root).map_err(path("make", &root))?;
    // Names relative to here: the whole of the options must fit in a page, and a path may hold a colon.
    let back = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    std::env::set_current_dir(&stage).map_err(path("enter", &stage))?;
    let options =
        format!("lowerdir={},upperdir=disk/upper,workdir=disk/work,index=off,metacopy=off,xino=off", lower.join(":"));
    let options = std::ffi::CString::new(options).map_err(step("lay the layers over each other"))?;
    let mounted = rustix::mount::mount("overlay", "root", "overlay", MountFlags::NODEV, Some(options.as_c_str()));
    let returned = std::env::set_current_dir(&back);
    mounted.map_err(step("lay the layers over each other (overlayfs)"))?;
    returned.map_err(path("enter", &back))?;
    // The kernel says so in its log only: it could not write to the disk, and would let nobody else.
    let flags = rustix::fs::statvfs(&root).map_err(|errno| step("look at the root")(errno))?.f_flag;
    if flags.contains(rustix::fs::StatVfsMountFlags::RDONLY) {
        return Err(step("lay the layers over each other: the disk's file system cannot hold one (overlayfs)")(
            Errno::ROFS,
        ));
    }
    Ok(Root { path: root, ids })
}

fn mount_tmpfs(at: &Path) -> Result<(), Error> {
    rustix::mount::mount("tmpfs", at, "tmpfs", MountFlags::NODEV | MountFlags::NOSUID, Some(c"mode=755,size=64k"))
        .map_err(path("mount a stage on", at))
}

/// Shows a directory a second time at `to`, its ids shifted if a namespace is given.
fn bind(from: &Path, to: &Path, namespace: Option<&OwnedFd>) -> Result<(), Error> {
    fs::create_dir(to).map_err(path("make", to))?;
    let tree = open_tree(CWD, from, OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC)
        .map_err(path("open", from))?;
    if let Some(namespace) = namespace {
        shift(&tree, namespace).map_err(path("shift the ids of", from))?;
    }
    move_mount(&tree, "", CWD, to, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).map_err(path("mount", from))
}

#[allow(unsafe_code, reason = "mount_setattr(2) has no safe wrapper")]
fn shift(tree: &OwnedFd, namespace: &OwnedFd) -> Result<(), Errno> {
    let attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_IDMAP,
        attr_clr: 0,
        propagation: 0,
        userns_fd: namespace.as_raw_fd() as u64,
    };
    // SAFETY: the structure outlives the call and its size is given.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::INVAL)) }
}

/// Gives the files that were written to the disk from outside to the machine's own ids; once, as after that it does so itself.
fn own_disk(dir: &Dir, first: u32) -> Result<(), Error> {
    let done = dir.shifted();
    if fs::read_to_string(&done).is_ok_and(|text| text == first.to_string()) {
        return Ok(());
    }
    own(&dir.upper(), first)?;
    fs::write(&done, first.to_string()).map_err(path("write", &done))
}

/// Makes a directory that of an id, alone, without what is in it.
fn give(at: &Path, to: u32) -> Result<(), Error> {
    std::os::unix::fs::lchown(at, Some(to), Some(to)).map_err(path("give away", at))
}

/// What an interrupted run gave away already is left alone.
fn own(at: &Path, first: u32) -> Result<(), Error> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
    let meta = fs::symlink_metadata(at).map_err(path("look at", at))?;
    let shifted = |id: u32| if id < IDS { id + first } else { id };
    lchown(at, Some(shifted(meta.uid())), Some(shifted(meta.gid()))).map_err(path("give away", at))?;
    if meta.is_dir() {
        for entry in fs::read_dir(at).map_err(path("list", at))? {
            own(&entry.map_err(path("list", at))?.path(), first)?;
        }
    } else if meta.mode() & 0o6000 != 0 && meta.is_file() {
        // Giving a file away takes these bits.
        fs::set_permissions(at, fs::Permissions::from_mode(meta.mode() & 0o7777))
            .map_err(path("set the mode of", at))?;
    }
    Ok(())
}

/// A user namespace that says how ids are shifted. It outlives the process that it is made with, which does nothing else.
#[allow(unsafe_code, reason = "a namespace needs a process to be made in, before any thread exists")]
fn user_namespace(first: u32) -> Result<OwnedFd, Error> {
    let what = "make a user namespace";
    let (ready_reader, ready_writer) = io::pipe().map_err(step(what))?;
    let (done_reader, done_writer) = io::pipe().map_err(step(what))?;
    // SAFETY: this process has one thread; the child only makes system calls.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: as above; it leaves by _exit, so nothing of the parent's is run twice.
        unsafe {
            libc::close(done_writer.as_raw_fd());
            let made = libc::unshare(libc::CLONE_NEWUSER) == 0;
            let word = [u8::from(made)];
            libc::write(ready_writer.as_raw_fd(), word.as_ptr().cast(), 1);
            let mut byte = [0u8];
            libc::read(done_reader.as_raw_fd(), byte.as_mut_ptr().cast(), 1);
            libc::_exit(0);
        }
    }
    if pid < 0 {
        return Err(step(what)(io::Error::last_os_error()));
    }
    drop((ready_writer, done_reader));
    let describe = || -> io::Result<OwnedFd> {
        let mut word = [0u8];
        io::Read::read_exact(&mut &ready_reader, &mut word)?;
        if word[0] == 0 {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let map = format!("0 {first} {IDS}\n");
        fs::write(format!("/proc/{pid}/uid_map"), &map)?;
        fs::write(format!("/proc/{pid}/gid_map"), &map)?;
        Ok(fs::File::open(format!("/proc/{pid}/ns/user"))?.into())
    };
    let described = describe();
    drop(done_writer);
    // SAFETY: our own child, waited for once.
    unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
    described.map_err(step(what))
}
