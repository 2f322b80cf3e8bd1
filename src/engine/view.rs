//! What the phases of one stretch read and do not change: its events, what the earlier phases found
//! out about them, and the plan. Holds no rule of its own.

use super::facts::{EventFacts, NONE, RoleLists};
use super::group::Settings;
use super::screen::{Outcome, try_payment};
use super::visit_plan::VisitPlan;
use crate::model::event::{Batch, Event};
use crate::rules::plan::view::Role;
use crate::rules::plan::{Phases, Plan};

/// What visit, judge and act of one stretch read and do not change.
#[derive(Debug)]
pub(super) struct StepView<'a> {
    /// For texts.
    pub batch: &'a Batch,
    /// The stretch's events: event numbers count from its first.
    pub events: &'a [Event],
    pub facts: &'a [EventFacts],
    pub lists: &'a [RoleLists],
    pub payment_rows: &'a [i64],
    pub plan: &'a Plan,
    pub visit_plan: &'a VisitPlan,
    pub settings: Settings,
}

impl StepView<'_> {
    pub fn payment_row(&self, facts: &EventFacts) -> &[i64] {
        let start = facts.payment_row as usize;
        &self.payment_rows[start..start + self.plan.payment.len()]
    }

    /// What the part of a rule's condition that reads the payment alone comes to.
    pub fn try_payment(&self, rule: u16, facts: &EventFacts) -> Outcome {
        let screens = &self.visit_plan.payment[usize::from(rule)];
        try_payment(screens, &self.plan.program, self.payment_row(facts))
    }

    pub fn role_lists(&self, facts: &EventFacts) -> RoleLists {
        if facts.lists == NONE { [0; Role::COUNT] } else { self.lists[facts.lists as usize] }
    }
}

/// Whether a rule is judged at an event.
pub(super) fn is_judged(phases: Phases, facts: &EventFacts) -> bool {
    (phases.pre && facts.transition.pre) || (phases.post && facts.transition.post)
}
