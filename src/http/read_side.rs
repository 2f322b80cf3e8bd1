//! What HTTP may read: a bounded set of recent alerts and the process's status, fed by the runtime.
//!
//! Writers and readers share a concurrent map; no guard is held across another call on it, and
//! readers get clones.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dashmap::DashMap;
use serde::Serialize;
use serde_json::value::RawValue;

use super::rules::RulesSide;
use crate::engine::Counts;
use crate::sink::{Message, Stream};
use crate::telemetry::phase::Phase;

/// Alerts kept for reading.
pub const ALERTS_KEPT: u64 = 1_000;
/// Alerts in one answer, at most.
pub const ALERTS_SHOWN_MAX: usize = 500;

/// The read side.
#[derive(Debug)]
pub struct ReadSide {
    /// Alerts by sequence number; the oldest leave when there are more than [`ALERTS_KEPT`].
    alerts: DashMap<u64, Arc<Kept>>,
    /// Sequence number of the next alert.
    next: AtomicU64,
    phase: AtomicU8,
    /// While standing by: milliseconds for which it has not been level with the journal.
    behind_ms: AtomicU64,
    totals: Mutex<Totals>,
    /// Records repeated, records to repeat, seconds left.
    recovery: [AtomicU64; 3],
    /// Which rules are in force, and the door to change them.
    pub rules: RulesSide,
}

#[derive(Debug)]
struct Kept {
    stream: Stream,
    body: Box<RawValue>,
}

#[derive(Clone, Debug, Default)]
struct Totals {
    counts: Counts,
    undecoded: u64,
    steps: u64,
    watermark_ms: Option<i64>,
    pack: Option<(String, String)>,
    instance: String,
}

/// One alert as it was published.
#[derive(Debug, Serialize)]
pub struct ShownAlert {
    /// Counts alerts since the start; `before` takes it.
    pub sequence: u64,
    /// `alerts` or `shadow`.
    pub stream: &'static str,
    /// The body, unchanged.
    pub alert: Box<RawValue>,
}

/// What `/api/v1/status` answers.
#[derive(Debug, Serialize)]
pub struct Status {
    /// What the process is doing.
    pub phase: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Its name.
    pub instance: String,
    /// Rules in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_pack: Option<PackStatus>,
    /// Steps done.
    pub steps: u64,
    /// Payments judged.
    pub scored: u64,
    /// Other records applied.
    pub applied: u64,
    /// Repeated payments.
    pub duplicates: u64,
    /// Records that could not become events.
    pub rejected: u64,
    /// Of the scored, those beyond the allowed lateness.
    pub late: u64,
    /// Records that are in none of these; 0 unless there is a defect.
    pub unaccounted: i64,
    /// Greatest event time seen less the allowed lateness, milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watermark_ms: Option<i64>,
    /// Alerts since the start.
    pub alerts: u64,
}

/// Rules in force.
#[derive(Debug, Serialize)]
pub struct PackStatus {
    /// Name of the pack.
    pub id: String,
    /// Its hash.
    pub sha256: String,
}

impl ReadSide {
    /// An empty read side of a starting process.
    #[must_use]
    pub fn new(instance: &str) -> Self {
        Self {
            alerts: DashMap::new(),
            next: AtomicU64::new(0),
            phase: AtomicU8::new(Phase::Starting as u8),
            behind_ms: AtomicU64::new(0),
            totals: Mutex::new(Totals { instance: instance.to_owned(), ..Totals::default() }),
            recovery: Default::default(),
            rules: RulesSide::default(),
        }
    }

    /// What the process is doing.
    #[must_use]
    pub fn phase(&self) -> Phase {
        Phase::ALL[usize::from(self.phase.load(Ordering::Acquire))]
    }

    /// Says what the process is doing.
    pub fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// For how long a process that stands by has not been level with the journal.
    #[must_use]
    pub fn behind(&self) -> Duration {
        Duration::from_millis(self.behind_ms.load(Ordering::Acquire))
    }

    /// Says how far behind a process is that stands by.
    pub fn set_behind(&self, behind: Duration) {
        let behind_ms = u64::try_from(behind.as_millis()).unwrap_or(u64::MAX);
        self.behind_ms.store(behind_ms, Ordering::Release);
    }

    /// Says how far recovery is: records repeated, records to repeat, about how many seconds are
    /// left.
    pub fn set_recovery(&self, done: u64, of: u64, left_s: u64) {
        for (cell, value) in self.recovery.iter().zip([done, of, left_s]) {
            cell.store(value, Ordering::Release);
        }
    }

    /// What the process is doing, in a line for `/readyz`.
    #[must_use]
    pub fn readiness(&self) -> String {
        let phase = self.phase();
        let [done, of, left_s] =
            [0, 1, 2].map(|cell: usize| self.recovery[cell].load(Ordering::Acquire));
        match (phase, self.behind()) {
            (Phase::Recovering, _) if of > 0 => {
                let percent = (100 * done / of).min(100);
                format!("recovering: {percent} %, about {left_s} s left")
            }
            (Phase::Running, _) => "running: this process leads".to_owned(),
            (Phase::Standby, Duration::ZERO) => "standby: level with the leader".to_owned(),
            (Phase::Standby, behind) => {
                format!("standby: {:.1} s behind the leader", behind.as_secs_f64())
            }
            (phase, _) => phase.word().to_owned(),
        }
    }

    /// Says which rules are in force.
    pub fn set_pack(&self, id: &str, sha256: &str) {
        self.totals().pack = Some((id.to_owned(), sha256.to_owned()));
    }

    /// Adds what a step came to; `undecoded` records never reached the engine.
    pub fn record_step(&self, counts: &Counts, undecoded: usize, watermark_ms: i64) {
        let mut totals = self.totals();
        totals.counts.scored += counts.scored;
        totals.counts.applied += counts.applied;
        totals.counts.duplicates += counts.duplicates;
        totals.counts.rejected += counts.rejected;
        totals.counts.late += counts.late;
        totals.undecoded += undecoded as u64;
        totals.steps += 1;
        totals.watermark_ms = (watermark_ms != i64::MIN).then_some(watermark_ms);
    }

    /// Keeps a published alert; other messages are not for reading and are passed over.
    pub fn record_message(&self, message: &Message) {
        if !matches!(message.stream, Stream::Alerts | Stream::Shadow) {
            return;
        }
        let body = String::from_utf8(message.body.clone()).ok().map(RawValue::from_string);
        let Some(Ok(body)) = body else { return };
        let sequence = self.next.fetch_add(1, Ordering::AcqRel);
        self.alerts.insert(sequence, Arc::new(Kept { stream: message.stream, body }));
        if let Some(oldest) = sequence.checked_sub(ALERTS_KEPT) {
            self.alerts.remove(&oldest);
        }
    }

    /// Recent alerts, newest first: of those before a sequence number, or of all.
    #[must_use]
    pub fn alerts(&self, before: Option<u64>, limit: usize) -> Vec<ShownAlert> {
        let next = self.next.load(Ordering::Acquire);
        let end = before.unwrap_or(next).min(next);
        let oldest = next.saturating_sub(ALERTS_KEPT).min(end);
        let shown = |sequence| {
            let kept = self.alerts.get(&sequence).map(|entry| Arc::clone(entry.value()))?;
            let stream = if kept.stream == Stream::Shadow { "shadow" } else { "alerts" };
            Some(ShownAlert { sequence, stream, alert: kept.body.clone() })
        };
        (oldest..end).rev().filter_map(shown).take(limit).collect()
    }

    /// The status.
    #[must_use]
    pub fn status(&self, unaccounted: i64) -> Status {
        let totals = self.totals().clone();
        Status {
            phase: self.phase().word(),
            version: env!("CARGO_PKG_VERSION"),
            instance: totals.instance,
            rule_pack: totals.pack.map(|(id, sha256)| PackStatus { id, sha256 }),
            steps: totals.steps,
            scored: totals.counts.scored,
            applied: totals.counts.applied,
            duplicates: totals.counts.duplicates,
            rejected: totals.counts.rejected + totals.undecoded,
            late: totals.counts.late,
            unaccounted,
            watermark_ms: totals.watermark_ms,
            alerts: self.next.load(Ordering::Acquire),
        }
    }

    fn totals(&self) -> std::sync::MutexGuard<'_, Totals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
