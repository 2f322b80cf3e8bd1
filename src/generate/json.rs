//! Events as JSON lines: `payment.v1`, `account.v1`, `list.v1`, `control.v1`,
//! `registry.v1`, `feedback.v1`, as `wire` reads them.

use serde::{Serialize, Serializer};

use super::calendar::ZONE;
use crate::model::entity::EntityKind;
use crate::model::event::{
    AccountEvent, Batch, Body, ControlEvent, Event, FeedbackEvent, Geo, ListEvent, ListOp, Party,
    Payment, RegistryEvent, Text, session,
};
use crate::model::measure::ControlMode;
use crate::model::money::Money;
use crate::model::time::{Millis, SECOND};

/// Appends the event's record and a line feed. A tick has no record, and appends nothing.
///
/// # Errors
/// When a time lies outside the years that RFC 3339 can write.
pub fn write_line(
    out: &mut Vec<u8>,
    batch: &Batch,
    event: &Event,
) -> Result<(), serde_json::Error> {
    let time = Time(event.time_ms);
    match &event.body {
        Body::Payment(payment) => {
            serde_json::to_writer(&mut *out, &of_payment(batch, payment, time))
        }
        Body::Account(account) => {
            serde_json::to_writer(&mut *out, &of_account(batch, account, time))
        }
        Body::List(list) => serde_json::to_writer(&mut *out, &of_list(batch, list, time)),
        Body::Control(control) => {
            serde_json::to_writer(&mut *out, &of_control(batch, control, time))
        }
        Body::Registry(registry) => {
            serde_json::to_writer(&mut *out, &of_registry(batch, registry, time))
        }
        Body::Feedback(feedback) => {
            serde_json::to_writer(&mut *out, &of_feedback(batch, feedback, time))
        }
        Body::Tick => return Ok(()),
    }?;
    out.push(b'\n');
    Ok(())
}

/// The key a sender gives the event's record: the account it is about first.
#[must_use]
pub fn key<'a>(batch: &'a Batch, event: &Event) -> &'a str {
    match &event.body {
        Body::Payment(payment) => batch.text(payment.payer.account),
        Body::Account(account) => batch.text(account.account),
        Body::List(list) => batch.text(list.subject),
        Body::Control(control) => batch.text(control.account),
        Body::Registry(registry) => batch.text(registry.enterprise),
        Body::Feedback(feedback) => batch.text(feedback.payer),
        Body::Tick => "",
    }
}

/// RFC 3339 in local time.
struct Time(Millis);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = jiff::Timestamp::from_millisecond(self.0).map_err(serde::ser::Error::custom)?;
        let offset = jiff::tz::Offset::from_seconds((ZONE / SECOND) as i32)
            .map_err(serde::ser::Error::custom)?;
        serializer.collect_str(&time.display_with_offset(offset))
    }
}

/// A decimal text.
struct Amount(Money);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Declares a record's shape; absent fields are left out.
macro_rules! shape {
    ($name:ident { $($(#[$meta:meta])* $field:ident: $ty:ty,)* }) => {
        #[derive(Serialize)]
        struct $name<'a> {
            $($(#[$meta])* #[serde(skip_serializing_if = "Option::is_none")] $field: Option<$ty>,)*
        }
    };
}

shape!(PaymentRecord {
    schema: &'a str,
    event_id: &'a str,
    payment_id: &'a str,
    end_to_end_id: &'a str,
    instruction_id: &'a str,
    uetr: &'a str,
    status: &'a str,
    event_time: Time,
    amount: Amount,
    currency: &'a str,
    payer: PartyRecord<'a>,
    payee: PartyRecord<'a>,
    payment_type: &'a str,
    category: &'a str,
    mcc: &'a str,
    purpose: &'a str,
    channel: &'a str,
    terminal_id: &'a str,
    terminal_geo: Place,
    terminal_country: &'a str,
    device: DeviceRecord<'a>,
    session: SessionRecord<'a>,
    payee_check: CheckRecord,
    memo: &'a str,
    hold_deadline: Time,
    source: SourceRecord<'a>,
});

shape!(PartyRecord {
    account: &'a str,
    acct_scheme: &'a str,
    bank: &'a str,
    name: &'a str,
    customer: &'a str,
    id_token: &'a str,
    customer_type: &'a str,
    balance_after: Amount,
    available_after: Amount,
    account_class: &'a str,
    opened_at: Time,
    risk_grade: &'a str,
    age_years: u8,
    occupation_class: &'a str,
    income_monthly: Amount,
});

shape!(DeviceRecord {
    id: &'a str,
    ip: &'a str,
    bssid: &'a str,
    geo: Place,
    country: &'a str,
});

shape!(SessionRecord {
    id: &'a str,
    flags: Vec<&'static str>,
});

shape!(SourceRecord {
    system: &'a str,
    topic: &'a str,
    ts: Time,
});

shape!(AccountRecord {
    schema: &'a str,
    event_id: &'a str,
    kind: &'a str,
    account: &'a str,
    time: Time,
    customer: &'a str,
    branch: &'a str,
    opening_device: &'a str,
    phone_token: &'a str,
    agent_token: &'a str,
    employer_token: &'a str,
    reason: &'a str,
    geo: Place,
    customer_type: &'a str,
    account_class: &'a str,
    risk_grade: &'a str,
    limit_before: Amount,
    limit_after: Amount,
    currency: &'a str,
});

shape!(ListRecord {
    schema: &'a str,
    entry_id: &'a str,
    op: &'a str,
    subject: SubjectRecord<'a>,
    counterparty: &'a str,
    category: &'a str,
    level: &'a str,
    valid_from: Time,
    valid_to: Time,
    time: Time,
    source: &'a str,
    legal_basis: &'a str,
    purpose: &'a str,
    author: &'a str,
    approver: &'a str,
});

shape!(RegistryRecord {
    schema: &'a str,
    enterprise: &'a str,
    status: &'a str,
    as_of: Time,
    source: &'a str,
    time: Time,
});

shape!(FeedbackRecord {
    schema: &'a str,
    feedback_id: &'a str,
    alert_id: &'a str,
    stage: &'a str,
    executed: ExecutedRecord,
    verdict: &'a str,
    payer: &'a str,
    payee: &'a str,
    payment_id: &'a str,
    time: Time,
});

shape!(SubjectRecord {
    kind: &'a str,
    id: &'a str,
});

shape!(ControlRecord {
    schema: &'a str,
    control_id: &'a str,
    account: &'a str,
    kind: &'a str,
    mode: &'a str,
    amount: Amount,
    currency: &'a str,
    from: Time,
    to: Time,
    extension_no: u32,
    authority: &'a str,
    released_at: Time,
    time: Time,
});

#[derive(Serialize)]
struct ExecutedRecord {
    action: &'static str,
}

#[derive(Serialize)]
struct CheckRecord {
    result: &'static str,
}

#[derive(Serialize)]
struct Place {
    lat: f64,
    lon: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy_km: Option<f64>,
}

fn of_payment<'a>(batch: &'a Batch, payment: &'a Payment, time: Time) -> PaymentRecord<'a> {
    let Payment { device_id, device_ip, device_bssid, device_geo, .. } = *payment;
    let has_device = [device_id, device_ip, device_bssid].iter().any(|text| !text.is_none())
        || device_geo.is_some()
        || payment.device_country.is_some();
    let has_session = payment.session_flags.is_some() || !payment.session_id.is_none();
    let has_source = [payment.source_system, payment.source_topic].iter().any(|t| !t.is_none());
    PaymentRecord {
        schema: Some("payment.v1"),
        event_id: text(batch, payment.event_id),
        payment_id: text(batch, payment.payment_id),
        end_to_end_id: text(batch, payment.end_to_end_id),
        instruction_id: text(batch, payment.instruction_id),
        uetr: text(batch, payment.uetr),
        status: Some(payment.status.word()),
        event_time: Some(time),
        amount: Some(Amount(payment.amount)),
        currency: Some(payment.amount.currency.code()),
        payer: Some(of_party(batch, &payment.payer, payment.amount)),
        payee: Some(of_party(batch, &payment.payee, payment.amount)),
        payment_type: Some(payment.payment_type.word()),
        category: payment.category.map(|category| category.word()),
        mcc: text(batch, payment.mcc),
        purpose: text(batch, payment.purpose),
        channel: Some(payment.channel.word()),
        terminal_id: text(batch, payment.terminal_id),
        terminal_geo: payment.terminal_geo.map(of_place),
        terminal_country: payment.terminal_country.as_ref().map(|country| country.code()),
        device: has_device.then(|| DeviceRecord {
            id: text(batch, device_id),
            ip: text(batch, device_ip),
            bssid: text(batch, device_bssid),
            geo: device_geo.map(of_place),
            country: payment.device_country.as_ref().map(|country| country.code()),
        }),
        session: has_session.then(|| SessionRecord {
            id: text(batch, payment.session_id),
            flags: payment.session_flags.map(flags),
        }),
        payee_check: payment.payee_check.map(|check| CheckRecord { result: check.word() }),
        memo: text(batch, payment.memo),
        hold_deadline: payment.hold_deadline_ms.map(Time),
        source: (has_source || payment.source_time_ms.is_some()).then(|| SourceRecord {
            system: text(batch, payment.source_system),
            topic: text(batch, payment.source_topic),
            ts: payment.source_time_ms.map(Time),
        }),
    }
}

fn of_party<'a>(batch: &'a Batch, party: &Party, paid: Money) -> PartyRecord<'a> {
    let amount = |minor| Amount(Money { minor, currency: paid.currency });
    PartyRecord {
        account: text(batch, party.account),
        acct_scheme: text(batch, party.account_scheme),
        bank: text(batch, party.bank),
        name: text(batch, party.name),
        customer: text(batch, party.customer),
        id_token: text(batch, party.id_token),
        customer_type: party.customer_type.map(|kind| kind.word()),
        balance_after: party.balance_after_minor.map(amount),
        available_after: party.available_after_minor.map(amount),
        account_class: party.account_class.map(|class| class.word()),
        opened_at: party.opened_at_ms.map(Time),
        risk_grade: party.risk_grade.map(|grade| grade.word()),
        age_years: party.age_years,
        occupation_class: text(batch, party.occupation_class),
        income_monthly: party.income_monthly_minor.map(amount),
    }
}

fn of_account<'a>(batch: &'a Batch, account: &'a AccountEvent, time: Time) -> AccountRecord<'a> {
    AccountRecord {
        schema: Some("account.v1"),
        event_id: text(batch, account.event_id),
        kind: Some(account.kind.word()),
        account: text(batch, account.account),
        time: Some(time),
        customer: text(batch, account.customer),
        branch: text(batch, account.branch),
        opening_device: text(batch, account.opening_device),
        phone_token: text(batch, account.phone_token),
        agent_token: text(batch, account.agent_token),
        employer_token: text(batch, account.employer_token),
        reason: account.reason.map(|reason| reason.word()),
        geo: account.geo.map(of_place),
        customer_type: account.customer_type.map(|kind| kind.word()),
        account_class: account.account_class.map(|class| class.word()),
        risk_grade: account.risk_grade.map(|grade| grade.word()),
        limit_before: account.limit_before.map(Amount),
        limit_after: account.limit_after.map(Amount),
        currency: account
            .limit_before
            .as_ref()
            .or(account.limit_after.as_ref())
            .map(|limit| limit.currency.code()),
    }
}

fn of_registry<'a>(batch: &'a Batch, registry: &RegistryEvent, time: Time) -> RegistryRecord<'a> {
    RegistryRecord {
        schema: Some("registry.v1"),
        enterprise: text(batch, registry.enterprise),
        status: Some(registry.status.word()),
        as_of: registry.as_of_ms.map(Time),
        source: text(batch, registry.source),
        time: Some(time),
    }
}

fn of_feedback<'a>(batch: &'a Batch, feedback: &FeedbackEvent, time: Time) -> FeedbackRecord<'a> {
    FeedbackRecord {
        schema: Some("feedback.v1"),
        feedback_id: text(batch, feedback.feedback_id),
        alert_id: text(batch, feedback.alert_id),
        stage: Some(feedback.stage.word()),
        executed: feedback.action.map(|action| ExecutedRecord { action: action.word() }),
        verdict: feedback.verdict.map(|verdict| verdict.word()),
        payer: text(batch, feedback.payer),
        payee: text(batch, feedback.payee),
        payment_id: text(batch, feedback.payment_id),
        time: Some(time),
    }
}

fn of_list<'a>(batch: &'a Batch, list: &ListEvent, time: Time) -> ListRecord<'a> {
    let kind = match list.subject_kind {
        EntityKind::Account => "account",
        EntityKind::Customer => "customer",
        EntityKind::Device => "device",
        EntityKind::Phone => "phone",
        EntityKind::Address => "ip",
        EntityKind::Payment => "payment",
        EntityKind::Agent => "agent",
    };
    ListRecord {
        schema: Some("list.v1"),
        entry_id: text(batch, list.entry_id),
        op: Some(match list.op {
            ListOp::Upsert => "upsert",
            ListOp::Expire => "expire",
        }),
        subject: Some(SubjectRecord { kind: Some(kind), id: text(batch, list.subject) }),
        counterparty: text(batch, list.counterparty),
        category: Some(list.category.word()),
        level: list.level.map(|level| level.word()),
        valid_from: list.valid_from_ms.map(Time),
        valid_to: list.valid_to_ms.map(Time),
        time: Some(time),
        source: text(batch, list.source),
        legal_basis: text(batch, list.legal_basis),
        purpose: text(batch, list.purpose),
        author: text(batch, list.author),
        approver: text(batch, list.approver),
    }
}

fn of_control<'a>(batch: &'a Batch, control: &'a ControlEvent, time: Time) -> ControlRecord<'a> {
    ControlRecord {
        schema: Some("control.v1"),
        control_id: text(batch, control.control_id),
        account: text(batch, control.account),
        kind: Some(control.kind.word()),
        mode: control.mode.map(|mode| match mode {
            ControlMode::Limited => "limited",
            ControlMode::Full => "full",
        }),
        amount: control.amount.map(Amount),
        currency: control.amount.as_ref().map(|amount| amount.currency.code()),
        from: Some(Time(control.from_ms)),
        to: control.to_ms.map(Time),
        extension_no: control.extension_no,
        authority: text(batch, control.authority),
        released_at: control.released_at_ms.map(Time),
        time: Some(time),
    }
}

fn text(batch: &Batch, span: Text) -> Option<&str> {
    (!span.is_none()).then(|| batch.text(span))
}

fn of_place(geo: Geo) -> Place {
    Place {
        lat: f64::from(geo.lat_udeg) / 1e6,
        lon: f64::from(geo.lon_udeg) / 1e6,
        accuracy_km: geo.accuracy_m.map(|metres| f64::from(metres) / 1e3),
    }
}

fn flags(bits: u8) -> Vec<&'static str> {
    let words = [
        (session::SCREEN_SHARE, "screen_share"),
        (session::REMOTE_CONTROL, "remote_control"),
        (session::ACCESSIBILITY_ABUSE, "accessibility_abuse"),
        (session::IN_CALL, "in_call"),
        (session::EMULATOR, "emulator"),
        (session::OTHER, "other"),
    ];
    words.into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, word)| word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{GenerateConfig, Generator};
    use crate::source::{Source as _, Step};

    #[test]
    fn the_first_record_of_each_shape_is_pinned() {
        let mut config = GenerateConfig::new(1_000, 8_000, 11);
        config.planted_per_million = 20_000;
        config.step_events = 8_000;
        let mut generator = Generator::new(config).expect("a town");
        let mut step = Step::default();
        generator.next(&mut step).expect("a generator never fails");
        let mut seen = std::collections::BTreeMap::new();
        for event in &step.batch.events {
            let mut line = Vec::new();
            write_line(&mut line, &step.batch, event).expect("a time of this century");
            let line = String::from_utf8(line).expect("JSON is UTF-8");
            let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            let shape = format!("{} {}", value["schema"], value["status"]);
            seen.entry(shape).or_insert(line);
        }
        insta::assert_snapshot!(seen.into_values().collect::<String>());
    }
}
