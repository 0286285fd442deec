//! A tar archive in gzip, in memory: what was gathered, each file within bounds.
//!
//! Must not know what is in the files. The surprise: it never fails on what it is given. What is too long is cut, what is too much is left out,
//! and both are told in a file of their own, so that nobody looks for what cannot be there.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Bytes of one file.
pub(super) const MOST_FILE: usize = 8 << 20;
/// Bytes of all files.
pub(super) const MOST_ALL: usize = 64 << 20;
/// The folder that all is in.
const FOLDER: &str = "bug-report";
const BLOCK: usize = 512;

/// What of a text stays that is too long.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    Beginning,
    /// Of a log the newest is wanted.
    End,
}

#[derive(Default)]
pub(super) struct Archive {
    files: Vec<(String, Vec<u8>)>,
    size: usize,
    /// What is not as it should be, a line each.
    notes: Vec<String>,
}

impl Archive {
    pub(super) fn add(&mut self, name: &str, text: &str, keep: Keep) {
        let name = plain(name);
        let mut bytes = text.as_bytes();
        if bytes.len() > MOST_FILE {
            self.note(format!("{name} was cut: it had {} bytes", bytes.len()));
            bytes = match keep {
                Keep::Beginning => &bytes[..MOST_FILE],
                Keep::End => &bytes[bytes.len() - MOST_FILE..],
            };
        }
        if self.size + bytes.len() > MOST_ALL {
            return self
                .note(format!("{name} was left out: the report is large enough without its {} bytes", bytes.len()));
        }
        self.size += bytes.len();
        self.files.push((name, bytes.to_vec()));
    }

    pub(super) fn note(&mut self, line: impl Into<String>) {
        self.notes.push(line.into());
    }

    /// The archive's bytes; `about` is its first file, before the notes. `now`: seconds since 1970.
    pub(super) fn finish(self, about: &str, now: i64) -> io::Result<Vec<u8>> {
        let mut about = about.to_owned();
        if !self.notes.is_empty() {
            about.push_str("\nMissing or cut:\n");
            self.notes.iter().for_each(|note| about.push_str(&format!("- {note}\n")));
        }
        let mut tar = GzEncoder::new(Vec::new(), Compression::default());
        let first = [("README.txt".to_owned(), about.into_bytes())];
        for (name, bytes) in first.iter().chain(&self.files) {
            tar.write_all(&header(&format!("{FOLDER}/{name}"), bytes.len(), now))?;
            tar.write_all(bytes)?;
            tar.write_all(&vec![0; bytes.len().next_multiple_of(BLOCK) - bytes.len()])?;
        }
        tar.write_all(&[0; 2 * BLOCK])?;
        tar.finish()
    }
}

/// A path below the folder, short enough for a header, whatever the names in it say.
fn plain(name: &str) -> String {
    let parts = name.split('/').map(|part| {
        let fine = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@') { c } else { '_' };
        let part: String = part.chars().map(fine).take(60).collect();
        if part.chars().all(|c| c == '.') { "_".to_owned() } else { part }
    });
    let mut whole = parts.collect::<Vec<_>>().join("/");
    whole.truncate(80);
    whole
}

/// A header of a plain file, in the form that POSIX has for it (ustar).
fn header(name: &str, size: usize, now: i64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &name.as_bytes()[..name.len().min(100)]);
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, format!("{:011o}\0", now.clamp(0, 0o77_777_777_777)).as_bytes());
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// Reads an archive that was made here.
#[cfg(test)]
pub(crate) fn read(bytes: &[u8]) -> Vec<(String, String)> {
    use std::io::Read;
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut tar).expect("gzip");
    let (mut files, mut rest) = (Vec::new(), &*tar);
    while rest[0] != 0 {
        let text =
            |range: std::ops::Range<usize>| String::from_utf8_lossy(&rest[range]).trim_matches(['\0', ' ']).to_owned();
        let size = usize::from_str_radix(&text(124..136), 8).expect("octal");
        files.push((text(0..100), String::from_utf8_lossy(&rest[BLOCK..BLOCK + size]).into_owned()));
        rest = &rest[BLOCK + size.next_multiple_of(BLOCK)..];
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_and_bounds_are_told() {
        let mut archive = Archive::default();
        archive.add("a/b.txt", "hello", Keep::Beginning);
        archive.add("../../etc/x y", "", Keep::Beginning);
        archive.add("log", &format!("old{}", "x".repeat(MOST_FILE)), Keep::End);
        for number in 0..8 {
            archive.add(&format!("big-{number}"), &"y".repeat(MOST_FILE), Keep::Beginning);
        }
        archive.note("nobody answered");
        let bytes = archive.finish("about\n", 1_700_000_000).expect("in memory");
        assert!(bytes.len() < 1 << 20, "it is packed: {}", bytes.len());
        let files = read(&bytes);
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            &names[..4],
            ["bug-report/README.txt", "bug-report/a/b.txt", "bug-report/_/_/etc/x_y", "bug-report/log"]
        );
        assert_eq!((files[1].1.as_str(), files[2].1.as_str()), ("hello", ""));
        assert!(files[3].1.len() == MOST_FILE && !files[3].1.contains("old"), "the newest of a log stays");
        let about = &files[0].1;
        assert!(about.starts_with("about\n\nMissing or cut:\n- log was cut: it had 8388611 bytes\n"), "{about}");
        assert!(about.contains("- big-7 was left out") && about.ends_with("- nobody answered\n"), "{about}");
        assert!(!names.contains(&"bug-report/big-7"));
    }

    #[test]
    fn tar_itself_reads_it() {
        let mut archive = Archive::default();
        archive.add("models/m/status.json", "{}\n", Keep::Beginning);
        let folder = std::env::temp_dir().join(format!("grigri-archive-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("made");
        let file = folder.join("a.tar.gz");
        std::fs::write(&file, archive.finish("about\n", 1_700_000_000).expect("made")).expect("written");
        let listed = std::process::Command::new("tar").arg("-tzvf").arg(&file).output();
        std::fs::remove_dir_all(&folder).expect("removed");
        // Where there is no tar, the reader above has to do.
        let Ok(listed) = listed else { return };
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        assert!(
            listed.status.success()
                && text.contains("3 2023-11-14")
                && text.contains("bug-report/models/m/status.json"),
            "{text}"
        );
    }
}
