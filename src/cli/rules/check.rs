//! `rules check`: whether a pack compiles, and everything that is wrong where it does not.

use serde::Serialize;

use super::{CheckArgs, tell};
use crate::cli::Failure;
use crate::cli::printer::{Format, Printer};
use crate::rules::SourceFile;
use crate::rules::diagnostics::{Diagnostic, place};
use crate::rules::plan::{Overlay, Plan};
use crate::runtime::pack::PackError;

const HEADER: [&str; 8] =
    ["file", "line", "column", "end_line", "end_column", "message", "label", "hint"];

/// What is said to programs.
#[derive(Serialize)]
struct Checked<'a> {
    good: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pack: Option<Good<'a>>,
    defects: Vec<Defect<'a>>,
}

/// A pack that compiles.
#[derive(Serialize)]
struct Good<'a> {
    id: &'a str,
    version: &'a str,
    sha256: &'a str,
    rules: usize,
    guards: usize,
    overlays: Vec<Laid<'a>>,
}

/// An overlay of it.
#[derive(Serialize)]
struct Laid<'a> {
    folder: &'a str,
    name: &'a str,
    author: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    approver: Option<&'a str>,
    valid_from: &'a str,
    touches: &'a [String],
}

/// Something wrong, with the first and the last place that is meant; columns count characters, the
/// end is not included.
#[derive(Serialize)]
struct Defect<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    message: &'a str,
    label: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

pub(super) fn run(args: &CheckArgs, printer: &Printer) -> Result<(), Failure> {
    let compiled = args.pack.folders().load();
    match (compiled, args.format) {
        (Ok(plan), Format::Table) => good(&plan, printer),
        (Ok(plan), Format::Json) => print_json(&checked(&plan), printer),
        (Ok(_), Format::Csv) => super::table::print(&HEADER, &[], Format::Csv, printer),
        (Err(PackError::Wrong { found, files }), Format::Json) => {
            let defects = found.iter().map(|found| defect(found, &files)).collect();
            print_json(&Checked { good: false, pack: None, defects }, printer)?;
            Err(Failure::Silent)
        }
        (Err(PackError::Wrong { found, files }), Format::Csv) => {
            let rows: Vec<[String; 8]> =
                found.iter().map(|found| cells(&defect(found, &files))).collect();
            super::table::print(&HEADER, &rows, Format::Csv, printer)?;
            Err(Failure::Silent)
        }
        (Err(error), _) => Err(tell(error, printer)),
    }
}

fn print_json(checked: &Checked<'_>, printer: &Printer) -> Result<(), Failure> {
    printer.data(&serde_json::to_string_pretty(checked)?);
    Ok(())
}

fn good(plan: &Plan, printer: &Printer) -> Result<(), Failure> {
    printer.data(&format!(
        "{} {} is good: {} rules, {} guards, sha256 {}",
        plan.pack_id,
        plan.pack_version,
        plan.rules.len(),
        plan.guards.len(),
        plan.pack_sha256
    ));
    // Days in this form compare as texts do.
    let now = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC);
    let today = now.date().to_string();
    for overlay in &plan.overlays {
        let is_to_come = overlay.valid_from > today;
        let holds = if is_to_come { ", still to come: no process takes it before" } else { "" };
        printer.data(&format!(
            "overlay {} ({}): {}; author {}, approver {}, valid from {}{holds}",
            overlay.folder,
            overlay.name,
            overlay.touches.join(", "),
            overlay.author,
            overlay.approver.as_deref().unwrap_or("none"),
            overlay.valid_from
        ));
    }
    Ok(())
}

fn checked(plan: &Plan) -> Checked<'_> {
    let pack = Good {
        id: &plan.pack_id,
        version: &plan.pack_version,
        sha256: &plan.pack_sha256,
        rules: plan.rules.len(),
        guards: plan.guards.len(),
        overlays: plan.overlays.iter().map(laid).collect(),
    };
    Checked { good: true, pack: Some(pack), defects: Vec::new() }
}

fn laid(overlay: &Overlay) -> Laid<'_> {
    Laid {
        folder: &overlay.folder,
        name: &overlay.name,
        author: &overlay.author,
        approver: overlay.approver.as_deref(),
        valid_from: &overlay.valid_from,
        touches: &overlay.touches,
    }
}

fn defect<'a>(found: &'a Diagnostic, files: &[SourceFile]) -> Defect<'a> {
    let file = files.iter().find(|file| file.path == found.path);
    let end = file.map(|file| place(&file.text, found.span.end));
    let (end_line, end_column) = end.unwrap_or((found.line, found.column));
    Defect {
        file: &found.path,
        line: found.line,
        column: found.column,
        end_line,
        end_column,
        message: &found.message,
        label: &found.label,
        hint: found.hint.as_deref(),
    }
}

fn cells(defect: &Defect<'_>) -> [String; 8] {
    [
        defect.file.to_owned(),
        defect.line.to_string(),
        defect.column.to_string(),
        defect.end_line.to_string(),
        defect.end_column.to_string(),
        defect.message.to_owned(),
        defect.label.to_owned(),
        defect.hint.unwrap_or_default().to_owned(),
    ]
}
