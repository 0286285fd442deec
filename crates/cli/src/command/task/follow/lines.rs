//! Output that comes in pieces, as whole lines with their machine's name before them; or as it comes, where there is but one machine.
//! The surprise: a line without an end is not waited for beyond a bound, so that nothing grows here.

/// More than this is no line: it is broken.
const LONGEST: usize = 64 << 10;

pub struct Lines {
    prefix: Option<String>,
    /// The beginning of a line.
    begun: Vec<u8>,
}

impl Lines {
    pub fn new(prefix: Option<&str>) -> Lines {
        Lines { prefix: prefix.map(|name| format!("{name}: ")), begun: Vec::new() }
    }

    /// What is to be written now that `bytes` have come.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        let Some(prefix) = &self.prefix else { return bytes.to_vec() };
        let mut out = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = LONGEST - self.begun.len();
            let end = rest.iter().take(room).position(|byte| *byte == b'\n');
            let (piece, later) = rest.split_at(end.map_or(rest.len().min(room), |at| at + 1));
            rest = later;
            self.begun.extend(piece);
            if end.is_some() || self.begun.len() == LONGEST {
                out.extend(prefix.as_bytes());
                out.append(&mut self.begun);
                if end.is_none() {
                    out.push(b'\n');
                }
            }
        }
        out
    }

    /// The last line, if it had no end.
    pub fn rest(&mut self) -> Vec<u8> {
        match (&self.prefix, self.begun.is_empty()) {
            (Some(prefix), false) => [prefix.as_bytes(), &std::mem::take(&mut self.begun), b"\n"].concat(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(prefix: Option<&str>, pieces: &[&[u8]], expected: &[&[u8]], rest: &[u8]) {
        let mut lines = Lines::new(prefix);
        let taken: Vec<Vec<u8>> = pieces.iter().map(|piece| lines.take(piece)).collect();
        assert_eq!(taken, expected);
        assert_eq!(lines.rest(), rest);
        assert_eq!(lines.rest(), b"", "the rest is told once");
    }

    #[test]
    fn lines_are_whole_and_bear_their_machine() {
        check(Some("0"), &[b"a\nb", b"", b"c\n\n"], &[b"0: a\n", b"", b"0: bc\n0: \n"], b"");
        check(Some("0/lxd/1"), &[b"no end"], &[b""], b"0/lxd/1: no end\n");
        check(Some("0"), &[&[0xff, 0, b'\n']], &[&[b'0', b':', b' ', 0xff, 0, b'\n']], b"");
        check(None, &[b"a\nb", &[0xff]], &[b"a\nb", &[0xff]], b"");
    }

    #[test]
    fn a_line_without_end_is_broken() {
        let mut lines = Lines::new(Some("0"));
        let out = lines.take(&vec![b'x'; 2 * LONGEST + 5]);
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 2);
        assert_eq!(lines.begun.len(), 5);
        assert_eq!(lines.take(b"y\n"), b"0: xxxxxy\n");
    }
}
