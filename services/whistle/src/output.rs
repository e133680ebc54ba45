//! What goes to standard output: data, as tables for people or JSON for machines. Everything else goes to standard error.

use std::io::{IsTerminal as _, Write as _};

use clap::ValueEnum;
use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;
use serde_json::Value;

use crate::exit::Failure;

/// The form data is printed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// A table for people.
    #[default]
    Table,
    /// JSON for machines: one object or list, or one object a line for what streams.
    Json,
}

/// Prints one JSON value on a line of its own.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(Failure::internal)?;
    lines(&[text])
}

/// Prints lines. A reader that went away ends the process quietly, as a pipe to `head` does.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn lines(lines: &[String]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for line in lines {
        writeln!(out, "{line}").map_err(gone)?;
    }
    out.flush().map_err(gone)
}

fn gone(error: std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    Failure::io(std::path::Path::new("standard output"), &error)
}

/// Tells something on standard error.
pub(crate) fn say(text: &str) {
    // Nobody is left to be told when standard error itself is gone.
    writeln!(std::io::stderr().lock(), "{text}").unwrap_or_default();
}

/// A table with these headings and rows, as lines.
pub(crate) fn table(headings: &[&str], rows: Vec<Vec<String>>) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(headings.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// Rows as a list of objects with these keys.
pub(crate) fn objects(keys: &[&str], rows: Vec<Vec<String>>) -> Value {
    let object = |row: Vec<String>| {
        keys.iter().map(|key| (*key).to_owned()).zip(row.into_iter().map(Value::String)).collect()
    };
    Value::Array(rows.into_iter().map(|row| Value::Object(object(row))).collect())
}

/// Whether colours may be written: to a terminal, and unless `NO_COLOR` is set to something.
pub(crate) fn coloured() -> bool {
    let wanted = std::env::vars_os().all(|(name, value)| name != "NO_COLOR" || value.is_empty());
    wanted && std::io::stdout().is_terminal()
}
