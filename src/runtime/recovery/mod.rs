//! Where to go on after a start: what the journal says, held against the offsets committed for the
//! group; then the state is rebuilt, muted.
//!
//! A journal may be long: it is read three times, record by record, and never held. First to learn
//! which of its records count, then how far they reach, then to repeat them.
//!
//! - [`decide`] is pure
//! - [`packs`]: rule packs from the files that the journal holds
//! - [`read`]: the journal from its topic
//! - [`replay`]: the state is rebuilt
//! - [`snapshot`]: the state of an earlier step, so that only what came after it is repeated

pub mod packs;
pub mod read;
pub mod replay;
pub mod snapshot;

use std::collections::BTreeMap;

use replay::Whole;

use super::config::Delivery;
use super::reconcile::tally::Tally;
use crate::snapshot::manifest::{Manifest, Place};
use crate::source::Run;
use crate::source::kafka::Start;
use crate::wire::journal::{JournalError, JournalRecord, JournalRun};

/// Where to begin and what to repeat.
#[derive(Debug, PartialEq, Eq)]
pub struct Recovery {
    /// By `(topic, partition)`.
    pub starts: BTreeMap<(String, i32), Start>,
    /// How many steps to repeat.
    pub steps: u64,
    /// Number of the next step.
    pub next_step: u64,
    /// What became of the records since the journal last said so.
    pub tally: Tally,
}

/// Why work cannot go on. Each says what an operator can do.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The journal topic is not as it must be.
    #[error("journal topic {topic}: {problem}")]
    Topic {
        /// The topic.
        topic: String,
        /// What is wrong.
        problem: String,
    },
    /// Kafka did not answer.
    #[error("cannot read the journal: {0}")]
    Kafka(String),
    /// A record of it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal names a topic that is not configured.
    #[error(
        "the journal names topic {topic}, which the configuration does not: add it to kafka.topics, or start a \
         new group_id and journal"
    )]
    UnknownTopic {
        /// The topic.
        topic: String,
    },
    /// A stretch is missing between two steps.
    #[error(
        "the journal is not continuous: step {step} reads {topic}/{partition} from {from}, the step before ended \
         at {end}. It was written by two processes at once or edited; start a new group_id and journal"
    )]
    Gap {
        /// The step.
        step: u64,
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// Where the step begins.
        from: i64,
        /// Where the one before ended.
        end: i64,
    },
    /// The journal and the group's offsets disagree.
    #[error(
        "{topic}/{partition}: the journal ends at {journal}, the offset committed for group {group} is {committed}. \
         Somebody reset the group, made the topic anew or replaced the journal. Set the group's offset to the journal's end \
         (kafka-consumer-groups.sh --group {group} --topic {topic}:{partition} --reset-offsets --to-offset N \
         --execute), or start a new group_id and journal"
    )]
    Contradiction {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The journal's end, or `nothing`.
        journal: String,
        /// The committed offset, or `nothing`.
        committed: String,
        /// The group.
        group: String,
    },
    /// The journal says something else of the steps that a snapshot holds.
    #[error("after step {step} the inputs stood elsewhere")]
    OtherHistory {
        /// The step.
        step: u64,
    },
    /// The rules cannot go with the state.
    #[error("{0}; start a new group_id and journal")]
    Rules(&'static str),
    /// It was asked to stop.
    #[error("stopped while recovering")]
    Stopped,
}

/// By `(topic, partition)`: the offset that comes next.
type Stands = BTreeMap<(String, i32), i64>;

/// How far the journal reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// By `(topic, partition)`: where it begins and ends.
    pub starts: BTreeMap<(String, i32), Start>,
    /// How many steps it holds.
    pub steps: u64,
    /// Numbers of the first and last of them.
    pub numbers: Option<(u64, u64)>,
    /// What became of the records since it last said so.
    pub tally: Tally,
    /// Up to this step nothing is repeated: a snapshot holds it.
    pub after: u64,
    /// Where the inputs must stand after a step: the newest of a snapshot.
    stands: Option<(u64, Stands)>,
}

impl Extent {
    /// Of what follows a snapshot: it begins where the inputs stood when its oldest part was taken.
    #[must_use]
    pub fn after(manifest: &Manifest) -> Self {
        let start = |place: &Place| {
            let start = Start { from: place.next, end: place.next };
            ((place.topic.clone(), place.partition), start)
        };
        let end = |place: &Place| ((place.topic.clone(), place.partition), place.next);
        Self {
            starts: manifest.begin.iter().map(start).collect(),
            steps: 0,
            numbers: Some((manifest.oldest, manifest.oldest)),
            after: manifest.oldest,
            tally: Tally::default(),
            stands: Some((manifest.newest, manifest.end.iter().map(end).collect())),
        }
    }

    /// All that is to be repeated.
    #[must_use]
    pub fn whole(&self) -> Whole {
        let records = |start: &Start| start.end.saturating_sub(start.from).max(0).cast_unsigned();
        Whole { steps: self.steps, records: self.starts.values().map(records).sum() }
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// [`RecoveryError`], when it names an unknown topic or leaves a gap.
    pub fn add(&mut self, record: &JournalRecord, inputs: &[String]) -> Result<(), RecoveryError> {
        // What a snapshot holds may not have been summed up yet.
        self.tally.add(record);
        if record.step <= self.after {
            return Ok(());
        }
        for run in &record.runs {
            if !inputs.contains(&run.topic) {
                return Err(RecoveryError::UnknownTopic { topic: run.topic.clone() });
            }
            let start = self
                .starts
                .entry((run.topic.clone(), run.partition))
                .or_insert(Start { from: run.from, end: run.from });
            if start.end != run.from {
                return Err(RecoveryError::Gap {
                    step: record.step,
                    topic: run.topic.clone(),
                    partition: run.partition,
                    from: run.from,
                    end: start.end,
                });
            }
            start.end = run.to;
        }
        self.steps += 1;
        let first = self.numbers.map_or(record.step, |(first, _)| first);
        self.numbers = Some((first, record.step));
        let stands = self.stands.as_ref().filter(|(step, _)| *step == record.step);
        if stands.is_some_and(|(_, places)| !self.stands_at(places)) {
            return Err(RecoveryError::OtherHistory { step: record.step });
        }
        Ok(())
    }

    fn stands_at(&self, places: &Stands) -> bool {
        let known = self.starts.iter().map(|(partition, start)| (partition, start.end));
        known.eq(places.iter().map(|(partition, next)| (partition, *next)))
    }
}

/// A record's runs, by place in `inputs`.
///
/// # Errors
/// [`RecoveryError::UnknownTopic`].
pub fn runs_of(record: &JournalRecord, inputs: &[String]) -> Result<Vec<Run>, RecoveryError> {
    let run = |run: &JournalRun| {
        let topic = inputs
            .iter()
            .position(|input| *input == run.topic)
            .ok_or_else(|| RecoveryError::UnknownTopic { topic: run.topic.clone() })?;
        Ok(Run { topic: topic as u16, partition: run.partition, from: run.from, to: run.to })
    };
    record.runs.iter().map(run).collect()
}

/// Decides where to go on. `committed` by `(topic, partition)`.
///
/// # Errors
/// [`RecoveryError`], when the journal and the world contradict each other.
pub fn decide(
    extent: Extent,
    committed: &BTreeMap<(String, i32), i64>,
    delivery: Delivery,
    group: &str,
) -> Result<Recovery, RecoveryError> {
    let Extent { mut starts, steps, numbers, tally, .. } = extent;
    if numbers.is_some_and(|(first, _)| first > 1) {
        // The journal's retention has cut its head: of a quiet partition it may name nothing any
        // more.
        for (partition, &offset) in committed {
            starts.entry(partition.clone()).or_insert(Start { from: offset, end: offset });
        }
    }
    let mut partitions: Vec<&(String, i32)> = starts.keys().chain(committed.keys()).collect();
    partitions.sort();
    partitions.dedup();
    for partition in partitions {
        let end = starts.get(partition).map(|start| start.end);
        let offset = committed.get(partition).copied();
        let agree = match delivery {
            Delivery::ExactlyOnce => end == offset,
            // Offsets follow the journal there; a death in between leaves them behind.
            Delivery::AtLeastOnce => {
                offset.is_none_or(|offset| end.is_some_and(|end| offset <= end))
            }
        };
        if !agree {
            let text = |offset: Option<i64>| {
                offset.map_or_else(|| "nothing".to_owned(), |offset| offset.to_string())
            };
            return Err(RecoveryError::Contradiction {
                topic: partition.0.clone(),
                partition: partition.1,
                journal: text(end),
                committed: text(offset),
                group: group.to_owned(),
            });
        }
    }
    Ok(Recovery { starts, steps, next_step: numbers.map_or(1, |(_, last)| last + 1), tally })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::journal::{JournalCounts, SCHEMA};

    fn record(step: u64, runs: &[(&str, i32, i64, i64)]) -> JournalRecord {
        let run = |&(topic, partition, from, to): &(&str, i32, i64, i64)| JournalRun {
            topic: topic.to_owned(),
            partition,
            from,
            to,
            ended: None,
        };
        JournalRecord {
            schema: SCHEMA.to_owned(),
            step,
            runs: runs.iter().map(run).collect(),
            rule_pack: String::new(),
            tick_ms: None,
            watermark_ms: 0,
            counts: JournalCounts::default(),
        }
    }

    fn decided(
        records: &[JournalRecord],
        committed: &[(&str, i32, i64)],
        delivery: Delivery,
    ) -> Result<Recovery, String> {
        let committed =
            committed.iter().map(|(topic, part, at)| (((*topic).to_owned(), *part), *at)).collect();
        let inputs = ["lists".to_owned(), "payments".to_owned()];
        let mut extent = Extent::default();
        let added = records.iter().try_for_each(|record| extent.add(record, &inputs));
        let decided = added.and_then(|()| decide(extent, &committed, delivery, "g"));
        decided.map_err(|error| error.to_string())
    }

    #[test]
    fn a_new_group_begins_at_the_beginning() {
        let recovery = decided(&[], &[], Delivery::ExactlyOnce).expect("nothing to contradict");
        assert_eq!((recovery.next_step, recovery.starts.len()), (1, 0));
    }

    #[test]
    fn work_goes_on_where_the_journal_ends() {
        let records = [
            record(4, &[("payments", 0, 10, 15)]),
            record(5, &[("lists", 0, 0, 1), ("payments", 0, 15, 16)]),
        ];
        let committed = [("lists", 0, 1), ("payments", 0, 16)];
        let recovery = decided(&records, &committed, Delivery::ExactlyOnce).expect("agrees");
        assert_eq!((recovery.next_step, recovery.steps), (6, 2));
        assert_eq!(recovery.starts[&("payments".to_owned(), 0)], Start { from: 10, end: 16 });
        let inputs = ["lists".to_owned(), "payments".to_owned()];
        let runs = runs_of(&records[1], &inputs).expect("known topics");
        assert_eq!(runs.iter().map(|run| run.topic).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn contradictions_are_refused_with_a_remedy() {
        let records = [record(1, &[("payments", 0, 0, 5)])];
        for committed in [&[][..], &[("payments", 0, 4)], &[("payments", 0, 5), ("payments", 1, 2)]]
        {
            let error =
                decided(&records, committed, Delivery::ExactlyOnce).expect_err("contradicts");
            assert!(error.contains("--reset-offsets"), "{error}");
        }
        assert!(decided(&[], &[("payments", 0, 4)], Delivery::ExactlyOnce).is_err());
        assert!(decided(&records, &[("payments", 0, 4)], Delivery::AtLeastOnce).is_ok());
        assert!(decided(&records, &[("payments", 0, 6)], Delivery::AtLeastOnce).is_err());
    }

    #[test]
    fn a_quiet_partition_outlives_the_journals_head() {
        let records = [record(9, &[("payments", 0, 5, 6)])];
        let committed = [("lists", 0, 3), ("payments", 0, 6)];
        let recovery = decided(&records, &committed, Delivery::ExactlyOnce).expect("agrees");
        assert_eq!(recovery.starts[&("lists".to_owned(), 0)], Start { from: 3, end: 3 });
    }

    #[test]
    fn gaps_and_unknown_topics_are_refused() {
        let gap = [record(1, &[("payments", 0, 0, 5)]), record(2, &[("payments", 0, 6, 7)])];
        assert!(decided(&gap, &[], Delivery::AtLeastOnce).expect_err("gap").contains("step 2"));
        let unknown = [record(1, &[("old", 0, 0, 5)])];
        assert!(
            decided(&unknown, &[], Delivery::AtLeastOnce).expect_err("unknown").contains("old")
        );
    }
}
