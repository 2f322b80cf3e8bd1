//! Running sums for large ledgers, so that ten thousand live entries do not cost ten thousand
//! reads.
//!
//! The index holds, for each view the plan asks for, what the window ending at the *frontier*
//! contains. The frontier only moves forward. Questions about an earlier time are answered by
//! reading the ledger.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasherDefault;

use siphasher::sip::SipHasher13;

use super::entry::Entry;
use super::slab::Entries;
use crate::model::entity::Reference;
use crate::model::time::Millis;
use crate::rules::plan::feature::View;

/// Only ever asked by key, never iterated: its order cannot be seen.
type Sums = HashMap<Reference, (i64, u32), BuildHasherDefault<SipHasher13>>;

/// A view that the plan needs, and whether it needs counterparties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HotPlan {
    pub view: View,
    pub counterparties: bool,
}

/// Running sums of one ledger.
#[derive(Debug)]
pub(super) struct HotIndex {
    frontier_ms: Millis,
    windows: Vec<HotWindow>,
}

/// What the window of one view contains.
#[derive(Debug)]
pub(super) struct HotWindow {
    view: View,
    /// Number of the first entry inside.
    start: usize,
    pub count: i64,
    pub sum: i64,
    /// Entries in another currency.
    pub foreign: i64,
    counterparties: Option<Counterparties>,
}

#[derive(Debug, Default)]
struct Counterparties {
    sums: Sums,
    order: BTreeSet<(i64, Reference)>,
}

impl HotIndex {
    /// Builds the index of a ledger as of its newest entry, or as of `void_ms`, the newest time at
    /// which one was taken back: before that a voided entry may still count, so earlier questions
    /// are answered by reading the ledger.
    pub fn build(plans: &[HotPlan], entries: Entries<'_>, void_ms: Option<Millis>) -> Self {
        let newest_ms = entries.backwards().next().map(Entry::time_ms);
        let frontier_ms = newest_ms.max(void_ms).unwrap_or(Millis::MIN);
        let windows = plans.iter().map(|plan| HotWindow::build(plan, entries, frontier_ms));
        Self { frontier_ms, windows: windows.collect() }
    }

    /// Moves the frontier to `time_ms`, unless it is there already or beyond.
    pub fn advance(&mut self, entries: Entries<'_>, time_ms: Millis) {
        if time_ms <= self.frontier_ms {
            return;
        }
        self.frontier_ms = time_ms;
        for window in &mut self.windows {
            let from = time_ms - window.view.window_ms;
            while window.start < entries.len() && entries.get(window.start).time_ms() <= from {
                window.take(entries.get(window.start));
                window.start += 1;
            }
        }
    }

    /// An entry has been inserted as number `index`; its time is not beyond the frontier.
    pub fn inserted(&mut self, index: usize, entry: Entry) {
        for window in &mut self.windows {
            let outside = entry.time_ms() <= self.frontier_ms - window.view.window_ms;
            if outside || index < window.start {
                window.start += 1;
            } else {
                window.put(entry);
            }
        }
    }

    /// Entry number `index` has been removed.
    pub fn removed(&mut self, index: usize, entry: Entry) {
        for window in &mut self.windows {
            if index < window.start {
                window.start -= 1;
            } else {
                window.take(entry);
            }
        }
    }

    /// Entry number `index` is taken back from now on; `entry` is as it was before.
    pub fn voided(&mut self, index: usize, entry: Entry) {
        for window in &mut self.windows {
            if index >= window.start {
                window.take(entry);
            }
        }
    }

    /// Whether it can answer for this moment.
    pub fn stands_at(&self, time_ms: Millis) -> bool {
        time_ms == self.frontier_ms
    }

    /// The window of a view as of `time_ms`, if the index holds it.
    pub fn window(&self, view: &View, time_ms: Millis) -> Option<&HotWindow> {
        if !self.stands_at(time_ms) {
            return None;
        }
        self.windows.iter().find(|w| w.view == *view)
    }

    /// Bytes held, itself included.
    pub fn bytes(&self) -> usize {
        let of = |c: &Counterparties| c.sums.capacity() * 32 + c.order.len() * 24;
        let windows = self.windows.iter().map(|w| w.counterparties.as_ref().map_or(0, of));
        size_of::<Self>()
            + self.windows.capacity() * size_of::<HotWindow>()
            + windows.sum::<usize>()
    }
}

impl HotWindow {
    fn build(plan: &HotPlan, entries: Entries<'_>, frontier_ms: Millis) -> Self {
        let start = entries.count_until(frontier_ms - plan.view.window_ms);
        let counterparties = plan.counterparties.then(Counterparties::default);
        let view = plan.view;
        let mut window = Self { view, start, count: 0, sum: 0, foreign: 0, counterparties };
        for index in start..entries.len() {
            window.put(entries.get(index));
        }
        window
    }

    /// Distinct counterparties, if the plan asked for them.
    pub fn distinct(&self) -> Option<i64> {
        Some(self.counterparties.as_ref()?.sums.len() as i64)
    }

    /// Sum of the `k` biggest counterparties, if the plan asked for them.
    pub fn top(&self, k: u8) -> Option<i64> {
        let order = &self.counterparties.as_ref()?.order;
        Some(order.iter().rev().take(usize::from(k)).map(|(sum, _)| sum).sum())
    }

    fn put(&mut self, entry: Entry) {
        self.change(entry, 1);
    }

    fn take(&mut self, entry: Entry) {
        self.change(entry, -1);
    }

    fn change(&mut self, entry: Entry, sign: i64) {
        if entry.is_void() || !entry.counts_for(self.view.direction, self.view.without) {
            return;
        }
        self.count += sign;
        self.sum += sign * entry.summand();
        self.foreign += sign * i64::from(entry.is_foreign());
        let Some(counterparties) = &mut self.counterparties else { return };
        let key = entry.counterparty();
        let (sum, count) = counterparties.sums.get(&key).copied().unwrap_or((0, 0));
        if count > 0 {
            counterparties.order.remove(&(sum, key));
        }
        let (sum, count) = (sum + sign * entry.summand(), count.saturating_add_signed(sign as i32));
        if count > 0 {
            counterparties.order.insert((sum, key));
            counterparties.sums.insert(key, (sum, count));
        } else {
            counterparties.sums.remove(&key);
        }
    }
}
