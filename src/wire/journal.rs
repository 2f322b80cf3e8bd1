//! `journal.v1`: one record per committed step, enough to read the same records in the same order
//! again.

use serde::{Deserialize, Serialize};

use crate::engine::Counts;
use crate::sink::{Message, Stream};
use crate::source::Run;

/// The schema's name.
pub const SCHEMA: &str = "journal.v1";

/// One committed step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRecord {
    /// `journal.v1`.
    pub schema: String,
    /// Number of the step, from 1. A record replaces earlier ones with the same or a greater
    /// number.
    pub step: u64,
    /// What it covers.
    pub runs: Vec<JournalRun>,
    /// SHA-256 of the rule pack in force.
    pub rule_pack: String,
    /// Watermark after it.
    pub watermark_ms: i64,
    /// What became of its records.
    pub counts: JournalCounts,
}

/// A stretch of one partition: `from <= offset < to`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRun {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// First offset.
    pub from: i64,
    /// One past the last.
    pub to: i64,
}

/// Counts of a step. They must come out the same when it is repeated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalCounts {
    /// Payments judged.
    pub scored: u64,
    /// Other events applied.
    pub applied: u64,
    /// Repeats.
    pub duplicates: u64,
    /// Records that could not become events, or that the engine refused.
    pub rejected: u64,
    /// Alerts published.
    pub alerts: u64,
}

impl JournalCounts {
    /// Counts of a step.
    #[must_use]
    pub fn of(counts: &Counts, undecoded: usize, alerts: usize) -> Self {
        Self {
            scored: counts.scored,
            applied: counts.applied,
            duplicates: counts.duplicates,
            rejected: counts.rejected + undecoded as u64,
            alerts: alerts as u64,
        }
    }
}

/// Why a journal cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Not a record of this version.
    #[error("journal offset {offset}: {problem}")]
    Unreadable {
        /// Its offset.
        offset: i64,
        /// What is wrong.
        problem: String,
    },
}

/// Writes a record.
#[must_use]
pub fn message(record: &JournalRecord) -> Message {
    let body = serde_json::to_vec(record).expect("plain data with text keys always becomes JSON");
    Message { stream: Stream::Journal, key: Vec::new(), headers: Vec::new(), body }
}

/// A step's runs with their topics named.
#[must_use]
pub fn name_runs(runs: &[Run], topics: &[String]) -> Vec<JournalRun> {
    let name = |run: &Run| JournalRun {
        topic: topics[usize::from(run.topic)].clone(),
        partition: run.partition,
        from: run.from,
        to: run.to,
    };
    runs.iter().map(name).collect()
}

/// Reads a record and adds it to those before it.
///
/// # Errors
/// [`JournalError`], for anything but a whole record of this version: a journal is followed or not
/// at all.
pub fn append(
    records: &mut Vec<JournalRecord>,
    offset: i64,
    body: &[u8],
) -> Result<(), JournalError> {
    let unreadable = |problem: String| JournalError::Unreadable { offset, problem };
    let record: JournalRecord =
        serde_json::from_slice(body).map_err(|error| unreadable(error.to_string()))?;
    if record.schema != SCHEMA {
        return Err(unreadable(format!("schema {:?} is not {SCHEMA:?}", record.schema)));
    }
    records.truncate(records.partition_point(|before| before.step < record.step));
    records.push(record);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(step: u64, from: i64, to: i64) -> JournalRecord {
        JournalRecord {
            schema: SCHEMA.to_owned(),
            step,
            runs: vec![JournalRun { topic: "payments".to_owned(), partition: 3, from, to }],
            rule_pack: "ab".to_owned(),
            watermark_ms: 1_700_000_000_000,
            counts: JournalCounts { scored: 5, ..JournalCounts::default() },
        }
    }

    #[test]
    fn a_record_reads_as_written_and_replaces_what_it_repeats() {
        let mut records = Vec::new();
        for written in [record(1, 0, 5), record(2, 5, 9), record(3, 9, 12), record(2, 5, 7)] {
            append(&mut records, 0, &message(&written).body).expect("reads");
        }
        assert_eq!(records, [record(1, 0, 5), record(2, 5, 7)]);
        insta::assert_snapshot!(String::from_utf8_lossy(&message(&record(1, 0, 5)).body));
    }

    #[test]
    fn what_is_no_record_stops_the_reading() {
        let mut records = Vec::new();
        for body in [&b"{}"[..], b"", br#"{"schema":"journal.v9"}"#] {
            let error = append(&mut records, 7, body).expect_err("not a record");
            assert!(error.to_string().starts_with("journal offset 7: "));
        }
    }
}
