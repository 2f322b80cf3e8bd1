//! Shape of `alert.v1`, field by field in the order in which it is written. The doc comments here
//! are the descriptions of the published JSON Schema.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::measure::{Action, Authority, ControlMode};

/// An alert: a request to a control system about one target. It asks; it never claims that
/// something has been stopped or frozen. Fields whose source does not exist are absent.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "alert.v1")]
pub(crate) struct AlertBody<'a> {
    /// Name of this format.
    #[schemars(extend("const" = "alert.v1"))]
    pub(crate) schema: &'static str,
    /// The same for every revision of the episode.
    #[schemars(regex(pattern = r"^[0-9a-f]{32}$"))]
    pub(crate) alert_id: &'a str,
    /// The episode: the open matter about the target.
    pub(crate) episode_id: Cow<'a, str>,
    /// 1, 2, 3 … within the episode.
    #[schemars(range(min = 1))]
    pub(crate) revision: u32,
    /// Message that this one replaces: `alert_id.revision`, as in its `ce_id` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) supersedes: Option<String>,
    /// What this revision says of the episode.
    #[schemars(extend("enum" = ["raise", "update", "escalate", "withdraw"]))]
    pub(crate) kind: &'static str,
    /// The same request always has the same key: `sha256:` and 64 hex digits over tenant, action,
    /// target and episode.
    #[schemars(regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub(crate) idempotency_key: String,
    /// The measure asked for.
    pub(crate) action: Action,
    /// Who may order it.
    pub(crate) authority: Authority,
    /// About what, with what must match before anything is done.
    pub(crate) target: TargetBody<'a>,
    /// The control asked for; absent where the measure is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) control: Option<ControlBody<'a>>,
    /// A further measure that only an authority can order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proposal: Option<ProposalBody>,
    /// Latest useful time for the request. After it, check again instead of acting blindly.
    #[schemars(extend("format" = "date-time"))]
    pub(crate) act_by: String,
    /// How strongly it wants to be noticed.
    #[schemars(extend("enum" = ["low", "medium", "high", "critical"]))]
    pub(crate) severity: &'static str,
    /// 0 to 100, by the policy's families and caps.
    #[schemars(range(max = 100))]
    pub(crate) score: u32,
    /// How sure; not a probability.
    #[schemars(extend("enum" = ["low", "medium", "high"]))]
    pub(crate) confidence: &'static str,
    /// Whether an answer is expected.
    pub(crate) needs_reply: bool,
    /// Until when, if one is.
    #[schemars(extend("format" = "date-time"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reply_by: Option<String>,
    /// The rules that fired.
    pub(crate) reasons: Vec<ReasonBody<'a>>,
    /// Neutral text for the customer, without details of the investigation.
    pub(crate) customer_reason: TextBody<'a>,
    /// The observed values that decided.
    pub(crate) evidence: Vec<EvidenceBody<'a>>,
    /// Every guard that was evaluated, whether or not it applied.
    pub(crate) guards: Vec<GuardBody<'a>>,
    /// Other entities that tie in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) related: Vec<RelatedBody<'a>>,
    /// Whose customer it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<OwnerBody<'a>>,
    /// Findings that joined the episode since the last revision without a message of their own.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) suppressed: u32,
    /// The circuit breaker lowered the measure; this is what it would have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) downgraded_by_breaker: Option<DowngradeBody>,
    /// How long something was waited for that did not follow the event; the alert is made then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) waited: Option<String>,
    /// This revision corrects an earlier judgement. A `withdraw` asks for nothing any more: what
    /// was done for `action` is to be undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) correction: Option<CorrectionBody<'a>>,
    /// Only in the shadow stream: the rule is on trial, nobody should act.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) shadow: bool,
    /// Who asks.
    pub(crate) requested_by: RequesterBody<'a>,
    /// The triggering event.
    pub(crate) event: EventBody<'a>,
    /// Times of the triggering event. Wall-clock times are headers.
    pub(crate) timing: TimingBody,
    /// How names and numbers are written in this message.
    pub(crate) privacy: PrivacyBody<'a>,
}

/// The target.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TargetBody<'a> {
    /// What kind of target.
    #[schemars(extend("enum" = ["payment", "account", "opening"]))]
    pub(crate) kind: &'static str,
    /// The payment, when it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payment_id: Option<Cow<'a, str>>,
    /// The payment's original end-to-end reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) end_to_end_id: Option<Cow<'a, str>>,
    /// The payment's original instruction reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instruction_id: Option<Cow<'a, str>>,
    /// The payment's unique end-to-end transaction reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uetr: Option<Cow<'a, str>>,
    /// The account, or the payer's account of the payment: a token, or the number in the clear
    /// profile.
    pub(crate) account: Cow<'a, str>,
    /// The account as shown to people, masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) display: Option<String>,
    /// Its holder, masked unless the profile is clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<Cow<'a, str>>,
    /// Its bank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bank: Option<&'a str>,
    /// The payment that raised the alert. Act only if it matches.
    #[serde(rename = "match")]
    pub(crate) matching: MatchBody<'a>,
}

/// What must match.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MatchBody<'a> {
    /// Amount of the payment, decimal; an opening has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<String>,
    /// Its currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) currency: Option<Cow<'a, str>>,
    /// Time of its event.
    #[schemars(extend("format" = "date-time"))]
    pub(crate) time: String,
}

/// The control asked for.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ControlBody<'a> {
    /// Whole, or up to an amount.
    pub(crate) mode: ControlMode,
    /// The amount, decimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<String>,
    /// Its currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) currency: Option<Cow<'a, str>>,
    /// How long, ISO 8601, from the moment at which the control begins; absent: until done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) duration: Option<String>,
    /// When it begins. Known for a payment, which waits since its event; absent for an account,
    /// where it begins when it is carried out.
    #[schemars(extend("format" = "date-time"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    /// When it ends, where both beginning and duration are known.
    #[schemars(extend("format" = "date-time"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<String>,
    /// Extensions, where the control has a duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) extension: Option<ExtensionBody>,
}

/// Extensions of a control.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ExtensionBody {
    /// Asked for so far.
    pub(crate) count: u32,
    /// Allowed at most.
    pub(crate) max: u32,
}

/// A further measure.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ProposalBody {
    /// The measure.
    pub(crate) action: Action,
    /// Who may order it.
    pub(crate) authority: Authority,
}

/// What the breaker took away.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DowngradeBody {
    /// The measure before.
    pub(crate) from: Action,
}

/// Why a revision corrects an earlier one.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CorrectionBody<'a> {
    /// `late_event`: an event with an earlier time arrived after `event` had been judged.
    #[schemars(extend("enum" = ["late_event"]))]
    pub(crate) reason: &'static str,
    /// The same in words.
    pub(crate) text: TextBody<'a>,
    /// The event that it is due to; `event` is the one that was judged again.
    pub(crate) due_to: EventBody<'a>,
    /// Rules that do not hold any more.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) rules_withdrawn: &'a [String],
}

/// A text in both languages.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TextBody<'a> {
    /// Simplified Chinese.
    pub(crate) zh: Cow<'a, str>,
    /// English.
    pub(crate) en: Cow<'a, str>,
}

/// One rule that fired.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ReasonBody<'a> {
    /// Stays the same across versions of the rule.
    pub(crate) code: &'a str,
    /// The rule.
    pub(crate) rule_id: &'a str,
    /// Its version.
    pub(crate) rule_version: &'a str,
    /// Its weight in the score.
    pub(crate) weight: u32,
    /// Generated from observed values and thresholds.
    pub(crate) text: TextBody<'a>,
    /// The recipient's own code, by the policy's table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) external_code: Option<&'a str>,
    /// A bound bit: the observed values are lower bounds.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) lower_bound: bool,
    /// The rule looks back further than payments are known: its windows were not full yet.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) warming: bool,
    /// Judged by the flow alone, because the balance was unknown.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) balance_unknown: bool,
}

/// One observed value.
#[derive(Serialize, JsonSchema)]
pub(crate) struct EvidenceBody<'a> {
    /// The rule it belongs to.
    pub(crate) rule_id: &'a str,
    /// Name of the value in that rule.
    pub(crate) feature: &'a str,
    /// Observed.
    pub(crate) value: Cow<'a, str>,
    /// How it was compared: `>=`, `<=`, `==` …
    pub(crate) op: &'a str,
    /// With what.
    pub(crate) threshold: Cow<'a, str>,
    /// Unit of both: a currency code, `ms`, `ratio`, `count`.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) unit: &'a str,
    /// The window: after the first time, up to and including the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) window: Option<[String; 2]>,
    /// Events that contributed, oldest first.
    pub(crate) events: Vec<EventBody<'a>>,
    /// More events contributed than are named.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) truncated: bool,
}

/// An event and where its record lies.
#[derive(Serialize, JsonSchema)]
pub(crate) struct EventBody<'a> {
    /// Its id.
    pub(crate) event_id: Cow<'a, str>,
    /// Topic or file.
    pub(crate) topic: &'a str,
    /// Partition; 0 for files.
    pub(crate) partition: i32,
    /// Offset; the row or line number for files.
    pub(crate) offset: i64,
}

/// A guard that was evaluated.
#[derive(Serialize, JsonSchema)]
pub(crate) struct GuardBody<'a> {
    /// For this rule.
    pub(crate) rule_id: &'a str,
    /// The guard.
    pub(crate) guard_id: &'a str,
    /// What came out.
    #[schemars(extend("enum" = ["not_applicable", "not_evaluable", "lowered", "removed"]))]
    pub(crate) result: &'static str,
}

/// Another entity.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RelatedBody<'a> {
    /// `device`, `account`, `customer`, `network`, `phone`, `agent`.
    pub(crate) kind: &'a str,
    /// Its token, or its name in the clear profile.
    pub(crate) id: Cow<'a, str>,
    /// An account as shown to people, masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) display: Option<String>,
    /// How it ties in: `shared_device`, `counterparty`, `shared_network`, `opened_by` …
    pub(crate) relation: &'a str,
}

/// Whose customer it is.
#[derive(Serialize, JsonSchema)]
pub(crate) struct OwnerBody<'a> {
    /// The branch that owns the account.
    pub(crate) branch: &'a str,
}

/// Who asks.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RequesterBody<'a> {
    /// The system.
    pub(crate) system: &'a str,
    /// The rules in force.
    pub(crate) rule_pack: PackBody<'a>,
}

/// A rule pack.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PackBody<'a> {
    /// Its name.
    pub(crate) id: &'a str,
    /// Hash of its files.
    pub(crate) sha256: &'a str,
}

/// Times of the triggering event.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TimingBody {
    /// Its business time.
    #[schemars(extend("format" = "date-time"))]
    pub(crate) event_time: String,
    /// Its record's timestamp.
    #[schemars(extend("format" = "date-time"))]
    pub(crate) record_time: String,
}

/// How names and numbers are written.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PrivacyBody<'a> {
    /// `masked`: tokens and display masks. `clear`: as they came.
    #[schemars(extend("enum" = ["masked", "clear"]))]
    pub(crate) profile: &'static str,
    /// The key of the tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_id: Option<&'a str>,
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}
