//! `rules lint`: what a pack allows itself and hardly means.

use serde::Serialize;

use super::defects::{Kind, draw};
use super::run_examples::survivors;
use super::{LintArgs, count, load};
use crate::cli::Failure;
use crate::cli::printer::{Format, Printer};
use crate::rules::SourceFile;
use crate::rules::diagnostics::Diagnostic;
use crate::rules::lint::{self, LINTS, Remark};

const HEADER: [&str; 8] = ["code", "rule", "file", "line", "column", "message", "hint", "allowed"];

/// A remark as data.
#[derive(Serialize)]
struct Row<'a> {
    code: &'a str,
    rule: &'a str,
    file: &'a str,
    line: usize,
    column: usize,
    message: &'a str,
    hint: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<&'a str>,
}

/// Every remark on a pack that compiles, those of its examples' edges included.
///
/// # Errors
/// What keeps the pack from compiling.
pub fn remarks(files: &[SourceFile]) -> Result<Vec<Remark>, Vec<Diagnostic>> {
    lint::lint(files, &survivors(files)?)
}

/// Remarks as text, with a caret under what is meant.
#[must_use]
pub fn render_remarks(remarks: &[Remark], files: &[SourceFile]) -> String {
    let mut text = String::new();
    for remark in remarks {
        text += &draw(&remark.diagnostic, files, Kind::Remark(remark.code));
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

pub(super) fn run(args: &LintArgs, printer: &Printer) -> Result<(), Failure> {
    if args.list {
        let rows: Vec<[String; 3]> =
            LINTS.iter().map(|lint| [lint.code, lint.zh, lint.en].map(str::to_owned)).collect();
        return super::table::print(
            &["code", "meaning_zh", "meaning"],
            &rows,
            args.format,
            printer,
        );
    }
    let (files, _) = load(&args.pack, printer)?;
    let all = remarks(&files).map_err(|_| anyhow::anyhow!("the pack cannot be read"))?;
    let open: Vec<Remark> = all.iter().filter(|r| r.allowed.is_none()).cloned().collect();
    let allowed = all.len() - open.len();
    match args.format {
        Format::Table if open.is_empty() => {}
        Format::Table => printer.data(&render_remarks(&open, &files)),
        Format::Json => {
            printer.data(&serde_json::to_string_pretty(&all.iter().map(row).collect::<Vec<_>>())?)
        }
        Format::Csv => {
            let rows: Vec<[String; 8]> = all.iter().map(|remark| cells(&row(remark))).collect();
            super::table::print(&HEADER, &rows, Format::Csv, printer)?;
        }
    }
    let said = format!("{}, {allowed} allowed with a reason.", count(open.len(), "remark"));
    printer.talk(&said);
    if open.is_empty() { Ok(()) } else { Err(Failure::Silent) }
}

fn row(remark: &Remark) -> Row<'_> {
    let place = &remark.diagnostic;
    Row {
        code: remark.code,
        rule: &remark.rule,
        file: &place.path,
        line: place.line,
        column: place.column,
        message: &place.message,
        hint: place.hint.as_deref().unwrap_or_default(),
        allowed: remark.allowed.as_deref(),
    }
}

fn cells(row: &Row<'_>) -> [String; 8] {
    [
        row.code.to_owned(),
        row.rule.to_owned(),
        row.file.to_owned(),
        row.line.to_string(),
        row.column.to_string(),
        row.message.to_owned(),
        row.hint.to_owned(),
        row.allowed.unwrap_or_default().to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The program over the whole pack: every threshold moved by one unit makes an example fail,
    /// and everything else that can be remarked on is meant.
    #[test]
    fn the_shipped_pack_gives_no_cause_for_a_remark() {
        let files = crate::rules::shipped::files();
        let remarks = remarks(&files).expect("the pack compiles");
        let open: Vec<Remark> = remarks.into_iter().filter(|r| r.allowed.is_none()).collect();
        assert!(open.is_empty(), "{}", render_remarks(&open, &files));
    }
}
