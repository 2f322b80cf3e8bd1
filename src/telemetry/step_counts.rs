//! What steps bring and what becomes of it, in records and in amounts, counted on both sides so
//! that the two can be held against each other.

use std::collections::BTreeSet;

use prometheus::{IntCounter, IntGauge, Registry};

use super::metric::{self, Metric};
use crate::engine::StepOutput;
use crate::model::alert::AlertKind;
use crate::model::event::{Batch, Body, Event};
use crate::source::Step;

/// Types of records, as [`type_of`] numbers them, then what no type is known of.
const TYPES: [&str; 8] =
    ["payment", "account", "list", "control", "registry", "feedback", "tick", "unknown"];
const PAYMENT: usize = 0;
const UNKNOWN: usize = 7;
/// What becomes of a record.
const STATUSES: [&str; 4] = ["scored", "applied", "duplicate", "rejected"];
const SCORED: usize = 0;
const APPLIED: usize = 1;
const DUPLICATE: usize = 2;
const REJECTED: usize = 3;

/// Counters of steps.
#[derive(Debug)]
pub(super) struct StepCounts {
    consumed: IntCounter,
    ended: [[IntCounter; STATUSES.len()]; TYPES.len()],
    amount_consumed: IntCounter,
    amount_ended: [IntCounter; STATUSES.len()],
    difference_records: IntGauge,
    difference_amount: IntGauge,
    skipped: IntCounter,
    late: IntCounter,
    bounds: IntCounter,
    withheld: IntCounter,
    downgrades: IntCounter,
    judged_again: IntCounter,
    corrections: [IntCounter; AlertKind::WORDS.len()],
    watermark: IntGauge,
    steps: IntCounter,
}

impl StepCounts {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let ended = metric::counters(registry, Metric::EventsConsumed)?;
        let amount = metric::counters(registry, Metric::AmountEnded)?;
        let corrections = metric::counters(registry, Metric::Corrections)?;
        Ok(Self {
            consumed: metric::counter(registry, Metric::RecordsConsumed)?,
            ended: TYPES
                .map(|kind| STATUSES.map(|status| ended.with_label_values(&[kind, status]))),
            amount_consumed: metric::counter(registry, Metric::AmountConsumed)?,
            amount_ended: STATUSES.map(|status| amount.with_label_values(&[status])),
            difference_records: metric::gauge(registry, Metric::DifferenceRecords)?,
            difference_amount: metric::gauge(registry, Metric::DifferenceAmount)?,
            skipped: metric::counter(registry, Metric::RowsSkipped)?,
            late: metric::counter(registry, Metric::LateEvents)?,
            bounds: metric::counter(registry, Metric::BoundsHit)?,
            withheld: metric::counter(registry, Metric::FindingsWithheld)?,
            downgrades: metric::counter(registry, Metric::BreakerDowngrades)?,
            judged_again: metric::counter(registry, Metric::JudgedAgain)?,
            corrections: [0, 1, 2, 3]
                .map(|kind: usize| corrections.with_label_values(&[AlertKind::WORDS[kind].0])),
            watermark: metric::gauge(registry, Metric::Watermark)?,
            steps: metric::counter(registry, Metric::Steps)?,
        })
    }

    pub(super) fn record(&self, step: &Step, output: &StepOutput) {
        let counts = &output.counts;
        let undecoded = step.rejected.len() as u64;
        let consumed = step.batch.events.len() as u64 + undecoded;
        self.consumed.inc_by(consumed);
        self.ended[UNKNOWN][REJECTED].inc_by(undecoded);

        // Payments: the engine tells. Others: what is not among its rejects was applied.
        let (others, turned_away) = by_type(&step.batch, output);
        for (kind, ended) in self.ended.iter().enumerate() {
            ended[REJECTED].inc_by(turned_away[kind]);
            if kind != PAYMENT {
                ended[APPLIED].inc_by(others[kind].saturating_sub(turned_away[kind]));
            }
        }
        self.ended[PAYMENT][SCORED].inc_by(counts.scored);
        self.ended[PAYMENT][DUPLICATE].inc_by(counts.duplicates);

        let amount: i128 = step.batch.events.iter().map(amount_minor).sum();
        self.amount_consumed.inc_by(unsigned(amount));
        self.amount_ended[SCORED].inc_by(unsigned(counts.scored_minor));
        self.amount_ended[DUPLICATE].inc_by(unsigned(counts.duplicate_minor));
        self.amount_ended[REJECTED].inc_by(unsigned(counts.rejected_minor));

        let ended = counts.scored + counts.applied + counts.duplicates + counts.rejected;
        self.difference_records.add(signed(consumed) - signed(ended + undecoded));
        let amount_ended = counts.scored_minor + counts.duplicate_minor + counts.rejected_minor;
        self.difference_amount.add(i64::try_from(amount - amount_ended).unwrap_or(i64::MAX));

        self.skipped.inc_by(step.skipped);
        self.late.inc_by(counts.late);
        self.bounds.inc_by(counts.bounds_hit);
        self.withheld.inc_by(counts.repeats);
        self.downgrades.inc_by(counts.breaker_downgrades);
        self.judged_again.inc_by(counts.judged_again);
        for (counter, count) in self.corrections.iter().zip(counts.corrections) {
            counter.inc_by(count);
        }
        self.steps.inc();
        if output.watermark_ms != i64::MIN {
            self.watermark.set(output.watermark_ms.div_euclid(1_000));
        }
    }

    pub(super) fn count_bounds(&self, hit: u64) {
        self.bounds.inc_by(hit);
    }

    pub(super) fn difference_records(&self) -> i64 {
        self.difference_records.get()
    }
}

/// Events by type, and of these the ones the engine rejected.
fn by_type(batch: &Batch, output: &StepOutput) -> ([u64; TYPES.len()], [u64; TYPES.len()]) {
    let (mut seen, mut turned_away) = ([0; TYPES.len()], [0; TYPES.len()]);
    for event in &batch.events {
        seen[type_of(&event.body)] += 1;
    }
    if !output.rejects.is_empty() {
        let positions: BTreeSet<_> = output.rejects.iter().map(|r| r.position).collect();
        for event in batch.events.iter().filter(|event| positions.contains(&event.position)) {
            turned_away[type_of(&event.body)] += 1;
        }
    }
    (seen, turned_away)
}

fn type_of(body: &Body) -> usize {
    match body {
        Body::Payment(_) => PAYMENT,
        Body::Account(_) => 1,
        Body::List(_) => 2,
        Body::Control(_) => 3,
        Body::Registry(_) => 4,
        Body::Feedback(_) => 5,
        Body::Tick => 6,
    }
}

fn amount_minor(event: &Event) -> i128 {
    match &event.body {
        Body::Payment(payment) => i128::from(payment.amount.minor),
        _ => 0,
    }
}

fn unsigned(amount: i128) -> u64 {
    u64::try_from(amount).unwrap_or(if amount < 0 { 0 } else { u64::MAX })
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
