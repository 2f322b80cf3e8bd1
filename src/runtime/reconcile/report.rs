//! What a proof is given, and what it comes to.

use serde::Serialize;

use super::broken::{Broken, Stretch};
use crate::wire::balance::Balance;

/// Steps that are proven: `from <= step < to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// The first.
    pub from: u64,
    /// One past the last.
    pub to: u64,
}

impl Steps {
    /// Whether a step is among them.
    #[must_use]
    pub fn hold(&self, step: u64) -> bool {
        (self.from..self.to).contains(&step)
    }
}

/// An alert as its topic holds it.
#[derive(Clone, Debug)]
pub struct SeenAlert {
    /// Where it lies.
    pub at: Stretch,
    /// Its id and revision.
    pub id: (String, u32),
    /// The record that made it.
    pub source: Stretch,
    /// The step that published it, if it says so.
    pub step: Option<u64>,
    /// Whether it corrects a judgement of before, or time had to pass after its event: then its
    /// source may lie in an earlier step.
    pub corrects: bool,
}

/// A reject as its topic holds it.
#[derive(Clone, Debug)]
pub struct SeenReject {
    /// Where it lies.
    pub at: Stretch,
    /// The record it is about.
    pub source: Stretch,
}

/// What was proven.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The first step and the last.
    pub steps: Option<(u64, u64)>,
    /// Steps of a version that did not say what became of each run: their amounts are not proven.
    pub steps_uncounted: u64,
    /// By partition, what was claimed and found.
    pub partitions: Vec<Line>,
    /// Alerts found, of live and of shadow rules.
    pub alerts: u64,
    /// Rejects found.
    pub rejects: u64,
    /// Alerts and rejects that stand more than once, as `at_least_once` allows.
    pub repeats: u64,
    /// Reconciliation records that were held against their steps.
    pub summaries: u64,
    /// Records that their topics no longer hold: of these nothing is proven.
    pub gone: Vec<Stretch>,
    /// What breaks the equality; the first of it.
    pub broken: Vec<Broken>,
    /// How much breaks it.
    pub broken_count: u64,
}

/// One partition's figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What the steps cover.
    #[serde(flatten)]
    pub stretch: Stretch,
    /// What the journal says.
    pub claimed: Balance,
    /// What the topics hold: records, amounts consumed, and rejects.
    pub found: Balance,
}
