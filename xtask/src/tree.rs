//! Where things lie: the repository's root, its files as git lists them, and the folder of built programs.

use std::path::{Path, PathBuf};

use crate::command::Error;
use crate::run;

/// The repository's root. xtask always runs through `cargo run`, so the place it was compiled from is the place it works on.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Where cargo put xtask itself, and so the product's debug build.
pub fn debug_folder() -> Result<PathBuf, Error> {
    let me = std::env::current_exe().map_err(|e| Error::failed(format!("cannot find this program's own path: {e}")))?;
    me.parent().map(Path::to_path_buf).ok_or_else(|| Error::failed(format!("{} lies in no folder", me.display())))
}

pub fn debug_binary() -> Result<PathBuf, Error> {
    Ok(debug_folder()?.join("grigri"))
}

/// The release build lies beside the debug one, whatever `CARGO_TARGET_DIR` and the target triple are.
pub fn release_binary() -> Result<PathBuf, Error> {
    Ok(debug_folder()?.with_file_name("release").join("grigri"))
}

/// The folder `target`, for what xtask makes itself.
pub fn target() -> Result<PathBuf, Error> {
    let debug = debug_folder()?;
    // target/TRIPLE/debug, since .cargo/config.toml names the target; target/debug if somebody unset it.
    let above = debug.parent().unwrap_or(&debug);
    let is_triple = above.file_name().is_some_and(|name| name.to_string_lossy().contains('-'));
    let target = if is_triple { above.parent().unwrap_or(above) } else { above };
    Ok(target.to_path_buf())
}

/// The recordings of stock commands, which lie outside the repository: `GRIGRI_GOLDEN`, else `../shared/golden`.
pub fn golden() -> PathBuf {
    std::env::var_os("GRIGRI_GOLDEN").map_or_else(|| root().join("../shared/golden"), PathBuf::from)
}

/// Every file of the repository that is tracked, or new and not ignored; relative to the root, sorted.
pub fn files() -> Result<Vec<PathBuf>, Error> {
    let listed = run::read("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"], &root())?;
    let mut files: Vec<PathBuf> = listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
    files.retain(|file| root().join(file).is_file());
    files.sort();
    files.dedup();
    Ok(files)
}
