//! Findings as CSV: what fired at which event, before episodes make alerts of it.

use std::fmt::Write as _;
use std::io::Write;

use super::privacy::{Mask, TokenKind};
use crate::engine::FindingRecord;
use crate::model::event::{Batch, Body, Event};
use crate::rules::plan::Plan;
use crate::rules::text::plain_value;

/// The columns, in order.
pub const COLUMNS: [&str; 10] = [
    "rule",
    "account",
    "event_id",
    "time_ms",
    "removed",
    "weight",
    "measure",
    "evidence",
    "lower_bound",
    "warming",
];

/// Writes findings, one a row, in order of event, then rule. Evidence is `feature=value`, one
/// after the other with `; ` between: amounts as decimals, durations in milliseconds.
#[derive(Debug)]
pub struct FindingRows<W: Write> {
    out: csv::Writer<W>,
    evidence: String,
}

impl<W: Write> FindingRows<W> {
    /// Begins with the row of column names.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(out: W) -> std::io::Result<Self> {
        let mut out = csv::Writer::from_writer(out);
        out.write_record(COLUMNS)?;
        Ok(Self { out, evidence: String::new() })
    }

    /// Writes the findings of a batch; accounts are shown as the mask has it.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(
        &mut self,
        plan: &Plan,
        batch: &Batch,
        findings: &[FindingRecord],
        mask: &Mask,
    ) -> std::io::Result<()> {
        for finding in findings {
            let event = &batch.events[finding.event as usize];
            let rule = &plan.rules[usize::from(finding.rule)];
            self.evidence.clear();
            for (item, value) in rule.evidence.iter().zip(&finding.values) {
                let between = if self.evidence.is_empty() { "" } else { "; " };
                let value = plain_value(item.ty, *value, plan.currency, item.words);
                // Writing to a text cannot fail.
                let _ = write!(self.evidence, "{between}{}={value}", item.name);
            }
            self.out.write_record([
                rule.id.as_str(),
                &*mask.token(TokenKind::Account, &finding.account),
                finding.waited.as_deref().unwrap_or_else(|| event_id(batch, event)),
                finding.time_ms.to_string().as_str(),
                word(finding.removed),
                finding.weight.to_string().as_str(),
                finding.floor.map_or("", crate::model::measure::Action::word),
                self.evidence.as_str(),
                word(finding.lower_bound),
                word(finding.warming),
            ])?;
        }
        Ok(())
    }

    /// Hands on what is buffered.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

fn word(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn event_id<'a>(batch: &'a Batch, event: &Event) -> &'a str {
    match &event.body {
        Body::Payment(payment) => batch.text(payment.event_id),
        Body::Account(account) => batch.text(account.event_id),
        _ => "",
    }
}
