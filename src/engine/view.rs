//! What the phases of one stretch read and do not change: its events, what the earlier phases found
//! out about them, and the plan. Holds no rule of its own.

use super::facts::{EventFacts, Fate, NONE, RoleLists};
use super::group::Settings;
use super::held::Course;
use super::image::resume::Already;
use super::visit_plan::VisitPlan;
use super::warmth::Warmth;
use crate::model::event::{Batch, Event};
use crate::rules::plan::Plan;
use crate::rules::plan::view::Role;

/// What visit, judge and act of one stretch read and do not change.
#[derive(Debug)]
pub(super) struct StepView<'a> {
    /// The stretch's events in order of work: event numbers count from its first.
    pub course: Course<'a>,
    pub facts: &'a [EventFacts],
    pub lists: &'a [RoleLists],
    pub payment_rows: &'a [i64],
    /// By event that is judged: the rules that its payment leaves open.
    pub open: &'a [u64],
    /// Of these, the ones for which it lacks a field.
    pub lacking: &'a [u64],
    /// Where payments are judged once more: by event, the rules that do.
    pub again: &'a [u64],
    pub plan: &'a Plan,
    pub visit_plan: &'a VisitPlan,
    pub settings: Settings,
    pub warmth: &'a Warmth,
    /// Parts that hold this step already, while a state is rebuilt from parts.
    pub already: Option<Already<'a>>,
}

impl<'a> StepView<'a> {
    /// An event by its number.
    pub fn event(&self, number: usize) -> &'a Event {
        self.course.event(number)
    }

    /// Whether a rule that fires at an event looks back further than things are known.
    pub fn is_warming(&self, rule: usize, event: usize) -> bool {
        let (time_ms, offset) = (self.event(event).time_ms, self.settings.utc_offset_ms);
        self.warmth.is_warming(self.plan, rule, time_ms, offset)
    }

    /// The texts that it refers to.
    pub fn texts(&self, number: usize) -> &'a Batch {
        self.course.texts(number)
    }

    pub fn payment_row(&self, facts: &EventFacts) -> &[i64] {
        let start = facts.payment_row as usize;
        &self.payment_rows[start..start + self.plan.payment.len()]
    }

    /// The rules that an event's payment leaves open.
    pub fn open(&self, facts: &EventFacts) -> &[u64] {
        &self.open[facts.rules as usize..][..self.settings.words]
    }

    /// Of these, the ones that the payment lacks a field for: nothing of the ledger can mend that.
    pub fn lacking(&self, facts: &EventFacts) -> &[u64] {
        &self.lacking[facts.rules as usize..][..self.settings.words]
    }

    /// The rules that judge a payment once more; none where it is judged as usual.
    pub fn again(&self, facts: &EventFacts) -> &[u64] {
        if facts.fate != Fate::Waited {
            return &[];
        }
        &self.again[facts.rules as usize..][..self.settings.words]
    }

    pub fn role_lists(&self, facts: &EventFacts) -> RoleLists {
        if facts.lists == NONE { [0; Role::COUNT] } else { self.lists[facts.lists as usize] }
    }
}
