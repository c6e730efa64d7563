//! Rows as aligned lines, for tables that have lines of their own below a row.

/// Widest column that others are lined up with.
const MAX_PADDING: usize = 60;

/// The lines of some rows; these columns hold numbers and stand to the right.
pub(super) fn lines<const N: usize>(rows: &[[String; N]], numbers: &[usize]) -> Vec<String> {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.max().unwrap_or_default().min(MAX_PADDING)
    });
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            if numbers.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_lined_up() {
        let rows = [["RULE", "ALERTS"], ["a", "10"], ["long", "7"]].map(|row| row.map(str::to_owned));
        assert_eq!(lines(&rows, &[1]), ["RULE  ALERTS", "a         10", "long       7"]);
    }
}
