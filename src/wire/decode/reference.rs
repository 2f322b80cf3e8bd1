//! `account.v1`, `list.v1`, `control.v1`, `registry.v1`, `feedback.v1`.

use super::json::{Fields, find};
use super::payment::{find_geo, geo};
use super::scan::Shape;
use super::texts::Texts;
use super::time::Clock;
use super::{Decoded, Fault};
use crate::model::entity::EntityKind;
use crate::model::event::{
    AccountClass, AccountEvent, AccountEventKind, Body, ControlEvent, CustomerType, FeedbackEvent,
    FeedbackStage, ListCategory, ListEvent, ListLevel, ListOp, OpeningReason, RegistryEvent,
    RegistryStatus, RiskGrade, Verdict,
};
use crate::model::measure::{Action, ControlMode};
use crate::model::money::Money;
use crate::model::reject::RejectReason;
use crate::model::time::Millis;

static ACCOUNT: Shape<19> = Shape::new([
    "event_id",
    "kind",
    "account",
    "customer",
    "branch",
    "opening_device",
    "phone_token",
    "agent_token",
    "employer_token",
    "customer_type",
    "account_class",
    "risk_grade",
    "time",
    "event_time",
    "limit_before",
    "limit_after",
    "currency",
    "reason",
    "geo",
]);

/// Decodes an account event.
pub(super) fn account(text: &str, clock: &Clock, texts: &mut Texts<'_>) -> Result<Decoded, Fault> {
    let found = find(text, &ACCOUNT)?;
    let f = Fields::outer(text, &found, &ACCOUNT)?;
    let time = f.get(12).or(f.get(13)).map_or_else(|| f.need(12), Ok)?;
    let time_ms = time.time(clock)?;
    let limit = |index: usize| -> Result<Option<Money>, Fault> {
        let Some(raw) = f.get(index) else { return Ok(None) };
        let currency = f.need(16)?.currency()?;
        Ok(Some(Money { minor: raw.decimal(currency.exponent())?, currency }))
    };
    let geo = match f.get(18) {
        Some(raw) => Some(geo(raw.text(), raw, &find_geo(raw)?, "geo.")?),
        None => None,
    };
    let body = Body::Account(Box::new(AccountEvent {
        event_id: f.id(0, texts)?,
        kind: f.need(1)?.read(AccountEventKind::parse)?,
        account: f.need_id(2, texts)?,
        customer: f.id(3, texts)?,
        branch: f.id(4, texts)?,
        opening_device: f.id(5, texts)?,
        phone_token: f.id(6, texts)?,
        agent_token: f.id(7, texts)?,
        employer_token: f.id(8, texts)?,
        reason: f.word(17, OpeningReason::parse)?,
        geo,
        customer_type: f.word(9, CustomerType::parse)?,
        account_class: f.word(10, AccountClass::parse)?,
        risk_grade: f.word(11, RiskGrade::parse)?,
        limit_before: limit(14)?,
        limit_after: limit(15)?,
    }));
    Ok(Decoded { time_ms, body })
}

static LIST: Shape<16> = Shape::new([
    "entry_id",
    "op",
    "subject",
    "subject_kind",
    "category",
    "level",
    "valid_from",
    "valid_to",
    "source",
    "legal_basis",
    "purpose",
    "event_time",
    "time",
    "counterparty",
    "author",
    "approver",
]);
static SUBJECT: Shape<2> = Shape::new(["kind", "id"]);

/// Decodes a list event. Without a time of its own it happens when its record was written.
pub(super) fn list(
    text: &str,
    clock: &Clock,
    record_time_ms: Option<Millis>,
    texts: &mut Texts<'_>,
) -> Result<Decoded, Fault> {
    let found = find(text, &LIST)?;
    let f = Fields::outer(text, &found, &LIST)?;
    let op = f.need(1)?;
    let op = match op.read(str::to_owned)?.as_str() {
        "upsert" => ListOp::Upsert,
        "expire" => ListOp::Expire,
        _ => return Err(op.fault(RejectReason::BadValue)),
    };
    let subject = f.need(2)?;
    let (kind, name) = if subject.is_object() {
        let found = find(subject.text(), &SUBJECT)?;
        let s = Fields::inner(subject.text(), subject, &found, &SUBJECT, "subject.")?;
        (s.need(0)?, s.need_id(1, texts)?)
    } else {
        (f.need(3)?, f.need_id(2, texts)?)
    };
    let subject_kind = match kind.read(str::to_owned)?.as_str() {
        "account" => EntityKind::Account,
        "customer" => EntityKind::Customer,
        "device" => EntityKind::Device,
        "phone" => EntityKind::Phone,
        "ip" => EntityKind::Address,
        // An entry about something else cannot be applied; dropping it in silence would fail open.
        _ => return Err(kind.fault(RejectReason::BadValue)),
    };
    let valid_from_ms = f.date_or_time(6, clock)?;
    let valid_to_ms = f.date_or_time(7, clock)?;
    let own = f.get(11).or(f.get(12)).map(|raw| raw.time(clock)).transpose()?;
    let time_ms = match own.or(record_time_ms).or(valid_from_ms) {
        Some(time_ms) => time_ms,
        None => f.need(11)?.time(clock)?,
    };
    let body = Body::List(Box::new(ListEvent {
        entry_id: f.id(0, texts)?,
        op,
        subject_kind,
        subject: name,
        counterparty: f.id(13, texts)?,
        category: f.need(4)?.read(ListCategory::parse)?,
        level: f.word(5, ListLevel::parse)?,
        valid_from_ms,
        valid_to_ms,
        source: f.id(8, texts)?,
        legal_basis: f.free_text(9, texts)?,
        purpose: f.id(10, texts)?,
        author: f.id(14, texts)?,
        approver: f.id(15, texts)?,
    }));
    Ok(Decoded { time_ms, body })
}

static CONTROL: Shape<13> = Shape::new([
    "control_id",
    "account",
    "kind",
    "mode",
    "amount",
    "currency",
    "from",
    "to",
    "extension_no",
    "authority",
    "released_at",
    "event_time",
    "time",
]);

/// Decodes a control event. Without a time of its own it happens when its record was written.
pub(super) fn control(
    text: &str,
    clock: &Clock,
    record_time_ms: Option<Millis>,
    texts: &mut Texts<'_>,
) -> Result<Decoded, Fault> {
    let found = find(text, &CONTROL)?;
    let f = Fields::outer(text, &found, &CONTROL)?;
    let kind_raw = f.need(2)?;
    let kind = kind_raw.read(Action::parse)?;
    let mode = f.get(3).map(|raw| match raw.read(str::to_owned)?.as_str() {
        "limited" => Ok(ControlMode::Limited),
        "full" => Ok(ControlMode::Full),
        _ => Err(raw.fault(RejectReason::BadValue)),
    });
    let amount = match f.get(4) {
        Some(raw) => {
            let currency = f.need(5)?.currency()?;
            Some(Money { minor: raw.decimal(currency.exponent())?, currency })
        }
        None => None,
    };
    let from_ms = f.need(6)?.date_or_time(clock)?;
    let date = |index: usize| f.date_or_time(index, clock);
    let own = f.get(11).or(f.get(12)).map(|raw| raw.time(clock)).transpose()?;
    let extension_no = f.get(8).map(|raw| raw.integer(1_000)).transpose()?;
    let body = Body::Control(Box::new(ControlEvent {
        control_id: f.need_id(0, texts)?,
        account: f.need_id(1, texts)?,
        // A control of a kind that is not known cannot be honoured; the record is kept as a reject.
        kind: kind.ok_or_else(|| kind_raw.fault(RejectReason::BadValue))?,
        mode: mode.transpose()?,
        amount,
        from_ms,
        to_ms: date(7)?,
        extension_no: extension_no.and_then(|n| u32::try_from(n).ok()),
        authority: f.id(9, texts)?,
        released_at_ms: date(10)?,
    }));
    Ok(Decoded { time_ms: own.or(record_time_ms).unwrap_or(from_ms), body })
}

static REGISTRY: Shape<6> =
    Shape::new(["enterprise", "status", "as_of", "source", "event_time", "time"]);

/// Decodes a registry event. Without a time of its own it happens when its record was written.
pub(super) fn registry(
    text: &str,
    clock: &Clock,
    record_time_ms: Option<Millis>,
    texts: &mut Texts<'_>,
) -> Result<Decoded, Fault> {
    let found = find(text, &REGISTRY)?;
    let f = Fields::outer(text, &found, &REGISTRY)?;
    let as_of_ms = f.date_or_time(2, clock)?;
    let own = f.get(4).or(f.get(5)).map(|raw| raw.time(clock)).transpose()?;
    let time_ms = match own.or(record_time_ms) {
        Some(time_ms) => time_ms,
        None => f.need(4)?.time(clock)?,
    };
    let body = Body::Registry(Box::new(RegistryEvent {
        enterprise: f.need_id(0, texts)?,
        status: f.need(1)?.read(RegistryStatus::parse)?,
        as_of_ms,
        source: f.id(3, texts)?,
    }));
    Ok(Decoded { time_ms, body })
}

static FEEDBACK: Shape<10> = Shape::new([
    "feedback_id",
    "alert_id",
    "stage",
    "executed",
    "verdict",
    "payer",
    "payee",
    "payment_id",
    "event_time",
    "time",
]);
static EXECUTED: Shape<1> = Shape::new(["action"]);

/// Decodes a feedback event. Without a time of its own it happens when its record was written.
pub(super) fn feedback(
    text: &str,
    clock: &Clock,
    record_time_ms: Option<Millis>,
    texts: &mut Texts<'_>,
) -> Result<Decoded, Fault> {
    let found = find(text, &FEEDBACK)?;
    let f = Fields::outer(text, &found, &FEEDBACK)?;
    let own = f.get(8).or(f.get(9)).map(|raw| raw.time(clock)).transpose()?;
    let time_ms = match own.or(record_time_ms) {
        Some(time_ms) => time_ms,
        None => f.need(8)?.time(clock)?,
    };
    let action = match f.get(3) {
        Some(raw) if raw.is_object() => {
            let found = find(raw.text(), &EXECUTED)?;
            let executed = Fields::inner(raw.text(), raw, &found, &EXECUTED, "executed.")?;
            // A measure that this version does not know was carried out all the same.
            executed.word(0, Action::parse)?.flatten()
        }
        Some(raw) => return Err(raw.fault(RejectReason::WrongType)),
        None => None,
    };
    let body = Body::Feedback(Box::new(FeedbackEvent {
        feedback_id: f.id(0, texts)?,
        alert_id: f.id(1, texts)?,
        stage: f.need(2)?.read(FeedbackStage::parse)?,
        action,
        verdict: f.word(4, Verdict::parse)?,
        payer: f.id(5, texts)?,
        payee: f.id(6, texts)?,
        payment_id: f.id(7, texts)?,
    }));
    Ok(Decoded { time_ms, body })
}
