//! The engine: pure and deterministic. A batch of events goes in, alerts and counts come out.
//!
//! No clock, no file, no socket, no random source, no thread of its own, no order of a hash map.

use crate::model::alert::Alert;
use crate::model::reject::Reject;

/// How the engine spreads work over threads. The engine never spawns: the runtime hands it one of these.
pub trait Fork: Sync {
    /// Calls `work(0) … work(tasks - 1)`, in any order, on any threads, and returns when all are done.
    fn run(&self, tasks: usize, work: &(dyn Fn(usize) + Sync));
}

/// Runs the tasks one after the other on the calling thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inline;

impl Fork for Inline {
    fn run(&self, tasks: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..tasks).for_each(work);
    }
}

/// What became of the records of one or more steps. Every event is in exactly one of the first four.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Payment events that were judged.
    pub scored: u64,
    /// Events of other kinds that were applied.
    pub applied: u64,
    /// Payment events that repeat a known status.
    pub duplicates: u64,
    /// Events the engine rejected.
    pub rejected: u64,
    /// Of the scored, those older than the allowed lateness.
    pub late: u64,
    /// Sum of amounts of scored events, minor units of any currency.
    pub scored_minor: i128,
    /// Sum of amounts of duplicates.
    pub duplicate_minor: i128,
    /// Sum of amounts of events the engine rejected.
    pub rejected_minor: i128,
    /// Values that a bound made a lower bound.
    pub bounds_hit: u64,
    /// Findings withheld from publication: by cool-down, or because nothing changed.
    pub repeats: u64,
    /// Strong measures the circuit breaker lowered.
    pub breaker_downgrades: u64,
    /// Accounts seen today for the first time, summed over days.
    pub account_days: u64,
}

/// How often one rule came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleCounts {
    /// Fired.
    pub hit: u64,
    /// Did not.
    pub miss: u64,
    /// Fired, and a guard removed it.
    pub suppressed: u64,
    /// Could not be said: a value was missing.
    pub not_evaluable: u64,
}

/// One finding, for reports: the rule fired for the subject at the event, before episodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingRecord {
    /// Index into the plan's rules.
    pub rule: u16,
    /// Index of the event in the batch.
    pub event: u32,
    /// The account the finding is about.
    pub account: String,
    /// Whether a guard removed it.
    pub removed: bool,
}

/// What one step produced.
#[derive(Clone, Debug, Default)]
pub struct StepOutput {
    /// Alerts, in order.
    pub alerts: Vec<Alert>,
    /// For each alert, the index in the batch of the event that made it.
    pub alert_events: Vec<u32>,
    /// Events that could not be scored.
    pub rejects: Vec<Reject>,
    /// What became of the events.
    pub counts: Counts,
    /// By rule, in the plan's order.
    pub rules: Vec<RuleCounts>,
    /// Findings, if the engine was told to report them.
    pub findings: Vec<FindingRecord>,
    /// Watermark after the step: greatest event time seen less the allowed lateness.
    pub watermark_ms: i64,
}
