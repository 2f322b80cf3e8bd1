//! Which cells an index can answer, and how.

use super::super::features::share;
use super::super::window::AsOf;
use super::HotPlan;
use super::window::{HotWindow, Tally};
use crate::model::entity::Reference;
use crate::model::time::Millis;
use crate::rules::plan::feature::StateFeature;
use crate::rules::plan::program::{MISSING, double_cell};
use crate::rules::plan::query::{Measure, PartyFilter, Query};
use crate::rules::plan::view::{Direction, View};

/// How a cell follows from the windows of an index, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Answer {
    Of(usize, Of),
    Ratio { credits: usize, debits: usize },
}

/// What is asked of one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Of {
    Tally(Whose, What),
    TopShare(u8),
    NewShare,
}

/// Whose entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Whose {
    Everybody,
    /// The other side of the present payment.
    Same,
    Strangers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum What {
    Count,
    Sum,
    Average,
    Parties,
}

impl Answer {
    /// How an index can answer a cell, if it can; the windows it needs are added to `plans`.
    pub fn of(feature: &StateFeature, queries: &[Query], plans: &mut Vec<HotPlan>) -> Option<Self> {
        let everybody = |what| Of::Tally(Whose::Everybody, what);
        let plain = |view: &View| Query {
            without: view.without,
            ..Query::all(Some(view.direction), view.window_ms)
        };
        let (query, of) = match feature {
            StateFeature::Count(view) => (plain(view), everybody(What::Count)),
            StateFeature::Sum(view) => (plain(view), everybody(What::Sum)),
            StateFeature::Counterparties(view) => (plain(view), everybody(What::Parties)),
            StateFeature::TopShare(view, k) => (plain(view), Of::TopShare(*k)),
            StateFeature::FlowRatio(flow) => {
                let mut of = |direction| {
                    let (window_ms, without) = (flow.window_ms, flow.without);
                    let view = View { direction, window_ms, without };
                    window(plans, plain(&view), everybody(What::Sum))
                };
                let (credits, debits) = (of(Direction::Credit), of(Direction::Debit));
                return Some(Self::Ratio { credits, debits });
            }
            StateFeature::Asked(query, measure) => {
                let query = queries[usize::from(*query)];
                let of = asked(&query, *measure)?;
                (Query { party: PartyFilter::Any, ..query }, of)
            }
            _ => return None,
        };
        Some(Self::Of(window(plans, query, of), of))
    }

    /// Whether running sums can answer a question.
    pub fn can(query: &Query, measure: Measure) -> bool {
        asked(query, measure).is_some()
    }
}

/// What a question asks of a window, unless each payment asks something else.
fn asked(query: &Query, measure: Measure) -> Option<Of> {
    // What each payment asks for itself, and windows whose length is another at each moment.
    if query.near_ppm.is_some() || query.working_days > 0 {
        return None;
    }
    let whose = match query.party {
        PartyFilter::Any => Whose::Everybody,
        PartyFilter::Same => Whose::Same,
        PartyFilter::Stranger => Whose::Strangers,
    };
    let what = match measure {
        Measure::Count => What::Count,
        Measure::Sum => What::Sum,
        Measure::Average => What::Average,
        Measure::Counterparties => What::Parties,
        Measure::TopShare(k) if whose == Whose::Everybody => return Some(Of::TopShare(k)),
        Measure::NewShare if whose == Whose::Everybody => return Some(Of::NewShare),
        _ => return None,
    };
    Some(Of::Tally(whose, what))
}

/// Number of the window of a query that can answer this.
fn window(plans: &mut Vec<HotPlan>, query: Query, of: Of) -> usize {
    // Number and sum alone are cheap to keep and asked at every visit: they are kept apart.
    let parties = !matches!(of, Of::Tally(Whose::Everybody, what) if what != What::Parties);
    let known = plans.iter().position(|plan| plan.query == query && plan.parties == parties);
    let at = known.unwrap_or_else(|| {
        plans.push(HotPlan { query, parties, ranks: false, strangers: false });
        plans.len() - 1
    });
    let plan = &mut plans[at];
    plan.ranks |= matches!(of, Of::TopShare(_));
    plan.strangers |= matches!(of, Of::NewShare | Of::Tally(Whose::Strangers, _));
    at
}

impl AsOf<'_> {
    /// The value of a cell from running sums; `None` where the ledger has to be read. Either way it
    /// is noted which were asked.
    pub fn answer(&mut self, answer: Answer) -> Option<i64> {
        let extra = self.extra.filter(|_| self.has_running_sums())?;
        let hot = extra.hot.as_deref()?;
        match answer {
            Answer::Of(number, of) => {
                self.asked.push(number as u16);
                self.of(hot.window(number)?, of)
            }
            Answer::Ratio { credits, debits } => {
                self.asked.extend([credits as u16, debits as u16]);
                let (credits, debits) = (hot.window(credits)?, hot.window(debits)?);
                self.note_reach(credits.plan().query.window_ms);
                let [credits, debits] = [credits.all(), debits.all()];
                let foreign = |tally: Tally| tally.foreign > 0;
                self.lower_bound |= foreign(credits);
                if credits.sum == 0 {
                    return Some(MISSING);
                }
                self.lower_bound |= foreign(debits);
                Some(double_cell(debits.sum as f64 / credits.sum as f64))
            }
        }
    }

    fn of(&mut self, window: &HotWindow, of: Of) -> Option<i64> {
        let query = &window.plan().query;
        let strangers = matches!(of, Of::NewShare | Of::Tally(Whose::Strangers, _));
        if strangers && !self.knows_first_meetings(self.time_ms - query.window_ms) {
            return None;
        }
        self.note_reach(query.window_ms);
        self.lower_bound |= strangers && self.extra.is_some_and(|e| e.long.pairs_truncated);
        let (tally, value) = match of {
            Of::TopShare(k) => {
                let all = window.all();
                (all, share(window.top(k), all.sum))
            }
            Of::NewShare => (window.all(), share(window.distinct_strangers(), window.distinct())),
            Of::Tally(whose, what) => {
                let (tally, parties) = match whose {
                    Whose::Everybody => (window.all(), window.distinct()),
                    Whose::Strangers => (window.strangers(), window.distinct_strangers()),
                    Whose::Same => {
                        let tally = window.of(self.own.other);
                        (tally, i64::from(tally.count > 0))
                    }
                };
                let value = match what {
                    What::Count => tally.count,
                    What::Sum => tally.sum,
                    What::Parties => parties,
                    What::Average => average(tally, query.compares_amounts()),
                };
                (tally, value)
            }
        };
        let counted = matches!(of, Of::NewShare | Of::Tally(_, What::Count | What::Parties));
        self.lower_bound |= tally.foreign > 0 && (query.compares_amounts() || !counted);
        Some(value)
    }

    /// Whether an index can tell who was met until `from_ms`. Not where the present payment may
    /// have an entry that old: its other side is no acquaintance by that.
    pub fn knows_first_meetings(&self, from_ms: Millis) -> bool {
        let stands = self.hot().is_some_and(|hot| hot.met.is_some());
        stands && self.own.debit_ms > from_ms && from_ms < self.time_ms
    }

    /// When the ledger first met somebody; an earlier time where long memory knows them.
    pub fn first_met(&self, who: Reference) -> Option<Millis> {
        self.extra?.hot.as_deref()?.met.as_ref()?.first_ms(who)
    }
}

/// Mean of the amounts in the pack's currency.
fn average(tally: Tally, compares: bool) -> i64 {
    let count = if compares { tally.count } else { tally.count - tally.foreign };
    if count == 0 { MISSING } else { tally.sum / count }
}
