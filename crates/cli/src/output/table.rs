//! Columns that line up.

use super::escape::foreign;

/// Rows under headings. Cells are foreign text: they are escaped, and line ends inside them become spaces.
#[derive(Debug)]
pub(crate) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut row: Vec<String> = cells.into_iter().take(self.headings.len()).collect();
        row.resize(self.headings.len(), String::new());
        self.rows.push(row);
    }

    /// Whether it has no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The text: headings in capitals, two spaces between columns, nothing behind the last one.
    pub(crate) fn render(&self) -> String {
        let rows: Vec<Vec<String>> = std::iter::once(self.headings.iter().map(|text| text.to_uppercase()).collect())
            .chain(self.rows.iter().map(|row| row.iter().map(|cell| one_line(cell)).collect()))
            .collect();
        let widths: Vec<usize> = (0..self.headings.len())
            .map(|column| rows.iter().map(|row: &Vec<String>| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        let mut text = String::new();
        for row in rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Tables are escaped always: a control character would break the columns even in a file.
fn one_line(cell: &str) -> String {
    foreign(&cell.replace(['\n', '\t'], " "), false).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_foreign_text_cannot_break_them() {
        let mut table = Table::new(&["action", "time"]);
        table.row(["core.ëcho".into(), "12 ms".into()]);
        table.row(["x\n\u{1b}[2J".into()]);
        assert_eq!(table.render(), "ACTION     TIME\ncore.ëcho  12 ms\nx \\x1b[2J\n");
        assert!(!table.is_empty());
    }
}
