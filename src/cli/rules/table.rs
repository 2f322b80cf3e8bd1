//! Rows in the format asked for.

use anyhow::anyhow;

use crate::cli::Failure;
use crate::cli::printer::{Format, Printer};

/// Columns of a table, at most.
const WIDTH: u16 = 160;

/// Prints rows.
pub(in crate::cli) fn print<const N: usize>(
    header: &[&str; N],
    rows: &[[String; N]],
    format: Format,
    printer: &Printer,
) -> Result<(), Failure> {
    match format {
        Format::Table => {
            let mut table = comfy_table::Table::new();
            table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
            // Wide cells, as whole conditions, are wrapped.
            table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
            table.set_width(WIDTH);
            table.set_header(header.iter().copied());
            for row in rows {
                table.add_row(row);
            }
            printer.data(&table.to_string());
        }
        Format::Json => {
            let objects: Vec<serde_json::Map<String, serde_json::Value>> = rows
                .iter()
                .map(|row| {
                    let pairs = header.iter().zip(row);
                    pairs.map(|(key, value)| ((*key).to_owned(), value.clone().into())).collect()
                })
                .collect();
            printer.data(&serde_json::to_string_pretty(&objects)?);
        }
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(header)?;
            for row in rows {
                writer.write_record(row)?;
            }
            let bytes = writer.into_inner().map_err(|error| anyhow!("{error}"))?;
            printer.data(String::from_utf8(bytes)?.trim_end());
        }
    }
    Ok(())
}

/// Prints something that is no table as CSV all the same: a row for each value, with its place.
pub(super) fn print_flat(value: &serde_json::Value, printer: &Printer) -> Result<(), Failure> {
    let mut rows = Vec::new();
    flatten("", value, &mut rows);
    print(&["key", "value"], &rows, Format::Csv, printer)
}

fn flatten(key: &str, value: &serde_json::Value, rows: &mut Vec<[String; 2]>) {
    use serde_json::Value;
    let below = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| flatten(&below(name), value, rows));
        }
        Value::Array(items) => {
            let numbered = items.iter().enumerate();
            numbered.for_each(|(n, value)| flatten(&below(&n.to_string()), value, rows));
        }
        Value::Null => rows.push([key.to_owned(), String::new()]),
        Value::String(text) => rows.push([key.to_owned(), text.clone()]),
        other => rows.push([key.to_owned(), other.to_string()]),
    }
}
