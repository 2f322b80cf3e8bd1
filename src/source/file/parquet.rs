//! Parquet as input: its rows become the rows of a CSV with the same column names, so that mapping,
//! refusals and labels are those of a CSV.
//!
//! One row group is held at a time, as text. Columns are plain: a list, a map or a structure has
//! no place in a row and is refused by name. Times become RFC 3339 in UTC, dates `YYYY-MM-DD`,
//! decimals keep their digits; an empty cell is a missing one.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Error, Read};
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;

use crate::limits;
use crate::source::SourceError;

/// Opens a Parquet file as the text of a CSV.
///
/// # Errors
/// When it is no Parquet file, or a column of it is not plain.
pub(super) fn open(path: &Path) -> Result<Box<dyn BufRead + Send>, SourceError> {
    let cannot = |cause: String| SourceError::File { path: path.display().to_string(), cause };
    let file = File::open(path).map_err(|cause| cannot(cause.to_string()))?;
    let reader = SerializedFileReader::new(file).map_err(|error| cannot(error.to_string()))?;
    let schema = reader.metadata().file_metadata().schema();
    let mut names = Vec::new();
    for column in schema.get_fields() {
        let name = column.name().to_owned();
        let repeated = column.get_basic_info().has_repetition()
            && column.get_basic_info().repetition() == parquet::basic::Repetition::REPEATED;
        if !column.is_primitive() || repeated {
            let problem = format!("column {name:?} is a list, a map or a structure");
            return Err(SourceError::Mapping { path: path.display().to_string(), problem });
        }
        names.push(name);
    }
    let text = line(names.iter().map(|name| name.as_bytes())).map_err(|e| cannot(e.to_string()))?;
    let rows = Rows { reader, names, group: 0, row: 0, text: Cursor::new(text) };
    Ok(Box::new(BufReader::with_capacity(1 << 20, rows)))
}

/// The rows as text.
struct Rows {
    reader: SerializedFileReader<File>,
    names: Vec<String>,
    /// The next row group.
    group: usize,
    /// Number of its first row.
    row: u64,
    /// The text of the group before, as far as it has not been read.
    text: Cursor<Vec<u8>>,
}

impl Read for Rows {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let read = self.text.read(into)?;
            if read > 0 || self.group == self.reader.num_row_groups() {
                return Ok(read);
            }
            self.text = Cursor::new(self.next_group()?);
        }
    }
}

impl Rows {
    fn next_group(&mut self) -> std::io::Result<Vec<u8>> {
        let number = self.group;
        let wrong = |what: String| Error::other(format!("row group {number}: {what}"));
        let group = self.reader.get_row_group(number).map_err(|error| wrong(error.to_string()))?;
        let rows = u64::try_from(group.metadata().num_rows()).unwrap_or(u64::MAX);
        if rows > limits::PARQUET_GROUP_ROWS_MAX {
            let most = limits::PARQUET_GROUP_ROWS_MAX;
            return Err(wrong(format!(
                "{rows} rows; write the file with at most {most} in a group"
            )));
        }
        let mut text = csv::Writer::from_writer(Vec::new());
        let iter = group.get_row_iter(None).map_err(|error| wrong(error.to_string()))?;
        for (row, number) in iter.zip(self.row..) {
            let row = row.map_err(|error| Error::other(format!("row {number}: {error}")))?;
            let cells = row.get_column_iter().zip(&self.names);
            for ((_, value), name) in cells {
                let cell = cell(value).map_err(|what| {
                    Error::other(format!("row {number}, column {name:?}: {what}"))
                })?;
                text.write_field(cell)?;
            }
            text.write_record(None::<&[u8]>)?;
        }
        self.group += 1;
        self.row += rows;
        text.into_inner().map_err(|error| Error::other(error.to_string()))
    }
}

fn line<'a>(cells: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>, csv::Error> {
    let mut text = csv::Writer::from_writer(Vec::new());
    text.write_record(cells)?;
    text.into_inner().map_err(|error| error.into_error().into())
}

/// A value as a cell's text.
fn cell(value: &Field) -> Result<String, String> {
    Ok(match value {
        Field::Null => String::new(),
        Field::Bool(value) => value.to_string(),
        Field::Byte(value) => value.to_string(),
        Field::Short(value) => value.to_string(),
        Field::Int(value) => value.to_string(),
        Field::Long(value) => value.to_string(),
        Field::UByte(value) => value.to_string(),
        Field::UShort(value) => value.to_string(),
        Field::UInt(value) => value.to_string(),
        Field::ULong(value) => value.to_string(),
        Field::Float(value) => value.to_string(),
        Field::Double(value) => value.to_string(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => std::str::from_utf8(bytes.data())
            .map_err(|_| "the bytes are not UTF-8".to_owned())?
            .to_owned(),
        Field::Decimal(value) => decimal(value.data(), value.scale())?,
        Field::Date(days) => {
            let day = jiff::Span::new().try_days(*days).map_err(|error| error.to_string())?;
            let date = Date::constant(1970, 1, 1).checked_add(day);
            date.map_err(|error| error.to_string())?.to_string()
        }
        Field::TimestampMillis(at) => time(Timestamp::from_millisecond(*at))?,
        Field::TimestampMicros(at) => time(Timestamp::from_microsecond(*at))?,
        _ => return Err("a value of this type has no text".to_owned()),
    })
}

fn time(at: Result<Timestamp, jiff::Error>) -> Result<String, String> {
    at.map(|at| at.to_string()).map_err(|error| error.to_string())
}

/// Digits of a number of big-endian bytes in two's complement, `scale` of them after the point.
fn decimal(bytes: &[u8], scale: i32) -> Result<String, String> {
    let scale = usize::try_from(scale).map_err(|_| "a scale below 0".to_owned())?;
    if bytes.is_empty() || bytes.len() > 16 {
        return Err("a decimal of more than 16 bytes".to_owned());
    }
    let negative = bytes[0] & 0x80 != 0;
    let mut whole = [if negative { 0xff } else { 0 }; 16];
    whole[16 - bytes.len()..].copy_from_slice(bytes);
    let number = i128::from_be_bytes(whole);
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (before, after) = digits.split_at(digits.len() - scale);
    let sign = if negative { "-" } else { "" };
    let point = if scale > 0 { "." } else { "" };
    Ok(format!("{sign}{before}{point}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_keeps_its_digits() {
        for (bytes, scale, text) in [
            (&[0x04, 0xd2][..], 2, "12.34"),
            (&[0x05], 2, "0.05"),
            (&[0xff], 2, "-0.01"),
            (&[0xfb, 0x2e], 0, "-1234"),
            (&[0x80], 0, "-128"),
            (&[0x00, 0x80], 1, "12.8"),
        ] {
            assert_eq!(decimal(bytes, scale).as_deref(), Ok(text));
        }
        assert!(decimal(&[0; 17], 2).is_err() && decimal(&[], 2).is_err());
        assert!(decimal(&[1], -1).is_err());
    }

    #[test]
    fn values_become_what_a_csv_would_hold() {
        let cell = |value| cell(&value);
        assert_eq!(cell(Field::TimestampMillis(0)).as_deref(), Ok("1970-01-01T00:00:00Z"));
        assert_eq!(cell(Field::TimestampMicros(1_500)).as_deref(), Ok("1970-01-01T00:00:00.0015Z"));
        assert_eq!(cell(Field::Date(-1)).as_deref(), Ok("1969-12-31"));
        assert_eq!(cell(Field::Double(12.3)).as_deref(), Ok("12.3"));
        assert_eq!(cell(Field::Null).as_deref(), Ok(""));
        assert!(cell(Field::Bytes(vec![0xff].into())).is_err());
        assert!(cell(Field::TimeMillis(1)).is_err());
    }
}
