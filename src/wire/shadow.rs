//! `shadow-comparison.v1`: what `GET /api/v1/rules/shadow` answers, the running comparison of rules
//! on trial with the rules in force.

use schemars::JsonSchema;
use serde::Serialize;

use super::journal::OverlayName;
use crate::engine::contrast::EpisodesCompared;

/// The schema's name.
pub const SCHEMA: &str = "shadow-comparison.v1";

/// The comparison so far.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ShadowComparison {
    /// `shadow-comparison.v1`.
    pub schema: String,
    /// Rules of the pack in force with `mode = "shadow"`.
    pub rules: RulesCompared,
    /// The pack on trial beside it, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack: Option<PackCompared>,
    /// Why the last pack was not taken on trial, though it compiles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// Shadow rules against the live rules of their pack: each episode of theirs is one of its own, so
/// that weights do not add up across the two.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RulesCompared {
    /// Their ids.
    pub ids: Vec<String>,
    /// SHA-256 of the pack.
    pub pack: String,
    /// The first step that was compared.
    pub since_step: u64,
    /// When that step was read, milliseconds since the epoch; 0 for what was there before the
    /// journal's first step.
    pub since_ms: i64,
    /// What came of it.
    pub episodes: EpisodesCompared,
}

/// A whole pack against the one in force.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PackCompared {
    /// Name of the pack on trial.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its SHA-256.
    pub sha256: String,
    /// SHA-256 of the pack in force.
    pub against: String,
    /// What brought it: `start`, `folder` or `http`.
    pub by: String,
    /// Who asked for it, as the caller said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// The first step that was compared: that of the start of the trial, or of a change of the
    /// rules in force during it.
    pub since_step: u64,
    /// When that step was read, milliseconds since the epoch.
    pub since_ms: i64,
    /// Overlays in the pack, with their authors and approvers.
    pub overlays: Vec<OverlayName>,
    /// What differed from the rules in force when the trial began, key by key, the first of it.
    pub changes: Vec<String>,
    /// How many keys differed.
    pub differences: usize,
    /// What came of it.
    pub episodes: EpisodesCompared,
}
