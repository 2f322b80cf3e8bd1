//! The figures of one pack, in the form that others script against.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::drive::{Drive, Lane};
use super::tally::RuleTally;
use super::truth::{LabelReport, RuleLabels, Truth, share};
use crate::model::alert::{AlertKind, Bilingual};
use crate::model::time::DAY;
use crate::rules::plan::RulePlan;

/// The share of a day's active accounts that people can look into. A pack that alerts on more is
/// not worked through.
pub const ALERT_BUDGET: f64 = 0.01;

/// One object; `scored + applied + duplicates + skipped + rejected` is `events`.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The rules.
    pub pack: PackReport,
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
    /// Events judged once more, because one with an earlier time arrived after them.
    pub judged_again: u64,
    /// Alerts that correct an earlier judgement, by kind; they are among `alerts`.
    pub corrections: BTreeMap<&'static str, u64>,
    /// Records over wall-clock seconds, every pack of the drive together.
    pub events_per_second: f64,
    /// From an event's step being taken up to its decision, microseconds.
    pub decision_latency_us: LatencyReport,
    /// By kind.
    pub alerts: BTreeMap<&'static str, u64>,
    /// By measure asked for, raised and escalated alerts.
    pub measures: BTreeMap<&'static str, u64>,
    /// By rule.
    pub rules: Vec<RuleReport>,
    /// Pairs of rules that have accounts in common, by their order in `rules`.
    pub overlap: Vec<Overlap>,
    /// By day, in order.
    pub days: Vec<DayReport>,
    /// Accounts with at least one payment.
    pub accounts_active: u64,
    /// Accounts that an alert is about.
    pub accounts_alerted: u64,
    /// Accounts alerted, day by day, over accounts active, day by day.
    pub alerted_per_active_account_day: f64,
    /// What that share should stay within.
    pub budget: f64,
    /// Whether it does.
    pub within_budget: bool,
    /// With labels: what was found of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<LabelReport>,
}

/// Which rules.
#[derive(Clone, Debug, Serialize)]
pub struct PackReport {
    /// Name.
    pub id: String,
    /// Version.
    pub version: String,
    /// Over its files.
    pub sha256: String,
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
    /// Its title.
    pub title: Bilingual,
    /// `live` or `shadow`.
    pub mode: &'static str,
    /// Findings that no guard removed.
    pub findings: u64,
    /// Accounts they were about.
    pub accounts: u64,
    /// Of those, the ones that no other rule found.
    pub accounts_alone: u64,
    /// Events for which a value was missing.
    pub not_evaluable: u64,
    /// Findings that a guard removed.
    pub suppressed: u64,
    /// Accounts with a finding over active accounts, day by day.
    pub accounts_per_active_account_day: f64,
    /// Findings of each of the report's days.
    pub findings_by_day: Vec<u64>,
    /// With labels: what it found of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<RuleLabels>,
}

/// Two rules that found the same accounts.
#[derive(Clone, Debug, Serialize)]
pub struct Overlap {
    /// Both rules.
    pub rules: [String; 2],
    /// Accounts that both found.
    pub accounts: u64,
    /// Those over the accounts of the rule that found fewer.
    pub share: f64,
}

/// One day.
#[derive(Clone, Debug, Serialize)]
pub struct DayReport {
    /// As `2026-03-05`.
    pub day: String,
    /// Accounts with a payment.
    pub accounts_active: u64,
    /// Accounts with an alert.
    pub accounts_alerted: u64,
    /// Alerted over active; `None` without active accounts.
    pub alerted_per_active_account: Option<f64>,
}

impl Drive {
    /// The figures of one pack.
    #[must_use]
    pub fn report(&self, lane: &Lane) -> Report {
        let (truth, took) = (&self.truth, self.took);
        let Lane { engine, tally, found } = lane;
        let quantile = |q: f64| tally.latency.as_ref().map_or(0, |h| h.value_at_quantile(q));
        let plan = engine.plan();
        let days = days(lane);
        let numbers: Vec<i32> = days.keys().copied().collect();
        let (alone, overlap) = overlap(lane);
        let rate = lane.per_account_day(tally.alerted_days.len());
        Report {
            pack: PackReport {
                id: plan.pack_id.clone(),
                version: plan.pack_version.clone(),
                sha256: plan.pack_sha256.clone(),
            },
            events: tally.events,
            scored: tally.counts.scored,
            applied: tally.counts.applied,
            duplicates: tally.counts.duplicates,
            skipped: tally.skipped,
            rejected: tally.rejected.clone(),
            late: tally.counts.late,
            judged_again: tally.counts.judged_again,
            corrections: AlertKind::WORDS
                .iter()
                .map(|(word, kind)| (*word, tally.counts.corrections[*kind as usize]))
                .collect(),
            events_per_second: (tally.events as f64 / took.as_secs_f64().max(1e-9)).round(),
            decision_latency_us: LatencyReport {
                p50: quantile(0.5),
                p99: quantile(0.99),
                p999: quantile(0.999),
            },
            alerts: tally.alerts.clone(),
            measures: tally.measures.clone(),
            rules: (0..plan.rules.len())
                .map(|rule| lane.rule_report(rule, truth, alone[rule], &numbers))
                .collect(),
            overlap,
            days: days.into_values().collect(),
            accounts_active: engine.memory().accounts_active as u64,
            accounts_alerted: tally.alerted.len() as u64,
            alerted_per_active_account_day: rate,
            budget: ALERT_BUDGET,
            within_budget: rate <= ALERT_BUDGET,
            labels: found.report(truth, tally.alerted.keys()),
        }
    }
}

impl Lane {
    /// A number of accounts, day by day, over the active ones.
    pub(super) fn per_account_day(&self, accounts: usize) -> f64 {
        share(accounts as u64, self.tally.counts.account_days).unwrap_or(0.0)
    }

    /// Rules of its plan with what was counted of them.
    pub(super) fn rules(&self) -> impl Iterator<Item = (&RulePlan, &RuleTally)> {
        self.engine.plan().rules.iter().zip(&self.tally.rules)
    }

    fn rule_report(&self, rule: usize, truth: &Truth, alone: u64, days: &[i32]) -> RuleReport {
        let (plan, tally) = (&self.engine.plan().rules[rule], &self.tally.rules[rule]);
        RuleReport {
            id: plan.id.clone(),
            title: plan.title.clone(),
            mode: plan.mode.word(),
            findings: tally.findings,
            accounts: tally.accounts.len() as u64,
            accounts_alone: alone,
            not_evaluable: tally.not_evaluable,
            suppressed: tally.suppressed,
            accounts_per_active_account_day: self.per_account_day(tally.account_days.len()),
            findings_by_day: days
                .iter()
                .map(|day| tally.days.get(day).copied().unwrap_or(0))
                .collect(),
            labels: self.found.of_rule(truth, rule, &tally.accounts),
        }
    }
}

/// Every day that anything happened on.
fn days(lane: &Lane) -> BTreeMap<i32, DayReport> {
    let tally = &lane.tally;
    let mut counts: BTreeMap<i32, (u64, u64)> = BTreeMap::new();
    for (day, active) in &tally.active_days {
        counts.entry(*day).or_default().0 = *active;
    }
    for (day, _) in &tally.alerted_days {
        counts.entry(*day).or_default().1 += 1;
    }
    for day in tally.rules.iter().flat_map(|rule| rule.days.keys()) {
        counts.entry(*day).or_default();
    }
    let report = |(day, (accounts_active, accounts_alerted))| {
        let report = DayReport {
            day: day_text(day),
            accounts_active,
            accounts_alerted,
            alerted_per_active_account: share(accounts_alerted, accounts_active),
        };
        (day, report)
    };
    counts.into_iter().map(report).collect()
}

fn day_text(day: i32) -> String {
    let midnight = Timestamp::from_millisecond(i64::from(day) * DAY).unwrap_or(Timestamp::MAX);
    midnight.to_zoned_datetime(TimeZone::UTC).date().to_string()
}

/// By rule the accounts that it alone found, and the pairs that found the same ones.
fn overlap(lane: &Lane) -> (Vec<u64>, Vec<Overlap>) {
    let mut by_account: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, (_, tally)) in lane.rules().enumerate() {
        for account in &tally.accounts {
            by_account.entry(account).or_default().push(index);
        }
    }
    let mut alone = vec![0; lane.tally.rules.len()];
    let mut pairs: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    for rules in by_account.values() {
        if let [only] = rules[..] {
            alone[only] += 1;
        }
        for (at, first) in rules.iter().enumerate() {
            for second in &rules[at + 1..] {
                *pairs.entry((*first, *second)).or_default() += 1;
            }
        }
    }
    let rules: Vec<_> = lane.rules().collect();
    let pair = |((first, second), accounts): ((usize, usize), u64)| {
        let ((a, of_a), (b, of_b)) = (rules[first], rules[second]);
        let fewer = of_a.accounts.len().min(of_b.accounts.len()) as u64;
        Overlap {
            rules: [a.id.clone(), b.id.clone()],
            accounts,
            share: share(accounts, fewer).unwrap_or(0.0),
        }
    };
    (alone, pairs.into_iter().map(pair).collect())
}
