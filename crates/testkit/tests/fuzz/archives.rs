//! Archives of root file systems that an operator adds as bases: unpacked, nothing may come to lie outside, whatever they say.
//! The surprise: a header has a checksum that mutation never gets right, so most inputs are made of whole entries with evil names.

use std::fs;
use std::path::Path;

use container::image::archive::{Limits, unpack};

use crate::engine::dice::Dice;
use crate::engine::{Target, sentence};

const LIMITS: Limits = Limits { entries: 40, bytes: 100_000, reserve: 0 };
const NAMES: &[&str] = &[
    "a",
    "b",
    "a/b",
    "./a/",
    "/a",
    "../a",
    "a/../b",
    "a/../../b",
    "..",
    ".",
    "",
    "//",
    "b/c/d",
    "etc",
    "etc/passwd",
    "a\nb",
];
const LINKS: &[&str] = &["a", "/", "/etc", "..", "../..", "a/b", "/tmp", "b/../..", ".", ""];
const KINDS: &[u8] = b"00002215534671xLKgVS?\0";

pub fn archives() -> Target {
    Target::new(|input| {
        let outer = tempfile::tempdir().expect("a directory");
        let root = outer.path().join("root");
        fs::create_dir(&root).expect("made");
        fs::write(outer.path().join("a"), "untouched").expect("written");
        match unpack(input, &root, &LIMITS) {
            Ok(done) => assert!(done.files <= LIMITS.entries && done.bytes <= LIMITS.bytes),
            Err(fault) => sentence(&fault.to_string(), input),
        }
        let names: Vec<_> =
            fs::read_dir(outer.path()).expect("there").flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
        assert_eq!(fs::read_to_string(outer.path().join("a")).expect("there"), "untouched");
        assert!(weight(&root) <= LIMITS.bytes);
    })
    .cases(200)
    .make(archive)
}

/// Bytes of all files below, links not followed.
fn weight(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).expect("a directory of ours").flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => weight(&entry.path()),
            Ok(meta) if meta.is_file() => meta.len(),
            _ => 0,
        })
        .sum()
}

fn archive(dice: &mut Dice) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..dice.below(12) {
        let data = vec![b'x'; dice.below(1500)];
        let (name, link): (&str, &str) = (dice.pick::<&str>(NAMES), dice.pick::<&str>(LINKS));
        bytes.extend(entry(name, *dice.pick(KINDS), link, &data));
    }
    if !dice.one_in(8) {
        bytes.extend([0; 1024]);
    }
    bytes
}

fn entry(path: &str, kind: u8, link: &str, data: &[u8]) -> Vec<u8> {
    let mut header = [0u8; 512];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, path.as_bytes());
    for (at, number) in [(100, "0000755"), (108, "0000000"), (116, "0000000"), (136, "00000000000"), (148, "       ")] {
        put(at, number.as_bytes());
    }
    put(124, format!("{:011o}", data.len()).as_bytes());
    put(155, b" ");
    put(156, &[kind]);
    put(157, link.as_bytes());
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut bytes = header.to_vec();
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}
