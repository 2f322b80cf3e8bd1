//! The journal from its topic, record by record, committed ones only.

use rdkafka::error::KafkaError;

use super::packs::{LatePacks, Packs};
use super::{Extent, RecoveryError};
use crate::runtime::reconcile::tally::Tally;
use crate::source::kafka::ask::{self, Unanswered};
use crate::source::kafka::journal::{JournalLog, Next};
use crate::wire::journal::{self, Entry, JournalRecord, Outline};

/// Reads the journal, as often as asked.
pub struct JournalReader<'a, J> {
    log: J,
    go_on: &'a dyn Fn() -> bool,
    /// Which of its records count.
    outline: Outline,
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
        let mut reader = Self { log, go_on, outline: Outline::default() };
        let mut outline = Outline::default();
        reader.pass(|_, offset, entry| {
            if let Entry::Step(record) = entry {
                outline.add(offset, record.step);
            }
            Ok::<_, RecoveryError>(())
        })?;
        reader.outline = outline;
        Ok(reader)
    }

    /// How far the journal reaches, and the packs of those of its steps before which it does not
    /// hold them any more: their files come later.
    ///
    /// # Errors
    /// [`RecoveryError`], when it has gaps or names unknown topics, or cannot be read.
    pub fn extent(&mut self, inputs: &[String]) -> Result<(Extent, Packs), RecoveryError> {
        let (mut extent, mut late) = (Extent::default(), LatePacks::default());
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

    /// Hands over every step that counts and all that lies between them, in order.
    ///
    /// # Errors
    /// What `each` says, and [`RecoveryError`].
    pub fn each<E: From<RecoveryError>>(
        &mut self,
        mut each: impl FnMut(Entry) -> Result<(), E>,
    ) -> Result<(), E> {
        let counts =
            |outline: &Outline, offset, record: &JournalRecord| outline.counts(offset, record.step);
        self.pass(|outline, offset, entry| match entry {
            Entry::Step(record) if !counts(outline, offset, &record) => Ok(()),
            entry => each(entry),
        })
    }

    fn pass<E: From<RecoveryError>>(
        &mut self,
        mut each: impl FnMut(&Outline, i64, Entry) -> Result<(), E>,
    ) -> Result<(), E> {
        self.log.seek(None).map_err(kafka)?;
        while (self.go_on)() {
            let mut read = None;
            match self
                .log
                .next(&mut |offset, body| read = Some((offset, journal::read(offset, body))))
            {
                Ok(Next::Record | Next::Nothing) => {}
                Ok(Next::End) => return Ok(()),
                Err(error @ KafkaError::MessageConsumptionFatal(_)) => {
                    return Err(kafka(error).into());
                }
                Err(error) => tracing::warn!(%error, "the journal is waited for"),
            }
            if let Some((offset, entry)) = read {
                each(&self.outline, offset, entry.map_err(RecoveryError::from)?)?;
            }
        }
        Err(RecoveryError::Stopped.into())
    }
}

fn kafka(error: KafkaError) -> RecoveryError {
    RecoveryError::Kafka(error.to_string())
}
