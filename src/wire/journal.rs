//! The journal: one `journal.v1` record per committed step, enough to read the same records in the
//! same order again under the same rules.
//!
//! When rules come into force, at a start or while running, the step that is the first under them
//! has two more kinds of records before its own, in the same transaction: every file of the pack
//! (`rule-file.v1`), so that any process can judge as it was judged then, and who changed what
//! (`rule-change.v1`). The same goes for a pack that is taken on trial beside them
//! (`shadow-change.v1`). All of it is written again every
//! [`crate::limits::PACK_REWRITE`], so that the journal's retention never takes the
//! files of a pack that a kept step was judged by.
//!
//! Now and then, and at a good end, a record sums up what became of every record since the last one
//! (`reconciliation.v1`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::balance::Balance;
use crate::engine::Counts;
use crate::sink::{Message, Stream};
use crate::source::Run;

/// The schema's name.
pub const SCHEMA: &str = "journal.v1";

/// The schema's name of a file of a pack.
pub const FILE_SCHEMA: &str = "rule-file.v1";
/// The schema's name of a change of rules.
pub const CHANGE_SCHEMA: &str = "rule-change.v1";
/// The schema's name of a sum of what became of records.
pub const RECONCILIATION_SCHEMA: &str = "reconciliation.v1";
/// The schema's name of a pack that is taken on trial, or no longer.
pub const SHADOW_SCHEMA: &str = "shadow-change.v1";

/// A record of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A step.
    Step(JournalRecord),
    /// A file of a pack.
    File(RuleFile),
    /// Rules came into force.
    Change(RuleChange),
    /// A pack was taken on trial, or no longer.
    Shadow(ShadowChange),
    /// What became of the records of some steps.
    Reconciliation(Reconciliation),
}

/// What became of every record of some steps: consumed = scored + applied + duplicates + skipped +
/// rejected, in records and in amounts, by partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reconciliation {
    /// `reconciliation.v1`.
    pub schema: String,
    /// The first step that it covers.
    pub from_step: u64,
    /// The last.
    pub to_step: u64,
    /// When it was made, wall clock in milliseconds.
    pub at_ms: i64,
    /// Records less what they became, over all partitions; 0 unless there is a defect.
    pub difference_records: i64,
    /// Partitions, in order of topic and number; those without records are left out.
    pub partitions: Vec<Reconciled>,
}

/// What became of one partition's records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reconciled {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// First offset.
    pub from: i64,
    /// One past the last.
    pub to: i64,
    /// What became of them.
    pub ended: Balance,
}

/// One file of a rule pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleFile {
    /// `rule-file.v1`.
    pub schema: String,
    /// SHA-256 of the pack.
    pub rule_pack: String,
    /// Number of the file, from 0.
    pub number: usize,
    /// How many the pack has.
    pub of: usize,
    /// Its path inside the pack.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// Rules came into force: who, when, from which to which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleChange {
    /// `rule-change.v1`.
    pub schema: String,
    /// The first step judged by them.
    pub step: u64,
    /// When that step was read, wall clock in milliseconds.
    pub at_ms: i64,
    /// What brought them: `start`, `folder`, `http`, or `promotion` of a pack on trial.
    pub by: String,
    /// Who asked for it, as the caller said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// SHA-256 of the pack in force before.
    pub from: String,
    /// SHA-256 of the pack in force from now on; at a start without a change the same.
    pub to: String,
    /// SHA-256 of the pack in the folders, where that is another one: a promoted pack stays in
    /// force until the folders change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Overlays in the pack, with their authors and approvers.
    pub overlays: Vec<OverlayName>,
    /// What differs, key by key, the first [`crate::limits::RULE_CHANGES_TOLD_MAX`] of it.
    pub changes: Vec<String>,
    /// How many keys differ.
    pub differences: usize,
    /// Packs that were to come into force since the change before and were overtaken by this one
    /// before any step, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub superseded: Vec<Superseded>,
}

/// A pack that another one overtook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Superseded {
    /// What brought it.
    pub by: String,
    /// Who asked for it, as the caller said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Its SHA-256.
    pub to: String,
}

/// A pack is taken on trial beside the one in force, or no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShadowChange {
    /// `shadow-change.v1`.
    pub schema: String,
    /// The first step that it judges, or no longer does.
    pub step: u64,
    /// When that step was read, wall clock in milliseconds.
    pub at_ms: i64,
    /// What brought it: `start`, `folder`, `http` or `promotion`.
    pub by: String,
    /// Who asked for it, as the caller said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// SHA-256 of the pack in force.
    pub against: String,
    /// SHA-256 of the pack on trial before, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// SHA-256 of the pack on trial from now on, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Overlays in the pack, with their authors and approvers.
    pub overlays: Vec<OverlayName>,
    /// What differs from the pack in force, key by key, the first
    /// [`crate::limits::RULE_CHANGES_TOLD_MAX`] of it.
    pub changes: Vec<String>,
    /// How many keys differ.
    pub differences: usize,
}

/// Whose overlay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OverlayName {
    /// Its name.
    pub name: String,
    /// Who wrote it.
    pub author: String,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
}

/// One committed step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Where the step is no records but the passing of time: the wall clock then, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tick_ms: Option<i64>,
    /// Watermark after it.
    pub watermark_ms: i64,
    /// What became of its records.
    pub counts: JournalCounts,
}

/// A stretch of one partition: `from <= offset < to`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JournalRun {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// First offset.
    pub from: i64,
    /// One past the last.
    pub to: i64,
    /// What became of its records; not in journals of versions that did not count by run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Balance>,
}

/// Counts of a step. They must come out the same when it is repeated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// Writes a record: [`JournalRecord`], [`RuleFile`], [`RuleChange`], [`ShadowChange`] or
/// [`Reconciliation`].
#[must_use]
pub fn message(record: &impl Serialize) -> Message {
    let body = serde_json::to_vec(record).expect("plain data with text keys always becomes JSON");
    Message { stream: Stream::Journal, key: Vec::new(), headers: Vec::new(), body }
}

/// A step's runs with their topics named, and with what became of their records.
#[must_use]
pub fn name_runs(runs: &[Run], topics: &[String], ended: Vec<Balance>) -> Vec<JournalRun> {
    let name = |(run, ended): (&Run, Balance)| JournalRun {
        topic: topics[usize::from(run.topic)].clone(),
        partition: run.partition,
        from: run.from,
        to: run.to,
        ended: Some(ended),
    };
    runs.iter().zip(ended).map(name).collect()
}

/// Reads a record.
///
/// # Errors
/// [`JournalError`], for anything but a whole record of this version: a journal is followed or not
/// at all.
pub fn read(offset: i64, body: &[u8]) -> Result<Entry, JournalError> {
    /// What every record says.
    #[derive(Deserialize)]
    struct Named {
        schema: String,
    }
    let unreadable = |problem: String| JournalError::Unreadable { offset, problem };
    let wrong = |error: serde_json::Error| unreadable(error.to_string());
    let Named { schema } = serde_json::from_slice(body).map_err(wrong)?;
    match schema.as_str() {
        SCHEMA => serde_json::from_slice(body).map(Entry::Step).map_err(wrong),
        FILE_SCHEMA => serde_json::from_slice(body).map(Entry::File).map_err(wrong),
        CHANGE_SCHEMA => serde_json::from_slice(body).map(Entry::Change).map_err(wrong),
        RECONCILIATION_SCHEMA => {
            serde_json::from_slice(body).map(Entry::Reconciliation).map_err(wrong)
        }
        SHADOW_SCHEMA => serde_json::from_slice(body).map(Entry::Shadow).map_err(wrong),
        other => Err(unreadable(format!("schema {other:?} is not {SCHEMA:?}"))),
    }
}

/// Which records of a journal count, those that a later one replaces left out. Holds one entry for
/// each time that happened, not one for each record: a journal is too long to be held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// In order of offset and of step.
    stretches: Vec<Stretch>,
}

/// Records one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stretch {
    /// Offset of the first record, and of the last.
    offsets: (i64, i64),
    /// Its first step, and the last that counts.
    steps: (u64, u64),
}

impl Outline {
    /// Takes the next record's offset and step.
    pub fn add(&mut self, offset: i64, step: u64) {
        let mut replaces = false;
        while let Some(last) = self.stretches.last_mut().filter(|last| last.steps.1 >= step) {
            replaces = true;
            if last.steps.0 < step {
                last.steps.1 = step - 1;
                break;
            }
            self.stretches.pop();
        }
        match self.stretches.last_mut().filter(|_| !replaces) {
            Some(last) => (last.offsets.1, last.steps.1) = (offset, step),
            None => {
                let stretch = Stretch { offsets: (offset, offset), steps: (step, step) };
                self.stretches.push(stretch);
            }
        }
    }

    /// Numbers of the first and last step that count.
    #[must_use]
    pub fn numbers(&self) -> Option<(u64, u64)> {
        Some((self.stretches.first()?.steps.0, self.stretches.last()?.steps.1))
    }

    /// Whether this record counts.
    #[must_use]
    pub fn counts(&self, offset: i64, step: u64) -> bool {
        let after = self.stretches.partition_point(|stretch| stretch.offsets.0 <= offset);
        let stretch = after.checked_sub(1).map(|index| &self.stretches[index]);
        stretch.is_some_and(|stretch| offset <= stretch.offsets.1 && step <= stretch.steps.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(step: u64, from: i64, to: i64) -> JournalRecord {
        JournalRecord {
            schema: SCHEMA.to_owned(),
            step,
            runs: vec![JournalRun {
                topic: "payments".to_owned(),
                partition: 3,
                from,
                to,
                ended: Some(Balance { records: 5, scored: 5, ..Balance::default() }),
            }],
            rule_pack: "ab".to_owned(),
            tick_ms: None,
            watermark_ms: 1_700_000_000_000,
            counts: JournalCounts { scored: 5, ..JournalCounts::default() },
        }
    }

    #[test]
    fn a_record_reads_as_written() {
        let written = record(1, 0, 5);
        assert_eq!(read(0, &message(&written).body).expect("reads"), Entry::Step(written.clone()));
        insta::assert_snapshot!(String::from_utf8_lossy(&message(&written).body));
    }

    /// Written by the version in its name: every later one reads it.
    #[test]
    fn journals_of_earlier_versions_are_read() {
        let text = include_str!("../../tests/fixtures/journal-0.1.0.jsonl");
        let entries = text.lines().zip(0..).map(|(line, at)| read(at, line.as_bytes()));
        let entries: Vec<_> = entries.map(|entry| entry.expect("reads")).collect();
        let steps: Vec<_> = entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Step(step) => Some((step.step, step.runs[0].ended.as_ref())),
                _ => None,
            })
            .collect();
        assert_eq!((entries.len(), steps.len()), (5, 2));
        assert_eq!(steps[0], (1, None));
        let ended = steps[1].1.expect("it counts by run");
        assert_eq!((ended.difference(), ended.amounts["other"].consumed), (0, i128::MAX));
        assert!(matches!(entries.last(), Some(Entry::Reconciliation(_))));
    }

    #[test]
    fn a_tick_reads_as_written_and_is_a_step_of_its_own() {
        let runs = Vec::new();
        let written = JournalRecord { runs, tick_ms: Some(1_700_000_120_000), ..record(2, 0, 5) };
        let body = message(&written).body;
        assert!(String::from_utf8_lossy(&body).contains(r#""tick_ms":1700000120000"#));
        assert_eq!(read(0, &body).expect("reads"), Entry::Step(written));
    }

    #[test]
    fn what_is_no_record_stops_the_reading() {
        for body in [&b"{}"[..], b"", br#"{"schema":"journal.v9"}"#] {
            let error = read(7, body).expect_err("not a record");
            assert!(error.to_string().starts_with("journal offset 7: "));
        }
    }

    #[test]
    fn an_outline_says_what_a_list_would_hold() {
        // Steps in the order they were written; offsets leave room for transaction markers.
        let histories: &[&[u64]] = &[
            &[],
            &[1, 2, 3, 4],
            &[7, 8, 9],
            &[1, 2, 3, 2, 3, 4],
            &[1, 2, 3, 1],
            &[1, 2, 3, 3, 3, 2, 5, 6, 6],
            &[5, 6, 7, 8, 6, 7, 4, 5, 5, 6],
        ];
        for history in histories {
            let (mut held, mut outline) = (Vec::<(i64, u64)>::new(), Outline::default());
            for (offset, step) in (0..).step_by(2).zip(history.iter().copied()) {
                held.retain(|(_, before)| *before < step);
                held.push((offset, step));
                outline.add(offset, step);
            }
            let ends = held.first().zip(held.last()).map(|(first, last)| (first.1, last.1));
            assert_eq!(outline.numbers(), ends, "{history:?}");
            let all = (0..).step_by(2).zip(history.iter().copied());
            let counted: Vec<_> = all.filter(|(at, step)| outline.counts(*at, *step)).collect();
            assert_eq!(counted, held, "{history:?}");
        }
    }

    #[test]
    fn an_outline_does_not_grow_with_the_journal() {
        let mut outline = Outline::default();
        (1..=10_000).for_each(|step| outline.add(step as i64 * 2, step));
        assert_eq!(outline.stretches.len(), 1);
    }
}
