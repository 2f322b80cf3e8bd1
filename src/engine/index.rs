//! Numbers by a 32-bit tag: open addressing with linear probing, so that a question reads one line
//! of memory, and one that can be fetched ahead.
//!
//! A cell is the tag (upper half) and the number plus one (lower half); an empty cell is 0. Where a
//! cell belongs follows from its tag alone: growing and removing read nothing else. Tags may
//! collide; the caller says which number is meant.

use super::prefetch::prefetch;

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// A power of two of them, or none.
    cells: Vec<u64>,
    len: usize,
}

const CELLS_MIN: usize = 8;

fn cell(tag: u32, number: u32) -> u64 {
    u64::from(tag) << 32 | u64::from(number + 1)
}

fn tag_of(cell: u64) -> u32 {
    (cell >> 32) as u32
}

fn number_of(cell: u64) -> u32 {
    cell as u32 - 1
}

impl Index {
    /// The number with this tag that `is_meant` picks.
    pub fn find(&self, tag: u32, mut is_meant: impl FnMut(u32) -> bool) -> Option<u32> {
        let found = self.position(tag, &mut is_meant)?;
        Some(number_of(self.cells[found]))
    }

    /// Some number with this tag, without asking whether it is meant.
    pub fn guess(&self, tag: u32) -> Option<u32> {
        self.find(tag, |_| true)
    }

    /// Adds a number; it must be below `u32::MAX`.
    pub fn insert(&mut self, tag: u32, number: u32) {
        if (self.len + 1) * 4 > self.cells.len() * 3 {
            self.grow();
        }
        self.len += 1;
        self.put(cell(tag, number));
    }

    /// Removes a number.
    pub fn remove(&mut self, tag: u32, number: u32) {
        let Some(mut hole) = self.position(tag, |n| n == number) else { return };
        self.len -= 1;
        let mask = self.cells.len() - 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let cell = self.cells[at];
            if cell == 0 {
                break;
            }
            // A cell moves back into the hole unless its home lies behind the hole.
            let home = self.home(tag_of(cell));
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                self.cells[hole] = cell;
                hole = at;
            }
        }
        self.cells[hole] = 0;
    }

    /// Asks for the line that a question about this tag will read.
    pub fn prefetch(&self, tag: u32) {
        if !self.cells.is_empty() {
            prefetch(&self.cells[self.home(tag)]);
        }
    }

    /// Bytes held outside itself.
    pub fn bytes(&self) -> usize {
        self.cells.capacity() * size_of::<u64>()
    }

    fn position(&self, tag: u32, mut is_meant: impl FnMut(u32) -> bool) -> Option<usize> {
        if self.cells.is_empty() {
            return None;
        }
        let mask = self.cells.len() - 1;
        let mut at = self.home(tag);
        loop {
            let cell = self.cells[at];
            if cell == 0 {
                return None;
            }
            if tag_of(cell) == tag && is_meant(number_of(cell)) {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }

    /// Where a tag's search begins: its upper bits.
    fn home(&self, tag: u32) -> usize {
        ((u64::from(tag) * self.cells.len() as u64) >> 32) as usize
    }

    fn put(&mut self, cell: u64) {
        let mask = self.cells.len() - 1;
        let mut at = self.home(tag_of(cell));
        while self.cells[at] != 0 {
            at = (at + 1) & mask;
        }
        self.cells[at] = cell;
    }

    fn grow(&mut self) {
        let size = (self.cells.len() * 2).max(CELLS_MIN);
        let old = std::mem::replace(&mut self.cells, vec![0; size]);
        // From an empty cell on, round the end: of cells with one tag the first stays first, so
        // that what a search meets first is what was added first, however often this grew.
        let first = old.iter().position(|cell| *cell == 0).unwrap_or(0);
        let in_order = old[first..].iter().chain(&old[..first]);
        in_order.filter(|cell| **cell != 0).for_each(|cell| self.put(*cell));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Behaves like a list of pairs, with many tags alike and many homes at the end.
        #[test]
        fn behaves_like_a_list_of_pairs(
            ops in prop::collection::vec((any::<bool>(), 0u32..12, 0u32..40), 0..400),
        ) {
            let mut index = Index::default();
            let mut model: Vec<(u32, u32)> = Vec::new();
            for (add, tag, number) in ops {
                let tag = if tag < 6 { tag } else { u32::MAX - tag };
                if add && !model.iter().any(|(_, n)| *n == number) {
                    index.insert(tag, number);
                    model.push((tag, number));
                } else if !add && model.contains(&(tag, number)) {
                    index.remove(tag, number);
                    model.retain(|pair| *pair != (tag, number));
                } else {
                    index.remove(tag, number + 100);
                }
                for (tag, number) in &model {
                    prop_assert_eq!(index.find(*tag, |n| n == *number), Some(*number));
                }
                prop_assert_eq!(index.len, model.len());
                prop_assert_eq!(index.cells.iter().filter(|cell| **cell != 0).count(), model.len());
            }
        }
    }
}
