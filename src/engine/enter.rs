//! What a payment's transition does to a ledger: entries are inserted, moved and taken back.

use super::entry::{Entry, Movement};
use super::group::ShardState;
use super::register::EntryAction;
use super::table::Slot;
use crate::limits;
use crate::model::time::Millis;

impl ShardState {
    /// Carries out an action on a ledger; returns how many bounds bit.
    pub fn enter(&mut self, slot: Slot, action: EntryAction, movement: &Movement) -> u64 {
        match action {
            EntryAction::None => 0,
            EntryAction::Insert { time_ms, void_ms } => {
                let mut entry = Entry::new(&Movement { time_ms, ..*movement });
                if let Some(void_ms) = void_ms {
                    entry = entry.voided();
                    let header = &mut self.table.headers[slot as usize];
                    let extra = header.extra.get_or_insert_default();
                    extra.voids.push((entry.fingerprint(), void_ms));
                    // Until then it still counts, which running sums cannot say.
                    self.with_hot(slot, |hot, ledger| hot.advance(ledger, void_ms));
                }
                self.insert(slot, entry)
            }
            EntryAction::Move { from_ms, to_ms } => {
                let Some(index) = self.find(slot, from_ms, movement) else { return 0 };
                let header = &mut self.table.headers[slot as usize];
                let entry = self.slab.remove(&mut header.ring, index);
                self.with_hot(slot, |hot, ledger| hot.removed(ledger, index, entry));
                // What it is follows from the payment's first event.
                let moved = Entry::new(&Movement { time_ms: to_ms, ..*movement });
                self.insert(slot, if entry.is_void() { moved.voided() } else { moved })
            }
            EntryAction::Void { time_ms, void_ms } => {
                let Some(index) = self.find(slot, time_ms, movement) else { return 0 };
                let header = &mut self.table.headers[slot as usize];
                let entry = self.slab.entries(&header.ring).get(index);
                let extra = header.extra.get_or_insert_default();
                if entry.is_void() {
                    let notes = extra.voids.iter_mut().filter(|(f, _)| *f == entry.fingerprint());
                    notes.for_each(|(_, known_ms)| *known_ms = void_ms.min(*known_ms));
                    return 0;
                }
                extra.voids.push((entry.fingerprint(), void_ms));
                self.slab.replace(&header.ring, index, entry.voided());
                self.with_hot(slot, |hot, ledger| hot.voided(ledger, index, entry));
                0
            }
        }
    }

    /// Inserts an entry; where the ledger is full, the oldest one is lost for it.
    fn insert(&mut self, slot: Slot, entry: Entry) -> u64 {
        let header = &mut self.table.headers[slot as usize];
        let full = header.ring.len() >= limits::LEDGER_ENTRIES_MAX;
        if full {
            let oldest = self.slab.entries(&header.ring).get(0);
            let extra = header.extra.get_or_insert_default();
            let lost = if entry.time_ms() < oldest.time_ms() { entry } else { oldest };
            extra.lost_until_ms = extra.lost_until_ms.max(Some(lost.time_ms()));
            if lost == entry {
                return 1;
            }
            self.slab.pop_front(&mut header.ring);
            self.with_hot(slot, |hot, ledger| hot.removed(ledger, 0, lost));
        }
        let header = &mut self.table.headers[slot as usize];
        let index = self.slab.insert(&mut header.ring, entry);
        self.with_hot(slot, |hot, ledger| hot.inserted(ledger, index, entry));
        u64::from(full)
    }

    /// Number of the entry that a payment made at a time. Two entries that agree in all of this are
    /// interchangeable.
    fn find(&self, slot: Slot, time_ms: Millis, movement: &Movement) -> Option<usize> {
        let entries = self.slab.entries(&self.table.headers[slot as usize].ring);
        let end = entries.count_until(time_ms);
        let candidates = (0..end).rev().take_while(|i| entries.get(*i).time_ms() == time_ms);
        candidates.into_iter().find(|i| {
            let e = entries.get(*i);
            e.fingerprint() == movement.fingerprint
                && e.counterparty() == movement.counterparty
                && e.amount_minor() == movement.amount_minor
                && e.direction() == movement.direction
        })
    }
}
