//! How far reading is behind: ends from the client's statistics against what the source has read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::statistics::Statistics;

use crate::model::time::Millis;

/// Lag by topic and partition, shared with whoever shows it.
#[derive(Clone, Debug, Default)]
pub struct Lag(Arc<Mutex<Vec<Known>>>);

/// What is known of one partition.
#[derive(Clone, Debug)]
struct Known {
    topic: String,
    partition: i32,
    /// One past the last record that may be read, as the broker last said.
    end: Option<i64>,
    /// One past the last record put into a step.
    read_to: i64,
    /// Time of the oldest record not yet in a step, as far as it can be told.
    oldest_ms: Option<Millis>,
}

/// One partition's lag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Records not yet in a step.
    pub records: i64,
    /// Time of the oldest of them; where it has not arrived yet, of the last one read. `None` when
    /// there are none, or nothing has been read.
    pub oldest_ms: Option<Millis>,
}

impl Lag {
    /// All of it, for those partitions whose end is known.
    #[must_use]
    pub fn read(&self) -> Vec<Behind> {
        let behind = |known: &Known| {
            let records = (known.end? - known.read_to).max(0);
            Some(Behind {
                topic: known.topic.clone(),
                partition: known.partition,
                records,
                oldest_ms: known.oldest_ms.filter(|_| records > 0),
            })
        };
        self.lock().iter().filter_map(behind).collect()
    }

    /// Watches another partition; the answer names it from now on.
    pub(super) fn add(&self, topic: &str, partition: i32) -> usize {
        let mut all = self.lock();
        let topic = topic.to_owned();
        all.push(Known { topic, partition, end: None, read_to: 0, oldest_ms: None });
        all.len() - 1
    }

    /// The end of a partition, if it is known.
    pub(super) fn end(&self, place: usize) -> Option<i64> {
        self.lock()[place].end
    }

    /// How far partitions have been read: their place, offset and oldest record.
    pub(super) fn note(&self, all: impl Iterator<Item = (usize, i64, Option<Millis>)>) {
        let mut known = self.lock();
        for (place, read_to, oldest_ms) in all {
            let known = &mut known[place];
            (known.read_to, known.oldest_ms) = (read_to, oldest_ms);
        }
    }

    pub(super) fn take(&self, statistics: &Statistics) {
        for known in self.lock().iter_mut() {
            let topic = statistics.topics.get(&known.topic);
            let Some(figures) = topic.and_then(|topic| topic.partitions.get(&known.partition))
            else {
                continue;
            };
            // Negative: not asked yet. Records of open transactions cannot be read yet.
            if figures.ls_offset >= 0 {
                known.end = Some(figures.ls_offset);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Known>> {
        // Every change is whole in itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics(ends: &[(i32, i64)]) -> Statistics {
        use rdkafka::statistics::{Partition, Topic};
        let mut topic = Topic::default();
        for (partition, ls_offset) in ends {
            let figures = Partition { ls_offset: *ls_offset, ..Partition::default() };
            topic.partitions.insert(*partition, figures);
        }
        Statistics { topics: [("payments".to_owned(), topic)].into(), ..Statistics::default() }
    }

    #[test]
    fn lag_is_the_end_less_what_was_read_and_as_old_as_what_waits() {
        let lag = Lag::default();
        let places = [0, 1, 2].map(|partition| lag.add("payments", partition));
        lag.note(places.iter().map(|place| (*place, 40, Some(1_000))));
        assert_eq!(lag.read(), [], "no end is known");
        lag.take(&statistics(&[(0, 50), (1, 40), (2, -1001), (7, 9)]));
        let told: Vec<_> =
            lag.read().iter().map(|b| (b.partition, b.records, b.oldest_ms)).collect();
        assert_eq!(told, [(0, 10, Some(1_000)), (1, 0, None)]);
        lag.note([(places[0], 60, None)].into_iter());
        assert_eq!(lag.read()[0].records, 0, "statistics lie a second behind");
    }
}
