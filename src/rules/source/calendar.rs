//! `calendar.toml`: public holidays, and the weekends on which people work.

use crate::rules::diagnostics::Sink;
use crate::rules::document::{Fields, Node, Text};

/// A calendar as written.
#[derive(Clone, Debug)]
pub(in crate::rules) struct CalendarDoc {
    pub(in crate::rules) file: usize,
    /// First and last day of each holiday.
    pub(in crate::rules) holidays: Vec<(Text, Text)>,
    /// Days on which people work.
    pub(in crate::rules) workdays: Vec<Text>,
}

pub(super) fn read(file: usize, root: &Node, sink: &mut Sink<'_>) -> Option<CalendarDoc> {
    let fields = Fields::open(root, "a calendar", &["holidays", "workdays"], sink)?;
    let mut holidays = Vec::new();
    for node in fields.items("holidays", sink) {
        let known = &["name", "from", "to"];
        let Some(holiday) = Fields::open(node, "a holiday", known, sink) else { continue };
        holiday.require_text("name", sink);
        let (from, to) = (holiday.require_text("from", sink), holiday.require_text("to", sink));
        holidays.extend(from.zip(to));
    }
    let mut workdays = Vec::new();
    for node in fields.items("workdays", sink) {
        let known = &["name", "day"];
        let Some(workday) = Fields::open(node, "a working day", known, sink) else { continue };
        workday.require_text("name", sink);
        workdays.extend(workday.require_text("day", sink));
    }
    Some(CalendarDoc { file, holidays, workdays })
}
