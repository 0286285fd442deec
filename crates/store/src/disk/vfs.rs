//! A disk of ours as a file layer (VFS) of SQLite.
//!
//! It translates and decides nothing. The surprise: a layer is never freed, since a connection of a failed test may still hold it; its
//! disk is emptied, and the process ends soon.
#![allow(unsafe_code, reason = "callbacks of a C library")]
#![allow(non_snake_case, reason = "SQLite's own names")]

use super::{Disk, Errno, Step};
use rusqlite::ffi;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};

static NUMBER: AtomicU64 = AtomicU64::new(1);

/// The layer of one disk, known to SQLite by a name of its own until dropped.
pub struct Layer {
    name: &'static str,
    vfs: *mut ffi::sqlite3_vfs,
}

// SAFETY: only its address is used, for SQLite's list of layers, which has a lock of its own.
unsafe impl Send for Layer {}
// SAFETY: the same.
unsafe impl Sync for Layer {}

impl Layer {
    pub fn register(disk: Arc<Disk>) -> Layer {
        let name = format!("disk-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let c_name = CString::new(name.clone()).unwrap_or_default();
        // SAFETY: after initialization there is a default layer; ours lives for ever, with callbacks that fit it.
        let vfs = unsafe {
            ffi::sqlite3_initialize();
            let mut vfs = *ffi::sqlite3_vfs_find(std::ptr::null());
            vfs.iVersion = 2;
            vfs.szOsFile = size_of::<Opened>() as c_int;
            vfs.mxPathname = 1024;
            vfs.pNext = std::ptr::null_mut();
            vfs.zName = c_name.into_raw();
            vfs.pAppData = Arc::into_raw(disk).cast_mut().cast();
            vfs.xOpen = Some(open);
            vfs.xDelete = Some(delete);
            vfs.xAccess = Some(access);
            vfs.xFullPathname = Some(full_path);
            vfs.xGetLastError = Some(last_error);
            let vfs = Box::into_raw(Box::new(vfs));
            ffi::sqlite3_vfs_register(vfs, 0);
            vfs
        };
        Layer { name: name.leak(), vfs }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl Drop for Layer {
    fn drop(&mut self) {
        // SAFETY: it was registered, and unregistering only takes it off a list.
        unsafe { ffi::sqlite3_vfs_unregister(self.vfs) };
    }
}

/// What SQLite keeps for an open file.
#[repr(C)]
struct Opened {
    base: ffi::sqlite3_file,
    disk: *const Disk,
    file: usize,
    who: u64,
    anonymous: bool,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

fn code(step: Step, errno: Errno) -> c_int {
    match (errno, step) {
        // As on a real disk: only a write or a bigger file says so by itself.
        (Errno::NoSpace, Step::Write) => ffi::SQLITE_FULL,
        (_, Step::Open) => ffi::SQLITE_CANTOPEN,
        (_, Step::Read) => ffi::SQLITE_IOERR_READ,
        (_, Step::Write) => ffi::SQLITE_IOERR_WRITE,
        (_, Step::Truncate) => ffi::SQLITE_IOERR_TRUNCATE,
        (_, Step::Sync) => ffi::SQLITE_IOERR_FSYNC,
        (_, Step::Delete) => ffi::SQLITE_IOERR_DELETE,
        (_, Step::Share) => ffi::SQLITE_IOERR_SHMSIZE,
    }
}

fn outcome(step: Step, done: Result<(), Errno>) -> c_int {
    done.map_or_else(|errno| code(step, errno), |()| ffi::SQLITE_OK)
}

// SAFETY of all below: SQLite calls them with what `register` and `open` gave it, a file only between open and close, one call at a time.

unsafe fn disk<'a>(vfs: *mut ffi::sqlite3_vfs) -> &'a Disk {
    unsafe { &*(*vfs).pAppData.cast::<Disk>() }
}

unsafe fn name<'a>(name: *const c_char) -> Option<&'a str> {
    (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_str().unwrap_or_default())
}

unsafe fn opened<'a>(file: *mut ffi::sqlite3_file) -> (&'a Opened, &'a Disk) {
    unsafe {
        let opened = &*file.cast::<Opened>();
        (opened, &*opened.disk)
    }
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    path: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    unsafe {
        (*file).pMethods = std::ptr::null();
        let (disk, path) = (disk(vfs), name(path));
        // The database file itself is made by the data directory, durably, before SQLite opens it.
        let main = flags & ffi::SQLITE_OPEN_MAIN_DB != 0;
        match disk.open(path, main || flags & ffi::SQLITE_OPEN_CREATE != 0, main) {
            Ok(number) => {
                let base = ffi::sqlite3_file { pMethods: &raw const METHODS };
                let who = NUMBER.fetch_add(1, Ordering::Relaxed);
                file.cast::<Opened>().write(Opened { base, disk, file: number, who, anonymous: path.is_none() });
                if !out.is_null() {
                    *out = flags;
                }
                ffi::SQLITE_OK
            }
            Err(errno) => code(Step::Open, errno),
        }
    }
}

unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, path: *const c_char, at_once: c_int) -> c_int {
    match unsafe { disk(vfs).delete(name(path).unwrap_or_default(), at_once != 0) } {
        Ok(true) => ffi::SQLITE_OK,
        Ok(false) => ffi::SQLITE_IOERR_DELETE_NOENT,
        Err(errno) => code(Step::Delete, errno),
    }
}

unsafe extern "C" fn access(
    vfs: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    _flags: c_int,
    answer: *mut c_int,
) -> c_int {
    unsafe {
        let (disk, path) = (disk(vfs), name(path).unwrap_or_default());
        // An empty file is as good as none, as SQLite's own layer has it.
        *answer = c_int::from(disk.exists(path));
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_path(
    _vfs: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    unsafe {
        let bytes = CStr::from_ptr(path).to_bytes_with_nul();
        if bytes.len() > room as usize {
            return ffi::SQLITE_CANTOPEN;
        }
        out.copy_from_nonoverlapping(bytes.as_ptr().cast(), bytes.len());
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn last_error(vfs: *mut ffi::sqlite3_vfs, _room: c_int, _words: *mut c_char) -> c_int {
    match unsafe { disk(vfs) }.inner().errno {
        Some(Errno::Io) => 5,
        Some(Errno::NoSpace) => 28,
        Some(Errno::ReadOnly) => 30,
        Some(Errno::Quota) => 122,
        None => 0,
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let (opened, disk) = unsafe { opened(file) };
    let mut inner = disk.inner();
    let file = &mut inner.files[opened.file];
    file.locks.lower(opened.who, 0);
    file.shared.unmap(opened.who);
    if opened.anonymous {
        *file = super::File::default();
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, buffer: *mut c_void, count: c_int, at: i64) -> c_int {
    let (opened, disk) = unsafe { opened(file) };
    let buffer = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), count as usize) };
    match disk.read(opened.file, at as usize, buffer) {
        Ok(read) if read == buffer.len() => ffi::SQLITE_OK,
        Ok(_) => ffi::SQLITE_IOERR_SHORT_READ,
        Err(errno) => code(Step::Read, errno),
    }
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, bytes: *const c_void, count: c_int, at: i64) -> c_int {
    let (opened, disk) = unsafe { opened(file) };
    let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), count as usize) };
    outcome(Step::Write, disk.write(opened.file, at as usize, bytes))
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: i64) -> c_int {
    let (opened, disk) = unsafe { opened(file) };
    outcome(Step::Truncate, disk.truncate(opened.file, length as usize))
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    let (opened, disk) = unsafe { opened(file) };
    outcome(Step::Sync, disk.sync(opened.file))
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut i64) -> c_int {
    let (opened, disk) = unsafe { opened(file) };
    unsafe { *size = disk.length(opened.file) as i64 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    let (opened, disk) = unsafe { opened(file) };
    let raised = disk.inner().files[opened.file].locks.raise(opened.who, level);
    if raised { ffi::SQLITE_OK } else { ffi::SQLITE_BUSY }
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    let (opened, disk) = unsafe { opened(file) };
    disk.inner().files[opened.file].locks.lower(opened.who, level);
    ffi::SQLITE_OK
}

unsafe extern "C" fn reserved(file: *mut ffi::sqlite3_file, answer: *mut c_int) -> c_int {
    let (opened, disk) = unsafe { opened(file) };
    unsafe { *answer = c_int::from(disk.inner().files[opened.file].locks.reserved()) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    4096
}

unsafe extern "C" fn characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    index: c_int,
    size: c_int,
    make: c_int,
    out: *mut *mut c_void,
) -> c_int {
    let (opened, disk) = unsafe { opened(file) };
    if size != 32768 {
        return ffi::SQLITE_IOERR_SHMMAP;
    }
    let (who, number, index) = (opened.who, opened.file, index as usize);
    let mut inner = disk.inner();
    let grows = make != 0 && !inner.files[number].shared.has(index);
    let map = |inner: &mut super::Inner| Ok(inner.files[number].shared.map(who, index, make != 0));
    let mapped = if grows { inner.step(Step::Share, map) } else { map(&mut inner) };
    match mapped {
        Ok(region) => {
            unsafe { *out = region.unwrap_or(std::ptr::null_mut()).cast() };
            ffi::SQLITE_OK
        }
        Err(errno) => code(Step::Share, errno),
    }
}

unsafe extern "C" fn shm_lock(file: *mut ffi::sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    let (opened, disk) = unsafe { opened(file) };
    let slots = first as usize..(first + count) as usize;
    let mut inner = disk.inner();
    let shared = &mut inner.files[opened.file].shared;
    if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
        shared.unlock(opened.who, slots);
        return ffi::SQLITE_OK;
    }
    let locked = shared.lock(opened.who, slots, flags & ffi::SQLITE_SHM_EXCLUSIVE != 0);
    if locked { ffi::SQLITE_OK } else { ffi::SQLITE_BUSY }
}

unsafe extern "C" fn shm_barrier(_: *mut ffi::sqlite3_file) {
    fence(Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, _delete: c_int) -> c_int {
    let (opened, disk) = unsafe { opened(file) };
    disk.inner().files[opened.file].shared.unmap(opened.who);
    ffi::SQLITE_OK
}
