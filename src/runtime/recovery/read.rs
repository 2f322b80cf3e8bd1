//! The journal from its topic, record by record, committed ones only: what is there, as often as
//! asked, and then what comes.

use std::time::Duration;

use rdkafka::error::KafkaError;

use super::packs::{LatePacks, Packs};
use super::{Extent, RecoveryError};
use crate::runtime::reconcile::tally::Tally;
use crate::snapshot::manifest::Manifest;
use crate::source::kafka::ask::{self, Unanswered};
use crate::source::kafka::journal::{JournalLog, Next};
use crate::wire::journal::{self, Entry, JournalRecord, Outline};

/// Reads the journal.
pub struct JournalReader<'a, J> {
    log: J,
    go_on: &'a dyn Fn() -> bool,
    /// Which of its records count, of those that were there when it was opened.
    outline: Outline,
    /// One past the last record that has been read; 0 for none. What was there when the reader was
    /// opened ends here; what comes begins here.
    next: i64,
}

/// What came of looking for more.
#[derive(Debug)]
pub enum More {
    /// A record.
    Entry(Entry),
    /// There is none: the broker said that this is the end.
    End,
    /// Nothing has come yet.
    Nothing,
}

impl<'a, J: JournalLog> JournalReader<'a, J> {
    /// Finds the journal and learns which of its records count. `topic` is its name.
    ///
    /// # Errors
    /// [`RecoveryError`], when it is not as it must be, or `go_on` said no.
    pub fn open(log: J, topic: &str, go_on: &'a dyn Fn() -> bool) -> Result<Self, RecoveryError> {
        let wrong = |problem: &str| RecoveryError::Topic {
            topic: topic.to_owned(),
            problem: problem.to_owned(),
        };
        match ask::patiently(topic, log.clock(), go_on, || log.partitions()) {
            Ok(Some(1)) => {}
            Ok(Some(_)) => {
                return Err(wrong("has several partitions; it must have one, to have one order"));
            }
            Ok(None) => return Err(wrong("does not exist; create it with one partition")),
            Err(Unanswered::Refused(error)) => return Err(kafka(error)),
            Err(Unanswered::Stopped) => return Err(RecoveryError::Stopped),
        }
        let mut reader = Self { log, go_on, outline: Outline::default(), next: 0 };
        let mut outline = Outline::default();
        let (mut next, mut entry) = (0, None);
        reader.log.seek(None).map_err(kafka)?;
        while let Some(offset) = reader.read(&mut entry)? {
            next = offset + 1;
            if let Some(Entry::Step(record)) = &entry {
                outline.add(offset, record.step);
            }
        }
        (reader.outline, reader.next) = (outline, next);
        Ok(reader)
    }

    /// Numbers of the first and last step that it holds.
    #[must_use]
    pub fn numbers(&self) -> Option<(u64, u64)> {
        self.outline.numbers()
    }

    /// How far the journal reaches beyond a snapshot.
    ///
    /// # Errors
    /// As [`JournalReader::extent`], and when it says something else of the snapshot's steps.
    pub fn extent_after(
        &mut self,
        manifest: &Manifest,
        inputs: &[String],
    ) -> Result<(Extent, Packs), RecoveryError> {
        self.add_to(Extent::after(manifest), inputs)
    }

    /// How far the journal reaches, and the packs of those of its steps before which it does not
    /// hold them any more: their files come later.
    ///
    /// # Errors
    /// [`RecoveryError`], when it has gaps or names unknown topics, or cannot be read.
    pub fn extent(&mut self, inputs: &[String]) -> Result<(Extent, Packs), RecoveryError> {
        self.add_to(Extent::default(), inputs)
    }

    fn add_to(
        &mut self,
        mut extent: Extent,
        inputs: &[String],
    ) -> Result<(Extent, Packs), RecoveryError> {
        let mut late = LatePacks::default();
        self.each(|entry| match entry {
            Entry::Step(record) => {
                late.step(&record.rule_pack);
                extent.add(&record, inputs)
            }
            Entry::File(file) => {
                late.file(file);
                Ok(())
            }
            Entry::Reconciliation(_) => {
                extent.tally = Tally::default();
                Ok(())
            }
            Entry::Change(_) | Entry::Shadow(_) => Ok(()),
        })?;
        Ok((extent, late.into_packs()))
    }

    /// Hands over every step that counts and all that lies between them, in order, as far as it was
    /// there when the reader was opened.
    ///
    /// # Errors
    /// What `each` says, and [`RecoveryError`].
    pub fn each<E: From<RecoveryError>>(
        &mut self,
        mut each: impl FnMut(Entry) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.next == 0 {
            return Ok(());
        }
        self.log.seek(None).map_err(kafka)?;
        let mut entry = None;
        while let Some(offset) = self.read(&mut entry)? {
            // Somebody else may be writing meanwhile.
            if offset >= self.next {
                break;
            }
            let counts = |record: &JournalRecord| self.outline.counts(offset, record.step);
            match entry.take() {
                Some(Entry::Step(record)) if !counts(&record) => {}
                Some(entry) => each(entry)?,
                None => {}
            }
            if offset + 1 == self.next {
                break;
            }
        }
        Ok(())
    }

    /// Looks for what comes after all that was read: from here on with [`Self::more`], which tells
    /// the end anew.
    ///
    /// # Errors
    /// [`RecoveryError`], when the client refuses.
    pub fn follow(&mut self) -> Result<(), RecoveryError> {
        self.log.seek(Some(self.next).filter(|next| *next > 0)).map_err(kafka)
    }

    /// The next record that comes, if one comes soon.
    ///
    /// # Errors
    /// [`RecoveryError`], when it cannot be read.
    pub fn more(&mut self) -> Result<More, RecoveryError> {
        let mut read = None;
        let next =
            self.log.next(&mut |offset, body| read = Some((offset, journal::read(offset, body))));
        match (next, read) {
            (Ok(Next::Record), Some((offset, entry))) => {
                self.next = offset + 1;
                Ok(More::Entry(entry?))
            }
            (Ok(Next::End), _) => Ok(More::End),
            (Ok(_), _) => Ok(More::Nothing),
            (Err(error @ KafkaError::MessageConsumptionFatal(_)), _) => Err(kafka(error)),
            (Err(error), _) => {
                tracing::warn!(%error, "the journal is waited for");
                Ok(More::Nothing)
            }
        }
    }

    /// Pauses; `false` as soon as work must not go on.
    #[must_use]
    pub fn rest(&self, pause: Duration) -> bool {
        ask::rest(pause, self.log.clock(), self.go_on)
    }

    /// Reads the next record into `entry`: its offset, or `None` at the end.
    fn read(&mut self, entry: &mut Option<Entry>) -> Result<Option<i64>, RecoveryError> {
        let next = self.next;
        while (self.go_on)() {
            match self.more()? {
                More::Entry(read) => {
                    *entry = Some(read);
                    let offset = self.next - 1;
                    self.next = next;
                    return Ok(Some(offset));
                }
                More::End => return Ok(None),
                More::Nothing => {}
            }
        }
        Err(RecoveryError::Stopped)
    }
}

fn kafka(error: KafkaError) -> RecoveryError {
    RecoveryError::Kafka(error.to_string())
}
