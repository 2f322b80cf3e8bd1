//! How far back a rule looks: its longest window, over what can make it fire.

use super::calendar::Span;
use super::feature::StateFeature;
use super::program::{CellRef, Node};
use super::query::{Measure, PartyFilter};
use super::{Plan, RulePlan, SignalPlan};
use crate::limits;
use crate::model::time::{DAY, Millis, day_number};

/// Days that [`StateFeature::HistoryWeeks`] looks back.
const WEEKS_DAYS: u16 = 56;

impl Plan {
    /// The longest window that a rule's condition or an escalation of it reads, and the longest in
    /// working days, or 0. What is looked for *before* a window (strangers, a payee's first
    /// payment) has no length of its own and does not count.
    #[must_use]
    pub fn reach(&self, rule: &RulePlan) -> (Millis, u8) {
        let deciding = rule.escalations.iter().map(|e| e.when).chain([rule.when]);
        let read = deciding.flat_map(|expr| self.program.below(expr));
        let window = |id: super::ExprId| match self.program.nodes[id.0 as usize] {
            Node::Load(CellRef::State(role, cell)) => {
                self.window_of(&self.parts[role as usize].features[usize::from(cell)])
            }
            _ => Span::Length(0),
        };
        read.map(window).fold((0, 0), |(length_ms, days), span| match span {
            Span::Length(other_ms) => (other_ms.max(length_ms), days),
            Span::WorkingDays(other) => (length_ms, other.max(days)),
        })
    }

    /// Working days of the longest window in them; 0 for none.
    #[must_use]
    pub fn working_days(&self) -> u8 {
        self.queries.iter().map(|query| query.working_days).max().unwrap_or(0)
    }

    /// What is not after this, ledgers let go of when the watermark is at `watermark_ms`: the
    /// retention before it, or more where a window of working days reaches back over holidays.
    #[must_use]
    pub fn horizon_ms(&self, watermark_ms: Millis, utc_offset_ms: Millis) -> Millis {
        let plain_ms = watermark_ms - limits::LEDGER_RETENTION;
        let today = day_number(watermark_ms, utc_offset_ms);
        let first_ms = self.working_horizon_ms(today, utc_offset_ms);
        first_ms.map_or(plain_ms, |first_ms| plain_ms.min(first_ms))
    }

    /// What is not after this, no window of working days reads that ends on a day; `None` where
    /// there is none, or the calendar does not know the day.
    #[must_use]
    pub fn working_horizon_ms(&self, today: i32, utc_offset_ms: Millis) -> Option<Millis> {
        let days = self.working_days();
        let first = (days > 0).then(|| self.policy.calendar.first_day(days, today))??;
        let least = today - (limits::WORKING_WINDOW_MAX / DAY) as i32;
        let midnight_ms = Millis::from(first.max(least)) * DAY - utc_offset_ms;
        Some(midnight_ms - limits::LATENESS_MAX)
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

    fn window_of(&self, feature: &StateFeature) -> Span {
        use StateFeature as F;
        let days = |days: u16| Millis::from(days) * DAY;
        let length_ms = match feature {
            F::Asked(query, _) => return self.span_of(*query),
            F::FollowedBy(first, then, _) | F::NotFollowedBy(first, then, _) => {
                // One in working days, which sorts after every length, is the longer but for
                // minutes.
                return self.span_of(*first).max(self.span_of(*then));
            }
            F::Openings(span) | F::OpenedFor(span) => return *span,
            F::HistoryCount(_, n) | F::HistorySum(_, n) | F::HistoryNightShare(n) => days(*n),
            F::HistoryNewPayers(n) | F::HistoryQuantile(n, _) | F::HistoryDayMedian(n) => days(*n),
            F::HistoryTicket(n) | F::PairCount(n) => days(*n),
            F::HistoryWeeks(_) => days(WEEKS_DAYS),
            F::Rhythm(..) => days((7 * (limits::RHYTHM_WEEKS + 1)) as u16),
            F::LimitRaised(w) | F::Blocked(w) | F::RetriedSum(w) | F::RetriedCount(w) => *w,
            F::PairVerified(w) | F::NewUser(w) | F::MovedKm(w, _) | F::SeenAtHome(w) => *w,
            plain => plain.window_ms(),
        };
        Span::Length(length_ms)
    }

    fn span_of(&self, query: u16) -> Span {
        let query = &self.queries[usize::from(query)];
        match query.working_days {
            0 => Span::Length(query.window_ms),
            days => Span::WorkingDays(days),
        }
    }
}
