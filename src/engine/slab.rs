//! Rings of entries in a slab: blocks of power-of-two sizes with free lists, one slab per shard.

use super::entry::Entry;
use super::prefetch::{prefetch, prefetch_all};
use crate::model::time::Millis;

/// Smallest block: two entries.
const CLASS_MIN: u8 = 1;
const CLASSES: usize = 18;
/// Lines of a ring that are asked for ahead, and entries before its end that are among them.
const PREFETCH_LINES: usize = 6;
const PREFETCH_ENTRIES: usize = 14;

/// A ring of entries inside a [`Slab`], sorted by time, ties in order of arrival.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ring {
    block: u32,
    head: u32,
    len: u32,
    /// 0: no block yet.
    class: u8,
}

/// The blocks of all rings of one shard.
#[derive(Clone, Debug, Default)]
pub(super) struct Slab {
    classes: [Class; CLASSES],
}

#[derive(Clone, Debug, Default)]
struct Class {
    entries: Vec<Entry>,
    free: Vec<u32>,
}

/// The entries of a ring, oldest first, as the two stretches in which they lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entries<'a> {
    first: &'a [Entry],
    second: &'a [Entry],
}

impl<'a> Entries<'a> {
    pub fn len(&self) -> usize {
        self.first.len() + self.second.len()
    }

    pub fn get(&self, index: usize) -> Entry {
        match index.checked_sub(self.first.len()) {
            None => self.first[index],
            Some(index) => self.second[index],
        }
    }

    /// The two stretches, oldest first.
    pub fn parts(self) -> [&'a [Entry]; 2] {
        [self.first, self.second]
    }

    /// Newest first.
    pub fn backwards(self) -> impl Iterator<Item = Entry> + 'a {
        self.second.iter().rev().chain(self.first.iter().rev()).copied()
    }

    /// The first `len` entries.
    pub fn up_to(self, len: usize) -> Self {
        let first = &self.first[..len.min(self.first.len())];
        let second = &self.second[..len - first.len()];
        Self { first, second }
    }

    /// How many entries have a time of at most `time_ms`. Looks from the end: that is where it is.
    pub fn count_until(self, time_ms: Millis) -> usize {
        if self.len() == 0 || self.get(self.len() - 1).time_ms() <= time_ms {
            return self.len();
        }
        if self.second.first().is_some_and(|e| e.time_ms() <= time_ms) {
            self.first.len() + self.second.partition_point(|e| e.time_ms() <= time_ms)
        } else {
            self.first.partition_point(|e| e.time_ms() <= time_ms)
        }
    }
}

impl Ring {
    pub fn len(&self) -> usize {
        self.len as usize
    }
}

impl Slab {
    pub fn entries(&self, ring: &Ring) -> Entries<'_> {
        if ring.len == 0 {
            return Entries { first: &[], second: &[] };
        }
        let block = self.block(ring);
        let (head, len) = (ring.head as usize, ring.len());
        let before_wrap = len.min(block.len() - head);
        Entries { first: &block[head..head + before_wrap], second: &block[..len - before_wrap] }
    }

    /// Asks for the newest entries of a ring and for the place of the next one.
    pub fn prefetch(&self, ring: &Ring) {
        if ring.class == 0 {
            return;
        }
        let block = self.block(ring);
        if size_of_val(block) <= PREFETCH_LINES * 64 {
            prefetch_all(block, PREFETCH_LINES);
            return;
        }
        let end = (ring.head as usize + ring.len()) & (block.len() - 1);
        prefetch_all(&block[end.saturating_sub(PREFETCH_ENTRIES)..], PREFETCH_LINES);
        prefetch(&block[ring.head as usize]);
    }

    /// Inserts behind every entry with a time of at most the new one's; returns its number.
    pub fn insert(&mut self, ring: &mut Ring, entry: Entry) -> usize {
        if ring.class == 0 || ring.len == 1 << ring.class {
            self.resize(ring, (ring.class + 1).max(CLASS_MIN));
        }
        let at = self.entries(ring).count_until(entry.time_ms());
        ring.len += 1;
        let mut index = ring.len() - 1;
        while index > at {
            *self.slot(ring, index) = *self.slot(ring, index - 1);
            index -= 1;
        }
        *self.slot(ring, at) = entry;
        at
    }

    /// A ring of these entries, oldest first.
    pub fn take_back(&mut self, entries: &[Entry]) -> Ring {
        let mut ring = Ring::default();
        if entries.is_empty() {
            return ring;
        }
        let class = entries.len().next_power_of_two().trailing_zeros() as u8;
        self.resize(&mut ring, class.max(CLASS_MIN));
        ring.len = entries.len() as u32;
        let start = (ring.block as usize) << ring.class;
        let block = &mut self.classes[usize::from(ring.class)].entries[start..];
        block[..entries.len()].copy_from_slice(entries);
        ring
    }

    /// Removes entry number `index` and returns it.
    pub fn remove(&mut self, ring: &mut Ring, index: usize) -> Entry {
        let removed = *self.slot(ring, index);
        for at in index..ring.len() - 1 {
            *self.slot(ring, at) = *self.slot(ring, at + 1);
        }
        ring.len -= 1;
        removed
    }

    /// Replaces entry number `index`; its time stays.
    pub fn replace(&mut self, ring: &Ring, index: usize, entry: Entry) {
        let slot = self.slot(ring, index);
        debug_assert_eq!(slot.time_ms(), entry.time_ms());
        *slot = entry;
    }

    /// Removes and returns the oldest entry.
    pub fn pop_front(&mut self, ring: &mut Ring) -> Option<Entry> {
        if ring.len == 0 {
            return None;
        }
        let entry = *self.slot(ring, 0);
        ring.head = (ring.head + 1) & ((1 << ring.class) - 1);
        ring.len -= 1;
        Some(entry)
    }

    /// Gives back what a ring does not need: half-empty blocks shrink, an empty ring holds none.
    pub fn shrink(&mut self, ring: &mut Ring) {
        if ring.class == 0 {
            return;
        }
        if ring.len == 0 {
            self.classes[usize::from(ring.class)].free.push(ring.block);
            *ring = Ring::default();
        } else if ring.class > CLASS_MIN && ring.len() * 4 <= 1 << ring.class {
            self.resize(ring, ring.class - 1);
        }
    }

    /// Bytes held, used or not.
    pub fn bytes(&self) -> usize {
        let of = |c: &Class| c.entries.capacity() * size_of::<Entry>() + c.free.capacity() * 4;
        self.classes.iter().map(of).sum()
    }

    fn resize(&mut self, ring: &mut Ring, class: u8) {
        let size = 1usize << class;
        let target = &mut self.classes[usize::from(class)];
        let block = target.free.pop().unwrap_or_else(|| {
            let used = target.entries.len();
            if used + size > target.entries.capacity() {
                // Doubling would leave up to half of a large shard unused.
                target.entries.reserve_exact((used / 4).max(size));
            }
            target.entries.resize(used + size, Entry::default());
            (used >> class) as u32
        });
        let moved = Ring { block, head: 0, len: ring.len, class };
        for index in 0..ring.len() {
            *self.slot(&moved, index) = *self.slot(ring, index);
        }
        if ring.class != 0 {
            self.classes[usize::from(ring.class)].free.push(ring.block);
        }
        *ring = moved;
    }

    fn block(&self, ring: &Ring) -> &[Entry] {
        let start = (ring.block as usize) << ring.class;
        &self.classes[usize::from(ring.class)].entries[start..start + (1 << ring.class)]
    }

    fn slot(&mut self, ring: &Ring, index: usize) -> &mut Entry {
        let mask = (1usize << ring.class) - 1;
        let at = ((ring.block as usize) << ring.class) + ((ring.head as usize + index) & mask);
        &mut self.classes[usize::from(ring.class)].entries[at]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::entry::Movement;
    use crate::model::entity::Reference;
    use crate::model::event::{Channel, PaymentType};
    use crate::rules::plan::view::Direction;

    fn entry(time_ms: Millis, tag: u32) -> Entry {
        Entry::new(&Movement {
            time_ms,
            direction: Direction::Credit,
            flags: 0,
            foreign: false,
            payment_type: PaymentType::Transfer,
            channel: Channel::Web,
            amount_minor: 1,
            counterparty: Reference::NONE,
            fingerprint: tag,
        })
    }

    proptest! {
        /// Two rings in one slab behave like two sorted vectors.
        #[test]
        fn rings_behave_like_sorted_vectors(ops in prop::collection::vec((0u8..6, 0i64..50), 0..300)) {
            let mut slab = Slab::default();
            let mut rings = [Ring::default(); 2];
            let mut models: [Vec<Entry>; 2] = Default::default();
            for (tag, (op, time)) in ops.into_iter().enumerate() {
                let which = tag % 2;
                let (ring, model) = (&mut rings[which], &mut models[which]);
                match op {
                    0..=2 => {
                        let new = entry(time, tag as u32);
                        let at = model.partition_point(|e| e.time_ms() <= time);
                        model.insert(at, new);
                        prop_assert_eq!(slab.insert(ring, new), at);
                    }
                    3 => {
                        let expect = (!model.is_empty()).then(|| model.remove(0));
                        prop_assert_eq!(slab.pop_front(ring), expect);
                    }
                    4 if !model.is_empty() => {
                        let at = time as usize % model.len();
                        prop_assert_eq!(slab.remove(ring, at), model.remove(at));
                    }
                    _ => slab.shrink(ring),
                }
                for (ring, model) in rings.iter().zip(&models) {
                    let entries = slab.entries(ring);
                    let mut seen: Vec<_> = entries.backwards().collect();
                    seen.reverse();
                    prop_assert_eq!(&seen, model);
                    prop_assert_eq!(entries.count_until(time),
                        model.partition_point(|e| e.time_ms() <= time));
                }
            }
        }
    }
}
