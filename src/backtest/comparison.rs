//! Two packs over the same events: what the change from one to the other gained and lost.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::{Offset, TimeZone};
use serde::Serialize;

use super::drive::{Drive, Lane};
use super::report::{Report, RuleReport};
use super::tally::Alerted;
use super::truth::{Truth, share};
use crate::engine::contrast::{Contrast, EpisodesCompared};
use crate::model::alert::Bilingual;
use crate::model::time::{Millis, SECOND};
use crate::wire::encode::privacy::{Mask, TokenKind};
use crate::wire::encode::text::rfc3339;

/// Accounts or patterns named as examples, at most.
const EXAMPLES_MAX: usize = 100;

/// What differs between the pack and the one it is held against.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The figures of the pack it is held against: the one before the change.
    pub report: Report,
    /// By rule, of both packs.
    pub rules: Vec<RuleChange>,
    /// All rules together: alerts instead of findings.
    pub total: RuleChange,
    /// Accounts that both alert on.
    pub accounts_both: u64,
    /// Of those, the ones for which the strongest measure became stronger.
    pub measure_stronger: u64,
    /// Of those, the ones for which it became weaker.
    pub measure_weaker: u64,
    /// Episode by episode, as the running comparison of a shadow pack counts.
    pub episodes: EpisodesCompared,
    /// Accounts alerted on since the change.
    pub accounts_gained: AccountsChanged,
    /// Accounts no longer alerted on.
    pub accounts_lost: AccountsChanged,
    /// With labels: patterns found since the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patterns_gained: Option<PatternsChanged>,
    /// With labels: patterns no longer found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patterns_lost: Option<PatternsChanged>,
}

/// One rule, before and after the change. What one side does not have is absent.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RuleChange {
    /// The rule, or `total`.
    pub id: String,
    /// Findings before; alerts in the total.
    pub findings_before: Option<u64>,
    /// Findings after; alerts in the total.
    pub findings: Option<u64>,
    /// Accounts before.
    pub accounts_before: Option<u64>,
    /// Accounts after.
    pub accounts: Option<u64>,
    /// Accounts found only after.
    pub accounts_gained: u64,
    /// Accounts found only before.
    pub accounts_lost: u64,
    /// Accounts per active account and day before.
    pub accounts_per_active_account_day_before: Option<f64>,
    /// Accounts per active account and day after.
    pub accounts_per_active_account_day: Option<f64>,
    /// Precision before.
    pub precision_before: Option<f64>,
    /// Precision after.
    pub precision: Option<f64>,
    /// Recall before.
    pub recall_before: Option<f64>,
    /// Recall after.
    pub recall: Option<f64>,
    /// Median lead share before.
    pub median_lead_share_before: Option<f64>,
    /// Median lead share after.
    pub median_lead_share: Option<f64>,
}

/// Accounts that only one of the packs alerts on.
#[derive(Clone, Debug, Serialize)]
pub struct AccountsChanged {
    /// How many.
    pub count: u64,
    /// With labels: how many of them take part in a pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labelled: Option<u64>,
    /// The first by time, at most a hundred.
    pub examples: Vec<AccountExample>,
}

/// The first alert about an account.
#[derive(Clone, Debug, Serialize)]
pub struct AccountExample {
    /// The account, masked where alerts are.
    pub account: String,
    /// With labels: whether it takes part in a pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labelled: Option<bool>,
    /// Time of the event.
    pub time: String,
    /// The event.
    pub event_id: String,
    /// Measure asked for.
    pub action: &'static str,
    /// Score.
    pub score: u32,
    /// Rules that spoke.
    pub rules: Vec<String>,
    /// Why, by the first of them.
    pub reason: Bilingual,
}

/// Patterns that only one of the packs finds.
#[derive(Clone, Debug, Serialize)]
pub struct PatternsChanged {
    /// How many.
    pub count: u64,
    /// By name, at most a hundred.
    pub examples: Vec<PatternExample>,
}

/// One pattern that was found.
#[derive(Clone, Debug, Serialize)]
pub struct PatternExample {
    /// Its name in the labels.
    pub pattern: String,
    /// Its kind.
    pub kind: String,
    /// Share of its money that had not moved yet at the first alert.
    pub lead_share: f64,
    /// Rules that found it.
    pub rules: Vec<String>,
}

/// Writes times and names of examples.
struct Writer<'a> {
    truth: &'a Truth,
    zone: TimeZone,
    mask: &'a Mask,
}

impl Drive {
    /// What differs between two packs of the drive; accounts are written through the mask.
    #[must_use]
    pub fn compare(&self, before: &Lane, after: &Lane, mask: &Mask) -> Comparison {
        let truth = &self.truth;
        let (report_before, report_after) = (self.report(before), self.report(after));
        let zone = TimeZone::fixed(offset(after.tally.utc_offset_ms));
        let writer = Writer { truth, zone, mask };
        let (old, new) = (&before.tally.alerted, &after.tally.alerted);
        let both = new.iter().filter_map(|(account, now)| Some((old.get(account)?, now)));
        let known = truth.is_known();
        let gained = writer.accounts(new, old);
        let lost = writer.accounts(old, new);
        let mut total = total(&report_before, &report_after);
        (total.accounts_gained, total.accounts_lost) = (gained.count, lost.count);
        Comparison {
            rules: rules(before, after, &report_before, &report_after),
            total,
            accounts_both: both.clone().count() as u64,
            measure_stronger: both
                .clone()
                .filter(|(old, new)| new.strongest > old.strongest)
                .count() as u64,
            measure_weaker: both.filter(|(old, new)| new.strongest < old.strongest).count() as u64,
            episodes: self.contrast.as_ref().map(Contrast::figures).unwrap_or_default(),
            accounts_gained: gained,
            accounts_lost: lost,
            patterns_gained: known.then(|| writer.patterns(after, before)),
            patterns_lost: known.then(|| writer.patterns(before, after)),
            report: report_before,
        }
    }
}

impl Writer<'_> {
    /// Accounts of the one that are not of the other.
    fn accounts(
        &self,
        of: &BTreeMap<String, Alerted>,
        without: &BTreeMap<String, Alerted>,
    ) -> AccountsChanged {
        let mut only: Vec<(&String, &Alerted)> =
            of.iter().filter(|(account, _)| !without.contains_key(*account)).collect();
        only.sort_by_key(|(account, alerted)| (alerted.time_ms, *account));
        let labelled = only.iter().filter(|(account, _)| self.truth.is_planted(account)).count();
        AccountsChanged {
            count: only.len() as u64,
            labelled: self.truth.is_known().then_some(labelled as u64),
            examples: only.iter().take(EXAMPLES_MAX).map(|(a, b)| self.account(a, b)).collect(),
        }
    }

    fn account(&self, account: &str, alerted: &Alerted) -> AccountExample {
        let clear = [(TokenKind::Account, account)];
        AccountExample {
            account: self.mask.display(account).unwrap_or_else(|| account.to_owned()),
            labelled: self.truth.is_known().then(|| self.truth.is_planted(account)),
            time: rfc3339(alerted.time_ms, &self.zone),
            event_id: self.mask.scrub(&alerted.event_id, &clear).into_owned(),
            action: alerted.action.word(),
            score: alerted.score,
            rules: alerted.rules.clone(),
            reason: alerted.text.clone(),
        }
    }

    /// Patterns that the one found and the other did not.
    fn patterns(&self, of: &Lane, without: &Lane) -> PatternsChanged {
        let only: Vec<_> = of
            .found
            .patterns
            .iter()
            .filter(|(name, _)| !without.found.patterns.contains_key(*name))
            .collect();
        let example = |(name, first_ms): &(&String, &Millis)| {
            let pattern = self.truth.patterns.get(*name)?;
            let rules = of.rules().zip(&of.found.by_rule);
            let found = rules.filter(|(_, found)| found.contains_key(*name));
            Some(PatternExample {
                pattern: (*name).clone(),
                kind: pattern.kind.clone(),
                lead_share: pattern.lead_share(**first_ms),
                rules: found.map(|((plan, _), _)| plan.id.clone()).collect(),
            })
        };
        PatternsChanged {
            count: only.len() as u64,
            examples: only.iter().filter_map(example).take(EXAMPLES_MAX).collect(),
        }
    }
}

fn rules(before: &Lane, after: &Lane, old: &Report, new: &Report) -> Vec<RuleChange> {
    let accounts = |lane: &Lane| -> BTreeMap<String, BTreeSet<String>> {
        lane.rules().map(|(plan, tally)| (plan.id.clone(), tally.accounts.clone())).collect()
    };
    let (accounts_before, accounts_after) = (accounts(before), accounts(after));
    let nothing = BTreeSet::new();
    let ids: BTreeSet<&String> = accounts_before.keys().chain(accounts_after.keys()).collect();
    let change = |id: &String| {
        let find = |report: &Report| report.rules.iter().find(|rule| rule.id == *id).cloned();
        let (old, new) = (find(old), find(new));
        let accounts_old = accounts_before.get(id).unwrap_or(&nothing);
        let accounts_new = accounts_after.get(id).unwrap_or(&nothing);
        let labels = |rule: &Option<RuleReport>| rule.as_ref().and_then(|r| r.labels.clone());
        let (labels_old, labels_new) = (labels(&old), labels(&new));
        let rate = |rule: &RuleReport| rule.accounts_per_active_account_day;
        RuleChange {
            id: id.clone(),
            findings_before: old.as_ref().map(|rule| rule.findings),
            findings: new.as_ref().map(|rule| rule.findings),
            accounts_before: old.as_ref().map(|rule| rule.accounts),
            accounts: new.as_ref().map(|rule| rule.accounts),
            accounts_gained: accounts_new.difference(accounts_old).count() as u64,
            accounts_lost: accounts_old.difference(accounts_new).count() as u64,
            accounts_per_active_account_day_before: old.as_ref().map(rate),
            accounts_per_active_account_day: new.as_ref().map(rate),
            precision_before: labels_old.as_ref().and_then(|labels| labels.precision),
            precision: labels_new.as_ref().and_then(|labels| labels.precision),
            recall_before: labels_old.as_ref().map(|labels| labels.recall),
            recall: labels_new.as_ref().map(|labels| labels.recall),
            median_lead_share_before: labels_old.and_then(|labels| labels.median_lead_share),
            median_lead_share: labels_new.and_then(|labels| labels.median_lead_share),
        }
    };
    ids.into_iter().map(change).collect()
}

fn total(old: &Report, new: &Report) -> RuleChange {
    let alerts = |report: &Report| Some(report.alerts.values().sum());
    // Nothing alerted: no precision, rather than none of it right.
    let precision = |report: &Report| {
        let labels = report.labels.as_ref()?;
        share(labels.accounts_found, report.accounts_alerted)
    };
    let recall = |report: &Report| report.labels.as_ref().map(|labels| labels.recall);
    let lead = |report: &Report| report.labels.as_ref()?.median_lead_share;
    RuleChange {
        id: "total".to_owned(),
        findings_before: alerts(old),
        findings: alerts(new),
        accounts_before: Some(old.accounts_alerted),
        accounts: Some(new.accounts_alerted),
        accounts_per_active_account_day_before: Some(old.alerted_per_active_account_day),
        accounts_per_active_account_day: Some(new.alerted_per_active_account_day),
        precision_before: precision(old),
        precision: precision(new),
        recall_before: recall(old),
        recall: recall(new),
        median_lead_share_before: lead(old),
        median_lead_share: lead(new),
        ..RuleChange::default()
    }
}

/// An offset of whole seconds; offsets beyond what a zone can have count as none.
fn offset(offset_ms: Millis) -> Offset {
    let seconds = i32::try_from(offset_ms / SECOND).unwrap_or(0);
    Offset::from_seconds(seconds).unwrap_or(Offset::UTC)
}
