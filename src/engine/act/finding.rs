//! Findings: one rule held for one subject at one event. Guards are evaluated, the weight is set,
//! and the evidence is taken down.

use std::collections::BTreeMap;

use super::super::capture::Captured;
use super::super::group::Group;
use super::super::view::StepView;
use crate::model::alert::{Bilingual, EventRef, Evidence, GuardOutcome, GuardResult};
use crate::model::entity::Reference;
use crate::model::measure::Action;
use crate::model::time::Millis;
use crate::rules::plan::program::{MISSING, Row};
use crate::rules::plan::view::Role;
use crate::rules::plan::{EvidencePlan, GuardEffect, Plan, RulePlan};
use crate::rules::text::{plain_value, unit};

/// One rule held.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub rule_id: String,
    pub rule_version: String,
    pub code: String,
    pub family: usize,
    pub weight: u32,
    /// Measure it asks for on its own.
    pub floor: Option<Action>,
    /// Its time: that of the event.
    pub time_ms: Millis,
    /// The observed values, in the order of the rule's evidence.
    pub values: Box<[i64]>,
    /// Empty until it is told.
    pub text: Bilingual,
    /// Empty until it is told.
    pub evidence: Vec<Evidence>,
    /// What it will be told from: most findings never are.
    pub kept: Option<Box<Kept>>,
    pub guards: Vec<GuardResult>,
    /// A guard removed it.
    pub removed: bool,
    /// A guard halved its weight.
    pub lowered: bool,
    pub lower_bound: bool,
    /// The rule looks back further than payments are known.
    pub warming: bool,
    pub balance_unknown: bool,
    /// In which role what it is about touches the payment.
    pub subject: Role,
}

/// What text and evidence of a finding are made from.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// Its number in the plan.
    pub rule: usize,
    pub time_ms: Millis,
    pub payment: Vec<i64>,
    pub parts: [Vec<i64>; Role::COUNT],
    pub signals: Vec<i64>,
    /// By number of evidence: the entries behind it.
    pub entries: Vec<(usize, Role, Captured)>,
}

/// What the visits of a step kept, by event.
#[derive(Debug)]
pub(super) struct Captures<'a> {
    by_event: BTreeMap<u32, Vec<(Role, &'a Captured)>>,
}

impl<'a> Captures<'a> {
    pub fn collect(view: &StepView<'_>, groups: &[&'a Group]) -> Self {
        let mut by_event: BTreeMap<u32, Vec<_>> = BTreeMap::new();
        for capture in groups.iter().flat_map(|group| &group.captures) {
            debug_assert!((capture.event as usize) < view.course.len());
            by_event.entry(capture.event).or_default().push((capture.role, &capture.what));
        }
        Self { by_event }
    }

    /// Branch that owns the account in a role.
    pub fn branch(&self, event: usize, role: Role) -> Option<&str> {
        let kept = self.by_event.get(&(event as u32))?;
        kept.iter().find_map(|(of, what)| match what {
            Captured::Branch(branch) if *of == role => Some(&**branch),
            _ => None,
        })
    }

    fn entries(&self, event: usize, rule: usize) -> Vec<(usize, Role, Captured)> {
        let kept = self.by_event.get(&(event as u32));
        let of_rule = |(role, what): &(Role, &Captured)| match what {
            Captured::Entries { rule: r, evidence, .. } if usize::from(*r) == rule => {
                Some((*evidence, *role, (*what).clone()))
            }
            _ => None,
        };
        kept.into_iter().flatten().filter_map(of_rule).collect()
    }
}

impl Finding {
    pub fn make(
        view: &StepView<'_>,
        groups: &[&Group],
        captures: &Captures<'_>,
        event: usize,
        rule: usize,
        row: &Row<'_>,
    ) -> Self {
        let plan = &view.plan.rules[rule];
        let program = &view.plan.program;
        let mut weight = plan.weight;
        let mut floor = plan.floor;
        for escalation in plan.escalations.iter().filter(|e| program.eval(e.when, row) == 1) {
            floor = floor.max(Some(escalation.floor));
            weight = escalation.weight.unwrap_or(weight);
        }
        let (guards, effect) = guards(view, plan, row);
        let lowered = effect == Some(GuardEffect::Lower);
        if lowered {
            weight /= 2;
            floor = None;
        }
        let subject = view.facts[event].visits[plan.subject as usize];
        let lower_bound = !subject.is_none()
            && groups[usize::from(subject.group)].visits[subject.index as usize].lower_bound;
        Self {
            rule_id: plan.id.clone(),
            rule_version: plan.version.clone(),
            code: plan.code.clone(),
            family: plan.family,
            weight,
            floor,
            time_ms: view.event(event).time_ms,
            values: plan.evidence.iter().map(|item| program.eval(item.value, row)).collect(),
            text: Bilingual::default(),
            evidence: Vec::new(),
            kept: (effect != Some(GuardEffect::Remove)).then(|| {
                Box::new(Kept {
                    rule,
                    time_ms: view.event(event).time_ms,
                    payment: row.payment.to_vec(),
                    parts: row.parts.map(<[i64]>::to_vec),
                    signals: row.signals.to_vec(),
                    entries: captures.entries(event, rule),
                })
            }),
            guards,
            removed: effect == Some(GuardEffect::Remove),
            lowered,
            lower_bound,
            warming: view.is_warming(rule, event),
            balance_unknown: plan.balance_unknown.is_some_and(|e| program.eval(e, row) == 1),
            subject: plan.subject,
        }
    }

    /// The same put into words, unless that has been done.
    pub fn told(&self, plan: &Plan, groups: &[&Group]) -> Option<Self> {
        let kept = self.kept.as_deref()?;
        let parts = kept.parts.each_ref().map(|part| &part[..]);
        let row = Row { payment: &kept.payment, parts, signals: &kept.signals };
        let text = plan.rules[kept.rule].text.render(&plan.program, &row, plan.currency);
        let evidence = evidence(plan, groups, kept, &row);
        let mut told = Self { kept: None, ..self.clone() };
        (told.text, told.evidence) = (text, evidence);
        Some(told)
    }

    /// Whether it says of the same event what another one of its rule says.
    pub fn says_the_same(&self, other: &Self) -> bool {
        (self.time_ms, &self.values, &self.guards) == (other.time_ms, &other.values, &other.guards)
            && self.lower_bound == other.lower_bound
    }

    /// Whether payments behind it are not after what ledgers will have let go of.
    pub fn fades_until(&self, horizon_ms: Millis) -> bool {
        let entries = self.kept.iter().flat_map(|kept| &kept.entries);
        let oldest = entries.filter_map(|(_, _, captured)| match captured {
            // Oldest first.
            Captured::Entries { entries, .. } => entries.first(),
            Captured::Branch(_) => None,
        });
        oldest.into_iter().any(|e| e.time_ms() <= horizon_ms)
    }
}

/// Evaluates a rule's guards; the strongest effect of those that apply.
fn guards(
    view: &StepView<'_>,
    plan: &RulePlan,
    row: &Row<'_>,
) -> (Vec<GuardResult>, Option<GuardEffect>) {
    let mut effect = None;
    let mut results = Vec::with_capacity(plan.guards.len());
    for guard in plan.guards.iter().map(|index| &view.plan.guards[usize::from(*index)]) {
        let outcome = match (view.plan.program.eval(guard.when, row), guard.effect) {
            (0, _) => GuardOutcome::NotApplicable,
            (MISSING, _) => GuardOutcome::NotEvaluable,
            (_, GuardEffect::Remove) => GuardOutcome::Removed,
            (_, GuardEffect::Lower) => GuardOutcome::Lowered,
        };
        match outcome {
            GuardOutcome::Removed => effect = Some(GuardEffect::Remove),
            GuardOutcome::Lowered => effect = effect.or(Some(GuardEffect::Lower)),
            GuardOutcome::NotApplicable | GuardOutcome::NotEvaluable => {}
        }
        results.push(GuardResult { rule_id: plan.id.clone(), guard_id: guard.id.clone(), outcome });
    }
    (results, effect)
}

fn evidence(plan: &Plan, groups: &[&Group], kept: &Kept, row: &Row<'_>) -> Vec<Evidence> {
    let rule = &plan.rules[kept.rule];
    let item = |(number, item): (usize, &EvidencePlan)| {
        let text =
            |expr| plain_value(item.ty, plan.program.eval(expr, row), plan.currency, item.words);
        let captured = kept.entries.iter().find(|(of, ..)| *of == number);
        let (events, truncated) = match captured {
            Some((_, role, captured)) => events_of(groups, *role, captured),
            None => (Vec::new(), false),
        };
        Evidence {
            rule_id: rule.id.clone(),
            feature: item.name.clone(),
            value: text(item.value),
            operator: item.operator.word(),
            threshold: text(item.threshold),
            unit: unit(item.ty, plan.currency),
            window_ms: item.window.map(|w| (kept.time_ms - w.window_ms, kept.time_ms)),
            events,
            truncated,
        }
    };
    // Of alternatives only those that hold decided anything.
    let holds = |item: &&EvidencePlan| item.holds(&plan.program, row);
    rule.evidence.iter().enumerate().filter(|(_, item)| holds(item)).map(item).collect()
}

/// Names the events behind captured entries.
fn events_of(groups: &[&Group], role: Role, captured: &Captured) -> (Vec<EventRef>, bool) {
    let Captured::Entries { entries, truncated, keeper, .. } = captured else {
        return (Vec::new(), false);
    };
    let per_group = groups[0].shards.len();
    let shard = |number: usize| &groups[number / per_group].shards[number % per_group];
    let account = |reference: Reference| {
        let name = shard(usize::from(reference.shard())).table.name_of(reference);
        String::from_utf8_lossy(name).into_owned()
    };
    let name = |entry: &super::super::entry::Entry| {
        let number = (entry.fingerprint() >> (32 - crate::limits::SHARD_BITS)) as usize;
        let register = &shard(number).register;
        let other = entry.counterparty();
        // A customer's ledger names only the other side's account, a network's only the payer's, a
        // device's names neither.
        let parties = |payer, payee| match (role, entry.is_debit()) {
            (Role::Device, _) => true,
            (Role::Network, _) => payer == other,
            (Role::PayerCustomer | Role::PayeeCustomer, true) => payee == other,
            (Role::PayerCustomer | Role::PayeeCustomer, false) => payer == other,
            (_, true) => (payer, payee) == (*keeper, other),
            (_, false) => (payer, payee) == (other, *keeper),
        };
        let (id, position, between) = register.event_of(
            entry.fingerprint(),
            entry.amount_minor(),
            !entry.is_debit(),
            parties,
        )?;
        Some(EventRef { event_id: id.to_owned(), position, parties: between.map(account) })
    };
    let events: Vec<EventRef> = entries.iter().filter_map(name).collect();
    let truncated = *truncated || events.len() < entries.len();
    (events, truncated)
}
