//! Small tables for a terminal: columns as wide as their content, Chinese text measured by its display width.

use unicode_width::UnicodeWidthStr as _;

/// Alignment of a text in its column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

/// A table with a header.
pub struct Table {
    sides: Vec<Side>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub fn new(columns: &[(&str, Side)]) -> Table {
        let header = columns.iter().map(|(name, _)| name.to_string()).collect();
        Table { sides: columns.iter().map(|(_, side)| *side).collect(), rows: vec![header] }
    }

    /// Adds a row, with a text for each column.
    pub fn row<const N: usize>(&mut self, texts: [String; N]) {
        self.rows.push(texts.into());
    }

    /// The table as lines, each with a line end.
    pub fn text(&self) -> String {
        let width = |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|text| text.width()).max();
        let widths: Vec<usize> = (0..self.sides.len()).map(|column| width(column).unwrap_or(0)).collect();
        let mut lines = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for ((text, width), side) in row.iter().zip(&widths).zip(&self.sides) {
                let space = " ".repeat(width - text.width());
                let (before, behind) = if *side == Side::Right { (space.as_str(), "") } else { ("", space.as_str()) };
                line += &format!("{before}{text}{behind}  ");
            }
            lines += line.trim_end();
            lines.push('\n');
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&[("name", Side::Left), ("rows", Side::Right)]);
        table.row(["税".to_string(), "1".to_string()]);
        table.row(["abcdef".to_string(), "12 345".to_string()]);
        assert_eq!(table.text(), "name      rows\n税           1\nabcdef  12 345\n");
    }
}
