//! The compiled rule pack: features shared between rules and flat typed programs over rows.
//!
//! A *row* is what one event looks like to the rules: a part with fields of the payment itself and
//! one part for each role the payment touches. A part is a slice of cells; [`PartPlan`] says what
//! each cell is. The compiler (`rules::compile`) makes a [`Plan`] from files; the engine reads it
//! and never looks at a rule's text.
//!
//! - [`view`]: whose ledger, and which of its entries
//! - [`feature`]: what a cell holds and how a visit computes it
//! - [`query`]: finer questions to a ledger
//! - [`program`]: expressions over cells, and their evaluation
//! - [`policy`]: families, bands, measures, cool-down, breaker
//! - [`calendar`]: working days
//! - [`reach`]: how far back a rule looks

pub mod calendar;
pub mod feature;
pub mod policy;
pub mod program;
pub mod query;
pub mod reach;
pub mod view;

use crate::model::alert::{Bilingual, TargetKind};
use crate::model::country::Country;
use crate::model::measure::Action;
use crate::model::money::Currency;
use crate::model::time::Millis;
use feature::{PaymentField, StateFeature};
use policy::Policy;
use program::{CompareOp, ExprId, Program, Type};
use query::Query;
use view::Role;

/// A compiled rule pack.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Name of the pack.
    pub pack_id: String,
    /// Version of the pack.
    pub pack_version: String,
    /// SHA-256 over the pack's files, 64 hex digits.
    pub pack_sha256: String,
    /// Currency of every amount in the pack. Amounts in another one are missing values.
    pub currency: Currency,
    /// The country that is home; without it nothing is abroad and nothing at home.
    pub country: Option<Country>,
    /// Cells of the payment part.
    pub payment: Vec<PaymentField>,
    /// Cells of each role's part, by `Role as usize`.
    pub parts: [PartPlan; Role::COUNT],
    /// Questions that cells ask, by number.
    pub queries: Vec<Query>,
    /// What rules ask of signals, by number.
    pub signals: Vec<SignalPlan>,
    /// All expressions of the pack.
    pub program: Program,
    /// Rules, in order of id.
    pub rules: Vec<RulePlan>,
    /// Guards, in order of id.
    pub guards: Vec<GuardPlan>,
    /// Families, bands, measures.
    pub policy: Policy,
    /// The overlays in it, in order of folder.
    pub overlays: Vec<Overlay>,
}

/// An institution's changes to a pack: who made them, and what they touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlay {
    /// Its folder inside the pack.
    pub folder: String,
    /// Its name.
    pub name: String,
    /// Who wrote it.
    pub author: String,
    /// Who approved it.
    pub approver: Option<String>,
    /// The day from which it holds, as `2026-12-01`.
    pub valid_from: String,
    /// Rules it changes or adds, by id; guards it adds, as `guard G1`; `policy`, `calendar`.
    pub touches: Vec<String>,
}

impl Plan {
    /// Whether the plan can come into force after another while there is state: currency and
    /// country are part of what ledgers hold.
    ///
    /// # Errors
    /// What differs that must not.
    pub fn follows(&self, before: &Self) -> Result<(), &'static str> {
        if self.currency != before.currency {
            return Err("the pack's currency cannot change over kept state");
        }
        if self.country != before.country {
            return Err("the pack's country cannot change over kept state");
        }
        Ok(())
    }

    /// A question as of a moment: a window in working days has its length then. Also whether that
    /// was cut to what a ledger holds.
    #[must_use]
    pub fn query(&self, number: u16, time_ms: Millis, utc_offset_ms: Millis) -> (Query, bool) {
        self.queries[usize::from(number)].as_of(&self.policy.calendar, time_ms, utc_offset_ms)
    }
}

/// What a visit in one role computes.
#[derive(Clone, Debug, Default)]
pub struct PartPlan {
    /// Cells, in order of first use.
    pub features: Vec<StateFeature>,
    /// Rules whose conditions are tried at this visit, with what of the row is known there.
    pub gated_rules: Vec<u16>,
}

/// Whether a rule speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Judged and published.
    Live,
    /// Judged; published to the shadow topic only.
    Shadow,
    /// Judged and remembered for other rules; never published.
    Signal,
}

impl Mode {
    /// As rule files write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Shadow => "shadow",
            Self::Signal => "signal",
        }
    }
}

/// What is remembered of a rule that fired: a question about one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalPlan {
    /// The rule, an index into [`Plan::rules`]; `None`: it is off, so nothing is remembered.
    pub rule: Option<u16>,
    /// Whose account.
    pub role: Role,
    /// How far back.
    pub window_ms: Millis,
    /// What is asked.
    pub measure: SignalMeasure,
}

/// What can be asked of signals about an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalMeasure {
    /// Their number.
    Count,
    /// Distinct accounts that they came from.
    Accounts,
    /// Distinct accounts that signals from the same accounts are about, this one included.
    Peers,
    /// Those of them that a signal of another rule (an index into [`Plan::rules`]) is about, in the
    /// same window.
    PeersWith(Option<u16>),
}

impl SignalPlan {
    /// The rules it asks about.
    pub fn rules(&self) -> impl Iterator<Item = u16> {
        let other = match self.measure {
            SignalMeasure::PeersWith(rule) => rule,
            _ => None,
        };
        self.rule.into_iter().chain(other)
    }
}

/// At which events a rule is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phases {
    /// At the payment's first event, whatever its status.
    pub pre: bool,
    /// At the event that settles it.
    pub post: bool,
    /// When an account is opened.
    pub opening: bool,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct RulePlan {
    /// `M02`.
    pub id: String,
    /// `burst_out`.
    pub name: String,
    /// Version of the rule.
    pub version: String,
    /// Upper-case reason code.
    pub code: String,
    /// Title.
    pub title: Bilingual,
    /// Index into [`Policy::families`].
    pub family: usize,
    /// Weight.
    pub weight: u32,
    /// Live or shadow; a rule that is off is not in the plan.
    pub mode: Mode,
    /// When it is judged.
    pub phases: Phases,
    /// Whose state gates it.
    pub subject: Role,
    /// What a finding targets while the payment can still be held.
    pub target_held: TargetSpec,
    /// What a finding targets once the payment is settled.
    pub target_settled: TargetSpec,
    /// Whose account the finding, or the signal, is about.
    pub about: Role,
    /// The condition.
    pub when: ExprId,
    /// Of the terms that the condition joins by `&&`, those that read no signals: what is tried
    /// before signals are looked up.
    pub gate: ExprId,
    /// What it asks of signals: indexes into [`Plan::signals`].
    pub signals: Vec<u16>,
    /// Whether another rule asks about its signals.
    pub is_remembered: bool,
    /// Rules that ask about others' signals come after them: by rank, then in order.
    pub rank: u16,
    /// Guards, indexes into [`Plan::guards`].
    pub guards: Vec<u16>,
    /// Measure when only this rule fires; `None`: the score alone decides.
    pub floor: Option<Action>,
    /// Stronger floors with a condition of their own, weakest first.
    pub escalations: Vec<Escalation>,
    /// Stronger floors when others agree.
    pub supports: Vec<Support>,
    /// A condition that marks the finding `balance_unknown`.
    pub balance_unknown: Option<ExprId>,
    /// Text of the reason.
    pub text: Template,
    /// What is shown as evidence.
    pub evidence: Vec<EvidencePlan>,
}

/// Target of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetSpec {
    /// The payment.
    Payment,
    /// The payer's account.
    Payer,
    /// The payee's account.
    Payee,
    /// The account that is being opened.
    Opening,
}

impl TargetSpec {
    /// Payment or account.
    #[must_use]
    pub fn kind(self) -> TargetKind {
        match self {
            Self::Payment => TargetKind::Payment,
            Self::Payer | Self::Payee => TargetKind::Account,
            Self::Opening => TargetKind::Opening,
        }
    }
}

/// A stronger floor for a finding that meets a further condition.
#[derive(Clone, Copy, Debug)]
pub struct Escalation {
    /// The further condition.
    pub when: ExprId,
    /// The floor.
    pub floor: Action,
    /// Replaces the rule's weight, if given.
    pub weight: Option<u32>,
}

/// A stronger floor when the open episode also holds a finding of another rule or family.
#[derive(Clone, Debug)]
pub struct Support {
    /// Rules, indexes into [`Plan::rules`]; any of them is enough.
    pub rules: Vec<u16>,
    /// Families, indexes into [`Policy::families`]; any of them is enough.
    pub families: Vec<usize>,
    /// The floor.
    pub floor: Action,
}

/// What a guard does to a finding it applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardEffect {
    /// The finding is dropped (and counted as suppressed).
    Remove,
    /// The finding's weight is halved and its floors fall away.
    Lower,
}

/// One guard.
#[derive(Clone, Debug)]
pub struct GuardPlan {
    /// `G1`.
    pub id: String,
    /// Title.
    pub title: Bilingual,
    /// When it applies.
    pub when: ExprId,
    /// What it does.
    pub effect: GuardEffect,
}

/// One line of evidence: a comparison in the rule's condition.
#[derive(Clone, Debug)]
pub struct EvidencePlan {
    /// Name of the feature.
    pub name: String,
    /// The observed value.
    pub value: ExprId,
    /// Type of both sides.
    pub ty: Type,
    /// How they are compared.
    pub operator: CompareOp,
    /// What it is compared with.
    pub threshold: ExprId,
    /// For enumerations: their words.
    pub words: Option<&'static [&'static str]>,
    /// The window the value comes from, with the cell's role: contributing events are taken there.
    pub window: Option<EvidenceWindow>,
}

/// Where contributing events are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvidenceWindow {
    /// Whose ledger.
    pub role: Role,
    /// Which entries; `None`: both directions.
    pub direction: Option<view::Direction>,
    /// Length.
    pub window_ms: Millis,
    /// Entries with one of these flags do not count.
    pub without: u16,
    /// The question that picks the entries, in place of direction and flags: number in
    /// [`Plan::queries`].
    pub query: Option<u16>,
}

/// A text with values in it, in both languages.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// Simplified Chinese.
    pub zh: Vec<Piece>,
    /// English.
    pub en: Vec<Piece>,
}

/// A piece of a [`Template`].
#[derive(Clone, Debug)]
pub enum Piece {
    /// Words.
    Literal(String),
    /// A value.
    Value {
        /// What to show.
        expr: ExprId,
        /// How to show it.
        ty: Type,
        /// For enumerations: their words.
        words: Option<&'static [&'static str]>,
    },
}
