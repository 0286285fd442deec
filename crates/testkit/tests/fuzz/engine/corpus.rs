//! Where inputs lie: seeds and crashes in the repository beside this, what a long run learned under `target`.
//! The surprise: short seeds stand together in one file `NAME.lines`, one a line with `\n`, `\t`, `\\` and `\xNN` for what a line cannot hold;
//! long ones, and all that ever failed, are files of their own in the folder `NAME`.

use std::fs;
use std::path::{Path, PathBuf};

pub struct Corpus {
    name: String,
    folder: PathBuf,
    seeds: Vec<Vec<u8>>,
}

/// More than this is not kept in memory: the oldest that was learned makes room.
const MOST: usize = 4000;

impl Corpus {
    pub fn open(name: &str) -> Corpus {
        let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
        let lines = fs::read_to_string(all.join(format!("{name}.lines"))).unwrap_or_default();
        let mut seeds: Vec<Vec<u8>> = lines.lines().map(unescape).collect();
        let folder = all.join(name);
        seeds.extend(files(&folder));
        Corpus { name: name.to_owned(), folder, seeds }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    /// What earlier long runs learned.
    pub fn learned(&self) -> Vec<Vec<u8>> {
        files(&learned_folder(&self.name))
    }

    pub fn add(&mut self, input: Vec<u8>) {
        if self.seeds.len() >= MOST {
            self.seeds.remove(MOST / 2);
        }
        self.seeds.push(input);
    }

    /// Keeps an input that went where none went before, here and for the next run.
    pub fn learn(&mut self, input: Vec<u8>) {
        let folder = learned_folder(&self.name);
        let _ = fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join(file_name(&input)), &input));
        self.add(input);
    }

    /// Writes down an input that failed and gives its path.
    pub fn keep_crash(&self, input: &[u8]) -> PathBuf {
        let folder = self.folder.join("crashes");
        let file = folder.join(file_name(input));
        if let Err(error) = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, input)) {
            eprintln!("cannot write {}: {error}", file.display());
        }
        file
    }
}

fn learned_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz").join(name)
}

fn file_name(input: &[u8]) -> String {
    let hash =
        input.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.into_iter().filter(|path| path.is_file()).filter_map(|path| fs::read(path).ok()).collect()
}

fn unescape(line: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let (byte, used) = match (first, after) {
            (b'\\', [b'n', ..]) => (b'\n', 1),
            (b'\\', [b't', ..]) => (b'\t', 1),
            (b'\\', [b'\\', ..]) => (b'\\', 1),
            (b'\\', [b'x', a, b, ..]) => match u8::from_str_radix(&String::from_utf8_lossy(&[*a, *b]), 16) {
                Ok(byte) => (byte, 3),
                Err(_) => (*first, 0),
            },
            _ => (*first, 0),
        };
        out.push(byte);
        rest = &after[used..];
    }
    out
}

/// The beginning of an input, as a line.
pub fn shown(input: &[u8]) -> String {
    let text: String = input.iter().take(300).flat_map(|byte| byte.escape_ascii()).map(char::from).collect();
    format!("({} bytes) {text}", input.len())
}
