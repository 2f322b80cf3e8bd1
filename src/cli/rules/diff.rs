//! `rules diff`: what differs between two packs.

use super::{DiffArgs, load_files, table};
use crate::cli::Failure;
use crate::cli::printer::{Format, Printer};
use crate::rules::compare::{Difference, compare};

const HEADER: [&str; 5] = ["change", "about", "key", "before", "after"];

pub(super) fn run(args: &DiffArgs, printer: &Printer) -> Result<(), Failure> {
    let before = load_files(&args.before, &[], printer)?;
    let after = load_files(&args.after, &args.overlay, printer)?;
    let differences = compare(&before, &after).map_err(|defects| {
        let all: Vec<_> = before.iter().chain(&after).cloned().collect();
        printer.warn(&super::render(&defects, &all));
        Failure::Silent
    })?;
    let rows: Vec<[String; 5]> = differences.iter().map(row).collect();
    if rows.is_empty() && args.format == Format::Table {
        printer.talk("The packs say the same.");
        return Ok(());
    }
    table::print(&HEADER, &rows, args.format, printer)
}

fn row(difference: &Difference) -> [String; 5] {
    let side = |side: &Option<String>| side.clone().unwrap_or_default();
    [
        difference.word().to_owned(),
        difference.about.clone(),
        difference.key.clone(),
        side(&difference.before),
        side(&difference.after),
    ]
}
