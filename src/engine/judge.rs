//! The judge: conditions over rows. Reads the rows and the plan's constants, nothing else.

use std::sync::Mutex;

use super::facts::{EventFacts, Fate, NONE};
use super::group::Group;
use super::rule_set::rules_in;
use super::view::StepView;
use super::{Fork, RuleCounts};
use crate::model::time::day_number;
use crate::rules::plan::program::{MISSING, Row};
use crate::rules::plan::view::Role;

/// One rule held at one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub event: u32,
    /// Of a rule that asks about signals only the gate has been tried: the act phase says what
    /// becomes of it.
    pub rule: u16,
}

/// What the judge found in one step.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    /// In order of event, then rule.
    pub held: Vec<Held>,
    /// For each event, how many accounts were seen for the first time that day.
    pub first_of_day: Vec<u8>,
}

#[derive(Debug, Default)]
struct Part {
    judgement: Judgement,
    rules: Vec<RuleCounts>,
}

/// The row of an event.
pub(super) fn row_of<'a>(
    view: &'a StepView<'_>,
    groups: &[&'a Group],
    facts: &'a EventFacts,
) -> Row<'a> {
    let mut parts: [&[i64]; Role::COUNT] = [&[]; Role::COUNT];
    for (role, at) in facts.visits.iter().enumerate().filter(|(_, v)| !v.is_none()) {
        let group = groups[usize::from(at.group)];
        let row = group.visits[at.index as usize].row;
        if row != NONE {
            let cells = view.plan.parts[role].features.len();
            // Behind them lies what only the visit itself read.
            parts[role] = &group.rows[row as usize..row as usize + cells];
        }
    }
    Row { payment: view.payment_row(facts), parts, signals: &[] }
}

/// Judges every event of the step, in `tasks` stretches.
pub(super) fn judge(
    view: &StepView<'_>,
    groups: &[&Group],
    tasks: usize,
    fork: &dyn Fork,
    counts: &mut [RuleCounts],
) -> Judgement {
    let stretch = view.facts.len().div_ceil(tasks).max(1);
    let parts: Vec<Mutex<Part>> = (0..tasks).map(|_| Mutex::default()).collect();
    fork.run(tasks, &|task| {
        let events =
            (task * stretch).min(view.facts.len())..((task + 1) * stretch).min(view.facts.len());
        let part = judge_stretch(view, groups, events);
        if let Ok(mut slot) = parts[task].lock() {
            *slot = part;
        }
    });
    let mut judgement = Judgement::default();
    for part in parts {
        let part = part.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        judgement.held.extend(part.judgement.held);
        judgement.first_of_day.extend(part.judgement.first_of_day);
        for (sum, of_part) in counts.iter_mut().zip(part.rules) {
            sum.hit += of_part.hit;
            sum.miss += of_part.miss;
            sum.not_evaluable += of_part.not_evaluable;
        }
    }
    judgement
}

fn judge_stretch(view: &StepView<'_>, groups: &[&Group], events: std::ops::Range<usize>) -> Part {
    let mut part = Part::default();
    part.rules.resize(view.plan.rules.len(), RuleCounts::default());
    let words = view.settings.words;
    let mut candidates = vec![0u64; words];
    // How many events had each combination of phases: what is not a candidate is a miss.
    let mut phases = [0u64; 8];
    // By rule: payments that it judged as of later.
    let mut again = vec![0u64; view.plan.rules.len()];
    for index in events {
        let facts = &view.facts[index];
        part.judgement.first_of_day.push(first_of_day(groups, facts));
        if facts.payment_row == NONE {
            continue;
        }
        // What is judged again has been counted.
        let counts = u64::from(facts.fate != Fate::Again);
        let (pre, post) = (facts.transition.pre, facts.transition.post);
        phases[usize::from(pre) + 2 * usize::from(post) + 4 * usize::from(facts.opening)] += counts;
        for rule in rules_in(view.again(facts)) {
            again[usize::from(rule)] += 1;
        }
        candidates.fill(0);
        let lacking = view.lacking(facts);
        for rule in rules_in(lacking) {
            part.rules[usize::from(rule)].not_evaluable += counts;
        }
        for role in Role::ALL {
            let at = facts.visits[role as usize];
            if at.is_none() {
                // Nobody tried those: what they read of the role is missing.
                view.visit_plan.roles[role as usize].gated.open(&mut candidates);
                continue;
            }
            let group = groups[usize::from(at.group)];
            let start = group.visits[at.index as usize].candidates;
            if start != NONE {
                let of_visit = &group.candidates[start as usize..start as usize + words];
                candidates.iter_mut().zip(of_visit).for_each(|(all, own)| *all |= own);
            }
        }
        let open = view.open(facts).iter().zip(lacking);
        candidates.iter_mut().zip(open).for_each(|(all, (open, lacking))| *all &= open & !lacking);
        if candidates.iter().all(|word| *word == 0) {
            continue;
        }
        let row = row_of(view, groups, facts);
        for rule in rules_in(&candidates) {
            let plan = &view.plan.rules[usize::from(rule)];
            match view.plan.program.eval(plan.gate, &row) {
                0 => {}
                MISSING => part.rules[usize::from(rule)].not_evaluable += counts,
                _ => {
                    part.rules[usize::from(rule)].hit += counts;
                    part.judgement.held.push(Held { event: index as u32, rule });
                }
            }
        }
    }
    for ((rule, counts), again) in view.plan.rules.iter().zip(&mut part.rules).zip(again) {
        let judged = |bits: &usize| {
            (rule.phases.pre && bits & 1 != 0)
                || (rule.phases.post && bits & 2 != 0)
                || (rule.phases.opening && bits & 4 != 0)
        };
        let events: u64 = (0..8).filter(judged).map(|bits| phases[bits]).sum();
        counts.miss = events + again - counts.hit - counts.not_evaluable;
    }
    part
}

fn first_of_day(groups: &[&Group], facts: &EventFacts) -> u8 {
    let accounts = [facts.visits[Role::Payer as usize], facts.visits[Role::Payee as usize]];
    let first = |at: &&super::facts::VisitRef| {
        !at.is_none() && groups[usize::from(at.group)].visits[at.index as usize].first_of_day
    };
    accounts.iter().filter(first).count() as u8
}

impl Judgement {
    /// Accounts seen for the first time that day, summed over the step.
    pub fn account_days(&self) -> u64 {
        self.first_of_day.iter().map(|n| u64::from(*n)).sum()
    }

    /// The same, by day number: a run of events of one day is one entry.
    pub fn active_by_day(&self, view: &StepView<'_>) -> Vec<(i32, u32)> {
        let mut days: Vec<(i32, u32)> = Vec::new();
        for (number, first) in self.first_of_day.iter().enumerate() {
            if *first == 0 {
                continue;
            }
            let day = day_number(view.event(number).time_ms, view.settings.utc_offset_ms);
            match days.last_mut() {
                Some((last, sum)) if *last == day => *sum += u32::from(*first),
                _ => days.push((day, u32::from(*first))),
            }
        }
        days
    }
}
