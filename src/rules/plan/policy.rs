//! From findings to measures: families, bands, cool-down, circuit breaker, texts.

use std::collections::BTreeMap;

use crate::model::alert::Bilingual;
use crate::model::measure::Action;
use crate::model::time::Millis;

use super::calendar::Calendar;

/// The scoring policy of a pack.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Families with their caps, in order of name.
    pub families: Vec<Family>,
    /// Bands, lowest score first. The lowest is the alert line.
    pub bands: Vec<Band>,
    /// Score from which a freeze is proposed beside the measure.
    pub freeze_proposal_from: Option<u32>,
    /// Least time between two updates of one episode; escalations never wait.
    pub cool_down_ms: Millis,
    /// An episode ends when nothing joined it for this long.
    pub episode_idle_ms: Millis,
    /// How long after the event a request about an account is useful.
    pub act_within_ms: Millis,
    /// Length of a stop-payment, and how often it may be extended.
    pub stop_duration_ms: Millis,
    /// Extensions of a stop-payment, at most.
    pub stop_extensions_max: u32,
    /// Length of a delay.
    pub delay_duration_ms: Millis,
    /// Bounds strong measures.
    pub breaker: Breaker,
    /// Neutral text for the customer, by measure.
    pub customer_reasons: BTreeMap<Action, Bilingual>,
    /// The user's own codes, by reason code.
    pub external_codes: BTreeMap<String, String>,
    /// Festivals, as first and last day of each.
    pub festivals: Vec<(i32, i32)>,
    /// Working days.
    pub calendar: Calendar,
}

/// A family of rules that see the same side of a matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// `flow`, `victim` …
    pub name: String,
    /// What it can contribute, at most.
    pub cap: u32,
    /// Its findings add to a score and do nothing else: they ask for nothing on their own, whatever
    /// their rules say, and support nothing.
    pub is_weak: bool,
}

/// From a score on, these measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// The score.
    pub from: u32,
    /// Measure on an account.
    pub account: Action,
    /// Measure on a payment.
    pub payment: Action,
}

/// Circuit breaker: above either bound strong measures are published as `review`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// Over this much event time.
    pub window_ms: Millis,
    /// Strong measures, at most.
    pub strong_max: u32,
    /// Strong measures over accounts active today, at most, in millionths …
    pub share_ppm_max: u32,
    /// … counted only from this many strong measures on.
    pub share_from: u32,
}
