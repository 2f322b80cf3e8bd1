//! Counts, sums and ratios of one role from a single walk back over the ledger, however many
//! windows the rules ask for.

use super::entry::Entry;
use crate::model::time::Millis;
use crate::rules::plan::feature::StateFeature;
use crate::rules::plan::program::{MISSING, double_cell};
use crate::rules::plan::view::{Direction, View};

/// What one walk gathers.
#[derive(Debug, Default, Clone)]
pub(super) struct ScanPlan {
    /// Which entries count together.
    filters: Vec<Filter>,
    /// Where the walk pauses, shortest window first.
    stops: Vec<Stop>,
    /// The longest window of which it is noted whether the ledger holds all of it.
    noted_ms: Option<Millis>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Filter {
    direction: Direction,
    without: u16,
}

#[derive(Debug, Clone)]
struct Stop {
    window_ms: Millis,
    /// Cells that are complete here.
    cells: Vec<(u16, Gathered)>,
}

/// How a cell follows from totals, by number of filter.
#[derive(Debug, Clone, Copy)]
enum Gathered {
    Count(usize),
    Sum(usize),
    FlowRatio { credits: usize, debits: usize },
}

/// What has been seen of one filter.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Total {
    count: i64,
    sum: i64,
    foreign: bool,
}

impl ScanPlan {
    /// Takes a cell in, if its value can be gathered on a walk.
    pub fn take(&mut self, cell: u16, feature: &StateFeature) -> bool {
        let window_ms = self.take_unnoted(cell, feature);
        self.noted_ms = self.noted_ms.max(window_ms);
        window_ms.is_some()
    }

    /// The same for a cell that nobody is shown; returns its window.
    pub fn take_unnoted(&mut self, cell: u16, feature: &StateFeature) -> Option<Millis> {
        let mut filter = |direction, without| {
            let filter = Filter { direction, without };
            let known = self.filters.iter().position(|f| *f == filter);
            known.unwrap_or_else(|| {
                self.filters.push(filter);
                self.filters.len() - 1
            })
        };
        let mut of = |view: &View| filter(view.direction, view.without);
        let (window_ms, gathered) = match feature {
            StateFeature::Count(view) => (view.window_ms, Gathered::Count(of(view))),
            StateFeature::Sum(view) => (view.window_ms, Gathered::Sum(of(view))),
            StateFeature::FlowRatio(flow) => {
                let credits = filter(Direction::Credit, flow.without);
                let debits = filter(Direction::Debit, flow.without);
                (flow.window_ms, Gathered::FlowRatio { credits, debits })
            }
            _ => return None,
        };
        let at = self.stops.partition_point(|stop| stop.window_ms < window_ms);
        if self.stops.get(at).is_none_or(|stop| stop.window_ms != window_ms) {
            self.stops.insert(at, Stop { window_ms, cells: Vec::new() });
        }
        self.stops[at].cells.push((cell, gathered));
        Some(window_ms)
    }

    /// The longest window that somebody is shown something of.
    pub fn noted_ms(&self) -> Option<Millis> {
        self.noted_ms
    }

    /// Every cell the walk fills.
    pub fn cells(&self) -> impl Iterator<Item = u16> {
        self.stops.iter().flat_map(|stop| stop.cells.iter().map(|(cell, _)| *cell))
    }

    /// Walks over the live entries, newest first, as of `time_ms`. `true` when a sum left out
    /// amounts in another currency.
    pub fn walk(
        &self,
        time_ms: Millis,
        entries: impl Iterator<Item = Entry>,
        totals: &mut Vec<Total>,
        cells: &mut [i64],
    ) -> bool {
        totals.clear();
        totals.resize(self.filters.len(), Total::default());
        let mut entries = entries.peekable();
        let mut foreign = false;
        for stop in &self.stops {
            let from = time_ms - stop.window_ms;
            while let Some(entry) = entries.next_if(|entry| entry.time_ms() > from) {
                for (filter, total) in self.filters.iter().zip(totals.iter_mut()) {
                    if entry.counts_for(filter.direction, filter.without) {
                        total.count += 1;
                        total.sum += entry.summand();
                        total.foreign |= entry.is_foreign();
                    }
                }
            }
            for (cell, gathered) in &stop.cells {
                let (value, left_out) = gathered.value(totals);
                cells[usize::from(*cell)] = value;
                foreign |= left_out;
            }
        }
        foreign
    }
}

impl Gathered {
    /// The cell, and whether a sum left something out.
    fn value(self, totals: &[Total]) -> (i64, bool) {
        match self {
            Self::Count(filter) => (totals[filter].count, false),
            Self::Sum(filter) => (totals[filter].sum, totals[filter].foreign),
            Self::FlowRatio { credits, debits } => {
                let (credits, debits) = (totals[credits], totals[debits]);
                if credits.sum == 0 {
                    return (MISSING, credits.foreign);
                }
                let ratio = double_cell(debits.sum as f64 / credits.sum as f64);
                (ratio, credits.foreign || debits.foreign)
            }
        }
    }
}
