//! What the visits keep of one shard: entities by slot with their entries, oldest first.

use serde::{Deserialize, Serialize};

use super::super::entry::Entry;
use super::super::group::ShardState;
use super::super::prefetch::prefetch_all;
use super::super::table::Header;
use super::{Column, ExtrasImage, ImageError, take_text};
use crate::limits;
use crate::model::entity::{EntityKind, Reference, Shard};
use crate::model::time::Millis;

/// Entities ahead of which is asked for what will be copied.
const AHEAD: usize = 12;

/// Entities, one place in every column each, unless the column says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgersImage {
    /// The shard.
    pub shard: Shard,
    /// Greatest event time seen when it was taken.
    pub greatest_ms: Millis,
    references: Column<u64>,
    kinds: Column<u8>,
    last_days: Column<i32>,
    newest: Column<u32>,
    key_lens: Column<u8>,
    /// By entity: its key.
    keys: Column<u8>,
    ring_lens: Column<u32>,
    /// By entity: its entries, word by word.
    entries: [Column<u64>; 3],
    /// What only some have.
    extras: ExtrasImage,
}

impl LedgersImage {
    /// How many entities it has.
    #[must_use]
    pub fn entities(&self) -> usize {
        self.references.len()
    }

    /// How many entries they have.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries[0].len()
    }

    /// When entries leave a ledger depends on who calls at it, which must not show: those up to
    /// `horizon_ms` leave before they are copied.
    pub(super) fn copy(
        &mut self,
        state: &mut ShardState,
        horizon_ms: Option<Millis>,
        utc_offset_ms: Millis,
    ) {
        self.references.clear();
        [&mut self.kinds, &mut self.key_lens, &mut self.keys].into_iter().for_each(Column::clear);
        self.last_days.clear();
        self.newest.clear();
        self.ring_lens.clear();
        self.entries.iter_mut().for_each(Column::clear);
        self.extras.clear();
        self.keys.0.extend_from_slice(state.table.keys());
        let [times, amounts, parties] = &mut self.entries;
        for slot in 0..state.table.headers.len() {
            if let Some(ahead) = state.table.headers.get(slot + AHEAD) {
                state.slab.prefetch(&ahead.ring);
                if let Some(extra) = &ahead.extra {
                    prefetch_all(std::slice::from_ref(&**extra), 6);
                }
            }
            if let Some(horizon_ms) = horizon_ms {
                state.evict(slot as u32, horizon_ms, utc_offset_ms);
            }
            let ShardState { table, slab, register: _ } = &*state;
            // Keys lie in the order of slots; lists are of the consult phase.
            let Header {
                reference,
                key_start: _,
                key_len,
                kind,
                ring,
                is_listed: _,
                last_day,
                newest,
                extra,
            } = &table.headers[slot];
            self.references.push(reference.bits());
            self.kinds.push(*kind as u8);
            self.last_days.push(*last_day);
            self.newest.push(*newest);
            self.key_lens.push(*key_len);
            self.ring_lens.push(ring.len() as u32);
            for part in slab.entries(ring).parts() {
                times.0.extend(part.iter().map(|entry| entry.words()[0]));
                amounts.0.extend(part.iter().map(|entry| entry.words()[1]));
                parties.0.extend(part.iter().map(|entry| entry.words()[2]));
            }
            if let Some(extra) = extra.as_deref() {
                self.extras.copy(slot as u32, extra);
            }
        }
    }

    pub(in super::super) fn restore(&self) -> Result<ShardState, ImageError> {
        const WHAT: &str = "entities";
        let len = self.entities();
        let entries = self.entries();
        let fits = [&self.kinds, &self.key_lens].into_iter().all(|column| column.len() == len)
            && self.last_days.len() == len
            && self.newest.len() == len
            && self.ring_lens.len() == len
            && self.entries.iter().all(|column| column.len() == entries);
        if !fits {
            return Err(ImageError::Columns(WHAT));
        }
        let mut state = ShardState::default();
        state.table.reserve(len, self.keys.len());
        let (mut keys, mut next) = (self.keys.0.as_slice(), 0);
        let mut ring = Vec::new();
        for at in 0..len {
            let reference = Reference::from_bits(self.references.0[at]);
            if reference.shard() != self.shard || reference == Reference::NONE {
                return Err(ImageError::Impossible("an entity lies in another shard"));
            }
            let number = u64::from(self.kinds.0[at]);
            let kind = EntityKind::of_number(self.kinds.0[at])
                .ok_or(ImageError::Unknown { what: "entity kind", number })?;
            let key = take_text(&mut keys, usize::from(self.key_lens.0[at]), WHAT)?;
            let slot = state.table.take_back(reference, kind, key.as_bytes());
            let ring_len = self.ring_lens.0[at] as usize;
            let end = next + ring_len;
            if end > entries || ring_len > limits::LEDGER_ENTRIES_MAX {
                return Err(ImageError::Columns("entries"));
            }
            ring.clear();
            ring.extend(
                (next..end).map(|n| Entry::of_words(self.entries.each_ref().map(|w| w.0[n]))),
            );
            if !ring.is_sorted_by_key(|entry| entry.time_ms()) {
                return Err(ImageError::Impossible("a ledger is not in order of time"));
            }
            next = end;
            let header = &mut state.table.headers[slot as usize];
            header.last_day = self.last_days.0[at];
            header.newest = self.newest.0[at];
            header.ring = state.slab.take_back(&ring);
        }
        if next != entries || !keys.is_empty() {
            return Err(ImageError::Columns(WHAT));
        }
        self.extras.restore(&mut state.table)?;
        Ok(state)
    }
}
