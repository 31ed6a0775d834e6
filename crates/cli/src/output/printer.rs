//! Where data and remarks go.

use std::io::{self, IsTerminal, Write as _};

use serde::Serialize;
use serde_json::Value;

use super::{Format, Table, escape::foreign};
use crate::error::CliError;

/// Prints the data of one command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    format: Format,
    raw: bool,
}

impl Printer {
    /// `raw` leaves control characters of foreign text as they are.
    pub(crate) fn new(format: Format, raw: bool) -> Self {
        Self { format, raw }
    }

    /// What was asked for.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Whether standard output gets bytes as they came.
    pub(crate) fn stdout_raw(&self) -> bool {
        self.raw || !io::stdout().is_terminal()
    }

    /// Prints a list: as a table, as documents, or as names.
    pub(crate) fn list<T: Serialize>(
        &self,
        items: &[T],
        name: impl Fn(&T) -> String,
        headings: &[&'static str],
        row: impl Fn(&T) -> Vec<String>,
    ) -> Result<(), CliError> {
        match self.format {
            Format::Table => {
                let mut table = Table::new(headings);
                items.iter().for_each(|item| table.row(row(item)));
                if table.is_empty() {
                    remark("nothing to show");
                    return Ok(());
                }
                self.text(&table.render())
            }
            Format::Json | Format::Yaml => self.document(&items),
            Format::Name => items.iter().try_for_each(|item| self.line(&name(item))),
        }
    }

    /// Prints one thing: `table` makes the text for people.
    pub(crate) fn one<T: Serialize>(
        &self,
        item: &T,
        name: impl Fn(&T) -> String,
        people: impl Fn(&T) -> String,
    ) -> Result<(), CliError> {
        match self.format {
            Format::Table => self.text(&people(item)),
            Format::Json | Format::Yaml => self.document(item),
            Format::Name => self.line(&name(item)),
        }
    }

    /// Prints a document: YAML when YAML was asked for, JSON otherwise (indented on a terminal).
    pub(crate) fn document<T: Serialize>(&self, item: &T) -> Result<(), CliError> {
        let value = serde_json::to_value(item).map_err(|error| CliError::internal("writing JSON", error))?;
        let mut text = match self.format {
            Format::Yaml => yaml(&value)?,
            _ if io::stdout().is_terminal() => format!("{value:#}"),
            _ => value.to_string(),
        };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        // JSON escapes the old control characters itself, but neither the newer ones nor those that reorder text.
        self.text(&text)
    }

    /// Prints text that may hold foreign words.
    pub(crate) fn text(&self, text: &str) -> Result<(), CliError> {
        write_stdout(foreign(text, self.stdout_raw()).as_bytes())
    }

    /// Prints one line.
    pub(crate) fn line(&self, text: &str) -> Result<(), CliError> {
        self.text(&format!("{text}\n"))
    }
}

fn yaml(value: &Value) -> Result<String, CliError> {
    serde_saphyr::to_string(value).map_err(|error| CliError::internal("writing YAML", error.to_string()))
}

/// Writes data to standard output and flushes it.
pub(crate) fn write_stdout(bytes: &[u8]) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(CliError::Output)
}

/// Says something on standard error; a closed standard error is nobody's problem.
pub(crate) fn remark(text: &str) {
    let safe = foreign(text, !stderr_is_terminal());
    let _ = writeln!(io::stderr().lock(), "{safe}");
}

/// Whether a person reads standard error.
pub(crate) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}
