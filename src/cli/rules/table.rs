//! Rows in the format asked for.

use anyhow::anyhow;

use crate::cli::Failure;
use crate::cli::printer::{Format, Printer};

/// Columns of a table, at most.
const WIDTH: u16 = 160;

/// Prints rows.
pub(super) fn print<const N: usize>(
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
