//! The order inside a step: by the running maximum of record timestamps within each partition, then
//! topic, then partition. Pure, but for refilling.

use std::time::Duration;

use super::partition::{Held, Partition};
use crate::model::time::Millis;

/// A merge in progress.
pub struct Merge {
    /// By partition: greatest timestamp so far, in this step.
    reached: Vec<Millis>,
    /// By partition: nothing more from it in this step.
    closed: Vec<bool>,
    count: u64,
}

impl Merge {
    pub fn new(partitions: &[Partition]) -> Self {
        let parts = partitions.len();
        Self { reached: vec![Millis::MIN; parts], closed: vec![false; parts], count: 0 }
    }

    /// How many records it has ordered.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The partition whose record comes next, among those that `admit` lets in.
    pub fn next(
        &mut self,
        partitions: &[Partition],
        admit: impl Fn(usize, &Held) -> bool,
    ) -> Option<usize> {
        let mut best: Option<(Millis, usize)> = None;
        for (index, part) in partitions.iter().enumerate() {
            if self.closed[index] {
                continue;
            }
            let Some(held) = part.peek().filter(|held| admit(index, held)) else { continue };
            let key = (held.time_ms.unwrap_or(Millis::MIN).max(self.reached[index]), index);
            // Partitions stand in order of topic and number: the index decides a tie as they would.
            if best.is_none_or(|best| key < best) {
                best = Some(key);
            }
        }
        let (time_ms, index) = best?;
        self.reached[index] = time_ms;
        self.count += 1;
        Some(index)
    }

    /// After its record was taken: asks a partition that ran dry for more. Once it has none, it is
    /// left alone until the next step: what arrives later could belong before what was taken
    /// meanwhile.
    pub fn refill(&mut self, partitions: &mut [Partition], index: usize) {
        let part = &mut partitions[index];
        if part.peek().is_some() {
            return;
        }
        if let Err(trouble) = part.fill(Duration::ZERO) {
            part.put_off(trouble);
        }
        self.closed[index] = part.peek().is_none();
    }
}
