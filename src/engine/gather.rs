//! Between the parallel phases: what the shards found out is brought to the events, in order.

use super::clock::{amount_of, reject};
use super::facts::{EventFacts, Fate, Frame, RoleLists, VisitRef, opening_cell, payment_cell};
use super::group::{Call, Group};
use super::held::Course;
use super::register::Outcome;
use super::step::{Engine, Work, exclusive};
use super::visit_plan::VisitPlan;
use super::{Counts, Ending, StepOutput};
use crate::model::event::{Batch, Body, Event};
use crate::model::reject::{Reject, RejectReason};
use crate::rules::plan::view::Role;

impl Engine {
    /// Brings the references that interning found to their events, and notes which events came
    /// before them.
    pub(super) fn gather_references(&mut self, first: Option<u64>) {
        let facts = &mut self.work.facts;
        for group in &mut self.groups {
            let group = exclusive(group);
            for visit in &group.visits {
                if let Call::Pays(role) | Call::Opens(role) = visit.call {
                    let shard = &group.shards[usize::from(visit.hash.shard() - group.first_shard)];
                    let reference = shard.table.headers[visit.slot as usize].reference;
                    facts[visit.event as usize].references[role as usize] = reference;
                    if let Some(first) = first {
                        self.held.link(first + u64::from(visit.event), role, visit.before);
                    }
                }
            }
        }
    }

    /// Brings what register and lists said to their events, counts them, and makes the payment
    /// cells.
    pub(super) fn gather_answers(
        &mut self,
        batch: &Batch,
        events: &[Event],
        first: u64,
        output: &mut StepOutput,
    ) {
        let Self { work, held, groups, plan, visit_plan, settings, .. } = self;
        let Work { facts, lists, payment_rows, open, lacking, origins, again, .. } = work;
        let course = Course { batch, events, first, held, origins };
        lists.clear();
        payment_rows.clear();
        open.clear();
        lacking.clear();
        let groups: Vec<_> = groups.iter_mut().map(exclusive).collect();
        // Whether the newest fresh event changes what others see.
        let mut changes = false;
        for (item, facts) in facts.iter_mut().enumerate() {
            let event = course.event(item);
            let is_again = facts.fate == Fate::Again;
            let waited = facts.fate == Fate::Waited;
            match facts.fate {
                Fate::TooLate => continue,
                Fate::Applied => output.counts.applied += 1,
                Fate::Again if !changes => {
                    facts.fate = Fate::Idle;
                    continue;
                }
                _ => {}
            }
            let row_first = payment_rows.len();
            match &event.body {
                Body::Account(opened) => {
                    changes |= !is_again;
                    if !facts.opening {
                        continue;
                    }
                    keep_lists(facts, &groups, lists);
                    let cell = |field: &_| opening_cell(*field, opened);
                    payment_rows.extend(plan.payment.iter().map(cell));
                }
                Body::Payment(payment) => {
                    let VisitRef { group, index } = facts.payment;
                    let task = &groups[usize::from(group)].payments[index as usize];
                    facts.transition = task.transition;
                    if !is_again && !waited {
                        count(event, facts, &mut output.counts, &mut output.rejects);
                        changes = facts.fate == Fate::Scored && facts.transition.changes();
                        if facts.fate != Fate::Scored {
                            continue;
                        }
                    }
                    keep_lists(facts, &groups, lists);
                    if !facts.transition.pre && !facts.transition.post && !waited {
                        continue;
                    }
                    let frame = Frame {
                        currency: plan.currency,
                        time_ms: facts.own_ms,
                        utc_offset_ms: settings.utc_offset_ms,
                        home: plan.country,
                        festivals: &plan.policy.festivals,
                    };
                    let texts = course.texts(item);
                    let cell = |field: &_| payment_cell(*field, texts, payment, &frame);
                    payment_rows.extend(plan.payment.iter().map(cell));
                }
                _ => {
                    changes = true;
                    continue;
                }
            }
            let row = &payment_rows[row_first..];
            facts.payment_row = row_first as u32;
            leave_open(facts, visit_plan, settings.words, row, (&mut *open, &mut *lacking));
            if waited {
                let words = facts.rules as usize..facts.rules as usize + settings.words;
                let (open, lacking) = (&mut open[words.clone()], &mut lacking[words.clone()]);
                leave_waiting(visit_plan, row, &mut again[words], (open, lacking));
            }
        }
        output.endings.extend(facts.iter().filter_map(|facts| ending_of(facts.fate)));
        output.counts.judged_again +=
            facts.iter().filter(|facts| facts.fate == Fate::Again).count() as u64;
    }
}

/// What became of an event that came; what is judged again had become that before.
fn ending_of(fate: Fate) -> Option<Ending> {
    match fate {
        Fate::Scored => Some(Ending::Scored),
        Fate::Applied => Some(Ending::Applied),
        Fate::Duplicate => Some(Ending::Duplicate),
        Fate::Contradiction | Fate::TooLate => Some(Ending::Rejected),
        Fate::Waited | Fate::Again | Fate::Idle => None,
    }
}

/// Leaves open, of the rules that are to judge a payment once more, those that its own part leaves
/// open: what that part says was counted when it was judged first.
fn leave_waiting(
    plan: &VisitPlan,
    row: &[i64],
    again: &mut [u64],
    (open, lacking): (&mut [u64], &mut [u64]),
) {
    open.copy_from_slice(again);
    lacking.fill(0);
    plan.payment.close(&plan.program, row, open, lacking);
    open.iter_mut().zip(&*lacking).for_each(|(open, lacking)| *open &= !lacking);
    lacking.fill(0);
    again.copy_from_slice(open);
}

/// Finds the rules that an event's payment part leaves open, and those it lacks a field for.
fn leave_open(
    facts: &mut EventFacts,
    plan: &VisitPlan,
    words: usize,
    row: &[i64],
    (open, lacking): (&mut Vec<u64>, &mut Vec<u64>),
) {
    let first = open.len();
    facts.rules = first as u32;
    open.resize(first + words, 0);
    lacking.resize(first + words, 0);
    plan.payment.judge(&plan.program, facts, row, &mut open[first..], &mut lacking[first..]);
}

/// Keeps the lists that an event's entities are on, where any is on one.
fn keep_lists(facts: &mut EventFacts, groups: &[&mut Group], lists: &mut Vec<RoleLists>) {
    let mut role_lists = [0; Role::COUNT];
    for (role, visit) in facts.visits.iter().enumerate().filter(|(_, v)| !v.is_none()) {
        role_lists[role] = groups[usize::from(visit.group)].visits[visit.index as usize].lists;
    }
    if role_lists.iter().any(|mask| *mask != 0) {
        facts.lists = lists.len() as u32;
        lists.push(role_lists);
    }
}

/// Tells what became of a payment event.
fn count(event: &Event, facts: &mut EventFacts, counts: &mut Counts, rejects: &mut Vec<Reject>) {
    match facts.transition.outcome {
        Outcome::Scored => {
            facts.fate = Fate::Scored;
            counts.applied -= 1;
            counts.scored += 1;
            counts.scored_minor += amount_of(event);
            counts.late += u64::from(facts.late);
        }
        Outcome::Duplicate => {
            facts.fate = Fate::Duplicate;
            counts.applied -= 1;
            counts.duplicates += 1;
            counts.duplicate_minor += amount_of(event);
        }
        Outcome::Contradiction => {
            facts.fate = Fate::Contradiction;
            counts.applied -= 1;
            counts.rejected += 1;
            counts.rejected_minor += amount_of(event);
            rejects.push(reject(event, RejectReason::Contradiction));
        }
    }
}
