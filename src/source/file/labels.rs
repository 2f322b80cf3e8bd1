//! Ground truth from files.

use std::collections::HashMap;
use std::path::Path;

use super::open_plain;
use crate::source::SourceError;

/// Reads a label file with the columns `event_id`, `pattern` and `kind`, in any order: pattern and
/// kind by event.
///
/// # Errors
/// When the file cannot be read, or lacks a column.
pub fn read_labels(path: &Path) -> Result<HashMap<String, (String, String)>, SourceError> {
    let rows = read_columns(path, ["event_id", "pattern", "kind"])?;
    Ok(rows.into_iter().map(|[event, pattern, kind]| (event, (pattern, kind))).collect())
}

/// Reads three columns of a CSV file.
pub(super) fn read_columns(path: &Path, names: [&str; 3]) -> Result<Vec<[String; 3]>, SourceError> {
    let problem =
        |problem: String| SourceError::Mapping { path: path.display().to_string(), problem };
    let mut reader = csv::Reader::from_reader(open_plain(path)?);
    let headers = reader.headers().map_err(|error| problem(error.to_string()))?.clone();
    let mut places = [0; 3];
    for (place, name) in places.iter_mut().zip(names) {
        let there = || headers.iter().collect::<Vec<_>>().join(", ");
        let missing = || problem(format!("no column {name:?}; the columns are: {}", there()));
        *place = headers.iter().position(|h| h == name).ok_or_else(missing)?;
    }
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| problem(error.to_string()))?;
        rows.push(places.map(|place| row.get(place).unwrap_or_default().to_owned()));
    }
    Ok(rows)
}
