//! Alerts as the engine makes them: complete, deterministic, in clear. Masking, tokens, topic names
//! and JSON are the business of `wire::encode`.

use crate::model::event::Position;
use crate::model::measure::{Action, Authority, ControlMode};
use crate::model::money::Money;
use crate::model::time::Millis;

/// What an alert says about its episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertKind {
    /// A new episode.
    Raise,
    /// More findings, same measure.
    Update,
    /// A stronger measure.
    Escalate,
    /// We were wrong: nothing is left of it.
    Withdraw,
}

impl AlertKind {
    /// Every kind with its word.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("raise", Self::Raise),
        ("update", Self::Update),
        ("escalate", Self::Escalate),
        ("withdraw", Self::Withdraw),
    ];

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TargetKind {
    /// A payment that can still be held.
    Payment,
    /// An account.
    Account,
    /// An account that is being opened.
    Opening,
}

impl TargetKind {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Account => "account",
            Self::Opening => "opening",
        }
    }
}

/// The target, with what the control system must match before it acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Payment or account.
    pub kind: TargetKind,
    /// Payment id, when the target is a payment.
    pub payment_id: Option<String>,
    /// The original references of that payment, where the record had them: end-to-end id,
    /// instruction id, UETR.
    pub references: [Option<String>; 3],
    /// The account: the target itself, or the payer of the payment.
    pub account: String,
    /// Its bank.
    pub bank: Option<String>,
    /// Its holder's name.
    pub name: Option<String>,
    /// Amount of the payment that raised the alert; an opening has none.
    pub match_amount: Option<Money>,
    /// Time of that event.
    pub match_time_ms: Millis,
}

/// How strongly the alert wants to be noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// `review`
    Low,
    /// `reverify`, `delay`
    Medium,
    /// `counter_only`
    High,
    /// `stop_payment` and above
    Critical,
}

impl Severity {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        ["low", "medium", "high", "critical"][self as usize]
    }
}

/// How sure the alert is. Not a probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Confidence {
    /// A value was a bound or unknown, or a guard lowered it.
    Low,
    /// One family agrees.
    Medium,
    /// Two families agree, or a list says so.
    High,
}

impl Confidence {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        ["low", "medium", "high"][self as usize]
    }
}

/// The control that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Whole or limited.
    pub mode: ControlMode,
    /// Amount of a limited one, or of the payment held.
    pub amount: Option<Money>,
    /// How long, in milliseconds; `None`: until done.
    pub duration_ms: Option<Millis>,
    /// Extensions allowed.
    pub extensions_max: u32,
}

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Bilingual {
    /// Simplified Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// One reason: one rule that fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Upper-case code that stays the same across versions.
    pub code: String,
    /// The rule.
    pub rule_id: String,
    /// Its version.
    pub rule_version: String,
    /// Its weight.
    pub weight: u32,
    /// Generated from observed values and thresholds.
    pub text: Bilingual,
    /// The user's own code, from the policy's table.
    pub external_code: Option<String>,
    /// A bound bit: the observed values are lower bounds.
    pub lower_bound: bool,
    /// The rule looks back further than payments are known: its windows were not full yet.
    pub warming: bool,
    /// Judged without the balance, by flow alone.
    pub balance_unknown: bool,
}

/// An event that contributed to an observed value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRef {
    /// Its id.
    pub event_id: String,
    /// Where its record lies.
    pub position: Position,
    /// Accounts that it is between, in clear: they may be part of its id, and other ones than the
    /// alert's.
    pub parties: [String; 2],
}

/// One observed value that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The rule it belongs to.
    pub rule_id: String,
    /// The feature's name in the rule.
    pub feature: String,
    /// Observed, as text in the feature's unit.
    pub value: String,
    /// `>=`, `<=`, `==` …
    pub operator: &'static str,
    /// What it was compared with, as text in the same unit.
    pub threshold: String,
    /// Unit: a currency code, `ms`, `ratio`, `count`, or empty.
    pub unit: String,
    /// The window, `(from, to]`, where the value comes from one.
    pub window_ms: Option<(Millis, Millis)>,
    /// Contributing events, oldest first, bounded.
    pub events: Vec<EventRef>,
    /// Whether more contributed than are named.
    pub truncated: bool,
}

/// A guard that was evaluated, whether or not it applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardResult {
    /// The rule it was evaluated for.
    pub rule_id: String,
    /// The guard.
    pub guard_id: String,
    /// What came out.
    pub outcome: GuardOutcome,
}

/// What a guard said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GuardOutcome {
    /// Its condition did not hold.
    NotApplicable,
    /// A value it needs is missing.
    NotEvaluable,
    /// It held, and halved the finding's weight.
    Lowered,
    /// It held, and removed the finding.
    Removed,
}

impl GuardOutcome {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        ["not_applicable", "not_evaluable", "lowered", "removed"][self as usize]
    }
}

/// Why a revision corrects an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CorrectionReason {
    /// An event with an earlier time arrived after the one that was judged.
    LateEvent,
}

impl CorrectionReason {
    /// Every reason with its word.
    pub const WORDS: &'static [(&'static str, Self)] = &[("late_event", Self::LateEvent)];

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }
}

/// What a revision corrects, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// Why.
    pub reason: CorrectionReason,
    /// The same in words.
    pub text: Bilingual,
    /// The event that it is due to; [`Alert::event`] is the one that was judged again.
    pub due_to: EventRef,
    /// Rules that do not hold any more.
    pub rules_withdrawn: Vec<String>,
}

/// Another entity that ties in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// `device`, `account`, `customer`.
    pub kind: &'static str,
    /// Its name, in clear.
    pub id: String,
    /// How it ties in: `shared_device`, `counterparty`.
    pub relation: &'static str,
}

/// One revision of one episode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// 32 hex digits; the same for every revision of the episode.
    pub alert_id: String,
    /// 64 hex digits, over tenant, action, target and episode key.
    pub idempotency_key: String,
    /// The episode.
    pub episode_id: String,
    /// 1, 2, 3 …
    pub revision: u32,
    /// What this revision says.
    pub kind: AlertKind,
    /// From a rule in shadow mode: published to the shadow topic only.
    pub shadow: bool,
    /// How long the payment's event had been waited for something that did not follow it.
    pub waited_ms: Option<Millis>,
    /// What is asked for.
    pub action: Action,
    /// Who may order it.
    pub authority: Authority,
    /// About what.
    pub target: Target,
    /// With which control; absent for `review`.
    pub control: Option<Control>,
    /// A further measure that only an authority can order (a freeze), if the score proposes it.
    pub proposal: Option<Action>,
    /// Latest useful time for the request.
    pub act_by_ms: Millis,
    /// How strongly.
    pub severity: Severity,
    /// 0 to 100.
    pub score: u32,
    /// How sure.
    pub confidence: Confidence,
    /// Whether an answer is expected.
    pub needs_reply: bool,
    /// The rules that fired.
    pub reasons: Vec<Reason>,
    /// Neutral text for the customer.
    pub customer_reason: Bilingual,
    /// The values that decided.
    pub evidence: Vec<Evidence>,
    /// The guards that were evaluated.
    pub guards: Vec<GuardResult>,
    /// What ties in.
    pub related: Vec<Related>,
    /// Branch that owns the account, if an account event named it.
    pub owner_branch: Option<String>,
    /// Findings of the episode that were not published on their own since the last revision.
    pub suppressed: u32,
    /// The measure before the circuit breaker lowered it.
    pub downgraded_from: Option<Action>,
    /// Set where this revision corrects an earlier judgement.
    pub correction: Option<Correction>,
    /// The triggering event.
    pub event: EventRef,
    /// Its business time.
    pub event_time_ms: Millis,
    /// Its record's timestamp.
    pub record_time_ms: Millis,
}
