//! Features as views on a ledger, as of one moment.

use std::collections::VecDeque;

use smallvec::SmallVec;

use super::entry::Entry;
use super::extra::Extra;
use super::hot::HotIndex;
use super::long::{BUCKETS, Pair, bucket, upper_edge};
use super::scan::{ScanPlan, Total};
use super::slab::Entries;
use crate::limits;
use crate::model::entity::Reference;
use crate::model::time::{Millis, day_number};
use crate::rules::plan::program::{MISSING, double_cell};
use crate::rules::plan::view::{Direction, FlowView, View};

/// Working memory of the features that need more than a running value.
#[derive(Clone, Debug)]
pub(super) struct Scratch {
    entries: Vec<Entry>,
    sums: Vec<(Reference, i64)>,
    lots: VecDeque<(Millis, i64)>,
    stays: Vec<(Millis, i64)>,
    totals: Vec<Total>,
    buckets: Box<[u32; BUCKETS]>,
    /// A bit for each cell of the present row that is filled.
    filled: Vec<u64>,
}

impl Scratch {
    /// A new row with this many cells begins.
    pub fn begin(&mut self, cells: usize) {
        self.filled.clear();
        self.filled.resize(cells.div_ceil(64), 0);
    }

    /// Notes that a cell is filled; `true` if it was not.
    pub fn is_first(&mut self, cell: u16) -> bool {
        let word = &mut self.filled[usize::from(cell) / 64];
        let bit = 1 << (cell % 64);
        let first = *word & bit == 0;
        *word |= bit;
        first
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            sums: Vec::new(),
            lots: VecDeque::new(),
            stays: Vec::new(),
            totals: Vec::new(),
            buckets: Box::new([0; BUCKETS]),
            filled: Vec::new(),
        }
    }
}

/// The present payment, for features that leave its own entries out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    pub fingerprint: u32,
    pub amount_minor: i64,
    pub debit_ms: Millis,
    /// A payment is only judged at its first event and when it settles, so a credit is as old as
    /// that.
    pub credit_ms: Millis,
    /// The payee, in a payer's ledger.
    pub payee: Option<Reference>,
    /// Who stands on the other side, as the ledger names it.
    pub other: Reference,
    /// In another currency than the pack's.
    pub foreign: bool,
}

impl Own {
    pub fn is(&self, entry: Entry) -> bool {
        let time_ms = if entry.is_debit() { self.debit_ms } else { self.credit_ms };
        entry.time_ms() == time_ms
            && entry.fingerprint() == self.fingerprint
            && entry.amount_minor() == self.amount_minor
    }
}

/// A ledger as of one moment.
#[derive(Debug)]
pub(super) struct AsOf<'a> {
    /// Entries with a time of at most `time_ms`.
    pub entries: Entries<'a>,
    pub time_ms: Millis,
    /// Running sums know more than is to be seen: the ledger is read.
    pub by_ledger: bool,
    /// Places until then are those of earlier payments.
    pub earlier_ms: Millis,
    pub extra: Option<&'a Extra>,
    /// Entries at or before this have left the ledger.
    pub horizon_ms: Millis,
    pub utc_offset_ms: Millis,
    pub own: Own,
    /// Set when a value is only a lower bound.
    pub lower_bound: bool,
    /// Windows of running sums that were asked, kept or not.
    pub asked: SmallVec<[u16; 16]>,
}

impl AsOf<'_> {
    pub fn live(&self, entry: Entry) -> bool {
        if !entry.is_void() {
            return true;
        }
        let void_ms = self.extra.and_then(|e| e.void_time(entry.fingerprint()));
        void_ms.is_none_or(|at| at > self.time_ms)
    }

    /// Live entries of the window, newest first.
    pub fn window(&self, window_ms: Millis) -> impl Iterator<Item = Entry> {
        let from = self.time_ms - window_ms;
        let inside = self.entries.backwards().take_while(move |e| e.time_ms() > from);
        inside.filter(|e| self.live(*e))
    }

    fn view(&self, view: &View) -> impl Iterator<Item = Entry> {
        let view = *view;
        self.window(view.window_ms).filter(move |e| e.counts_for(view.direction, view.without))
    }

    /// Notes whether the ledger no longer holds all of a window.
    pub fn note_reach(&mut self, window_ms: Millis) {
        let from = self.time_ms - window_ms;
        let lost = self.extra.and_then(|e| e.lost_until_ms).is_some_and(|until| until > from);
        self.lower_bound |= lost || from < self.horizon_ms;
    }

    /// Whether running sums are kept and stand at this moment.
    pub fn has_running_sums(&self) -> bool {
        self.hot().is_some()
    }

    /// Running sums, where they stand at this moment.
    pub fn hot(&self) -> Option<&HotIndex> {
        let hot = self.extra.and_then(|extra| extra.hot.as_deref());
        hot.filter(|hot| !self.by_ledger && hot.stands_at(self.time_ms))
    }

    /// Fills the cells that one walk over the ledger gives.
    pub fn scan(&mut self, plan: &ScanPlan, cells: &mut [i64], scratch: &mut Scratch) {
        if let Some(noted_ms) = plan.noted_ms() {
            self.note_reach(noted_ms);
        }
        let entries = self.entries.backwards().filter(|e| self.live(*e));
        self.lower_bound |= plan.walk(self.time_ms, entries, &mut scratch.totals, cells);
    }

    pub fn count(&mut self, view: &View) -> i64 {
        self.note_reach(view.window_ms);
        self.view(view).count() as i64
    }

    pub fn sum(&mut self, view: &View) -> i64 {
        self.note_reach(view.window_ms);
        let (sum, foreign) = self
            .view(view)
            .fold((0i64, false), |(sum, foreign), e| (sum + e.summand(), foreign | e.is_foreign()));
        self.lower_bound |= foreign;
        sum
    }

    pub fn extreme(&mut self, view: &View, largest: bool) -> i64 {
        self.note_reach(view.window_ms);
        let amounts = self.view(view).filter(|e| !e.is_foreign()).map(Entry::amount_minor);
        if largest { amounts.max() } else { amounts.min() }.unwrap_or(MISSING)
    }

    pub fn counterparties(&mut self, view: &View, scratch: &mut Scratch) -> i64 {
        self.note_reach(view.window_ms);
        scratch.sums.clear();
        scratch.sums.extend(self.view(view).map(|e| (e.counterparty(), 0)));
        scratch.sums.sort_unstable();
        scratch.sums.dedup();
        scratch.sums.len() as i64
    }

    pub fn top_share(&mut self, view: &View, k: u8, scratch: &mut Scratch) -> i64 {
        let total = self.sum(view);
        if total == 0 {
            return MISSING;
        }
        let sums = &mut scratch.sums;
        sums.clear();
        sums.extend(self.view(view).map(|e| (e.counterparty(), e.summand())));
        double_cell(biggest(sums, k) as f64 / total as f64)
    }

    pub fn flow_ratio(&mut self, flow: &FlowView) -> i64 {
        let view = |direction| View { direction, window_ms: flow.window_ms, without: flow.without };
        let credits = self.sum(&view(Direction::Credit));
        if credits == 0 {
            return MISSING;
        }
        double_cell(self.sum(&view(Direction::Debit)) as f64 / credits as f64)
    }

    /// Both directions of a flow, oldest first; at most [`limits::ORDERED_SCAN_MAX`] of the newest.
    fn ordered(&mut self, flow: &FlowView, scratch: &mut Scratch) {
        self.note_reach(flow.window_ms);
        scratch.entries.clear();
        let wanted = self.window(flow.window_ms).filter(|e| e.flags() & flow.without == 0);
        scratch.entries.extend(wanted.take(limits::ORDERED_SCAN_MAX + 1));
        if scratch.entries.len() > limits::ORDERED_SCAN_MAX {
            scratch.entries.pop();
            self.lower_bound = true;
        }
        scratch.entries.reverse();
    }

    pub fn dwell(&mut self, flow: &FlowView, scratch: &mut Scratch) -> i64 {
        self.ordered(flow, scratch);
        let Scratch { entries, lots, stays, .. } = scratch;
        lots.clear();
        stays.clear();
        for entry in entries.iter() {
            let mut amount = entry.summand();
            if !entry.is_debit() {
                lots.push_back((entry.time_ms(), amount));
                continue;
            }
            while let Some((since, lot)) = lots.front_mut().filter(|_| amount > 0) {
                let part = amount.min(*lot);
                stays.push((entry.time_ms() - *since, part));
                amount -= part;
                *lot -= part;
                if *lot == 0 {
                    lots.pop_front();
                }
            }
        }
        stays.sort_unstable();
        let total: i64 = stays.iter().map(|(_, part)| part).sum();
        let mut below = 0;
        for (stay, part) in stays.iter() {
            below += part;
            if 2 * below >= total && total > 0 {
                return *stay;
            }
        }
        MISSING
    }

    pub fn cycles(
        &mut self,
        flow: &FlowView,
        [min_in, floor, share_ppm]: [i64; 3],
        scratch: &mut Scratch,
    ) -> i64 {
        self.ordered(flow, scratch);
        let (mut cycles, mut cin, mut cout) = (0, 0i64, 0i64);
        for entry in &scratch.entries {
            if !entry.is_debit() {
                cin += entry.summand();
            } else if cin > 0 {
                cout += entry.summand();
                let share = (i128::from(cin) * i128::from(share_ppm) / 1_000_000) as i64;
                if cin >= min_in && cin - cout <= floor.max(share) {
                    cycles += 1;
                    (cin, cout) = (0, 0);
                }
            }
        }
        cycles
    }

    pub fn idle_before(&mut self, window_ms: Millis) -> i64 {
        let since = self.time_ms - window_ms;
        let earlier = self.entries.up_to(self.entries.count_until(since));
        let debit = earlier.backwards().find(|e| e.is_debit() && self.live(*e));
        let remembered = || self.extra?.long.last_debit_ms.filter(|last| *last <= since);
        let last = debit.map(Entry::time_ms).or_else(remembered);
        last.map_or(MISSING, |last| since - last)
    }

    pub fn day(&self, time_ms: Millis) -> i32 {
        day_number(time_ms, self.utc_offset_ms)
    }

    /// Live entries of the last `days` days but the present payment's own, newest first.
    pub fn recent(&self, days: i32) -> impl Iterator<Item = Entry> {
        let today = self.day(self.time_ms);
        let inside = self.entries.backwards();
        let inside = inside.take_while(move |e| today - self.day(e.time_ms()) < days);
        inside.filter(|e| self.live(*e) && !self.own.is(*e))
    }

    pub fn history_count(&mut self, direction: Direction, days: u16) -> i64 {
        let live = self.recent(i32::from(days)).filter(|e| e.direction() == direction).count();
        let today = self.day(self.time_ms);
        let folded = self.extra.map_or(0, |e| {
            e.long.days(today, days).map(|d| i64::from(d.counts[direction as usize])).sum()
        });
        live as i64 + folded
    }

    pub fn history_sum(&mut self, direction: Direction, days: u16) -> i64 {
        let wanted = self.recent(i32::from(days)).filter(|e| e.direction() == direction);
        let live: i64 = wanted.map(Entry::summand).sum();
        let today = self.day(self.time_ms);
        let folded: i64 = self
            .extra
            .map_or(0, |e| e.long.days(today, days).map(|d| d.sums[direction as usize]).sum());
        live + folded
    }

    pub fn history_quantile(&mut self, days: u16, quantile_ppm: u32, s: &mut Scratch) -> i64 {
        s.buckets.fill(0);
        for entry in self.recent(i32::from(days)).filter(|e| e.is_debit() && !e.is_foreign()) {
            s.buckets[usize::from(bucket(entry.amount_minor()))] += 1;
        }
        if let Some(extra) = self.extra {
            extra.long.add_sketch(self.day(self.time_ms), days, &mut s.buckets);
        }
        let total: u64 = s.buckets.iter().map(|n| u64::from(*n)).sum();
        let rank = (total * u64::from(quantile_ppm)).div_ceil(1_000_000).max(1);
        let mut below = 0;
        for (bucket, n) in s.buckets.iter().enumerate() {
            below += u64::from(*n);
            if below >= rank {
                return upper_edge(bucket as u16);
            }
        }
        MISSING
    }

    /// The unbroken relation to the present payee as it was before the present payment.
    fn pair(&mut self) -> Option<Pair> {
        let payee = self.own.payee?;
        self.lower_bound |= self.extra.is_some_and(|e| e.long.pairs_truncated);
        let mut pair = self.extra.and_then(|e| e.long.pair(payee));
        for index in 0..self.entries.len() {
            let entry = self.entries.get(index);
            let counts = entry.is_debit() && entry.counterparty() == payee;
            if !counts || self.own.is(entry) || !self.live(entry) {
                continue;
            }
            let day = self.day(entry.time_ms());
            match &mut pair {
                Some(pair) => pair.join(day),
                None => pair = Some(Pair::begin(payee, day)),
            }
        }
        pair.filter(|p| self.day(self.time_ms) - p.last_day <= limits::PAIR_DAYS)
    }

    pub fn pair_count(&mut self, days: u16) -> i64 {
        let today = self.day(self.time_ms);
        let pair = self.pair().filter(|p| today - p.last_day <= i32::from(days));
        pair.map_or(0, |p| i64::from(p.count))
    }

    pub fn pair_age_days(&mut self) -> i64 {
        let today = self.day(self.time_ms);
        self.pair().map_or(MISSING, |p| i64::from(today - p.first_day))
    }
}

/// What the `k` counterparties with the biggest sums come to together.
pub(super) fn biggest(sums: &mut Vec<(Reference, i64)>, k: u8) -> i64 {
    sums.sort_unstable_by_key(|(who, _)| *who);
    sums.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            earlier.1 += later.1;
        }
        same
    });
    sums.sort_unstable_by_key(|(_, sum)| std::cmp::Reverse(*sum));
    sums.iter().take(usize::from(k)).map(|(_, sum)| sum).sum()
}
