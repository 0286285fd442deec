//! What lies beside the binary that is shipped: its man pages, and the scripts that complete command lines. The program makes them
//! itself, so they cannot speak of another version of it.

use std::fs;
use std::path::Path;

use crate::command::Error;

/// Each shell, and what the file is called where that shell looks for it.
const SCRIPTS: &[(&str, &str)] = &[("bash", "grigri.bash"), ("zsh", "_grigri"), ("fish", "grigri.fish")];

/// Writes `man/man1/*.1` and `completion/*` into `folder`, in place of those that are there; how many pages there are. `ask` runs the
/// program with these words and gives what it prints.
pub fn write(folder: &Path, ask: impl Fn(&[&str]) -> Result<String, Error>) -> Result<usize, Error> {
    let (man, completion) = (folder.join("man"), folder.join("completion"));
    let failed = |e: std::io::Error| Error::failed(format!("cannot write below {}: {e}", folder.display()));
    for old in [&man, &completion] {
        match fs::remove_dir_all(old) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(e)),
            _ => {}
        }
    }
    fs::create_dir_all(man.join("man1")).and_then(|()| fs::create_dir_all(&completion)).map_err(failed)?;
    ask(&["documentation", "--man", "--out", &man.to_string_lossy()])?;
    for (shell, file) in SCRIPTS {
        fs::write(completion.join(file), ask(&["completion", shell])?).map_err(failed)?;
    }
    match fs::read_dir(man.join("man1")).map_err(failed)?.count() {
        0 => Err(Error::failed("the program wrote no man page")),
        pages => Ok(pages),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that writes these pages.
    fn program(pages: &'static [&'static str]) -> impl Fn(&[&str]) -> Result<String, Error> {
        move |words| match words {
            ["completion", shell] => Ok(format!("# {shell}\n")),
            ["documentation", "--man", "--out", folder] => {
                for page in pages {
                    fs::write(Path::new(folder).join("man1").join(page), ".TH").expect("written");
                }
                Ok(String::new())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn pages_and_scripts_take_the_place_of_older_ones() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("man/man1")).expect("made");
        fs::write(folder.path().join("man/man1/old.1"), "").expect("written");
        assert_eq!(write(folder.path(), program(&["a.1", "b.1"])).ok(), Some(2));
        assert!(!folder.path().join("man/man1/old.1").exists());
        assert_eq!(fs::read_to_string(folder.path().join("completion/_grigri")).expect("there"), "# zsh\n");
    }

    #[test]
    fn a_program_without_pages_is_not_shipped() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(write(folder.path(), program(&[])).is_err());
    }
}
