//! How far back a rule looks: its longest window, over what can make it fire.

use super::calendar::Span;
use super::feature::StateFeature;
use super::program::{CellRef, Node};
use super::query::{Measure, PartyFilter};
use super::{Plan, RulePlan, SignalPlan};
use crate::limits;
use crate::model::time::{DAY, Millis};

/// Days that [`StateFeature::HistoryWeeks`] looks back.
const WEEKS_DAYS: u16 = 56;

impl Plan {
    /// The longest window that a rule's condition or an escalation of it reads. What is looked for
    /// *before* a window (strangers, a payee's first payment) has no length of its own and does not
    /// count.
    #[must_use]
    pub fn reach_ms(&self, rule: &RulePlan) -> Millis {
        let deciding = rule.escalations.iter().map(|e| e.when).chain([rule.when]);
        let read = deciding.flat_map(|expr| self.program.below(expr));
        let window = |id: super::ExprId| match self.program.nodes[id.0 as usize] {
            Node::Load(CellRef::State(role, cell)) => {
                self.window_of(&self.parts[role as usize].features[usize::from(cell)])
            }
            _ => 0,
        };
        read.map(window).max().unwrap_or(0)
    }

    /// Whether a rule asks who has paid whom before: that is remembered for
    /// [`limits::PAIR_DAYS`], and a process that began later knows everybody as new.
    #[must_use]
    pub fn asks_who_is_known(&self, rule: &RulePlan) -> bool {
        use StateFeature as F;
        let deciding = rule.escalations.iter().map(|e| e.when).chain([rule.when]);
        let mut read = deciding.flat_map(|expr| self.program.below(expr));
        read.any(|id| match self.program.nodes[id.0 as usize] {
            Node::Load(CellRef::State(role, cell)) => {
                match &self.parts[role as usize].features[usize::from(cell)] {
                    F::PairCount(_) | F::PairAgeDays | F::HistoryNewPayers(_) => true,
                    F::Asked(_, Measure::NewShare) => true,
                    F::Asked(query, _) => self.seeks_strangers(*query),
                    F::FollowedBy(first, then, _) | F::NotFollowedBy(first, then, _) => {
                        self.seeks_strangers(*first) || self.seeks_strangers(*then)
                    }
                    _ => false,
                }
            }
            _ => false,
        })
    }

    fn seeks_strangers(&self, query: u16) -> bool {
        self.queries[usize::from(query)].party == PartyFilter::Stranger
    }

    /// What a rule asks of signals.
    pub fn signals_of<'a>(&'a self, rule: &'a RulePlan) -> impl Iterator<Item = &'a SignalPlan> {
        rule.signals.iter().map(|number| &self.signals[usize::from(*number)])
    }

    fn window_of(&self, feature: &StateFeature) -> Millis {
        use StateFeature as F;
        let days = |days: u16| Millis::from(days) * DAY;
        match feature {
            F::Asked(query, _) => self.queries[usize::from(*query)].window_ms,
            F::FollowedBy(first, then, _) | F::NotFollowedBy(first, then, _) => {
                let window = |query: &u16| self.queries[usize::from(*query)].window_ms;
                window(first).max(window(then))
            }
            F::HistoryCount(_, n) | F::HistorySum(_, n) | F::HistoryNightShare(n) => days(*n),
            F::HistoryNewPayers(n) | F::HistoryQuantile(n, _) | F::HistoryDayMedian(n) => days(*n),
            F::HistoryTicket(n) | F::PairCount(n) => days(*n),
            F::HistoryWeeks(_) => days(WEEKS_DAYS),
            F::Rhythm(..) => days((7 * (limits::RHYTHM_WEEKS + 1)) as u16),
            F::LimitRaised(w) | F::Blocked(w) | F::RetriedSum(w) | F::RetriedCount(w) => *w,
            F::PairVerified(w) | F::NewUser(w) | F::MovedKm(w, _) | F::SeenAtHome(w) => *w,
            F::Openings(span) | F::OpenedFor(span) => match span {
                Span::Length(length_ms) => *length_ms,
                Span::WorkingDays(_) => limits::WINDOW_MAX,
            },
            plain => plain.window_ms(),
        }
    }
}
