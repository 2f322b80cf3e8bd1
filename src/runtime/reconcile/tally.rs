//! What became of records since the journal last said so.

use std::collections::BTreeMap;

use crate::model::time::Millis;
use crate::wire::balance::Balance;
use crate::wire::journal::{JournalRecord, RECONCILIATION_SCHEMA, Reconciled, Reconciliation};

/// Sums up step after step. Pure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The first step and the last.
    steps: Option<(u64, u64)>,
    /// By topic and partition: where its runs begin and end, and what became of them.
    partitions: BTreeMap<(String, i32), (i64, i64, Balance)>,
}

impl Tally {
    /// Takes the next step. One that says nothing of its runs (an older version wrote it) begins
    /// anew: what is summed up must be whole.
    pub fn add(&mut self, record: &JournalRecord) {
        if record.runs.iter().any(|run| run.ended.is_none()) {
            *self = Self::default();
            return;
        }
        let first = self.steps.map_or(record.step, |(first, _)| first);
        self.steps = Some((first, record.step));
        for run in &record.runs {
            let begun = (run.from, run.to, Balance::default());
            let sum = self.partitions.entry((run.topic.clone(), run.partition)).or_insert(begun);
            sum.1 = run.to;
            if let Some(ended) = &run.ended {
                sum.2.add(ended);
            }
        }
    }

    /// What became of all records since the last time; `None` when there were no steps.
    pub fn take(&mut self, at_ms: Millis) -> Option<Reconciliation> {
        let Self { steps, partitions } = std::mem::take(self);
        let (from_step, to_step) = steps?;
        let difference: i128 = partitions.values().map(|(_, _, ended)| ended.difference()).sum();
        let reconciled = |((topic, partition), (from, to, ended))| Reconciled {
            topic,
            partition,
            from,
            to,
            ended,
        };
        Some(Reconciliation {
            schema: RECONCILIATION_SCHEMA.to_owned(),
            from_step,
            to_step,
            at_ms,
            difference_records: i64::try_from(difference).unwrap_or(i64::MAX),
            partitions: partitions.into_iter().map(reconciled).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::journal::{JournalCounts, JournalRun, SCHEMA};

    fn record(step: u64, partition: i32, from: i64, to: i64) -> JournalRecord {
        let records = (to - from) as u64;
        let ended = Some(Balance { records, scored: records, ..Balance::default() });
        let topic = "payments".to_owned();
        JournalRecord {
            schema: SCHEMA.to_owned(),
            step,
            runs: vec![JournalRun { topic, partition, from, to, ended }],
            rule_pack: String::new(),
            tick_ms: None,
            watermark_ms: 0,
            counts: JournalCounts::default(),
        }
    }

    #[test]
    fn steps_are_summed_up_by_partition_and_then_begun_anew() {
        let mut tally = Tally::default();
        assert_eq!(tally.take(0), None);
        for (step, partition, from, to) in [(4, 1, 10, 12), (5, 0, 0, 1), (6, 1, 12, 15)] {
            tally.add(&record(step, partition, from, to));
        }
        let sum = tally.take(9).expect("three steps");
        assert_eq!((sum.from_step, sum.to_step, sum.at_ms, sum.difference_records), (4, 6, 9, 0));
        let told = |p: &Reconciled| (p.partition, p.from, p.to, p.ended.records, p.ended.scored);
        assert_eq!(
            sum.partitions.iter().map(told).collect::<Vec<_>>(),
            [(0, 0, 1, 1, 1), (1, 10, 15, 5, 5)]
        );
        assert_eq!(tally, Tally::default());
    }

    #[test]
    fn a_step_that_says_nothing_of_its_runs_begins_anew() {
        let mut tally = Tally::default();
        tally.add(&record(1, 0, 0, 1));
        let mut old = record(2, 0, 1, 2);
        old.runs[0].ended = None;
        tally.add(&old);
        tally.add(&record(3, 0, 2, 3));
        let sum = tally.take(0).expect("one step");
        assert_eq!((sum.from_step, sum.to_step, sum.partitions[0].from), (3, 3, 2));
    }
}
