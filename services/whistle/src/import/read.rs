//! Files to records: JSON, lines of JSON, CSV, workbooks. A record is a JSON value; what it means is the map's to say.

use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, anyhow, bail, ensure};
use calamine::{Data, Reader as _};
use clap::ValueEnum;
use serde_json::{Map as Fields, Value};

use super::map::{Encoding, Map};

/// Largest file, in bytes. It is read whole; decoded it takes several times as much.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Most records in one file.
const RECORDS_MAX: usize = 1_000_000;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One JSON value: a list, or an object that holds one (`records` in the map says where).
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated, the first line names the columns.
    Csv,
    /// A workbook: xlsx, xls, xlsb or ods; the first row of the sheet names the columns.
    Excel,
}

impl Format {
    /// What a file's name says.
    pub(super) fn of(path: &Path) -> anyhow::Result<Self> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        Ok(match ending.to_ascii_lowercase().as_str() {
            "json" => Self::Json,
            "ndjson" | "jsonl" => Self::Ndjson,
            "csv" | "tsv" => Self::Csv,
            "xlsx" | "xlsm" | "xls" | "xlsb" | "ods" => Self::Excel,
            _ => bail!(
                "{}: its name does not tell the format; give --format json, ndjson, csv or excel",
                path.display()
            ),
        })
    }
}

/// The records of a file, in order.
pub(super) fn records(path: &Path, format: Option<Format>, map: &Map) -> anyhow::Result<Vec<Value>> {
    let format = format.map_or_else(|| Format::of(path), Ok)?;
    let what = || path.display().to_string();
    let size = std::fs::metadata(path).with_context(what)?.len();
    ensure!(
        size <= FILE_BYTES_MAX,
        "{} has {size} bytes, at most {FILE_BYTES_MAX}; split it, a record already imported is not imported again",
        what()
    );
    let bytes = std::fs::read(path).with_context(what)?;
    let records = parse(&bytes, format, map).with_context(what)?;
    ensure!(records.len() <= RECORDS_MAX, "{} has more than {RECORDS_MAX} records; split it", what());
    Ok(records)
}

/// The records of a file's bytes.
pub(super) fn parse(bytes: &[u8], format: Format, map: &Map) -> anyhow::Result<Vec<Value>> {
    match format {
        Format::Json => json(&decode(bytes, map.encoding)?, map),
        Format::Ndjson => ndjson(&decode(bytes, map.encoding)?),
        Format::Csv => csv(&decode(bytes, map.encoding)?, map.delimiter),
        Format::Excel => excel(bytes, map.sheet.as_deref()),
    }
}

fn decode(bytes: &[u8], encoding: Encoding) -> anyhow::Result<String> {
    match encoding {
        Encoding::Utf8 => {
            let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
            let text = std::str::from_utf8(bytes).map_err(|error| {
                let at = error.valid_up_to();
                anyhow!("byte {at} is no UTF-8; if the file is GBK, set encoding = \"gb18030\" in the map")
            })?;
            Ok(text.to_owned())
        }
        Encoding::Gb18030 => {
            let (text, _, damaged) = encoding_rs::GB18030.decode(bytes);
            ensure!(
                !damaged,
                "the file has bytes that are no GB 18030; set encoding = \"utf8\" in the map if it is UTF-8"
            );
            Ok(text.into_owned())
        }
    }
}

fn json(text: &str, map: &Map) -> anyhow::Result<Vec<Value>> {
    let whole: Value = serde_json::from_str(text).context("it is no JSON")?;
    let list = match &map.records {
        None => whole,
        Some(path) => path
            .get(&whole)
            .with_context(|| format!("records = {:?} in the map: nothing is there", path.as_str()))?
            .clone(),
    };
    match list {
        Value::Array(records) => Ok(records),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            bail!("it holds no list of records; set records = \"path.to.the.list\" in the map")
        }
    }
}

fn ndjson(text: &str) -> anyhow::Result<Vec<Value>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_str(line).with_context(|| format!("line {} is no JSON", index + 1))
        })
        .collect()
}

fn csv(text: &str, delimiter: char) -> anyhow::Result<Vec<Value>> {
    let delimiter = u8::try_from(delimiter).context("delimiter must be one ASCII character")?;
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    let headers = columns(reader.headers()?.iter().map(str::to_owned).collect())?;
    let mut records = Vec::new();
    for row in reader.records() {
        let row = row.context("a row does not read")?;
        let cells = row.iter().map(|cell| Value::String(cell.to_owned()));
        records.push(record(&headers, cells));
    }
    Ok(records)
}

fn excel(bytes: &[u8], sheet: Option<&str>) -> anyhow::Result<Vec<Value>> {
    let mut book = calamine::open_workbook_auto_from_rs(Cursor::new(bytes))
        .context("it is no workbook that can be read (xlsx, xls, xlsb, ods)")?;
    let names = book.sheet_names();
    let name = match sheet {
        Some(name) => names.iter().find(|known| known.as_str() == name),
        None => names.first(),
    };
    let name = name.with_context(|| format!("no such sheet; it has {}", names.join(", ")))?;
    let range = book.worksheet_range(name).with_context(|| format!("sheet {name} does not read"))?;
    let mut rows = range.rows();
    let Some(head) = rows.next() else { return Ok(Vec::new()) };
    let headers = columns(head.iter().map(|cell| cell.to_string().trim().to_owned()).collect())?;
    Ok(rows.map(|row| record(&headers, row.iter().map(cell))).filter(says_something).collect())
}

fn says_something(record: &Value) -> bool {
    record.as_object().is_some_and(|fields| !fields.is_empty())
}

/// Two columns of one name would hide each other.
fn columns(names: Vec<String>) -> anyhow::Result<Vec<String>> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names.iter().filter(|name| !name.is_empty()) {
        ensure!(seen.insert(name), "two columns are called {name:?}; rename one");
    }
    // A column without a name still has content that must not be lost.
    let named = names.into_iter().enumerate();
    Ok(named.map(|(at, name)| if name.is_empty() { format!("column {}", at + 1) } else { name }).collect())
}

fn record(headers: &[String], cells: impl Iterator<Item = Value>) -> Value {
    let filled = headers.iter().zip(cells).filter(|(_, cell)| !cell.is_null());
    Value::Object(filled.map(|(name, cell)| (name.clone(), cell)).collect::<Fields<_, _>>())
}

fn cell(data: &Data) -> Value {
    match data {
        Data::Empty => Value::Null,
        Data::Int(number) => Value::from(*number),
        Data::Float(number) => float(*number),
        Data::Bool(yes) => Value::Bool(*yes),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => Value::String(text.clone()),
        Data::Error(error) => Value::String(error.to_string()),
        Data::DateTime(at) if at.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
            Value::String(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"))
        }
        Data::DateTime(duration) => float(duration.as_f64()),
    }
}

/// A workbook keeps every number as a float; a ticket number is none.
fn float(number: f64) -> Value {
    let text = number.to_string();
    text.parse::<i64>().map_or_else(|_| Value::from(number), Value::from)
}
