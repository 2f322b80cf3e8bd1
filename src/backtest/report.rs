//! The figures of a drive, in the form that others script against.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::truth::{LabelReport, Truth};
use crate::engine::{Counts, Engine, StepOutput};
use crate::model::alert::{AlertKind, TargetKind};
use crate::model::time::DAY;
use crate::rules::plan::Plan;
use crate::source::Step;

/// One object; `scored + applied + duplicates + skipped + rejected` is `events`.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Records read.
    pub events: u64,
    /// Payment events judged.
    pub scored: u64,
    /// Events of other kinds applied.
    pub applied: u64,
    /// Payment events that repeat a known status.
    pub duplicates: u64,
    /// Rows that the mapping's `keep` left out.
    pub skipped: u64,
    /// By reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Of the scored, those older than the allowed lateness.
    pub late: u64,
    /// Records over wall-clock seconds.
    pub events_per_second: f64,
    /// From an event's step being taken up to its decision, microseconds.
    pub decision_latency_us: LatencyReport,
    /// By kind.
    pub alerts: BTreeMap<&'static str, u64>,
    /// By measure asked for, raised and escalated alerts.
    pub measures: BTreeMap<&'static str, u64>,
    /// By rule.
    pub rules: Vec<RuleReport>,
    /// Accounts with at least one payment.
    pub accounts_active: u64,
    /// Accounts that an alert is about.
    pub accounts_alerted: u64,
    /// Accounts alerted, day by day, over accounts active, day by day.
    pub alerted_per_active_account_day: f64,
    /// With labels: what was found of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<LabelReport>,
}

/// Latency at three quantiles, microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LatencyReport {
    /// Median.
    pub p50: u64,
    /// 99 %.
    pub p99: u64,
    /// 99.9 %.
    pub p999: u64,
}

/// What one rule did.
#[derive(Clone, Debug, Serialize)]
pub struct RuleReport {
    /// The rule.
    pub id: String,
    /// Findings that no guard removed.
    pub findings: u64,
    /// Accounts they were about.
    pub accounts: u64,
    /// Events for which a value was missing.
    pub not_evaluable: u64,
    /// Findings that a guard removed.
    pub suppressed: u64,
    /// Accounts with a finding over active accounts, day by day.
    pub accounts_per_active_account_day: f64,
}

/// What has been counted so far.
#[derive(Debug)]
pub struct Tally {
    /// Sums of the engine's counts.
    pub counts: Counts,
    /// Records read.
    pub events: u64,
    /// Alerts published so far.
    pub alerts_total: u64,
    skipped: u64,
    rejected: BTreeMap<&'static str, u64>,
    latency: Option<Histogram<u64>>,
    alerts: BTreeMap<&'static str, u64>,
    measures: BTreeMap<&'static str, u64>,
    rules: Vec<RuleTally>,
    alerted: BTreeSet<String>,
    alerted_days: BTreeSet<(i64, String)>,
}

#[derive(Debug, Default)]
struct RuleTally {
    id: String,
    findings: u64,
    not_evaluable: u64,
    suppressed: u64,
    accounts: BTreeSet<String>,
    account_days: BTreeSet<(i64, String)>,
}

impl Tally {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let rule = |r: &crate::rules::plan::RulePlan| RuleTally {
            id: r.id.clone(),
            ..RuleTally::default()
        };
        Self {
            counts: Counts::default(),
            events: 0,
            alerts_total: 0,
            skipped: 0,
            rejected: BTreeMap::new(),
            // Three digits up to a minute: these bounds are always accepted.
            latency: Histogram::new_with_bounds(1, 60_000_000, 3).ok(),
            alerts: AlertKind::WORDS.iter().map(|(word, _)| (*word, 0)).collect(),
            measures: BTreeMap::new(),
            rules: plan.rules.iter().map(rule).collect(),
            alerted: BTreeSet::new(),
            alerted_days: BTreeSet::new(),
        }
    }

    /// Adds one step.
    pub fn add(&mut self, step: &Step, output: &StepOutput, took: Duration) {
        let events = step.batch.events.len() as u64;
        self.events += events + step.rejected.len() as u64 + step.skipped;
        self.skipped += step.skipped;
        if let Some(latency) = &mut self.latency {
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            latency.saturating_record_n(micros, events);
        }
        let rejects = step.rejected.iter().map(|r| &r.reject).chain(&output.rejects);
        for reject in rejects {
            *self.rejected.entry(reject.reason.word()).or_default() += 1;
        }
        self.add_counts(&output.counts);
        for (sum, of_step) in self.rules.iter_mut().zip(&output.rules) {
            sum.findings += of_step.hit;
            sum.not_evaluable += of_step.not_evaluable;
            sum.suppressed += of_step.suppressed;
        }
        for finding in output.findings.iter().filter(|f| !f.removed) {
            let day = step.batch.events[finding.event as usize].time_ms.div_euclid(DAY);
            let rule = &mut self.rules[usize::from(finding.rule)];
            rule.account_days.insert((day, finding.account.clone()));
            if !rule.accounts.contains(&finding.account) {
                rule.accounts.insert(finding.account.clone());
            }
        }
        for alert in output.alerts.iter().filter(|a| !a.shadow) {
            self.alerts_total += 1;
            *self.alerts.entry(alert.kind.word()).or_default() += 1;
            if matches!(alert.kind, AlertKind::Raise | AlertKind::Escalate) {
                *self.measures.entry(alert.action.word()).or_default() += 1;
            }
            if matches!(alert.target.kind, TargetKind::Account | TargetKind::Payment) {
                let day = alert.event_time_ms.div_euclid(DAY);
                self.alerted_days.insert((day, alert.target.account.clone()));
                self.alerted.insert(alert.target.account.clone());
            }
        }
    }

    fn add_counts(&mut self, of_step: &Counts) {
        let sum = &mut self.counts;
        sum.scored += of_step.scored;
        sum.applied += of_step.applied;
        sum.duplicates += of_step.duplicates;
        sum.rejected += of_step.rejected;
        sum.late += of_step.late;
        sum.scored_minor += of_step.scored_minor;
        sum.duplicate_minor += of_step.duplicate_minor;
        sum.rejected_minor += of_step.rejected_minor;
        sum.bounds_hit += of_step.bounds_hit;
        sum.repeats += of_step.repeats;
        sum.breaker_downgrades += of_step.breaker_downgrades;
        sum.account_days += of_step.account_days;
    }

    /// The figures.
    #[must_use]
    pub fn report(&self, engine: &Engine, truth: &Truth, took: Duration) -> Report {
        let quantile = |q: f64| self.latency.as_ref().map_or(0, |h| h.value_at_quantile(q));
        let per_day = |n: usize| match self.counts.account_days {
            0 => 0.0,
            days => n as f64 / days as f64,
        };
        let rule = |r: &RuleTally| RuleReport {
            id: r.id.clone(),
            findings: r.findings,
            accounts: r.accounts.len() as u64,
            not_evaluable: r.not_evaluable,
            suppressed: r.suppressed,
            accounts_per_active_account_day: per_day(r.account_days.len()),
        };
        Report {
            events: self.events,
            scored: self.counts.scored,
            applied: self.counts.applied,
            duplicates: self.counts.duplicates,
            skipped: self.skipped,
            rejected: self.rejected.clone(),
            late: self.counts.late,
            events_per_second: (self.events as f64 / took.as_secs_f64().max(1e-9)).round(),
            decision_latency_us: LatencyReport {
                p50: quantile(0.5),
                p99: quantile(0.99),
                p999: quantile(0.999),
            },
            alerts: self.alerts.clone(),
            measures: self.measures.clone(),
            rules: self.rules.iter().map(rule).collect(),
            accounts_active: engine.memory().accounts_active as u64,
            accounts_alerted: self.alerted.len() as u64,
            alerted_per_active_account_day: per_day(self.alerted_days.len()),
            labels: truth.report(&self.alerted),
        }
    }
}
