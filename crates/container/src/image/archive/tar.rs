//! The tar format as GNU tar, bsdtar, Python and container tools write it: ustar, long names of GNU and of pax, big numbers.
//!
//! It reads a stream once, from front to back, and keeps in memory one header and at most a megabyte of attributes. It decides
//! nothing about paths. The surprise: an archive has to end with its end mark; one that was cut at a header is refused.

use std::io::Read;

use super::{Fault, read_some};

const BLOCK: usize = 512;
/// Long names and attributes of one entry, bytes.
const ATTRIBUTES: u64 = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    File,
    HardLink,
    Link,
    Directory,
    /// A device, a pipe.
    Special,
}

/// One thing in an archive. Paths are bytes as they stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: Vec<u8>,
    pub kind: Kind,
    /// Only the twelve bits of permissions.
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    /// Bytes of data that follow, read by [`Reader::data`].
    pub size: u64,
    /// Seconds since 1970.
    pub mtime: i64,
    /// Where a link leads.
    pub link: Vec<u8>,
}

/// What headers before an entry say about it.
#[derive(Default)]
struct Beside {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    mtime: Option<i64>,
}

pub struct Reader<R> {
    source: R,
    /// Of the current entry: bytes of data not read yet, then of padding.
    data: u64,
    padding: u64,
    /// A header was read: it is an archive.
    begun: bool,
}

impl<R: Read> Reader<R> {
    pub fn new(source: R) -> Self {
        Reader { source, data: 0, padding: 0, begun: false }
    }

    /// The next entry; `None` after the end mark. What of the last one's data was not read is passed over.
    pub fn entry(&mut self) -> Result<Option<Entry>, Fault> {
        let mut beside = Beside::default();
        loop {
            self.pass(self.data.saturating_add(self.padding))?;
            (self.data, self.padding) = (0, 0);
            let mut header = [0u8; BLOCK];
            match read_some(&mut self.source, &mut header).map_err(Fault::Read)? {
                BLOCK => {}
                _ if !self.begun => return Err(Fault::NoArchive),
                _ => return Err(Fault::Cut),
            }
            if header.iter().all(|byte| *byte == 0) {
                return Ok(None);
            }
            let entry = read_header(&header)?;
            self.begun = true;
            self.data = beside.size.unwrap_or(entry.size);
            self.padding = self.data.wrapping_neg() % BLOCK as u64;
            let kind = match header[156] {
                b'0' | 0 | b'7' => Kind::File,
                b'1' => Kind::HardLink,
                b'2' => Kind::Link,
                b'3' | b'4' | b'6' => Kind::Special,
                b'5' => Kind::Directory,
                b'x' => {
                    let text = self.attributes()?;
                    read_pax(&text, &mut beside)?;
                    continue;
                }
                b'L' => {
                    beside.path = Some(until_zero(&self.attributes()?).to_vec());
                    continue;
                }
                b'K' => {
                    beside.link = Some(until_zero(&self.attributes()?).to_vec());
                    continue;
                }
                // Attributes of all that follows, and the archive's own name: nothing that is needed.
                b'g' | b'V' => continue,
                b'S' | b'M' => {
                    return Err(Fault::Malformed(
                        "it has files with holes or over several volumes, which are not read",
                    ));
                }
                _ => return Err(Fault::Malformed("it has an entry of an unknown kind")),
            };
            if kind != Kind::File {
                // Nothing but files has data; a size is said of links by some writers all the same.
                if matches!(kind, Kind::HardLink | Kind::Link) {
                    (self.data, self.padding) = (0, 0);
                }
            }
            return Ok(Some(Entry {
                path: beside.path.take().unwrap_or(entry.path),
                link: beside.link.take().unwrap_or(entry.link),
                size: self.data,
                uid: beside.uid.unwrap_or(entry.uid),
                gid: beside.gid.unwrap_or(entry.gid),
                mtime: beside.mtime.unwrap_or(entry.mtime),
                mode: entry.mode,
                kind,
            }));
        }
    }

    /// The data of the entry that [`Reader::entry`] gave last, a piece; none is left when it is empty.
    pub fn data<'b>(&mut self, buffer: &'b mut [u8]) -> Result<&'b [u8], Fault> {
        let most = usize::try_from(self.data).unwrap_or(usize::MAX).min(buffer.len());
        let got = read_some(&mut self.source, &mut buffer[..most]).map_err(Fault::Read)?;
        if got < most {
            return Err(Fault::Cut);
        }
        self.data -= got as u64;
        Ok(&buffer[..got])
    }

    /// Reads what stands behind the end mark, so that whoever unpacks for us comes to the end and can say whether all was sound.
    pub fn drain(mut self) -> Result<(), Fault> {
        std::io::copy(&mut self.source, &mut std::io::sink()).map(drop).map_err(Fault::Read)
    }

    fn pass(&mut self, bytes: u64) -> Result<(), Fault> {
        let passed = std::io::copy(&mut (&mut self.source).take(bytes), &mut std::io::sink()).map_err(Fault::Read)?;
        if passed < bytes { Err(Fault::Cut) } else { Ok(()) }
    }

    fn attributes(&mut self) -> Result<Vec<u8>, Fault> {
        if self.data > ATTRIBUTES {
            return Err(Fault::TooMuch { what: "bytes in the name or attributes of one file", most: ATTRIBUTES });
        }
        let mut text = vec![0; usize::try_from(self.data).unwrap_or(0)];
        let got = read_some(&mut self.source, &mut text).map_err(Fault::Read)?;
        if got < text.len() {
            return Err(Fault::Cut);
        }
        self.data = 0;
        Ok(text)
    }
}

fn read_header(header: &[u8; BLOCK]) -> Result<Entry, Fault> {
    let sum: u64 = header
        .iter()
        .enumerate()
        .map(|(at, byte)| u64::from(if (148..156).contains(&at) { b' ' } else { *byte }))
        .sum();
    if number(&header[148..156]) != Some(sum) {
        return Err(Fault::NoArchive);
    }
    let bad = || Fault::Malformed("a number in it is none");
    let field = |from: usize, to: usize| until_zero(&header[from..to]);
    let mut path = field(0, 100).to_vec();
    // GNU's own format has times where ustar has the beginning of the path.
    if &header[257..263] == b"ustar\0" && header[345] != 0 {
        path = [field(345, 500), b"/", &path].concat();
    }
    Ok(Entry {
        path,
        kind: Kind::File,
        mode: u32::try_from(number(&header[100..108]).ok_or_else(bad)? & 0o7777).unwrap_or(0),
        uid: number(&header[108..116]).ok_or_else(bad)?,
        gid: number(&header[116..124]).ok_or_else(bad)?,
        size: number(&header[124..136]).ok_or_else(bad)?,
        mtime: number(&header[136..148]).and_then(|time| i64::try_from(time).ok()).unwrap_or(0),
        link: field(157, 257).to_vec(),
    })
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Octal digits between blanks, or GNU's binary form.
fn number(field: &[u8]) -> Option<u64> {
    if let Some((first, rest)) = field.split_first().filter(|(first, _)| **first & 0x80 != 0) {
        // Negative numbers and those beyond 64 bits have no use here.
        let mut value = u64::from(first & 0x7f);
        for byte in rest {
            value = value.checked_mul(256)?.checked_add(u64::from(*byte))?;
        }
        return Some(value);
    }
    let text = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

/// `LENGTH KEY=VALUE\n`, again and again.
fn read_pax(mut text: &[u8], beside: &mut Beside) -> Result<(), Fault> {
    let bad = || Fault::Malformed("attributes in it cannot be read");
    while !text.is_empty() {
        let blank = text.iter().position(|byte| *byte == b' ').ok_or_else(bad)?;
        let length: usize = std::str::from_utf8(&text[..blank]).ok().and_then(|t| t.parse().ok()).ok_or_else(bad)?;
        let record = text.get(blank + 1..length).and_then(|record| record.strip_suffix(b"\n")).ok_or_else(bad)?;
        let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(bad)?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        let count = || std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok()).ok_or_else(bad);
        match key {
            b"path" => beside.path = Some(value.to_vec()),
            b"linkpath" => beside.link = Some(value.to_vec()),
            b"size" => beside.size = Some(count()?),
            b"uid" => beside.uid = Some(count()?),
            b"gid" => beside.gid = Some(count()?),
            b"mtime" => {
                let whole = value.split(|byte| *byte == b'.').next().unwrap_or_default();
                beside.mtime = std::str::from_utf8(whole).ok().and_then(|text| text.parse().ok());
            }
            _ if key.starts_with(b"GNU.sparse.") => {
                return Err(Fault::Malformed("it has files with holes, which are not read"));
            }
            _ => {}
        }
        text = &text[length..];
    }
    Ok(())
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// One entry as ustar writes it.
    pub fn block(path: &str, kind: u8, mode: u32, link: &str, data: &[u8]) -> Vec<u8> {
        let mut header = [0u8; BLOCK];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, path.as_bytes());
        put(100, format!("{mode:07o}").as_bytes());
        put(108, b"0000000\0");
        put(116, b"0000000\0");
        put(124, format!("{:011o}", data.len()).as_bytes());
        put(136, b"00000000017\0");
        put(148, b"        ");
        put(156, &[kind]);
        put(157, link.as_bytes());
        put(257, b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let mut bytes = header.to_vec();
        bytes.extend_from_slice(data);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    /// The end mark.
    pub const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

    fn all(bytes: &[u8]) -> Result<Vec<Entry>, Fault> {
        let mut reader = Reader::new(bytes);
        let mut entries = Vec::new();
        while let Some(entry) = reader.entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }

    fn pax(records: &[(&str, &str)]) -> Vec<u8> {
        let mut text = String::new();
        for (key, value) in records {
            let rest = format!(" {key}={value}\n");
            let length = (1..).find(|n: &usize| n.to_string().len() + rest.len() == *n).expect("some length");
            text.push_str(&format!("{length}{rest}"));
        }
        block("pax", b'x', 0o644, "", text.as_bytes())
    }

    #[test]
    fn names_of_every_length_are_read() {
        let long = "d/".repeat(100) + "end";
        let bytes = [
            block("short", b'0', 0o4755, "", b"data"),
            block("ignored", b'L', 0, "", format!("{long}\0").as_bytes()),
            block("cut", b'0', 0o644, "", &[7; 513]),
            pax(&[("path", &long), ("linkpath", "there"), ("uid", "70"), ("mtime", "12.5"), ("SCHILY.xattr.x", "y=z")]),
            block("cut", b'2', 0o777, "cut", b""),
            block("last", b'5', 0o755, "", b""),
            END.to_vec(),
        ]
        .concat();
        let entries = all(&bytes).expect("read");
        let seen: Vec<(String, Kind, u64)> =
            entries.iter().map(|e| (String::from_utf8_lossy(&e.path).into_owned(), e.kind, e.size)).collect();
        assert_eq!(
            seen,
            [
                ("short".to_owned(), Kind::File, 4),
                (long.clone(), Kind::File, 513),
                (long, Kind::Link, 0),
                ("last".to_owned(), Kind::Directory, 0)
            ]
        );
        assert_eq!((entries[0].mode, entries[0].mtime), (0o4755, 15));
        assert_eq!((entries[2].link.as_slice(), entries[2].uid, entries[2].mtime), (b"there".as_slice(), 70, 12));
    }

    #[test]
    fn data_is_given_in_pieces_and_what_is_left_is_passed_over() {
        let bytes = [block("a", b'0', 0, "", &[1; 1000]), block("b", b'0', 0, "", b"xy"), END.to_vec()].concat();
        let mut reader = Reader::new(&bytes[..]);
        reader.entry().expect("read");
        let mut buffer = [0; 300];
        assert_eq!(reader.data(&mut buffer).expect("read").len(), 300);
        assert_eq!(reader.entry().expect("read").expect("there").path, b"b");
        assert_eq!(reader.data(&mut buffer).expect("read"), b"xy");
        assert_eq!(reader.data(&mut buffer).expect("read"), b"");
        assert!(reader.entry().expect("read").is_none());
        reader.drain().expect("the end");
    }

    #[test]
    fn what_is_no_archive_or_only_a_part_is_refused() {
        let good = block("a", b'0', 0o644, "", b"data");
        let mut broken = good.clone();
        broken[0] ^= 1;
        let huge = {
            let mut bytes = block("a", b'L', 0, "", b"");
            bytes[124..136].copy_from_slice(b"77777777777\0");
            bytes[148..156].copy_from_slice(b"        ");
            let sum: u32 = bytes[..BLOCK].iter().map(|byte| u32::from(*byte)).sum();
            bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            bytes
        };
        for (bytes, expected) in [
            (b"".to_vec(), "it is no tar archive"),
            (b"PK\x03\x04".repeat(200), "it is no tar archive"),
            (broken, "it is no tar archive"),
            (good.clone(), "it ends in the middle"),
            (good[..BLOCK + 2].to_vec(), "it ends in the middle"),
            (huge, "it holds more than 1048576 bytes in the name or attributes of one file"),
            (block("a", b'S', 0, "", b""), "it has files with holes or over several volumes, which are not read"),
            (block("a", b'?', 0, "", b""), "it has an entry of an unknown kind"),
            (block("a", b'x', 0, "", b"99 path=x\n"), "attributes in it cannot be read"),
            (block("a", b'x', 0, "", b"0 path=x\n"), "attributes in it cannot be read"),
            (pax(&[("size", "-1")]), "attributes in it cannot be read"),
            ([pax(&[("size", "18446744073709551615")]), good.clone()].concat(), "it ends in the middle"),
        ] {
            assert_eq!(all(&bytes).map(|all| all.len()).map_err(|fault| fault.to_string()), Err(expected.to_owned()));
        }
    }

    #[test]
    fn numbers() {
        for (field, expected) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"\0\0\0", Some(0)),
            (b"\x80\0\0\x01\0", Some(256)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"8", None),
            (b"-1", None),
        ] {
            assert_eq!(number(field), expected, "{field:?}");
        }
    }
}
