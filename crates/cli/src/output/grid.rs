//! Tables whose cells are all filled up to the width of their column, the last one too; a row of blanks ends them.
//! Lists of spaces and of subnets are printed so, and nothing else (`wire/seen.md`, section 20).

/// The rows, the heading among them, with `gap` between the cells; the last line has no newline.
pub fn grid<const N: usize>(rows: &[[&str; N]], gap: &str) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let blank = [""; N];
    let line = |row: &[&str; N]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join(gap)
    };
    let lines: Vec<String> = rows.iter().chain([&blank]).map(line).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_filled_and_a_row_of_blanks_ends_it() {
        let text = grid(&[["Name", "Subnets"], ["a", "10.0.0.0/24"]], "  ");
        assert_eq!(text, "Name  Subnets    \na     10.0.0.0/24\n                 ");
    }
}
