//! When a ledger first met each counterparty.

use super::super::entry::Entry;
use super::super::slab::Entries;
use super::ByParty;
use crate::model::entity::Reference;
use crate::model::time::Millis;

/// By counterparty: time of the first live entry, and the number of live entries. Where the first
/// one has left for long memory the time may be an earlier one; then long memory knows them.
#[derive(Clone, Debug, Default)]
pub(super) struct Met {
    parties: ByParty<(Millis, u32)>,
}

impl Met {
    pub fn of(entries: Entries<'_>) -> Self {
        let mut met = Self::default();
        for entry in entries.backwards().filter(|e| !e.is_void()) {
            met.add(entry);
        }
        met
    }

    /// When somebody was first met.
    pub fn first_ms(&self, who: Reference) -> Option<Millis> {
        self.parties.get(&who).map(|(first_ms, _)| *first_ms)
    }

    /// One more entry; returns when its counterparty was first met, if they were: an entry that
    /// comes already taken back is no meeting.
    pub fn add(&mut self, entry: Entry) -> Option<Millis> {
        if entry.is_void() {
            return self.first_ms(entry.counterparty());
        }
        let party = self.parties.entry(entry.counterparty()).or_insert((Millis::MAX, 0));
        party.0 = party.0.min(entry.time_ms());
        party.1 += 1;
        Some(party.0)
    }

    /// An entry has left for long memory.
    pub fn fold(&mut self, entry: Entry) {
        let who = entry.counterparty();
        let Some(party) = self.parties.get_mut(&who) else { return };
        party.1 -= 1;
        if party.1 == 0 {
            self.parties.remove(&who);
        }
    }

    /// An entry is gone from the ledger, which holds `entries` now; returns when its counterparty
    /// was first met, if they still were.
    pub fn remove(&mut self, entry: Entry, entries: Entries<'_>) -> Option<Millis> {
        self.fold(entry);
        let who = entry.counterparty();
        let party = self.parties.get_mut(&who)?;
        if party.0 == entry.time_ms() {
            let live = |e: &Entry| !e.is_void() && e.counterparty() == who;
            let first = (0..entries.len()).map(|index| entries.get(index)).find(live);
            party.0 = first.map_or(party.0, Entry::time_ms);
        }
        Some(party.0)
    }

    pub fn bytes(&self) -> usize {
        self.parties.capacity() * size_of::<(Reference, (Millis, u32))>()
    }
}
