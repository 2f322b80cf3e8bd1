//! Open episodes as plain data.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::super::image::{ImageError, of_number_or_none};
use super::super::episode::{Episode, Recent, Standing, TargetKey};
use super::finding::{FindingRow, finding_of, finding_row};
use super::{TargetRow, number_of, target_of, target_row};
use crate::model::measure::Action;
use crate::model::time::Millis;
use crate::rules::plan::Plan;

/// An open episode. Of measures one more than their number; 0: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EpisodeRow {
    target: TargetRow,
    key: String,
    last_ms: Millis,
    /// Finding, greatest weight, strongest floor.
    pub settled: Vec<(FindingRow, u32, u8)>,
    settled_ms: Option<Millis>,
    /// Time, number of the event, finding.
    pub recent: Vec<(Millis, u64, FindingRow)>,
    revision: u32,
    withdrawals: u32,
    measure: u8,
    score: u32,
    published_ms: Millis,
    unpublished: bool,
    suppressed: u32,
}

pub(super) fn episode_row(target: &TargetKey, episode: &Episode) -> EpisodeRow {
    let Episode {
        key,
        last_ms,
        // Made anew of the settled and the recent ones.
        findings: _,
        settled,
        settled_ms,
        recent,
        revision,
        withdrawals,
        measure,
        score,
        published_ms,
        unpublished,
        suppressed,
    } = episode;
    let standing = |standing: &Standing| {
        let Standing { finding, weight, floor } = standing;
        (finding_row(finding), *weight, number_of(*floor))
    };
    let of_event = |recent: &Recent| {
        let Recent { time_ms, number, finding } = recent;
        (*time_ms, *number, finding_row(finding))
    };
    EpisodeRow {
        target: target_row(target),
        key: key.to_string(),
        last_ms: *last_ms,
        settled: settled.iter().map(standing).collect(),
        settled_ms: *settled_ms,
        recent: recent.iter().map(of_event).collect(),
        revision: *revision,
        withdrawals: *withdrawals,
        measure: number_of(*measure),
        score: *score,
        published_ms: *published_ms,
        unpublished: *unpublished,
        suppressed: *suppressed,
    }
}

pub(super) fn episode_of(
    row: &EpisodeRow,
    plan: &Plan,
) -> Result<(TargetKey, Episode), ImageError> {
    let standing = |(finding, weight, floor): &(FindingRow, u32, u8)| {
        Ok(Standing {
            finding: Arc::new(finding_of(finding, plan)?),
            weight: *weight,
            floor: of_number_or_none("measure", Action::WORDS, *floor)?,
        })
    };
    let of_event = |(time_ms, number, finding): &(Millis, u64, FindingRow)| {
        let finding = Arc::new(finding_of(finding, plan)?);
        Ok(Recent { time_ms: *time_ms, number: *number, finding })
    };
    let mut episode = Episode {
        key: row.key.as_str().into(),
        last_ms: row.last_ms,
        findings: Vec::new(),
        settled: row.settled.iter().map(standing).collect::<Result<_, _>>()?,
        settled_ms: row.settled_ms,
        recent: row.recent.iter().map(of_event).collect::<Result<_, _>>()?,
        revision: row.revision,
        withdrawals: row.withdrawals,
        measure: of_number_or_none("measure", Action::WORDS, row.measure)?,
        score: row.score,
        published_ms: row.published_ms,
        unpublished: row.unpublished,
        suppressed: row.suppressed,
    };
    episode.gather();
    Ok((target_of(&row.target)?, episode))
}
