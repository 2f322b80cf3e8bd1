//! What is counted of one pack while it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::engine::{Counts, StepOutput};
use crate::model::alert::{Alert, AlertKind, Bilingual, TargetKind};
use crate::model::measure::Action;
use crate::model::time::{Millis, day_number};
use crate::rules::plan::Plan;
use crate::source::Step;

/// What has been counted so far.
#[derive(Debug)]
pub struct Tally {
    /// Sums of the engine's counts.
    pub counts: Counts,
    /// Records read.
    pub events: u64,
    /// Alerts published so far.
    pub alerts_total: u64,
    pub(super) utc_offset_ms: Millis,
    pub(super) skipped: u64,
    pub(super) rejected: BTreeMap<&'static str, u64>,
    pub(super) latency: Option<Histogram<u64>>,
    pub(super) alerts: BTreeMap<&'static str, u64>,
    pub(super) measures: BTreeMap<&'static str, u64>,
    pub(super) rules: Vec<RuleTally>,
    /// Accounts that an alert is about.
    pub(super) alerted: BTreeMap<String, Alerted>,
    pub(super) alerted_days: BTreeSet<(i32, String)>,
    /// Accounts active, by day.
    pub(super) active_days: BTreeMap<i32, u64>,
}

/// What has been counted of one rule.
#[derive(Debug, Default)]
pub(super) struct RuleTally {
    pub findings: u64,
    pub not_evaluable: u64,
    pub suppressed: u64,
    pub accounts: BTreeSet<String>,
    pub account_days: BTreeSet<(i32, String)>,
    pub days: BTreeMap<i32, u64>,
}

/// The first alert about an account, and the strongest measure asked for.
#[derive(Clone, Debug)]
pub(super) struct Alerted {
    pub time_ms: Millis,
    pub event_id: String,
    pub action: Action,
    pub score: u32,
    pub rules: Vec<String>,
    pub text: Bilingual,
    pub strongest: Action,
}

impl Alerted {
    fn first(alert: &Alert) -> Self {
        Self {
            time_ms: alert.event_time_ms,
            event_id: alert.event.event_id.clone(),
            action: alert.action,
            score: alert.score,
            rules: alert.reasons.iter().map(|reason| reason.rule_id.clone()).collect(),
            text: alert.reasons.first().map_or_else(Bilingual::default, |r| r.text.clone()),
            strongest: alert.action,
        }
    }
}

impl Tally {
    /// Nothing counted yet. Days turn at the given offset from UTC.
    #[must_use]
    pub fn new(plan: &Plan, utc_offset_ms: Millis) -> Self {
        Self {
            counts: Counts::default(),
            events: 0,
            alerts_total: 0,
            utc_offset_ms,
            skipped: 0,
            rejected: BTreeMap::new(),
            // Three digits up to a minute: these bounds are always accepted.
            latency: Histogram::new_with_bounds(1, 60_000_000, 3).ok(),
            alerts: AlertKind::WORDS.iter().map(|(word, _)| (*word, 0)).collect(),
            measures: BTreeMap::new(),
            rules: plan.rules.iter().map(|_| RuleTally::default()).collect(),
            alerted: BTreeMap::new(),
            alerted_days: BTreeSet::new(),
            active_days: BTreeMap::new(),
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
        for &(day, accounts) in &output.active_by_day {
            *self.active_days.entry(day).or_default() += u64::from(accounts);
        }
        self.add_findings(output);
        for alert in output.alerts.iter().filter(|a| !a.shadow) {
            self.add_alert(alert);
        }
    }

    fn add_findings(&mut self, output: &StepOutput) {
        for (sum, of_step) in self.rules.iter_mut().zip(&output.rules) {
            sum.findings += of_step.hit;
            sum.not_evaluable += of_step.not_evaluable;
            sum.suppressed += of_step.suppressed;
        }
        for finding in output.findings.iter().filter(|f| !f.removed) {
            let day = day_number(finding.time_ms, self.utc_offset_ms);
            let rule = &mut self.rules[usize::from(finding.rule)];
            *rule.days.entry(day).or_default() += 1;
            rule.account_days.insert((day, finding.account.clone()));
            if !rule.accounts.contains(&finding.account) {
                rule.accounts.insert(finding.account.clone());
            }
        }
    }

    fn add_alert(&mut self, alert: &Alert) {
        self.alerts_total += 1;
        *self.alerts.entry(alert.kind.word()).or_default() += 1;
        if matches!(alert.kind, AlertKind::Raise | AlertKind::Escalate) {
            *self.measures.entry(alert.action.word()).or_default() += 1;
        }
        if alert.kind == AlertKind::Withdraw {
            return;
        }
        if matches!(
            alert.target.kind,
            TargetKind::Account | TargetKind::Payment | TargetKind::Opening
        ) {
            let account = &alert.target.account;
            let day = day_number(alert.event_time_ms, self.utc_offset_ms);
            self.alerted_days.insert((day, account.clone()));
            match self.alerted.get_mut(account) {
                Some(known) => known.strongest = known.strongest.max(alert.action),
                None => {
                    self.alerted.insert(account.clone(), Alerted::first(alert));
                }
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
        sum.judged_again += of_step.judged_again;
        sum.corrections.iter_mut().zip(of_step.corrections).for_each(|(sum, step)| *sum += step);
        sum.scored_minor += of_step.scored_minor;
        sum.duplicate_minor += of_step.duplicate_minor;
        sum.rejected_minor += of_step.rejected_minor;
        sum.bounds_hit += of_step.bounds_hit;
        sum.repeats += of_step.repeats;
        sum.breaker_downgrades += of_step.breaker_downgrades;
        sum.account_days += of_step.account_days;
    }
}
