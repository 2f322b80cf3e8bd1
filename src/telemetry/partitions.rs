//! What became of records and amounts, by partition. Labels are bounded: partitions of configured
//! topics, and the first currencies that come.

use std::collections::{BTreeMap, BTreeSet};

use prometheus::{IntCounter, IntCounterVec, Registry};

use super::metric::{self, Metric};
use crate::limits;
use crate::wire::balance::{Amounts, Balance, OTHER};
use crate::wire::journal::JournalRun;

/// What is told of records, then of amounts.
const RECORDS: [&str; 6] = ["consumed", "scored", "applied", "duplicate", "skipped", "rejected"];
const AMOUNTS: [&str; 4] = ["consumed", "scored", "duplicate", "rejected"];

/// Counters by partition.
#[derive(Debug)]
pub(super) struct Partitions {
    records: IntCounterVec,
    amounts: IntCounterVec,
    /// Counters of the partitions seen so far.
    known: BTreeMap<(String, i32), Counters>,
    /// Currencies that are told by themselves.
    currencies: BTreeSet<String>,
}

#[derive(Debug)]
struct Counters {
    records: [IntCounter; RECORDS.len()],
    amounts: BTreeMap<String, [IntCounter; AMOUNTS.len()]>,
}

impl Partitions {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            records: metric::counters(registry, Metric::PartitionRecords)?,
            amounts: metric::counters(registry, Metric::PartitionAmount)?,
            known: BTreeMap::new(),
            currencies: BTreeSet::new(),
        })
    }

    pub(super) fn record(&mut self, run: &JournalRun) {
        let Some(ended) = &run.ended else { return };
        let partition = run.partition.to_string();
        let counters = self.known.entry((run.topic.clone(), run.partition)).or_insert_with(|| {
            let labels = |status| [run.topic.as_str(), partition.as_str(), status];
            let records = RECORDS.map(|status| self.records.with_label_values(&labels(status)));
            Counters { records, amounts: BTreeMap::new() }
        });
        let counts = counts_of(ended);
        counters.records.iter().zip(counts).for_each(|(counter, count)| counter.inc_by(count));
        for (code, amounts) in &ended.amounts {
            let room = self.currencies.len() < limits::CURRENCIES_COUNTED_MAX;
            if room && !self.currencies.contains(code) {
                self.currencies.insert(code.clone());
            }
            let code = if self.currencies.contains(code) { code.as_str() } else { OTHER };
            let told = counters.amounts.entry(code.to_owned()).or_insert_with(|| {
                AMOUNTS.map(|status| {
                    let labels = [run.topic.as_str(), partition.as_str(), code, status];
                    self.amounts.with_label_values(&labels)
                })
            });
            told.iter().zip(sums_of(amounts)).for_each(|(counter, sum)| counter.inc_by(sum));
        }
    }
}

fn counts_of(ended: &Balance) -> [u64; RECORDS.len()] {
    let Balance { records, scored, applied, duplicates, skipped, rejected, .. } = *ended;
    [records, scored, applied, duplicates, skipped, rejected]
}

fn sums_of(amounts: &Amounts) -> [u64; AMOUNTS.len()] {
    let Amounts { consumed, scored, duplicate, rejected } = *amounts;
    // A payment's amount is positive; a counter holds what no bank will ever move.
    [consumed, scored, duplicate, rejected].map(|sum| u64::try_from(sum).unwrap_or(u64::MAX))
}
