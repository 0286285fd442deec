//! What a machine's services print: its first boot for good, of the rest the newest.
//! It does not know who prints. The surprise: the file is all the memory there is between two starts of a machine, so what is in it is read
//! first, and its beginning stays its beginning.

use std::fs::File;
use std::io::{Read, Seek, Write};

/// The console has at most this many bytes, and after a cut half as many.
const MOST: usize = 64 * 1024;
/// Its first bytes, which are not cut: what a machine said when it began is asked for when the rest is long gone.
const FIRST: usize = 16 * 1024;
/// Stands where something was cut out.
const CUT: &[u8] = b"\n[...]\n";

pub(crate) struct Console {
    file: File,
    first: Vec<u8>,
    newest: Vec<u8>,
}

impl Console {
    /// Goes on with a console. One that cannot be read begins anew.
    pub(crate) fn open(mut file: File) -> Console {
        let mut first = Vec::new();
        let _ = file.rewind().and_then(|()| (&mut file).take(2 * MOST as u64).read_to_end(&mut first));
        let newest = first.split_off(first.len().min(FIRST));
        first.shrink_to_fit();
        Console { file, first, newest }
    }

    /// Takes in what was printed. What the disk does not take is lost: nobody is left to be told.
    pub(crate) fn print(&mut self, bytes: &[u8]) {
        let room = if self.newest.is_empty() { FIRST - self.first.len() } else { 0 };
        let (first, newest) = bytes.split_at(room.min(bytes.len()));
        self.first.extend_from_slice(first);
        self.newest.extend_from_slice(newest);
        if self.first.len() + self.newest.len() <= MOST {
            let _ = self.file.write_all(bytes);
            return;
        }
        let kept = (MOST / 2).saturating_sub(self.first.len());
        self.newest.drain(..self.newest.len().saturating_sub(kept));
        let _ =
            self.file.set_len(0).and_then(|()| self.file.rewind()).and_then(|()| {
                [&*self.first, CUT, &*self.newest].iter().try_for_each(|part| self.file.write_all(part))
            });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::path::Path;

    fn open(path: &Path) -> Console {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path).expect("opens");
        Console::open(file)
    }

    /// Prints lines that say their number, and gives those that are kept, `None` where a part of one is.
    fn lines(path: &Path) -> Vec<Option<usize>> {
        let text = std::fs::read_to_string(path).expect("text");
        assert!(text.len() <= MOST, "{}", text.len());
        text.lines().map(|line| line.strip_prefix("line ").filter(|number| number.len() == 6)?.parse().ok()).collect()
    }

    #[test]
    fn the_first_boot_stays_and_of_the_rest_the_newest() {
        let folder = std::env::temp_dir().join(format!("grigri-console-{}", std::process::id()));
        let path = folder.join("console.log");
        std::fs::create_dir_all(&folder).expect("made");
        let print = |console: &mut Console, numbers: std::ops::Range<usize>| {
            numbers.for_each(|number| console.print(format!("line {number:06}\n").as_bytes()));
        };
        // Short: all of it stays, also over a restart.
        print(&mut open(&path), 0..100);
        print(&mut open(&path), 100..200);
        assert_eq!(lines(&path), (0..200).map(Some).collect::<Vec<_>>());
        // Long, with restarts in between.
        for part in 0..4 {
            print(&mut open(&path), 200 + part * 10_000..200 + (part + 1) * 10_000);
            let kept = lines(&path);
            let whole = FIRST / "line 000000\n".len();
            assert_eq!(kept[..whole], (0..whole).map(Some).collect::<Vec<_>>()[..], "part {part}");
            assert_eq!(kept.last(), Some(&Some(200 + (part + 1) * 10_000 - 1)));
            assert!(kept.len() > whole + 1000, "the newest are there too: {}", kept.len());
        }
        // One print larger than everything.
        open(&path).print(&vec![b'x'; 3 * MOST]);
        assert_eq!(lines(&path)[0], Some(0));
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
