//! What a visit keeps for the act phase when a rule may fire: ledgers move on, evidence must not.

use super::entry::Entry;
use super::features::Filter;
use super::window::AsOf;
use crate::limits;
use crate::model::entity::Reference;
use crate::rules::plan::view::Role;
use crate::rules::plan::{EvidenceWindow, Plan};

/// Kept by one visit.
#[derive(Clone, Debug)]
pub(super) struct Capture {
    pub event: u32,
    pub role: Role,
    pub what: Captured,
}

/// What was kept.
#[derive(Clone, Debug)]
pub(super) enum Captured {
    /// Entries behind a value.
    Entries {
        rule: u16,
        /// Number of the evidence in its rule.
        evidence: usize,
        /// Oldest first.
        entries: Vec<Entry>,
        /// More contributed than are kept.
        truncated: bool,
        /// Who keeps the ledger: with an entry's counterparty it names the payment's parties.
        keeper: Reference,
    },
    /// The branch that owns the account.
    Branch(Box<str>),
}

/// The newest entries of an evidence window, oldest first.
pub(super) fn contributing(
    as_of: &AsOf<'_>,
    window: &EvidenceWindow,
    plan: &Plan,
) -> (Vec<Entry>, bool) {
    let query = window.query.map(|number| plan.query(number, as_of.time_ms, as_of.utc_offset_ms).0);
    let filter = query.as_ref().map(|query| Filter::of(query, as_of));
    let window_ms = query.map_or(window.window_ms, |query| query.window_ms);
    let wanted = as_of.window(window_ms).filter(|e| match &filter {
        Some(filter) => filter.admits(as_of, *e),
        None => {
            window.direction.is_none_or(|d| d == e.direction()) && e.flags() & window.without == 0
        }
    });
    let mut entries: Vec<Entry> = wanted.take(limits::EVIDENCE_EVENTS_MAX + 1).collect();
    let truncated = entries.len() > limits::EVIDENCE_EVENTS_MAX;
    entries.truncate(limits::EVIDENCE_EVENTS_MAX);
    entries.reverse();
    (entries, truncated)
}
