//! `rules list`.

use anyhow::anyhow;

use super::{ListArgs, load};
use crate::cli::Failure;
use crate::cli::printer::{Format, Printer};
use crate::rules::plan::Plan;
use crate::rules::roster::{self, Entry};

const HEADER: [&str; 9] =
    ["id", "name", "mode", "family", "weight", "phases", "subject", "floor", "title"];
/// The same, and what a table has no room for.
const COLUMNS: [&str; 11] = [
    "id", "name", "family", "weight", "phases", "subject", "floor", "title", "version", "mode",
    "guards",
];

/// A rule for programs.
#[derive(serde::Serialize)]
struct Row<'a> {
    id: &'a str,
    name: &'a str,
    version: &'a str,
    mode: &'a str,
    family: &'a str,
    weight: i64,
    phases: String,
    subject: &'a str,
    /// Measure when only this rule fires; absent: the score alone decides.
    floor: Option<&'a str>,
    guards: Vec<&'a str>,
    title: String,
}

pub(super) fn run(args: &ListArgs, printer: &Printer) -> Result<(), Failure> {
    let (files, plan) = load(&args.pack, printer)?;
    let entries = roster::of(&files).map_err(|_| anyhow!("the pack cannot be read"))?;
    let rows: Vec<Row<'_>> = entries.iter().map(|entry| row(&plan, entry)).collect();
    match args.format {
        Format::Json => {
            printer.data(&serde_json::to_string_pretty(&rows)?);
            Ok(())
        }
        Format::Csv => {
            let rows: Vec<[String; 11]> = rows.into_iter().map(columns).collect();
            super::table::print(&COLUMNS, &rows, args.format, printer)
        }
        Format::Table => {
            let rows: Vec<[String; 9]> = rows.into_iter().map(cells).collect();
            super::table::print(&HEADER, &rows, args.format, printer)
        }
    }
}

fn cells(row: Row<'_>) -> [String; 9] {
    let [id, name, family, weight, phases, subject, floor, title, _, mode, _] = columns(row);
    [id, name, mode, family, weight, phases, subject, floor, title]
}

fn columns(row: Row<'_>) -> [String; 11] {
    [
        row.id.to_owned(),
        row.name.to_owned(),
        row.family.to_owned(),
        row.weight.to_string(),
        row.phases,
        row.subject.to_owned(),
        row.floor.unwrap_or_default().to_owned(),
        row.title,
        row.version.to_owned(),
        row.mode.to_owned(),
        row.guards.join(" "),
    ]
}

fn row<'a>(plan: &'a Plan, entry: &'a Entry) -> Row<'a> {
    // In the plan guards for all rules stand at every rule; a rule that is off has its own.
    let compiled = plan.rules.iter().find(|rule| rule.id == entry.id);
    let guards = match compiled {
        Some(rule) => {
            rule.guards.iter().map(|guard| plan.guards[usize::from(*guard)].id.as_str()).collect()
        }
        None => entry.guards.iter().map(String::as_str).collect(),
    };
    Row {
        id: &entry.id,
        name: &entry.name,
        version: &entry.version,
        mode: &entry.mode,
        family: &entry.family,
        weight: entry.weight,
        phases: entry.phases.join("+"),
        subject: &entry.subject,
        floor: entry.floor.as_deref(),
        guards,
        title: entry.title.join(" / "),
    }
}
