//! Where to go on after a start: what the journal says, held against the offsets committed for the
//! group.
//!
//! [`decide`] is pure; [`read_journal`] reads.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::{Message as _, Offset, TopicPartitionList};

use super::config::Delivery;
use crate::source::Run;
use crate::source::kafka::Start;
use crate::source::kafka::ask;
use crate::source::kafka::client::{self, KafkaSettings};
use crate::wire::journal::{self, JournalError, JournalRecord};

/// Where to begin and what to repeat.
#[derive(Debug, PartialEq, Eq)]
pub struct Recovery {
    /// By `(topic, partition)`.
    pub starts: BTreeMap<(String, i32), Start>,
    /// Runs of each step to repeat, in order.
    pub steps: Vec<Vec<Run>>,
    /// Number of the next step.
    pub next_step: u64,
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
         Somebody reset the group or replaced the journal. Set the group's offset to the journal's end \
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
    /// It was asked to stop.
    #[error("stopped while recovering")]
    Stopped,
}

/// Reads the whole journal, committed records only.
///
/// # Errors
/// [`RecoveryError`], naming what is wrong with it.
pub fn read_journal(
    settings: &KafkaSettings,
    topic: &str,
    go_on: &dyn Fn() -> bool,
) -> Result<Vec<JournalRecord>, RecoveryError> {
    let kafka = |error: KafkaError| RecoveryError::Kafka(error.to_string());
    let wrong = |problem: &str| RecoveryError::Topic {
        topic: topic.to_owned(),
        problem: problem.to_owned(),
    };
    let own = [
        ("enable.partition.eof", "true"),
        ("auto.offset.reset", "earliest"),
        ("fetch.wait.max.ms", "20"),
    ];
    let consumer = client::consumer(settings, &own).map_err(kafka)?;
    match ask::partitions(&consumer, topic).map_err(kafka)? {
        Some(1) => {}
        Some(_) => {
            return Err(wrong("has several partitions; it must have one, to have one order"));
        }
        None => return Err(wrong("does not exist; create it with one partition")),
    }
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning).map_err(kafka)?;
    consumer.assign(&list).map_err(kafka)?;
    let mut records = Vec::new();
    while go_on() {
        match consumer.poll(Duration::from_millis(100)) {
            None => {}
            Some(Ok(message)) => {
                let body = message.payload().unwrap_or_default();
                journal::append(&mut records, message.offset(), body)?;
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(records),
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => return Err(kafka(error)),
            Some(Err(error)) => tracing::warn!(%error, "the journal is waited for"),
        }
    }
    Err(RecoveryError::Stopped)
}

/// Decides where to go on. `inputs` in order of name; `committed` by `(topic, partition)`.
///
/// # Errors
/// [`RecoveryError`], when the journal and the world contradict each other.
pub fn decide(
    records: &[JournalRecord],
    inputs: &[String],
    committed: &BTreeMap<(String, i32), i64>,
    delivery: Delivery,
    group: &str,
) -> Result<Recovery, RecoveryError> {
    let mut starts: BTreeMap<(String, i32), Start> = BTreeMap::new();
    let mut steps = Vec::with_capacity(records.len());
    for record in records {
        let mut runs = Vec::with_capacity(record.runs.len());
        for run in &record.runs {
            let topic = inputs
                .iter()
                .position(|input| *input == run.topic)
                .ok_or_else(|| RecoveryError::UnknownTopic { topic: run.topic.clone() })?;
            let start = starts
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
            let topic = topic as u16;
            runs.push(Run { topic, partition: run.partition, from: run.from, to: run.to });
        }
        steps.push(runs);
    }
    if records.first().is_some_and(|first| first.step > 1) {
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
    Ok(Recovery { starts, steps, next_step: records.last().map_or(1, |last| last.step + 1) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::journal::{JournalCounts, JournalRun, SCHEMA};

    fn record(step: u64, runs: &[(&str, i32, i64, i64)]) -> JournalRecord {
        let run = |&(topic, partition, from, to): &(&str, i32, i64, i64)| JournalRun {
            topic: topic.to_owned(),
            partition,
            from,
            to,
        };
        JournalRecord {
            schema: SCHEMA.to_owned(),
            step,
            runs: runs.iter().map(run).collect(),
            rule_pack: String::new(),
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
        decide(records, &inputs, &committed, delivery, "g").map_err(|error| error.to_string())
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
        assert_eq!(recovery.next_step, 6);
        assert_eq!(recovery.starts[&("payments".to_owned(), 0)], Start { from: 10, end: 16 });
        assert_eq!(recovery.steps[1][0].topic, 0);
        assert_eq!(recovery.steps[1][1].topic, 1);
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
