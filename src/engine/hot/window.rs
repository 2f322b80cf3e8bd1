//! What one window of a large ledger contains.

use std::collections::BTreeSet;

use super::super::entry::Entry;
use super::super::features::{compares, counts_as};
use super::super::long::Long;
use super::met::Met;
use super::{ByParty, HotPlan, Ledger};
use crate::model::entity::Reference;
use crate::model::time::Millis;

/// Entries that count, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub count: i64,
    pub sum: i64,
    /// Entries in another currency: left out of the sum, and of the number where amounts decide.
    pub foreign: i64,
}

impl Tally {
    fn add(&mut self, other: Self, sign: i64) {
        self.count += sign * other.count;
        self.sum += sign * other.sum;
        self.foreign += sign * other.foreign;
    }
}

/// What one counterparty has in the window.
#[derive(Clone, Copy, Debug, Default)]
struct Party {
    tally: Tally,
    is_stranger: bool,
}

/// Running sums of one window.
#[derive(Clone, Debug)]
pub(super) struct HotWindow {
    plan: HotPlan,
    /// Number of the first entry inside.
    start: usize,
    all: Tally,
    parties: ByParty<Party>,
    /// Counterparties of which an entry counts.
    distinct: i64,
    ranks: BTreeSet<(i64, Reference)>,
    strangers: Tally,
    distinct_strangers: i64,
}

impl HotWindow {
    /// The window that ends at `frontier_ms`. Nobody is a stranger yet.
    pub fn build(
        plan: &HotPlan,
        ledger: Ledger<'_>,
        frontier_ms: Millis,
        utc_offset_ms: Millis,
    ) -> Self {
        let mut window = Self {
            plan: *plan,
            start: ledger.entries.count_until(frontier_ms - plan.query.window_ms),
            all: Tally::default(),
            parties: ByParty::default(),
            distinct: 0,
            ranks: BTreeSet::new(),
            strangers: Tally::default(),
            distinct_strangers: 0,
        };
        for index in window.start..ledger.entries.len() {
            window.change(ledger.entries.get(index), 1, utc_offset_ms);
        }
        window
    }

    /// Lets go of what lies outside once the window ends at `frontier_ms`.
    pub fn advance(
        &mut self,
        ledger: Ledger<'_>,
        frontier_ms: Millis,
        utc_offset_ms: Millis,
        met: Option<&Met>,
    ) {
        let from = frontier_ms - self.plan.query.window_ms;
        while self.start < ledger.entries.len() {
            let entry = ledger.entries.get(self.start);
            if entry.time_ms() > from {
                break;
            }
            self.start += 1;
            self.change(entry, -1, utc_offset_ms);
            let who = entry.counterparty();
            let is_first = |met: &Met| met.first_ms(who) == Some(entry.time_ms());
            if self.plan.strangers && met.is_some_and(is_first) {
                self.meet(who);
            }
        }
    }

    pub fn inserted(&mut self, index: usize, entry: Entry, frontier_ms: Millis, offset: Millis) {
        let outside = entry.time_ms() <= frontier_ms - self.plan.query.window_ms;
        if outside || index < self.start {
            self.start += 1;
        } else {
            self.change(entry, 1, offset);
        }
    }

    pub fn removed(&mut self, index: usize, entry: Entry, offset: Millis) {
        if index < self.start {
            self.start -= 1;
        } else {
            self.change(entry, -1, offset);
        }
    }

    pub fn voided(&mut self, index: usize, entry: Entry, offset: Millis) {
        if index >= self.start {
            self.change(entry, -1, offset);
        }
    }

    pub fn all(&self) -> Tally {
        self.all
    }

    pub fn of(&self, who: Reference) -> Tally {
        self.parties.get(&who).map(|party| party.tally).unwrap_or_default()
    }

    pub fn distinct(&self) -> i64 {
        self.distinct
    }

    pub fn strangers(&self) -> Tally {
        self.strangers
    }

    pub fn distinct_strangers(&self) -> i64 {
        self.distinct_strangers
    }

    /// Sum of the `k` biggest counterparties.
    pub fn top(&self, k: u8) -> i64 {
        self.ranks.iter().rev().take(usize::from(k)).map(|(sum, _)| sum).sum()
    }

    pub fn plan(&self) -> &HotPlan {
        &self.plan
    }

    pub fn tells_strangers(&self) -> bool {
        self.plan.strangers
    }

    /// Tells whether somebody, first met at `first_ms` as far as the ledger knows, is a stranger.
    pub fn tell(
        &mut self,
        who: Reference,
        first_ms: Millis,
        frontier_ms: Millis,
        long: &Long,
        day: i32,
    ) {
        if !self.parties.contains_key(&who) {
            return;
        }
        let is_new = first_ms > frontier_ms - self.plan.query.window_ms;
        let is_stranger = is_new && !long.knows(who, day);
        self.set_stranger(who, is_stranger);
    }

    /// Somebody is no stranger any more.
    pub fn meet(&mut self, who: Reference) {
        if self.plan.strangers {
            self.set_stranger(who, false);
        }
    }

    /// Tells of everybody anew.
    pub fn tell_all(&mut self, met: &Met, frontier_ms: Millis, long: &Long, day: i32) {
        let from = frontier_ms - self.plan.query.window_ms;
        self.strangers = Tally::default();
        self.distinct_strangers = 0;
        for (who, party) in &mut self.parties {
            let is_new = met.first_ms(*who).is_none_or(|first_ms| first_ms > from);
            party.is_stranger = is_new && !long.knows(*who, day);
            if party.is_stranger {
                self.strangers.add(party.tally, 1);
                self.distinct_strangers += i64::from(party.tally.count > 0);
            }
        }
    }

    pub fn bytes(&self) -> usize {
        self.parties.capacity() * size_of::<(Reference, Party)>()
            + self.ranks.len() * size_of::<(i64, Reference)>()
    }

    fn set_stranger(&mut self, who: Reference, is_stranger: bool) {
        let Some(party) = self.parties.get_mut(&who) else { return };
        if party.is_stranger == is_stranger {
            return;
        }
        party.is_stranger = is_stranger;
        let sign = if is_stranger { 1 } else { -1 };
        self.strangers.add(party.tally, sign);
        self.distinct_strangers += sign * i64::from(party.tally.count > 0);
    }

    /// Takes an entry in (`sign` 1) or out (−1), if it counts.
    fn change(&mut self, entry: Entry, sign: i64, utc_offset_ms: Millis) {
        let query = &self.plan.query;
        if entry.is_void() || !counts_as(query, entry, utc_offset_ms) {
            return;
        }
        let foreign = entry.is_foreign();
        let amounts = query.compares_amounts();
        if amounts && !foreign && !compares(query, entry.amount_minor()) {
            return;
        }
        let one = Tally {
            count: i64::from(!(amounts && foreign)),
            sum: entry.summand(),
            foreign: i64::from(foreign),
        };
        self.all.add(one, sign);
        if !self.plan.parties {
            return;
        }
        let who = entry.counterparty();
        let party = self.parties.entry(who).or_default();
        let before = party.tally;
        party.tally.add(one, sign);
        let (after, is_stranger) = (party.tally, party.is_stranger);
        if after.count == 0 && after.foreign == 0 {
            self.parties.remove(&who);
        }
        let came = i64::from(after.count > 0) - i64::from(before.count > 0);
        self.distinct += came;
        if is_stranger {
            self.strangers.add(one, sign);
            self.distinct_strangers += came;
        }
        if self.plan.ranks {
            if before.count > 0 {
                self.ranks.remove(&(before.sum, who));
            }
            if after.count > 0 {
                self.ranks.insert((after.sum, who));
            }
        }
    }
}
