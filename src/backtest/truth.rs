//! What is known of a data set, and what was found of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use crate::model::alert::{Alert, AlertKind};
use crate::model::event::{Batch, Body};
use crate::model::label::Label;
use crate::model::time::Millis;

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
    /// Median, over those found, of the share of the pattern's money that had not moved yet when
    /// its first alert was raised.
    pub median_lead_share: Option<f64>,
}

#[derive(Debug, Default)]
struct Pattern {
    kind: String,
    /// Time and amount of its movements.
    moved: Vec<(Millis, i64)>,
    first_alert_ms: Option<Millis>,
}

/// Labels, and the alerts seen of them.
#[derive(Debug, Default)]
pub struct Truth {
    file: LabelFile,
    any: bool,
    patterns: BTreeMap<String, Pattern>,
    /// Pattern of a labelled event.
    pattern_of: HashMap<String, String>,
    accounts: BTreeSet<String>,
    payments: BTreeSet<(String, String)>,
}

impl Truth {
    /// With the labels of a file; those of the source are added as they come.
    #[must_use]
    pub fn new(file: Option<LabelFile>) -> Self {
        Self { any: file.is_some(), file: file.unwrap_or_default(), ..Self::default() }
    }

    /// Takes the labels of one step's events.
    pub fn learn(&mut self, labels: Vec<Label>, batch: &Batch) {
        for label in labels {
            self.any = true;
            self.plant(label);
        }
        if self.file.is_empty() {
            return;
        }
        for event in &batch.events {
            let Body::Payment(payment) = &event.body else { continue };
            let event_id = batch.text(payment.event_id);
            let Some((pattern, kind)) = self.file.get(event_id).cloned() else { continue };
            let first =
                self.payments.insert((pattern.clone(), batch.text(payment.payment_id).to_owned()));
            self.plant(Label {
                event_id: event_id.to_owned(),
                pattern,
                kind,
                time_ms: event.time_ms,
                amount_minor: if first { payment.amount.minor } else { 0 },
                payer: batch.text(payment.payer.account).to_owned(),
                payee: batch.text(payment.payee.account).to_owned(),
            });
        }
    }

    /// Looks for labelled events in alerts.
    pub fn observe(&mut self, alerts: &[Alert]) {
        if self.pattern_of.is_empty() {
            return;
        }
        for alert in alerts.iter().filter(|a| !a.shadow && a.kind != AlertKind::Withdraw) {
            let named = alert.evidence.iter().flat_map(|e| &e.events).chain([&alert.event]);
            for event in named {
                let pattern = self.pattern_of.get(&event.event_id);
                if let Some(pattern) = pattern.and_then(|p| self.patterns.get_mut(p)) {
                    pattern.first_alert_ms.get_or_insert(alert.event_time_ms);
                }
            }
        }
    }

    /// What was found; `None` without labels.
    #[must_use]
    pub fn report(&self, alerted: &BTreeSet<String>) -> Option<LabelReport> {
        if !self.any {
            return None;
        }
        let found = self.accounts.intersection(alerted).count() as f64;
        let share = |of: usize| if of == 0 { 0.0 } else { found / of as f64 };
        let mut kinds: BTreeMap<&str, (u64, Vec<f64>)> = BTreeMap::new();
        for pattern in self.patterns.values() {
            let (planted, leads) = kinds.entry(&pattern.kind).or_default();
            *planted += 1;
            leads.extend(pattern.lead_share());
        }
        let report = |(kind, (planted, mut leads)): (&str, (u64, Vec<f64>))| {
            leads.sort_by(f64::total_cmp);
            PatternReport {
                kind: kind.to_owned(),
                planted,
                found: leads.len() as u64,
                median_lead_share: (!leads.is_empty()).then(|| leads[leads.len() / 2]),
            }
        };
        Some(LabelReport {
            accounts_planted: self.accounts.len() as u64,
            accounts_found: found as u64,
            precision: share(alerted.len()),
            recall: share(self.accounts.len()),
            patterns: kinds.into_iter().map(report).collect(),
        })
    }

    fn plant(&mut self, label: Label) {
        let pattern = self.patterns.entry(label.pattern.clone()).or_default();
        pattern.kind = label.kind;
        pattern.moved.push((label.time_ms, label.amount_minor));
        self.accounts.extend([label.payer, label.payee]);
        self.pattern_of.insert(label.event_id, label.pattern);
    }
}

impl Pattern {
    /// Share of its money that had not moved at its first alert; `None` when it was not found.
    fn lead_share(&self) -> Option<f64> {
        let first_ms = self.first_alert_ms?;
        let total: i64 = self.moved.iter().map(|(_, amount)| amount).sum();
        let later = self.moved.iter().filter(|(time_ms, _)| *time_ms > first_ms);
        let ahead: i64 = later.map(|(_, amount)| amount).sum();
        Some(if total == 0 { 0.0 } else { ahead as f64 / total as f64 })
    }
}
