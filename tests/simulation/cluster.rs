//! The brokers as a model: partitions with offsets, transactions whose markers are written one by
//! one and occupy offsets, producers with epochs, the group's offsets. Pure: it decides nothing by
//! chance and knows no time but what it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use goshawk::sink::kafka::writer::{Ends, Refusal};

/// After this time the coordinator ends a transaction by itself.
pub const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(60);

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub key: Option<Vec<u8>>,
    pub body: Vec<u8>,
    pub time_ms: i64,
}

/// What an offset holds.
#[derive(Clone, Debug)]
enum Entry {
    Data {
        record: Record,
        transaction: Option<usize>,
    },
    /// The end of a transaction in this partition.
    Control,
}

/// One partition.
#[derive(Clone, Debug, Default)]
struct Partition {
    entries: Vec<Entry>,
    /// The newest epoch seen of each transactional id: older ones are turned away.
    epochs: BTreeMap<String, u32>,
    /// First offset of each transaction that is not ended here.
    open: BTreeMap<usize, i64>,
    /// Transactions that were aborted.
    aborted: BTreeSet<usize>,
    /// First offset that is still there.
    start: i64,
}

/// What becomes of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Committed,
    Aborted,
}

#[derive(Clone, Debug, Default)]
struct Transaction {
    /// Partitions it wrote to and that have no marker yet.
    parts: BTreeSet<(String, i32)>,
    offsets: Ends,
}

impl Partition {
    /// One past the last record before the first of an open transaction.
    fn last_stable(&self) -> i64 {
        let first = self.open.values().min();
        first.copied().unwrap_or(self.entries.len() as i64)
    }
}

/// A transactional id.
#[derive(Clone, Debug, Default)]
struct Id {
    epoch: u32,
    /// The transaction that is going on, and since when.
    open: Option<(usize, Duration)>,
    /// One that is decided and whose markers are not all written.
    ending: Option<(usize, Outcome)>,
    /// The epoch whose transaction was committed last: the same question gets the same answer.
    committed_by: Option<u32>,
}

/// The brokers.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    topics: BTreeMap<String, Vec<Partition>>,
    transactions: Vec<Transaction>,
    ids: BTreeMap<String, Id>,
    committed: Ends,
    /// Offsets of the group that went back.
    pub went_back: Vec<String>,
}

/// What a reader finds at an offset.
#[derive(Debug)]
pub enum Found<'a> {
    Record(i64, &'a Record),
    /// Nothing that may be read from here on; one past the last offset that was looked at.
    End(i64),
    /// The offset has been deleted.
    Gone,
}

impl Cluster {
    pub fn create(&mut self, topic: &str, partitions: usize) {
        self.topics.insert(topic.to_owned(), vec![Partition::default(); partitions]);
    }

    /// Adds a partition.
    pub fn grow(&mut self, topic: &str) {
        self.part_list(topic).push(Partition::default());
    }

    pub fn partitions(&self, topic: &str) -> Option<i32> {
        self.topics.get(topic).map(|parts| parts.len() as i32)
    }

    fn part_list(&mut self, topic: &str) -> &mut Vec<Partition> {
        self.topics.get_mut(topic).expect("the scenario made it")
    }

    fn part(&self, topic: &str, partition: i32) -> &Partition {
        &self.topics[topic][partition as usize]
    }

    /// First offset, and one past the last that may be read by whom reads committed records.
    pub fn bounds(&self, topic: &str, partition: i32) -> (i64, i64) {
        let part = self.part(topic, partition);
        (part.start, part.last_stable())
    }

    /// The next record at or after an offset, as a reader of committed records sees it.
    pub fn read(&self, topic: &str, partition: i32, from: i64) -> Found<'_> {
        let part = self.part(topic, partition);
        if from < part.start {
            return Found::Gone;
        }
        let end = part.last_stable();
        for offset in from..end {
            if let Entry::Data { record, transaction } = &part.entries[offset as usize]
                && !transaction.is_some_and(|number| part.aborted.contains(&number))
            {
                return Found::Record(offset, record);
            }
        }
        Found::End(end.max(from))
    }

    /// The offset of a partition's last committed record.
    pub fn last_record(&self, topic: &str, partition: i32) -> Option<i64> {
        let part = self.part(topic, partition);
        let committed = |offset: &i64| match &part.entries[*offset as usize] {
            Entry::Data { transaction, .. } => {
                !transaction.is_some_and(|number| part.aborted.contains(&number))
            }
            Entry::Control => false,
        };
        (part.start..part.last_stable()).rev().find(committed)
    }

    /// Every committed record of a partition, with its offset.
    pub fn all(&self, topic: &str, partition: i32) -> Vec<(i64, Record)> {
        let (mut at, mut all) = (self.part(topic, partition).start, Vec::new());
        while let Found::Record(offset, record) = self.read(topic, partition, at) {
            all.push((offset, record.clone()));
            at = offset + 1;
        }
        all
    }

    /// Appends a record outside of any transaction.
    pub fn append(&mut self, topic: &str, partition: i32, record: Record) {
        let part = &mut self.part_list(topic)[partition as usize];
        part.entries.push(Entry::Data { record, transaction: None });
    }

    /// Takes a transactional id over and returns its new epoch.
    pub fn take_over(&mut self, id: &str) -> Result<u32, Refusal> {
        let known = self.ids.entry(id.to_owned()).or_default();
        known.epoch += 1;
        if let Some((open, _)) = known.open.take() {
            known.ending = Some((open, Outcome::Aborted));
        }
        if known.ending.is_some() {
            return Err(Refusal::Again("the last transaction is still being ended".to_owned()));
        }
        known.committed_by = None;
        Ok(known.epoch)
    }

    fn current(&mut self, id: &str, epoch: u32) -> Result<&mut Id, Refusal> {
        let known = self.ids.get_mut(id).filter(|known| known.epoch == epoch);
        known.ok_or(Refusal::Fenced)
    }

    /// Appends a record to the transaction of this epoch, which begins with it if need be.
    pub fn append_in(
        &mut self,
        (id, epoch): (&str, u32),
        (topic, partition): (&str, i32),
        record: Record,
        now: Duration,
    ) -> Result<(), Refusal> {
        let number = self.open(id, epoch, now)?;
        let place = (topic.to_owned(), partition);
        self.transactions[number].parts.insert(place);
        let part = &mut self.part_list(topic)[partition as usize];
        let newest = part.epochs.entry(id.to_owned()).or_insert(epoch);
        if *newest > epoch {
            return Err(Refusal::Fenced);
        }
        *newest = epoch;
        part.open.entry(number).or_insert(part.entries.len() as i64);
        part.entries.push(Entry::Data { record, transaction: Some(number) });
        Ok(())
    }

    /// The number of this epoch's transaction.
    fn open(&mut self, id: &str, epoch: u32, now: Duration) -> Result<usize, Refusal> {
        // The next transaction waits for the markers of the last one.
        while self.write_marker(id) {}
        let number = self.transactions.len();
        let known = self.current(id, epoch)?;
        if let Some((open, _)) = known.open {
            return Ok(open);
        }
        known.open = Some((number, now));
        known.committed_by = None;
        self.transactions.push(Transaction::default());
        Ok(number)
    }

    /// Makes offsets part of the transaction.
    pub fn offsets_in(
        &mut self,
        (id, epoch): (&str, u32),
        ends: &Ends,
        now: Duration,
    ) -> Result<(), Refusal> {
        let number = self.open(id, epoch, now)?;
        self.transactions[number].offsets.extend(ends.clone());
        Ok(())
    }

    /// Ends the transaction of this epoch: from here on it is decided, its markers follow.
    pub fn end(&mut self, id: &str, epoch: u32, commit: bool) -> Result<(), Refusal> {
        let known = self.current(id, epoch)?;
        match known.open.take() {
            Some((number, _)) => {
                let outcome = if commit { Outcome::Committed } else { Outcome::Aborted };
                known.ending = Some((number, outcome));
                known.committed_by = commit.then_some(epoch);
                Ok(())
            }
            // Asked again: the answer was lost.
            None if !commit || known.committed_by == Some(epoch) => Ok(()),
            None => Err(Refusal::Lasting("there is no transaction to commit".to_owned())),
        }
    }

    /// Writes one marker of a transaction that is being ended; whether there was one to write.
    pub fn write_marker(&mut self, id: &str) -> bool {
        let Some(known) = self.ids.get_mut(id) else { return false };
        let Some((number, outcome)) = known.ending else { return false };
        let epoch = known.epoch;
        let transaction = &mut self.transactions[number];
        if let Some((topic, partition)) = transaction.parts.pop_first() {
            let part = &mut self.topics.get_mut(&topic).expect("written to")[partition as usize];
            part.entries.push(Entry::Control);
            part.open.remove(&number);
            if outcome == Outcome::Aborted {
                part.aborted.insert(number);
            }
            let newest = part.epochs.entry(id.to_owned()).or_insert(epoch);
            *newest = epoch.max(*newest);
            return true;
        }
        known.ending = None;
        let offsets = std::mem::take(&mut transaction.offsets);
        if outcome == Outcome::Committed {
            self.commit_offsets(&offsets);
        }
        true
    }

    /// Writes one marker of any transaction that is being ended.
    pub fn write_markers(&mut self) {
        let ids: BTreeSet<String> = self.ids.keys().cloned().collect();
        for id in ids {
            self.write_marker(&id);
        }
    }

    /// Ends transactions that have been open for too long, and fences whoever had them.
    pub fn time_out(&mut self, now: Duration) {
        for known in self.ids.values_mut() {
            if let Some((number, since)) = known.open
                && now.saturating_sub(since) > TRANSACTION_TIMEOUT
                && known.ending.is_none()
            {
                known.open = None;
                known.epoch += 1;
                known.ending = Some((number, Outcome::Aborted));
            }
        }
    }

    /// Commits offsets of the group.
    pub fn commit_offsets(&mut self, ends: &Ends) {
        for (place, to) in ends {
            let before = self.committed.insert(place.clone(), *to);
            if before.is_some_and(|before| before > *to) {
                self.went_back.push(format!("{place:?} from {before:?} to {to}"));
            }
        }
    }

    /// The epoch in force.
    pub fn newest_epoch(&self, id: &str) -> u32 {
        self.ids.get(id).map_or(0, |known| known.epoch)
    }

    /// The group's offsets; `None` while a transaction that has some is being ended.
    pub fn committed(&self) -> Option<Ends> {
        let stable = self.ids.values().all(|known| {
            let pending = known.open.map(|(number, _)| number);
            let pending = pending.or(known.ending.map(|(number, _)| number));
            pending.is_none_or(|number| self.transactions[number].offsets.is_empty())
        });
        stable.then(|| self.committed.clone())
    }
}
