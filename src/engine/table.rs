//! The entity table of one shard: key to slot by comparing the key's bytes, slot to a fixed-size
//! header.

use super::extra::Extra;
use super::index::Index;
use super::prefetch::{prefetch, prefetch_all};
use super::slab::Ring;
use crate::model::entity::{EntityKind, IN_SHARD_BITS, KeyHash, Reference};

/// Dense number of an entity inside its shard, in order of first appearance.
pub(super) type Slot = u32;

/// What is kept of every entity, whatever it did.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub reference: Reference,
    pub key_start: u32,
    pub key_len: u8,
    pub kind: EntityKind,
    /// Its ledger.
    pub ring: Ring,
    /// It is on a list, or in the register of enterprises.
    pub is_listed: bool,
    /// Day of its last payment, in the pack's zone; `i32::MIN` before the first.
    pub last_day: i32,
    /// The event that last called at it to be judged, lower bits of its number; 0: none.
    pub newest: u32,
    /// What only some entities have.
    pub extra: Option<Box<Extra>>,
}

/// Keys, headers and the way from one to the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    slots: Index,
    pub headers: Vec<Header>,
    keys: Vec<u8>,
}

/// What the index knows a reference by: the upper bits of those that differ inside a shard.
fn tag(reference: Reference) -> u32 {
    (reference.bits() >> (IN_SHARD_BITS - u32::BITS)) as u32
}

impl Table {
    /// Every key, in order of slot.
    pub fn keys(&self) -> &[u8] {
        &self.keys
    }

    /// Makes room for exactly so many entities, with so many bytes of keys.
    pub fn reserve(&mut self, entities: usize, key_bytes: usize) {
        self.headers.reserve_exact(entities);
        self.keys.reserve_exact(key_bytes);
    }

    /// Adds an entity under the reference that it has had.
    pub fn take_back(&mut self, reference: Reference, kind: EntityKind, name: &[u8]) -> Slot {
        self.create(reference, kind, name)
    }

    /// Finds or creates the entity.
    pub fn intern(&mut self, hash: KeyHash, kind: EntityKind, name: &[u8]) -> Slot {
        let mut reference = hash.first();
        loop {
            let found = self
                .slots
                .find(tag(reference), |slot| self.headers[slot as usize].reference == reference);
            let Some(slot) = found else { return self.create(reference, kind, name) };
            let header = &self.headers[slot as usize];
            if header.kind == kind && self.key(slot) == name {
                return slot;
            }
            // Another name holds this reference: the documented way on is the next one.
            reference = reference.next();
        }
    }

    /// The name that holds a reference; empty if none does.
    pub fn name_of(&self, reference: Reference) -> &[u8] {
        let is_meant = |slot: Slot| self.headers[slot as usize].reference == reference;
        self.slots.find(tag(reference), is_meant).map_or(&[], |slot| self.key(slot))
    }

    /// Asks for the line that tells where the entity is.
    pub fn prefetch_slot(&self, hash: KeyHash) {
        self.slots.prefetch(tag(hash.first()));
    }

    /// Asks for what is probably the entity's header; its slot, if there is one.
    pub fn prefetch_header(&self, hash: KeyHash) -> Option<Slot> {
        let slot = self.slots.guess(tag(hash.first()))?;
        prefetch_all(std::slice::from_ref(&self.headers[slot as usize]), 2);
        Some(slot)
    }

    /// Asks for the entity's name.
    pub fn prefetch_key(&self, slot: Slot) {
        prefetch(&self.keys[self.headers[slot as usize].key_start as usize]);
    }

    /// The entity's name.
    pub fn key(&self, slot: Slot) -> &[u8] {
        let header = &self.headers[slot as usize];
        let start = header.key_start as usize;
        &self.keys[start..start + usize::from(header.key_len)]
    }

    /// Bytes held, without what the headers' extras hold.
    pub fn bytes(&self) -> usize {
        self.slots.bytes() + self.headers.capacity() * size_of::<Header>() + self.keys.capacity()
    }

    fn create(&mut self, reference: Reference, kind: EntityKind, name: &[u8]) -> Slot {
        let slot = self.headers.len() as Slot;
        if self.headers.len() == self.headers.capacity() {
            // Doubling would leave up to half of a large shard unused.
            self.headers.reserve_exact((self.headers.len() / 4).max(4));
        }
        if self.keys.len() + name.len() > self.keys.capacity() {
            self.keys.reserve_exact((self.keys.len() / 4).max(256));
        }
        self.headers.push(Header {
            reference,
            key_start: self.keys.len() as u32,
            key_len: name.len() as u8,
            kind,
            ring: Ring::default(),
            is_listed: false,
            last_day: i32::MIN,
            newest: 0,
            extra: None,
        });
        self.keys.extend_from_slice(name);
        self.slots.insert(tag(reference), slot);
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_one_hash_get_references_of_their_own_in_order_of_appearance() {
        let mut table = Table::default();
        let hash = KeyHash(0x1234_5678_9abc_def0);
        let a = table.intern(hash, EntityKind::Account, b"a");
        let b = table.intern(hash, EntityKind::Account, b"b");
        let c = table.intern(hash, EntityKind::Customer, b"a");
        assert_eq!([a, b, c], [0, 1, 2]);
        assert_eq!(table.intern(hash, EntityKind::Account, b"b"), b);
        let references: Vec<_> = table.headers.iter().map(|h| h.reference).collect();
        assert_eq!(references[0], hash.first());
        assert_eq!(references[1], hash.first().next());
        assert_eq!(references[2], hash.first().next().next());
        assert_eq!(table.key(b), b"b");
    }
}
