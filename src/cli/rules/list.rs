//! `rules list`.

use super::{ListArgs, load};
use crate::cli::Failure;
use crate::cli::printer::{Format, Printer};
use crate::rules::plan::{Plan, RulePlan};

const HEADER: [&str; 8] = ["id", "name", "family", "weight", "phases", "subject", "floor", "title"];
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
    weight: u32,
    phases: &'a str,
    subject: String,
    /// Measure when only this rule fires; absent: the score alone decides.
    floor: Option<&'a str>,
    guards: Vec<&'a str>,
    title: String,
}

pub(super) fn run(args: &ListArgs, printer: &Printer) -> Result<(), Failure> {
    let (_, plan) = load(&args.pack, printer)?;
    let rows: Vec<Row<'_>> = plan.rules.iter().map(|rule| row(&plan, rule)).collect();
    if args.format == Format::Json {
        printer.data(&serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    if args.format == Format::Csv {
        let rows: Vec<[String; 11]> = rows.into_iter().map(columns).collect();
        return super::table::print(&COLUMNS, &rows, args.format, printer);
    }
    let rows: Vec<[String; 8]> = rows
        .into_iter()
        .map(|row| {
            let shadow = if row.mode == "shadow" { " [shadow]" } else { "" };
            let [id, name, family, weight, phases, subject, floor, title, ..] = columns(row);
            [id, name, family, weight, phases, subject, floor, title + shadow]
        })
        .collect();
    super::table::print(&HEADER, &rows, args.format, printer)
}

fn columns(row: Row<'_>) -> [String; 11] {
    [
        row.id.to_owned(),
        row.name.to_owned(),
        row.family.to_owned(),
        row.weight.to_string(),
        row.phases.to_owned(),
        row.subject,
        row.floor.unwrap_or_default().to_owned(),
        row.title,
        row.version.to_owned(),
        row.mode.to_owned(),
        row.guards.join(" "),
    ]
}

fn row<'a>(plan: &'a Plan, rule: &'a RulePlan) -> Row<'a> {
    let guards = rule.guards.iter().map(|guard| plan.guards[usize::from(*guard)].id.as_str());
    Row {
        id: &rule.id,
        name: &rule.name,
        version: &rule.version,
        mode: rule.mode.word(),
        family: &plan.policy.families[rule.family].name,
        weight: rule.weight,
        phases: phases(rule),
        subject: format!("{:?}", rule.subject).to_lowercase(),
        floor: rule.floor.map(|floor| floor.word()),
        guards: guards.collect(),
        title: format!("{} / {}", rule.title.zh, rule.title.en),
    }
}

fn phases(rule: &RulePlan) -> &'static str {
    match (rule.phases.pre, rule.phases.post) {
        _ if rule.phases.opening => "opening",
        (true, true) => "pre+post",
        (true, false) => "pre",
        _ => "post",
    }
}
