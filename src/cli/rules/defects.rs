//! Draws the defects of a pack and remarks on it, with a caret under what is meant.

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, Report, Severity,
};

use super::cut::Excerpt;
use crate::rules::SourceFile;
use crate::rules::diagnostics::Diagnostic;

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'a> {
    /// It keeps the pack from loading.
    Defect,
    /// It does not; by code.
    Remark(&'a str),
}

/// Every defect as text, without colour.
#[must_use]
pub fn render(defects: &[Diagnostic], files: &[SourceFile]) -> String {
    let mut text = String::new();
    for defect in defects {
        text += &draw(defect, files, Kind::Defect);
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// One of them.
pub(super) fn draw(defect: &Diagnostic, files: &[SourceFile], kind: Kind<'_>) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .with_context_lines(1);
    let mut text = String::new();
    let place = format!("{}:{}:{}", defect.path, defect.line, defect.column);
    let label = match defect.label.is_empty() {
        true => None,
        false => Some(defect.label.clone()),
    };
    let mut drawn = MietteDiagnostic::new(format!("{place}: {}", defect.message));
    if let Kind::Remark(code) = kind {
        drawn = drawn.with_severity(Severity::Warning).with_code(code);
    }
    if let Some(hint) = &defect.hint {
        drawn = drawn.with_help(hint.clone());
    }
    let source = files.iter().find(|file| file.path == defect.path);
    let report = match source {
        Some(file) => {
            let excerpt = Excerpt::new(&file.path, &file.text, &defect.span);
            let span = LabeledSpan::new(label, excerpt.span.start, excerpt.span.len());
            Report::new(drawn.with_label(span)).with_source_code(excerpt)
        }
        None => Report::new(drawn),
    };
    // Writing into a String does not fail; what was drawn so far is still worth showing.
    let _ = handler.render_report(&mut text, report.as_ref());
    text
}
