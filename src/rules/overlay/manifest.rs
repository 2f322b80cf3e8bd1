//! `manifest.toml`: who wrote an overlay, who approved it, and from when it holds.

use super::Document;
use crate::rules::diagnostics::Sink;
use crate::rules::document::{Fields, Text};

/// A manifest.
#[derive(Clone, Debug)]
pub(in crate::rules) struct ManifestDoc {
    /// The overlay's folder inside the pack.
    pub(in crate::rules) folder: String,
    pub(in crate::rules) name: Text,
    pub(in crate::rules) author: Text,
    pub(in crate::rules) approver: Option<Text>,
    /// A day, as `2026-12-01`.
    pub(in crate::rules) valid_from: Text,
}

pub(super) fn read(document: &Document, folder: &str, sink: &mut Sink<'_>) -> Option<ManifestDoc> {
    let known = &["name", "author", "approver", "valid_from", "doc"];
    let file = document.file;
    let fields = Fields::open(&document.root, "a manifest", known, sink)?;
    let name = fields.require_text("name", sink);
    let author = fields.require_text("author", sink);
    let approver = fields.text("approver", sink);
    fields.text("doc", sink);
    let valid_from = fields.require_text("valid_from", sink);
    if let Some(day) = valid_from.as_ref().filter(|day| !is_day(&day.value)) {
        let message = format!("`{}` is not a day", day.value);
        let hint = Some("as \"2026-12-01\"".to_owned());
        sink.report(file, day.span.clone(), message, "here", hint);
    }
    for person in author.iter().chain(&approver).filter(|p| p.value.trim().is_empty()) {
        sink.report(file, person.span.clone(), "a name is empty", "who?", None);
    }
    Some(ManifestDoc {
        folder: folder.to_owned(),
        name: name?,
        author: author?,
        approver,
        valid_from: valid_from?,
    })
}

/// `2026-12-01`, so that days compare as texts do.
fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let number = |part: &str, digits: usize| {
        let is_number = part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| part.parse::<u32>().ok()).flatten()
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2))
    else {
        return false;
    };
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_days() {
        for good in ["2026-12-01", "2028-02-29", "2000-02-29"] {
            assert!(is_day(good), "{good}");
        }
        let bad =
            ["", "2026-13-01", "2026-00-01", "2026-02-29", "1900-02-29", "2026-1-1", "2026-04-31"];
        for bad in bad {
            assert!(!is_day(bad), "{bad}");
        }
    }
}
