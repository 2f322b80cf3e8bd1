//! One parameter of one rule over a range of values: what each value would have found.

use serde::Serialize;

use super::drive::{Drive, Lane};
use super::truth::share;
use crate::rules::vary::{Parameter, Setting};

/// The curve.
#[derive(Clone, Debug, Serialize)]
pub struct Sweep {
    /// The rule.
    pub rule: String,
    /// The parameter.
    pub parameter: String,
    /// Its unit, as the pack names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The value that the pack gives it.
    pub written: String,
    /// What the alert rate should stay within.
    pub budget: f64,
    /// By value, in order; the value that the pack gives it among them.
    pub points: Vec<Point>,
}

/// What one value found.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// The value, as it would be written in the pack.
    pub value: String,
    /// Whether the pack gives it this value.
    pub in_pack: bool,
    /// Where it lies, in the smallest unit of its kind.
    #[serde(skip)]
    pub units: i64,
    /// Findings of the rule that no guard removed.
    pub findings: u64,
    /// Accounts they were about.
    pub accounts: u64,
    /// Those over active accounts, day by day.
    pub accounts_per_active_account_day: f64,
    /// With labels: precision of the rule; absent without findings.
    pub rule_precision: Option<f64>,
    /// With labels: recall of the rule.
    pub rule_recall: Option<f64>,
    /// Accounts that an alert of the whole pack is about.
    pub accounts_alerted: u64,
    /// Those over active accounts, day by day.
    pub alerted_per_active_account_day: f64,
    /// Whether that share is within the budget.
    pub within_budget: bool,
    /// With labels: precision of the whole pack; absent without alerts.
    pub precision: Option<f64>,
    /// With labels: recall of the whole pack.
    pub recall: Option<f64>,
    /// With labels: patterns that an alert of the whole pack named an event of.
    pub patterns_found: Option<u64>,
}

impl Sweep {
    /// The curve of a drive whose first pack is the one asked about, and whose last are the ones
    /// with these settings, in order. The pack's own value has a point on the curve as well.
    #[must_use]
    pub fn new(drive: &Drive, parameter: &Parameter, settings: &[Setting]) -> Self {
        let lanes = &drive.lanes[drive.lanes.len() - settings.len()..];
        let point = |(lane, setting): (&Lane, &Setting)| point(drive, lane, parameter, setting);
        let mut points: Vec<Point> = lanes.iter().zip(settings).map(point).collect();
        if let Some(own) = parameter.own() {
            let at = points.partition_point(|point| point.units < own.units);
            match points.get_mut(at).filter(|point| point.units == own.units) {
                Some(point) => point.in_pack = true,
                None => {
                    let own = point((&drive.lanes[0], &own));
                    points.insert(at, Point { in_pack: true, ..own });
                }
            }
        }
        Self {
            rule: parameter.rule.clone(),
            parameter: parameter.name.clone(),
            unit: parameter.unit.clone(),
            written: parameter.written.clone(),
            budget: super::report::ALERT_BUDGET,
            points,
        }
    }
}

impl Sweep {
    /// The pack's value in words: numbers and shares say by themselves what they are.
    #[must_use]
    pub fn written_words(&self) -> String {
        match self.unit.as_deref() {
            None | Some("ratio" | "count" | "duration") => self.written.clone(),
            Some(unit) => format!("{} {unit}", self.written),
        }
    }
}

fn point(drive: &Drive, lane: &Lane, parameter: &Parameter, setting: &Setting) -> Point {
    let report = drive.report(lane);
    let rule = report.rules.iter().find(|rule| rule.id == parameter.rule);
    let rule_labels = rule.and_then(|rule| rule.labels.as_ref());
    let labels = report.labels.as_ref();
    Point {
        value: setting.text.clone(),
        in_pack: false,
        units: setting.units,
        findings: rule.map_or(0, |rule| rule.findings),
        accounts: rule.map_or(0, |rule| rule.accounts),
        accounts_per_active_account_day: rule
            .map_or(0.0, |rule| rule.accounts_per_active_account_day),
        rule_precision: rule_labels.and_then(|labels| labels.precision),
        rule_recall: rule_labels.map(|labels| labels.recall),
        accounts_alerted: report.accounts_alerted,
        alerted_per_active_account_day: report.alerted_per_active_account_day,
        within_budget: report.within_budget,
        precision: labels.and_then(|l| share(l.accounts_found, report.accounts_alerted)),
        recall: labels.map(|labels| labels.recall),
        patterns_found: labels.map(|l| l.patterns.iter().map(|pattern| pattern.found).sum()),
    }
}
