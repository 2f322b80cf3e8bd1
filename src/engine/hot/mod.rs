//! Running sums for large ledgers, so that ten thousand live entries do not cost ten thousand
//! reads.
//!
//! The index holds, for each question of the plan that does not depend on who asks, what the window
//! ending at the *frontier* contains. The frontier only moves forward. Questions about an earlier
//! time are answered by reading the ledger. A window is kept from the first time it is asked until
//! nobody has asked it for long; what it says is what reading would say, so nobody can tell.
//!
//! - [`window`]: what one window contains, by counterparty
//! - [`met`]: when the ledger first met each counterparty, from which strangers follow
//! - [`answer`]: which cells an index can answer, and how

mod answer;
mod met;
#[cfg(test)]
mod tests;
mod window;

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use rustc_hash::FxHasher;

use self::met::Met;
use self::window::HotWindow;
use super::entry::Entry;
use super::long::Long;
use super::slab::Entries;
use crate::limits;
use crate::model::entity::Reference;
use crate::model::time::{Millis, day_number};
use crate::rules::plan::query::Query;

pub(super) use self::answer::Answer;

/// Only ever asked by key, or gone through to add up whole numbers: its order cannot be seen. The
/// keys are slots under a keyed hash, which nobody outside can choose.
type ByParty<T> = HashMap<Reference, T, BuildHasherDefault<FxHasher>>;

/// A window that is kept, with what is kept of it beside number and sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HotPlan {
    /// Which entries. Neither the present payment's amount nor its parties play a part.
    pub query: Query,
    /// Number and sum by counterparty.
    pub parties: bool,
    /// Counterparties in order of their sums.
    pub ranks: bool,
    /// Which counterparties are strangers.
    pub strangers: bool,
}

/// A window, and when it was last asked.
#[derive(Clone, Debug)]
struct Kept {
    window: HotWindow,
    asked: u32,
}

/// What the index reads beside itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ledger<'a> {
    pub entries: Entries<'a>,
    pub long: &'a Long,
}

/// Running sums of one ledger.
#[derive(Clone, Debug)]
pub(super) struct HotIndex {
    frontier_ms: Millis,
    utc_offset_ms: Millis,
    /// By number; those that are kept.
    windows: Vec<Option<Kept>>,
    /// Moves of the frontier so far.
    visits: u32,
    /// Kept when a window tells strangers.
    met: Option<Met>,
    /// Day of the frontier, and how often long memory had forgotten somebody, when strangers were
    /// last told anew.
    told: (i32, u32),
}

impl HotIndex {
    /// Begins the index of a ledger as of its newest entry, or as of `void_ms`, the newest time at
    /// which one was taken back: before that a voided entry may still count, so earlier questions
    /// are answered by reading the ledger.
    pub fn build(
        plans: &[HotPlan],
        ledger: Ledger<'_>,
        void_ms: Option<Millis>,
        utc_offset_ms: Millis,
    ) -> Self {
        let newest_ms = ledger.entries.backwards().next().map(Entry::time_ms);
        Self {
            frontier_ms: newest_ms.max(void_ms).unwrap_or(Millis::MIN),
            utc_offset_ms,
            windows: plans.iter().map(|_| None).collect(),
            visits: 0,
            met: None,
            told: (0, 0),
        }
    }

    /// Moves the frontier to `time_ms`, unless it is there already or beyond.
    pub fn advance(&mut self, ledger: Ledger<'_>, time_ms: Millis) {
        self.visits = self.visits.wrapping_add(1);
        if self.visits.is_multiple_of(limits::HOT_IDLE_VISITS) {
            self.forget_idle();
        }
        if time_ms > self.frontier_ms {
            self.frontier_ms = time_ms;
            for kept in self.windows.iter_mut().flatten() {
                kept.window.advance(ledger, time_ms, self.utc_offset_ms, self.met.as_ref());
            }
        }
        if self.met.is_some() && self.told != self.tells(ledger) {
            self.tell_strangers(ledger);
        }
    }

    /// Windows have been asked: those that are not kept are from now on.
    pub fn asked(&mut self, ledger: Ledger<'_>, plans: &[HotPlan], numbers: &[u16]) {
        for number in numbers.iter().map(|n| usize::from(*n)) {
            if let Some(kept) = &mut self.windows[number] {
                kept.asked = self.visits;
                continue;
            }
            let plan = &plans[number];
            if plan.strangers && self.met.is_none() {
                self.met = Some(Met::default());
                self.tell_strangers(ledger);
            }
            let mut window = HotWindow::build(plan, ledger, self.frontier_ms, self.utc_offset_ms);
            if let Some(met) = self.met.as_ref().filter(|_| plan.strangers) {
                window.tell_all(met, self.frontier_ms, ledger.long, self.told.0);
            }
            self.windows[number] = Some(Kept { window, asked: self.visits });
        }
    }

    /// A window by its number, if it is kept.
    fn window(&self, number: usize) -> Option<&HotWindow> {
        self.windows[number].as_ref().map(|kept| &kept.window)
    }

    /// An entry has been inserted as number `index`; its time is not beyond the frontier.
    pub fn inserted(&mut self, ledger: Ledger<'_>, index: usize, entry: Entry) {
        let first_ms = self.met.as_mut().map(|met| met.add(entry).unwrap_or(Millis::MAX));
        let (frontier_ms, day) = (self.frontier_ms, self.told.0);
        for Kept { window, .. } in self.windows.iter_mut().flatten() {
            window.inserted(index, entry, frontier_ms, self.utc_offset_ms);
            if let Some(first_ms) = first_ms.filter(|_| window.tells_strangers()) {
                window.tell(entry.counterparty(), first_ms, frontier_ms, ledger.long, day);
            }
        }
    }

    /// Entry number `index` has been removed, and long memory does not have it.
    pub fn removed(&mut self, ledger: Ledger<'_>, index: usize, entry: Entry) {
        for kept in self.windows.iter_mut().flatten() {
            kept.window.removed(index, entry, self.utc_offset_ms);
        }
        self.lost(ledger, entry);
    }

    /// The oldest entry has left for long memory, which knows the counterparty from now on.
    pub fn folded(&mut self, entry: Entry) {
        if let Some(met) = &mut self.met {
            met.fold(entry);
        }
        for kept in self.windows.iter_mut().flatten() {
            kept.window.removed(0, entry, self.utc_offset_ms);
            kept.window.meet(entry.counterparty());
        }
    }

    /// Entry number `index` is taken back from now on; `entry` is as it was before.
    pub fn voided(&mut self, ledger: Ledger<'_>, index: usize, entry: Entry) {
        for kept in self.windows.iter_mut().flatten() {
            kept.window.voided(index, entry, self.utc_offset_ms);
        }
        self.lost(ledger, entry);
    }

    /// Whether it can answer for this moment.
    pub fn stands_at(&self, time_ms: Millis) -> bool {
        time_ms == self.frontier_ms
    }

    /// Bytes held, itself included.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.windows.capacity() * size_of::<Option<Kept>>()
            + self.windows.iter().flatten().map(|kept| kept.window.bytes()).sum::<usize>()
            + self.met.as_ref().map_or(0, Met::bytes)
    }

    /// Lets go of windows that nobody asks any more.
    fn forget_idle(&mut self) {
        let idle = |kept: &Kept| self.visits.wrapping_sub(kept.asked) >= limits::HOT_IDLE_VISITS;
        for kept in &mut self.windows {
            if kept.as_ref().is_some_and(idle) {
                *kept = None;
            }
        }
        if !self.windows.iter().flatten().any(|kept| kept.window.tells_strangers()) {
            self.met = None;
        }
    }

    /// The ledger no longer holds a live entry: its counterparty may have become a stranger.
    fn lost(&mut self, ledger: Ledger<'_>, entry: Entry) {
        let Some(met) = &mut self.met else { return };
        if entry.is_void() {
            return;
        }
        let first_ms = met.remove(entry, ledger.entries).unwrap_or(Millis::MAX);
        let (frontier_ms, day) = (self.frontier_ms, self.told.0);
        for kept in self.windows.iter_mut().flatten().filter(|k| k.window.tells_strangers()) {
            kept.window.tell(entry.counterparty(), first_ms, frontier_ms, ledger.long, day);
        }
    }

    /// What strangers depend on beside the entries.
    fn tells(&self, ledger: Ledger<'_>) -> (i32, u32) {
        let day = day_number(self.frontier_ms, self.utc_offset_ms);
        (day, ledger.long.forgotten())
    }

    /// Tells strangers anew, once a day and whenever long memory has forgotten somebody.
    fn tell_strangers(&mut self, ledger: Ledger<'_>) {
        self.told = self.tells(ledger);
        let Some(met) = &mut self.met else { return };
        *met = Met::of(ledger.entries);
        for kept in self.windows.iter_mut().flatten().filter(|k| k.window.tells_strangers()) {
            kept.window.tell_all(met, self.frontier_ms, ledger.long, self.told.0);
        }
    }
}
