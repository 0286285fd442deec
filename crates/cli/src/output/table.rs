//! Tables as Go's elastic tab writer lays them out: a cell is a text ended by a tab.
//!
//! It knows nothing of what stands in the cells. The surprises: what follows the last tab of a line belongs to no
//! column; a cell in one line ends its column for those below when they have no such cell; colours have no width.

/// Collects text with tabs and lays it out when asked.
#[derive(Debug, Default)]
pub struct Table {
    text: Vec<u8>,
    right: Vec<usize>,
    /// Every column at its right edge, its gap before it.
    flush_right: bool,
}

/// Blanks between two columns.
const PADDING: usize = 2;

impl Table {
    #[must_use]
    pub fn new() -> Self {
        Table::default()
    }

    /// Columns that stand at their right edge.
    #[must_use]
    pub fn right(mut self, columns: &[usize]) -> Self {
        self.right.extend(columns);
        self
    }

    /// Every column at its right edge, with the gap before and not behind it.
    #[must_use]
    pub fn flush_right(mut self) -> Self {
        self.flush_right = true;
        self
    }

    pub fn push(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }

    /// Text that may have been cut in the middle of a character.
    pub fn push_bytes(&mut self, text: &[u8]) {
        self.text.extend_from_slice(text);
    }

    /// A row: every cell but the last is ended by a tab.
    pub fn row<S: AsRef<str>>(&mut self, cells: &[S]) {
        for (at, cell) in cells.iter().enumerate() {
            if at > 0 {
                self.text.push(b'\t');
            }
            self.push(cell.as_ref());
        }
        self.text.push(b'\n');
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The laid out text.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let lines: Vec<Vec<&[u8]>> =
            self.text.split(|b| *b == b'\n').map(|line| line.split(|b| *b == b'\t').collect()).collect();
        let mut layout = Layout {
            lines: &lines,
            right: &self.right,
            flush_right: self.flush_right,
            widths: Vec::new(),
            out: Vec::new(),
        };
        layout.block(0, lines.len());
        layout.out
    }
}

struct Layout<'a> {
    lines: &'a [Vec<&'a [u8]>],
    right: &'a [usize],
    flush_right: bool,
    widths: Vec<usize>,
    out: Vec<u8>,
}

impl Layout<'_> {
    /// Lays out lines `from..to`, whose columns up to `widths.len()` are settled.
    fn block(&mut self, mut from: usize, to: usize) {
        let column = self.widths.len();
        let has = |line: &Vec<&[u8]>| column + 1 < line.len();
        let mut at = from;
        while at < to {
            if !has(&self.lines[at]) {
                at += 1;
                continue;
            }
            self.write(from, at);
            from = at;
            let mut width = 0;
            while at < to && has(&self.lines[at]) {
                width = width.max(shown(self.lines[at][column]) + PADDING);
                at += 1;
            }
            self.widths.push(width);
            self.block(from, at);
            self.widths.pop();
            from = at;
        }
        self.write(from, to);
    }

    fn write(&mut self, from: usize, to: usize) {
        for number in from..to {
            for (at, cell) in self.lines[number].iter().enumerate() {
                let blanks = self.widths.get(at).map_or(0, |w| w.saturating_sub(shown(cell)));
                if self.flush_right {
                    self.blanks(blanks);
                    self.out.extend_from_slice(cell);
                } else if self.right.contains(&at) && at < self.widths.len() {
                    self.blanks(blanks.saturating_sub(PADDING));
                    self.out.extend_from_slice(cell);
                    self.blanks(PADDING);
                } else {
                    self.out.extend_from_slice(cell);
                    self.blanks(blanks);
                }
            }
            if number + 1 < self.lines.len() {
                self.out.push(b'\n');
            }
        }
    }

    fn blanks(&mut self, count: usize) {
        self.out.resize(self.out.len() + count, b' ');
    }
}

/// The columns a text takes: its characters, without escape sequences.
fn shown(text: &[u8]) -> usize {
    let mut count = 0;
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        if *first == 0x1b {
            let end = tail.iter().position(u8::is_ascii_alphabetic).map_or(tail.len(), |at| at + 1);
            rest = &tail[end..];
            continue;
        }
        // Bytes that continue a character have no width of their own; one that was cut off counts as one.
        if (*first & 0xc0) != 0x80 {
            count += 1;
        }
        rest = tail;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(table: Table, text: &str, expected: &str) {
        let mut table = table;
        table.push(text);
        assert_eq!(String::from_utf8_lossy(&table.finish()), expected);
    }

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        check(Table::new(), "a\tb\tc\nlonger\t\tx\n", "a       b  c\nlonger     x\n");
        check(Table::new(), "a\tb\t\nx\ty\n", "a  b  \nx  y\n");
        // A line without cells ends the columns.
        check(Table::new(), "long\tx\n\na\tx\n", "long  x\n\na  x\n");
        check(Table::new(), "ünï\tx\nabcd\tx\n", "ünï   x\nabcd  x\n");
    }

    #[test]
    fn right_columns_keep_their_gap() {
        check(Table::new().right(&[1]), "App\tScale\tRev\nx\t1\t2\n", "App  Scale  Rev\nx        1  2\n");
    }

    #[test]
    fn colours_have_no_width() {
        check(Table::new(), "\x1b[32mab\t\x1b[0mx\nabc\tx\n", "\x1b[32mab   \x1b[0mx\nabc  x\n");
    }
}
