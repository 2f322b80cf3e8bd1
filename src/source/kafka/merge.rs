//! The order inside a step: by the running maximum of record timestamps within each partition, then
//! topic, then partition. Pure.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::model::time::Millis;

/// A merge in progress. Partitions are known by their place in the order of topic and number, so
/// that the place decides a tie.
pub struct Merge {
    /// By partition: greatest timestamp so far, in this step.
    reached: Vec<Millis>,
    /// The next record of each partition that stands in line.
    line: BinaryHeap<Reverse<(Millis, usize)>>,
    count: u64,
}

impl Merge {
    pub fn new(partitions: usize) -> Self {
        let line = BinaryHeap::with_capacity(partitions);
        Self { reached: vec![Millis::MIN; partitions], line, count: 0 }
    }

    /// How many records it has ordered.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Puts a partition's next record in line. A partition that has none at hand is not offered
    /// again in this step: what arrives later could belong before what was taken meanwhile.
    pub fn offer(&mut self, index: usize, time_ms: Option<Millis>) {
        let at = time_ms.unwrap_or(Millis::MIN).max(self.reached[index]);
        self.line.push(Reverse((at, index)));
    }

    /// The partition whose record comes next.
    pub fn next(&mut self) -> Option<usize> {
        let Reverse((time_ms, index)) = self.line.pop()?;
        self.reached[index] = time_ms;
        self.count += 1;
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Merges whole partitions.
    fn merged(partitions: &[&[Option<Millis>]]) -> Vec<(usize, usize)> {
        let mut merge = Merge::new(partitions.len());
        let mut at = vec![0; partitions.len()];
        for (index, records) in partitions.iter().enumerate() {
            if let Some(first) = records.first() {
                merge.offer(index, *first);
            }
        }
        let mut order = Vec::new();
        while let Some(index) = merge.next() {
            order.push((index, at[index]));
            at[index] += 1;
            if let Some(next) = partitions[index].get(at[index]) {
                merge.offer(index, *next);
            }
        }
        assert_eq!(merge.count(), order.len() as u64);
        order
    }

    #[test]
    fn records_come_in_order_of_time_and_ties_in_order_of_place() {
        let order = merged(&[&[Some(5), Some(9)], &[], &[Some(3), Some(5), Some(5)]]);
        assert_eq!(order, [(2, 0), (0, 0), (2, 1), (2, 2), (0, 1)]);
    }

    #[test]
    fn a_clock_that_goes_back_holds_nobody_up() {
        // Partition 0 steps back to 1: it goes on as at 7, behind nothing that is older.
        let order = merged(&[&[Some(7), Some(1), None, Some(8)], &[Some(6), Some(7), Some(9)]]);
        assert_eq!(order, [(1, 0), (0, 0), (0, 1), (0, 2), (1, 1), (0, 3), (1, 2)]);
    }
}
