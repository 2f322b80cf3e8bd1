//! Alerts and rejects as messages: tokens and masks, JSON bodies, headers, keys.
//!
//! A body depends on the alert, the configuration and nothing else, so that a replay gives the same
//! bytes; what differs from run to run (wall clock, software, instance) is in [`header`]s.
//!
//! Every target carries an account (for a payment the payer's), and its token is the message's key
//! and the event's subject: a payment's hold and its payer's stop reach a consumer in order.
//!
//! Reading order: [`body`] (the shape), this file (filling it), [`privacy`] (who may be
//! recognised), [`key`] (the tokens' key), [`text`] (times), [`header`] (names of headers);
//! [`findings`] stand apart: rows for measurement, before alerts are made of them.

mod body;
pub mod findings;
pub mod header;
pub mod key;
pub mod privacy;
pub mod text;

use std::borrow::Cow;

use jiff::tz::TimeZone;

use crate::model::alert::{
    Alert, Bilingual, EventRef, Evidence, GuardResult, Reason, Related, Target, TargetKind,
};
use crate::model::entity::HashKey;
use crate::model::event::Position;
use crate::model::measure::{Action, Authority};
use crate::model::time::Millis;
use crate::rules::plan::Plan;
use crate::sink::{Message, Stream};
use crate::source::RejectedRecord;
pub(crate) use body::AlertBody;
use body::{
    ControlBody, CorrectionBody, DowngradeBody, EventBody, EvidenceBody, ExtensionBody, GuardBody,
    MatchBody, OwnerBody, PackBody, PrivacyBody, ProposalBody, ReasonBody, RelatedBody,
    RequesterBody, TargetBody, TextBody, TimingBody,
};
use privacy::{Mask, Privacy, TokenKind};
use text::{iso_duration, rfc3339};

/// What an encoder needs to know.
#[derive(Clone, Debug)]
pub struct EncodeConfig {
    /// The tenant, for `ce_source`.
    pub tenant: String,
    /// Name of this process, for a header.
    pub instance: String,
    /// Name of this system, for `requested_by`.
    pub source_system: String,
    /// Names of the topics or files that positions index into.
    pub topics: Vec<String>,
    /// Who may be recognised.
    pub privacy: Privacy,
    /// The rules in force.
    pub pack: PackName,
    /// Zone in which times are written.
    pub zone: TimeZone,
}

/// Name and hash of a rule pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackName {
    /// Its name.
    pub id: String,
    /// SHA-256 over its files, 64 hex digits.
    pub sha256: String,
}

impl PackName {
    /// That of a compiled pack.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        Self { id: plan.pack_id.clone(), sha256: plan.pack_sha256.clone() }
    }
}

/// Wall-clock times of one alert, milliseconds since the epoch. They go into headers only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallTimes {
    /// When the triggering record was read.
    pub ingested_ms: Millis,
    /// When the engine had decided.
    pub detected_ms: Millis,
    /// When the message was handed to the sink.
    pub published_ms: Millis,
}

/// Makes messages.
#[derive(Clone, Debug)]
pub struct Encoder {
    config: EncodeConfig,
    mask: Mask,
    source: String,
}

impl Encoder {
    /// An encoder.
    #[must_use]
    pub fn new(config: EncodeConfig) -> Self {
        let mask = Mask::new(&config.privacy);
        let source = format!("/goshawk/{}", path_segment(&config.tenant));
        Self { config, mask, source }
    }

    /// The privacy profile, for what else shows accounts to people.
    #[must_use]
    pub fn mask(&self) -> &Mask {
        &self.mask
    }

    /// The key of the hash that places entities.
    #[must_use]
    pub fn hash_key(&self) -> HashKey {
        self.config.privacy.hash_key()
    }

    /// Takes a longer table of topics: sources may gain some, never lose or reorder them.
    pub fn set_topics(&mut self, topics: &[String]) {
        self.config.topics.clear();
        self.config.topics.extend_from_slice(topics);
    }

    /// SHA-256 of the rules in force.
    #[must_use]
    pub fn pack_sha256(&self) -> &str {
        &self.config.pack.sha256
    }

    /// The rules that alerts are of.
    #[must_use]
    pub fn pack(&self) -> &PackName {
        &self.config.pack
    }

    /// Names the rules in force from the next alert on.
    pub fn set_pack(&mut self, pack: PackName) {
        self.config.pack = pack;
    }

    /// An alert as a message of the alerts or the shadow stream.
    #[must_use]
    pub fn alert(&self, alert: &Alert, wall: &WallTimes) -> Message {
        let key = self.mask.token(TokenKind::Account, &alert.target.account).into_owned();
        let body = serde_json::to_vec(&self.body(alert))
            .expect("the body is plain data with text keys, which JSON can always hold");
        Message {
            stream: if alert.shadow { Stream::Shadow } else { Stream::Alerts },
            headers: self.headers(alert, wall, &key),
            key: key.into_bytes(),
            body,
        }
    }

    /// A rejected record as a message: bytes and key as they came, the rest in headers.
    #[must_use]
    pub fn reject(&self, rejected: &RejectedRecord) -> Message {
        let reject = &rejected.reject;
        let time = rfc3339(reject.record_time_ms, &self.config.zone);
        let headers = [
            (header::REJECT_REASON, reject.reason.word().to_owned()),
            (header::REJECT_DETAIL, reject.detail.clone()),
            (header::REJECT_TOPIC, self.topic(reject.position).to_owned()),
            (header::REJECT_PARTITION, reject.position.partition.to_string()),
            (header::REJECT_OFFSET, reject.position.offset.to_string()),
            (header::REJECT_RECORD_TIME, time),
        ];
        Message {
            stream: Stream::Rejects,
            key: rejected.key.clone().unwrap_or_default(),
            headers: to_headers(headers),
            body: rejected.bytes.clone(),
        }
    }

    fn headers(&self, alert: &Alert, wall: &WallTimes, key: &str) -> Vec<(String, Vec<u8>)> {
        let at = |time_ms| rfc3339(time_ms, &self.config.zone);
        to_headers([
            (header::CONTENT_TYPE, "application/json".to_owned()),
            (header::CE_SPECVERSION, "1.0".to_owned()),
            (header::CE_ID, format!("{}.{}", alert.alert_id, alert.revision)),
            (header::CE_SOURCE, self.source.clone()),
            (header::CE_TYPE, format!("dev.goshawk.alert.{}.v1", alert.kind.word())),
            (header::CE_SUBJECT, key.to_owned()),
            (header::CE_TIME, at(alert.event_time_ms)),
            (header::CE_PARTITION_KEY, key.to_owned()),
            (header::INGESTED, at(wall.ingested_ms)),
            (header::DETECTED, at(wall.detected_ms)),
            (header::PUBLISHED, at(wall.published_ms)),
            (header::VERSION, env!("CARGO_PKG_VERSION").to_owned()),
            (header::INSTANCE, self.config.instance.clone()),
        ])
    }

    fn body<'a>(&'a self, alert: &'a Alert) -> AlertBody<'a> {
        let known = Known::new(&self.mask, alert);
        let at = |time_ms| rfc3339(time_ms, &self.config.zone);
        AlertBody {
            schema: "alert.v1",
            alert_id: &alert.alert_id,
            episode_id: known.scrub(&alert.episode_id),
            revision: alert.revision,
            supersedes: (alert.revision > 1)
                .then(|| format!("{}.{}", alert.alert_id, alert.revision - 1)),
            kind: alert.kind.word(),
            idempotency_key: format!("sha256:{}", alert.idempotency_key),
            action: alert.action,
            authority: alert.authority,
            target: self.target(&alert.target, &known),
            control: self.control(alert),
            proposal: alert
                .proposal
                .map(|action| ProposalBody { action, authority: proposal_authority(action) }),
            act_by: at(alert.act_by_ms),
            severity: alert.severity.word(),
            score: alert.score,
            confidence: alert.confidence.word(),
            needs_reply: alert.needs_reply,
            // An answer helps as long as the request does.
            reply_by: alert.needs_reply.then(|| at(alert.act_by_ms)),
            reasons: alert.reasons.iter().map(|reason| reason_body(reason, &known)).collect(),
            customer_reason: text_body(&alert.customer_reason, &known),
            evidence: self.evidence(alert, &known),
            guards: guards(alert),
            related: alert.related.iter().map(|related| self.related(related)).collect(),
            owner: alert.owner_branch.as_deref().map(|branch| OwnerBody { branch }),
            suppressed: alert.suppressed,
            downgraded_by_breaker: alert.downgraded_from.map(|from| DowngradeBody { from }),
            waited: alert.waited_ms.map(iso_duration),
            correction: alert.correction.as_ref().map(|correction| CorrectionBody {
                reason: correction.reason.word(),
                text: text_body(&correction.text, &known),
                due_to: self.event(&correction.due_to, &known),
                rules_withdrawn: &correction.rules_withdrawn,
            }),
            shadow: alert.shadow,
            requested_by: RequesterBody {
                system: &self.config.source_system,
                rule_pack: PackBody { id: &self.config.pack.id, sha256: &self.config.pack.sha256 },
            },
            event: self.event(&alert.event, &known),
            timing: TimingBody {
                event_time: at(alert.event_time_ms),
                record_time: at(alert.record_time_ms),
            },
            privacy: PrivacyBody { profile: self.mask.profile(), key_id: self.mask.key_id() },
        }
    }

    fn target<'a>(&'a self, target: &'a Target, known: &Known<'a>) -> TargetBody<'a> {
        let [end_to_end_id, instruction_id, uetr] =
            target.references.each_ref().map(|id| id.as_deref().map(|id| known.scrub(id)));
        TargetBody {
            kind: target.kind.word(),
            payment_id: target.payment_id.as_deref().map(|id| known.scrub(id)),
            end_to_end_id,
            instruction_id,
            uetr,
            account: self.mask.token(TokenKind::Account, &target.account),
            display: self.mask.display(&target.account),
            name: target.name.as_deref().map(|name| self.mask.name(name)),
            bank: target.bank.as_deref(),
            matching: MatchBody {
                amount: target.match_amount.map(|money| money.to_string()),
                currency: target.match_amount.map(|money| Cow::Owned(money.currency.to_string())),
                time: rfc3339(target.match_time_ms, &self.config.zone),
            },
        }
    }

    fn control<'a>(&self, alert: &Alert) -> Option<ControlBody<'a>> {
        let control = alert.control.as_ref()?;
        // A payment waits since its event; a control on an account begins when it is carried out,
        // and claiming a time for it would be inventing one.
        let from_ms =
            (alert.target.kind == TargetKind::Payment).then_some(alert.target.match_time_ms);
        let expires_ms = from_ms.zip(control.duration_ms).map(|(from, length)| from + length);
        let at = |time_ms| rfc3339(time_ms, &self.config.zone);
        Some(ControlBody {
            mode: control.mode,
            amount: control.amount.map(|money| money.to_string()),
            currency: control.amount.map(|money| Cow::Owned(money.currency.to_string())),
            duration: control.duration_ms.map(iso_duration),
            from: from_ms.map(at),
            expires_at: expires_ms.map(at),
            extension: control
                .duration_ms
                .map(|_| ExtensionBody { count: 0, max: control.extensions_max }),
        })
    }

    fn evidence<'a>(&'a self, alert: &'a Alert, known: &Known<'a>) -> Vec<EvidenceBody<'a>> {
        let one = |evidence: &'a Evidence| EvidenceBody {
            rule_id: &evidence.rule_id,
            feature: &evidence.feature,
            value: known.scrub(&evidence.value),
            op: evidence.operator,
            threshold: known.scrub(&evidence.threshold),
            unit: &evidence.unit,
            window: evidence
                .window_ms
                .map(|(from, to)| [from, to].map(|time_ms| rfc3339(time_ms, &self.config.zone))),
            events: evidence.events.iter().map(|event| self.event(event, known)).collect(),
            truncated: evidence.truncated,
        };
        alert.evidence.iter().map(one).collect()
    }

    fn event<'a>(&'a self, event: &'a EventRef, known: &Known<'a>) -> EventBody<'a> {
        EventBody {
            event_id: known.with(&event.parties).scrub(&event.event_id),
            topic: self.topic(event.position),
            partition: event.position.partition,
            offset: event.position.offset,
        }
    }

    fn related<'a>(&self, related: &'a Related) -> RelatedBody<'a> {
        let kind = TokenKind::of(related.kind);
        RelatedBody {
            kind: related.kind,
            id: self.mask.token(kind, &related.id),
            display: (kind == TokenKind::Account).then(|| self.mask.display(&related.id)).flatten(),
            relation: related.relation,
        }
    }

    fn topic(&self, position: Position) -> &str {
        self.config.topics.get(usize::from(position.topic)).map_or("unknown", String::as_str)
    }
}

/// Names that an alert knows in clear, to be looked for in its texts and foreign ids.
struct Known<'a> {
    mask: &'a Mask,
    names: Vec<(TokenKind, &'a str)>,
}

impl<'a> Known<'a> {
    fn new(mask: &'a Mask, alert: &'a Alert) -> Self {
        let mut names = vec![(TokenKind::Account, alert.target.account.as_str())];
        names.extend(alert.related.iter().map(|r| (TokenKind::of(r.kind), r.id.as_str())));
        Self::longest_first(mask, names)
    }

    /// The same with an event's own parties.
    fn with(&self, parties: &'a [String]) -> Self {
        let own = parties.iter().map(|account| (TokenKind::Account, account.as_str()));
        Self::longest_first(self.mask, self.names.iter().copied().chain(own).collect())
    }

    /// A number may be the beginning of another.
    fn longest_first(mask: &'a Mask, mut names: Vec<(TokenKind, &'a str)>) -> Self {
        names.sort_by_key(|(_, name)| std::cmp::Reverse(name.len()));
        Self { mask, names }
    }

    fn scrub(&self, text: &'a str) -> Cow<'a, str> {
        self.mask.scrub(text, &self.names)
    }
}

fn proposal_authority(action: Action) -> Authority {
    match action {
        Action::Freeze | Action::StopPayment | Action::NoCreditNoDebit => Authority::PoliceRequired,
        _ => Authority::BankOwn,
    }
}

fn reason_body<'a>(reason: &'a Reason, known: &Known<'a>) -> ReasonBody<'a> {
    ReasonBody {
        code: &reason.code,
        rule_id: &reason.rule_id,
        rule_version: &reason.rule_version,
        weight: reason.weight,
        text: text_body(&reason.text, known),
        external_code: reason.external_code.as_deref(),
        lower_bound: reason.lower_bound,
        warming: reason.warming,
        balance_unknown: reason.balance_unknown,
    }
}

fn text_body<'a>(text: &'a Bilingual, known: &Known<'a>) -> TextBody<'a> {
    TextBody { zh: known.scrub(&text.zh), en: known.scrub(&text.en) }
}

fn guards<'a>(alert: &'a Alert) -> Vec<GuardBody<'a>> {
    let one = |guard: &'a GuardResult| GuardBody {
        rule_id: &guard.rule_id,
        guard_id: &guard.guard_id,
        result: guard.outcome.word(),
    };
    alert.guards.iter().map(one).collect()
}

fn to_headers<const N: usize>(headers: [(&str, String); N]) -> Vec<(String, Vec<u8>)> {
    headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())).collect()
}

/// A text as one segment of a URI path: everything but unreserved characters is percent-encoded.
fn path_segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                segment.push(char::from(byte));
            }
            _ => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_are_safe_in_a_uri() {
        assert_eq!(path_segment("bank-1"), "bank-1");
        assert_eq!(path_segment("a/b 行"), "a%2Fb%20%E8%A1%8C");
    }
}
