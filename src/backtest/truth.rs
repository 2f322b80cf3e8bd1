//! What is known of a data set, and what a pack found of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use crate::engine::StepOutput;
use crate::model::alert::{Alert, AlertKind};
use crate::model::event::{Batch, Body, PaymentStatus};
use crate::model::label::Label;
use crate::model::time::Millis;
use crate::rules::plan::Plan;
use crate::source::Step;

/// Pattern and kind by event id, as a label file gives them.
pub type LabelFile = HashMap<String, (String, String)>;

/// What was found of the labels.
#[derive(Clone, Debug, Serialize)]
pub struct LabelReport {
    /// Accounts that take part in a labelled pattern.
    pub accounts_planted: u64,
    /// Of those, the ones an alert is about.
    pub accounts_found: u64,
    /// Alerted accounts that take part in a pattern, over alerted accounts.
    pub precision: f64,
    /// Accounts found over accounts planted.
    pub recall: f64,
    /// Median, over all patterns found, of the share of the pattern's money that had not moved yet
    /// when its first alert was raised.
    pub median_lead_share: Option<f64>,
    /// By kind.
    pub patterns: Vec<PatternReport>,
}

/// What was found of one kind of pattern.
#[derive(Clone, Debug, Serialize)]
pub struct PatternReport {
    /// The kind.
    pub kind: String,
    /// Patterns of it.
    pub planted: u64,
    /// Of those, the ones that an alert names an event of.
    pub found: u64,
    /// Patterns found over patterns planted.
    pub recall: f64,
    /// Accounts that take part in a pattern of it.
    pub accounts_planted: u64,
    /// Of those, the ones an alert is about.
    pub accounts_found: u64,
    /// As for all patterns, over those of this kind that were found.
    pub median_lead_share: Option<f64>,
}

/// What one rule found of the labels, alone and whatever the score made of it.
#[derive(Clone, Debug, Serialize)]
pub struct RuleLabels {
    /// Of the accounts with a finding, those that take part in a pattern.
    pub accounts_found: u64,
    /// Those over the accounts with a finding; `None` without findings.
    pub precision: Option<f64>,
    /// Those over the accounts planted.
    pub recall: f64,
    /// Patterns it found, by kind: one of their events is a finding's, or is named by the evidence
    /// of an alert.
    pub patterns: BTreeMap<String, u64>,
    /// As for patterns, over all that the rule found and from its own first finding on.
    pub median_lead_share: Option<f64>,
}

#[derive(Debug, Default)]
pub(super) struct Pattern {
    pub kind: String,
    /// Time and amount of its movements.
    moved: Vec<(Millis, i64)>,
    accounts: BTreeSet<String>,
}

/// Where a payment's money is booked.
#[derive(Clone, Copy, Debug)]
struct Booking {
    movement: usize,
    settled: bool,
}

/// Labels, as far as they have been read.
#[derive(Debug, Default)]
pub struct Truth {
    file: LabelFile,
    any: bool,
    pub(super) patterns: BTreeMap<String, Pattern>,
    /// Pattern of a labelled event.
    pattern_of: HashMap<String, String>,
    accounts: BTreeSet<String>,
    /// By pattern and payment: which movement of the pattern holds its money.
    payments: HashMap<(String, String), Booking>,
}

impl Truth {
    /// With the labels of a file; those of the source are added as they come.
    #[must_use]
    pub fn new(file: Option<LabelFile>) -> Self {
        Self { any: file.is_some(), file: file.unwrap_or_default(), ..Self::default() }
    }

    /// Takes the labels of one step's events.
    pub fn learn(&mut self, labels: Vec<Label>, batch: &Batch) {
        // A source's own labels and a file's are booked alike, so that both give the same figures.
        for label in labels {
            self.any = true;
            self.file.insert(label.event_id, (label.pattern, label.kind));
        }
        if self.file.is_empty() {
            return;
        }
        for event in &batch.events {
            let Body::Payment(payment) = &event.body else { continue };
            let event_id = batch.text(payment.event_id);
            let Some((pattern, kind)) = self.file.get(event_id).cloned() else { continue };
            let settled = payment.status == PaymentStatus::Settled;
            let books = self.book(&pattern, batch.text(payment.payment_id), settled);
            self.plant(Label {
                event_id: event_id.to_owned(),
                pattern,
                kind,
                time_ms: event.time_ms,
                amount_minor: if books { payment.amount.minor } else { 0 },
                payer: batch.text(payment.payer.account).to_owned(),
                payee: batch.text(payment.payee.account).to_owned(),
            });
        }
    }

    /// Whether a payment's money is booked with the status at hand: with the one that settles, else
    /// with the first, whose booking the settling one takes over.
    fn book(&mut self, pattern: &str, payment: &str, settled: bool) -> bool {
        let moved = self.patterns.get_mut(pattern).map(|pattern| &mut pattern.moved);
        let movement = moved.as_ref().map_or(0, |moved| moved.len());
        let key = (pattern.to_owned(), payment.to_owned());
        let before = self.payments.get(&key).copied();
        if before.is_some_and(|before| before.settled || !settled) {
            return false;
        }
        if let (Some(before), Some(moved)) = (before, moved) {
            moved[before.movement].1 = 0;
        }
        self.payments.insert(key, Booking { movement, settled });
        true
    }

    /// Whether there are labels at all, even if none has come up.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.any
    }

    /// Whether an account takes part in a pattern.
    #[must_use]
    pub fn is_planted(&self, account: &str) -> bool {
        self.accounts.contains(account)
    }

    /// Kinds of pattern, in order.
    pub(super) fn kinds(&self) -> BTreeSet<&str> {
        self.patterns.values().map(|pattern| pattern.kind.as_str()).collect()
    }

    fn plant(&mut self, label: Label) {
        let pattern = self.patterns.entry(label.pattern.clone()).or_default();
        pattern.kind = label.kind;
        pattern.moved.push((label.time_ms, label.amount_minor));
        for account in [label.payer, label.payee] {
            pattern.accounts.insert(account.clone());
            self.accounts.insert(account);
        }
        self.pattern_of.insert(label.event_id, label.pattern);
    }

    fn count<'a>(&self, accounts: impl IntoIterator<Item = &'a String>) -> u64 {
        accounts.into_iter().filter(|account| self.accounts.contains(*account)).count() as u64
    }
}

/// What one pack found of the labels: patterns, by the time they were first seen.
#[derive(Debug)]
pub struct Found {
    /// By alerts.
    pub(super) patterns: BTreeMap<String, Millis>,
    /// By rule, in the plan's order.
    pub(super) by_rule: Vec<BTreeMap<String, Millis>>,
}

impl Found {
    /// Nothing yet.
    #[must_use]
    pub fn new(rules: usize) -> Self {
        Self { patterns: BTreeMap::new(), by_rule: vec![BTreeMap::new(); rules] }
    }

    /// Looks for labelled events in what one step made.
    pub fn observe(&mut self, truth: &Truth, plan: &Plan, step: &Step, output: &StepOutput) {
        if truth.pattern_of.is_empty() {
            return;
        }
        for finding in output.findings.iter().filter(|f| !f.removed) {
            let own = match &step.batch.events[finding.event as usize].body {
                Body::Payment(payment) => step.batch.text(payment.event_id),
                _ => "",
            };
            let event_id = finding.waited.as_deref().unwrap_or(own);
            if let Some(pattern) = truth.pattern_of.get(event_id) {
                let seen = &mut self.by_rule[usize::from(finding.rule)];
                note(seen, pattern, finding.time_ms);
            }
        }
        for alert in output.alerts.iter().filter(|a| a.kind != AlertKind::Withdraw) {
            self.observe_alert(truth, plan, alert);
        }
    }

    fn observe_alert(&mut self, truth: &Truth, plan: &Plan, alert: &Alert) {
        let time_ms = alert.event_time_ms;
        for evidence in &alert.evidence {
            let rule = plan.rules.iter().position(|rule| rule.id == evidence.rule_id);
            for event in &evidence.events {
                let Some(pattern) = truth.pattern_of.get(&event.event_id) else { continue };
                if let Some(rule) = rule {
                    note(&mut self.by_rule[rule], pattern, time_ms);
                }
                if !alert.shadow {
                    note(&mut self.patterns, pattern, time_ms);
                }
            }
        }
        let pattern = truth.pattern_of.get(&alert.event.event_id);
        if let Some(pattern) = pattern.filter(|_| !alert.shadow) {
            note(&mut self.patterns, pattern, time_ms);
        }
    }

    /// What alerts found; `None` without labels.
    pub(super) fn report<'a>(
        &self,
        truth: &Truth,
        alerted: impl Iterator<Item = &'a String> + Clone,
    ) -> Option<LabelReport> {
        if !truth.any {
            return None;
        }
        let alerted_set: BTreeSet<&String> = alerted.clone().collect();
        let found = truth.count(alerted);
        let pattern = |kind: &str| {
            let of_kind: Vec<_> =
                truth.patterns.iter().filter(|(_, pattern)| pattern.kind == kind).collect();
            let planted = of_kind.len() as u64;
            let accounts: BTreeSet<&String> =
                of_kind.iter().flat_map(|(_, pattern)| &pattern.accounts).collect();
            let leads = of_kind.iter().filter_map(|(name, pattern)| {
                self.patterns.get(*name).map(|first_ms| pattern.lead_share(*first_ms))
            });
            let leads: Vec<f64> = leads.collect();
            PatternReport {
                kind: kind.to_owned(),
                planted,
                found: leads.len() as u64,
                recall: share(leads.len() as u64, planted).unwrap_or(0.0),
                accounts_planted: accounts.len() as u64,
                accounts_found: accounts.intersection(&alerted_set).count() as u64,
                median_lead_share: median(leads),
            }
        };
        let leads = self.patterns.iter().filter_map(|(name, first_ms)| {
            truth.patterns.get(name).map(|pattern| pattern.lead_share(*first_ms))
        });
        Some(LabelReport {
            accounts_planted: truth.accounts.len() as u64,
            accounts_found: found,
            precision: share(found, alerted_set.len() as u64).unwrap_or(0.0),
            recall: share(found, truth.accounts.len() as u64).unwrap_or(0.0),
            median_lead_share: median(leads.collect()),
            patterns: truth.kinds().into_iter().map(pattern).collect(),
        })
    }

    /// What one rule found; `None` without labels.
    pub(super) fn of_rule(
        &self,
        truth: &Truth,
        rule: usize,
        accounts: &BTreeSet<String>,
    ) -> Option<RuleLabels> {
        if !truth.any {
            return None;
        }
        let found = truth.count(accounts);
        let mut patterns: BTreeMap<String, u64> = BTreeMap::new();
        let mut leads = Vec::new();
        for (name, first_ms) in &self.by_rule[rule] {
            let Some(pattern) = truth.patterns.get(name) else { continue };
            *patterns.entry(pattern.kind.clone()).or_default() += 1;
            leads.push(pattern.lead_share(*first_ms));
        }
        Some(RuleLabels {
            accounts_found: found,
            precision: share(found, accounts.len() as u64),
            recall: share(found, truth.accounts.len() as u64).unwrap_or(0.0),
            patterns,
            median_lead_share: median(leads),
        })
    }
}

impl Pattern {
    /// Share of its money that had not moved at a time.
    pub(super) fn lead_share(&self, first_ms: Millis) -> f64 {
        let total: i64 = self.moved.iter().map(|(_, amount)| amount).sum();
        let later = self.moved.iter().filter(|(time_ms, _)| *time_ms > first_ms);
        let ahead: i64 = later.map(|(_, amount)| amount).sum();
        share(ahead.unsigned_abs(), total.unsigned_abs()).unwrap_or(0.0)
    }
}

/// Events come in the source's order, not by time: the earliest counts.
fn note(seen: &mut BTreeMap<String, Millis>, pattern: &str, time_ms: Millis) {
    match seen.get_mut(pattern) {
        Some(first_ms) => *first_ms = (*first_ms).min(time_ms),
        None => {
            seen.insert(pattern.to_owned(), time_ms);
        }
    }
}

/// A part of a whole; `None` of nothing.
pub(super) fn share(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    (!values.is_empty()).then(|| values[values.len() / 2])
}
