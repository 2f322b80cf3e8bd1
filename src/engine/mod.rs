//! The engine: pure and deterministic. A batch of events goes in, alerts and counts come out.
//!
//! No clock, no file, no socket, no random source, no thread of its own, no order of a hash map.
//! The same events in the same order under the same plan give the same alerts, however they are cut
//! into steps and however many threads work on them.
//!
//! A step ([`step`]) is worked on in stretches that fit the cache; each passes through phases:
//!
//! 1. *clock*, in order ([`clock`]): the watermark moves, what is too late is turned away, visits
//!    are handed out
//! 2. *intern*, parallel by shard ([`consult`]): keys become slots ([`table`], [`index`]); what the
//!    visits will read is asked for ahead ([`prefetch`])
//!    what an arrival has judged again is laid in ([`held`])
//! 3. *consult*, parallel by shard: the register joins the statuses of a payment ([`register`]),
//!    reference events are applied and lists are read ([`reference`])
//!    what both found is brought to the events ([`gather`])
//! 4. *visit*, parallel by shard ([`visit`], reading the [`view`] of the stretch): entries
//!    ([`entry`], [`slab`]) go into ledgers ([`enter`]), cells are read ([`reading`], [`scan`],
//!    [`window`], [`hot`]) and from long memory ([`long`]); rules that cannot fire fall away
//!    ([`visit_plan`], [`screen`]); what the others may want to show is kept ([`capture`])
//! 5. *judge*, parallel by event ([`judge`]): conditions over rows
//! 6. *act*, in order ([`act`]): guards, score, episodes, breaker, alerts
//!
//! Payments for which rules ask what did not happen go through the phases once more, as of later,
//! when the watermark has passed that moment ([`waits`], [`again`]): a stretch of their own,
//! between two events.
//! Beside the phases stands [`contrast`]: what two engines said of the same steps.
//!
//! A visit touches one shard only, and a shard refers to nothing outside itself. So the state can
//! leave and come back part by part, as plain data ([`image`]).

mod act;
mod again;
mod capture;
mod clock;
mod consult;
pub mod contrast;
mod enter;
mod entry;
mod extra;
mod facts;
mod features;
mod gather;
mod group;
mod held;
mod horizon;
mod hot;
pub mod image;
mod index;
mod judge;
mod long;
mod prefetch;
mod queue;
mod reading;
mod reference;
mod register;
mod relax;
mod rule_set;
mod scan;
mod screen;
mod slab;
mod step;
mod table;
mod view;
mod visit;
mod visit_plan;
mod waits;
mod warmth;
mod window;

pub use step::Engine;

use crate::limits;
use crate::model::alert::{Alert, TargetKind};
use crate::model::entity::HashKey;
use crate::model::event::Position;
use crate::model::measure::Action;
use crate::model::reject::Reject;
use crate::model::time::{HOUR, Millis};

/// How an engine is set up. Part of what decides the alerts, except `threads` and
/// `report_findings`.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Whose alerts: part of every id.
    pub tenant: String,
    /// Groups of shards, and stretches of events, that may be worked on at once.
    pub threads: usize,
    /// Allowed lateness.
    pub lateness_ms: Millis,
    /// Offset of the zone in which days turn.
    pub utc_offset_ms: Millis,
    /// Key of the hash that places entities.
    pub hash_key: HashKey,
    /// Whether [`StepOutput::findings`] is filled.
    pub report_findings: bool,
}

impl EngineConfig {
    /// Defaults for a tenant: one thread, the default lateness, days that turn at UTC+8.
    #[must_use]
    pub fn for_tenant(tenant: &str) -> Self {
        Self {
            tenant: tenant.to_owned(),
            threads: 1,
            lateness_ms: limits::LATENESS_DEFAULT,
            utc_offset_ms: 8 * HOUR,
            hash_key: HashKey::default(),
            report_findings: false,
        }
    }
}

/// What the state costs, in bytes unless named otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryReport {
    /// Number of entities, by [`crate::model::entity::EntityKind`] as number.
    pub entities: [usize; 8],
    /// Accounts with at least one payment.
    pub accounts_active: usize,
    /// Number of live ledger entries.
    pub live_entries: usize,
    /// Number of payments in the register.
    pub payments: usize,
    /// Number of open episodes.
    pub open_episodes: usize,
    /// Payments that are judged once more when time has passed.
    pub waiting: usize,
    /// Events kept for the allowed lateness.
    pub held_events: usize,
    /// What they cost.
    pub held_bytes: usize,
    /// Keys, headers, hash tables.
    pub entity_bytes: usize,
    /// Ledger blocks, used or not.
    pub entry_bytes: usize,
    /// The register of payments with their ids.
    pub payment_bytes: usize,
    /// Long memory, reference data, indexes of large ledgers.
    pub extra_bytes: usize,
}

/// How the engine spreads work over threads. The engine never spawns: the runtime hands it one of
/// these.
pub trait Fork: Sync {
    /// Calls `work(0) … work(tasks - 1)`, in any order, on any threads, and returns when all are
    /// done.
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

/// What became of the records of one or more steps. Every event is in exactly one of the first
/// four.
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
    /// Events judged once more, because something earlier arrived.
    pub judged_again: u64,
    /// Alerts that correct an earlier judgement, by [`crate::model::alert::AlertKind`] as number.
    pub corrections: [u64; 4],
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
    /// Payments judged once more because time had passed.
    pub waited: u64,
    /// Accounts seen today for the first time, summed over days.
    pub account_days: u64,
}

/// What became of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A payment event that was judged.
    Scored,
    /// An event of another kind, applied.
    Applied,
    /// A payment event that repeats a known status.
    Duplicate,
    /// The engine turned it away.
    Rejected,
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
    /// Index of the event in the batch; where time had to pass, of the event that brought it on.
    pub event: u32,
    /// As of when.
    pub time_ms: Millis,
    /// Where time had to pass: the id of the payment's own event.
    pub waited: Option<String>,
    /// The account the finding is about.
    pub account: String,
    /// Whether a guard removed it.
    pub removed: bool,
    /// Its weight, escalations and guards considered.
    pub weight: u32,
    /// The measure it asks for on its own, escalations and guards considered.
    pub floor: Option<Action>,
    /// It rests on a value that a bound cut.
    pub lower_bound: bool,
    /// Its rule looks back further than things are known.
    pub warming: bool,
    /// What was observed: cells in the order of the rule's evidence in the plan.
    pub values: Vec<i64>,
}

/// An open episode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenEpisode {
    /// What it is about.
    pub kind: TargetKind,
    /// Payment id, or account.
    pub id: String,
    /// Of rules on trial.
    pub shadow: bool,
    /// 0 to 100.
    pub score: u32,
    /// What the policy makes of it, circuit breaker aside.
    pub measure: Option<Action>,
    /// By rule, in order of rule.
    pub findings: Vec<OpenFinding>,
}

/// What an open episode holds of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenFinding {
    /// The rule.
    pub rule_id: String,
    /// Time of the latest event at which it fired.
    pub time_ms: Millis,
    /// Most that any of its findings weighed.
    pub weight: u32,
    /// Strongest measure that any of them asked for on its own.
    pub floor: Option<Action>,
    /// Observed values of the latest, in the order of the rule's evidence.
    pub values: Vec<i64>,
}

/// What became of an event that was judged once more, for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revised {
    /// Index in the batch of the event whose arrival it is due to.
    pub cause: u32,
    /// Where the record of the event lies that was judged.
    pub position: Position,
    /// Its findings from now on, in order of rule; `event` is that of the cause.
    pub findings: Vec<FindingRecord>,
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
    /// What became of each event, in the batch's order.
    pub endings: Vec<Ending>,
    /// By rule, in the plan's order.
    pub rules: Vec<RuleCounts>,
    /// Findings in order of event, then rule, if the engine was told to report them.
    pub findings: Vec<FindingRecord>,
    /// What became of events judged once more, where it is something else than before; in order.
    pub revised: Vec<Revised>,
    /// Accounts seen for the first time of a day, by day number, if the engine was told to report
    /// findings; a day may stand several times. Their sum is [`Counts::account_days`].
    pub active_by_day: Vec<(i32, u32)>,
    /// Watermark after the step: greatest event time seen less the allowed lateness.
    pub watermark_ms: i64,
}
