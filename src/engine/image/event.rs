//! A payment event, or one of an account that may be judged, with its texts.

use serde::{Deserialize, Serialize};

use super::{
    ImageError, country_of, currency_of, letters, of_number, of_number_or_none, take_text,
};
use crate::limits;
use crate::model::country::Country;
use crate::model::event::{
    AccountClass, AccountEvent, AccountEventKind, Batch, Body, Category, Channel, CustomerType,
    Event, Geo, OpeningReason, Party, PayeeCheck, Payment, PaymentStatus, PaymentType, Position,
    RiskGrade, Text,
};
use crate::model::money::Money;
use crate::model::time::Millis;

/// A payment event. Of words that may be absent one more than their number; 0: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentEvent {
    /// Number of its record's topic.
    pub topic: u16,
    partition: i32,
    offset: i64,
    record_time_ms: Millis,
    time_ms: Millis,
    /// Its texts end to end, in their order, and how long each is.
    text: String,
    lens: Vec<u32>,
    status: u8,
    amount_minor: i64,
    currency: [u8; 3],
    payer: PartyRow,
    payee: PartyRow,
    payment_type: u8,
    category: u8,
    channel: u8,
    terminal_geo: Option<GeoRow>,
    terminal_country: Option<[u8; 2]>,
    device_geo: Option<GeoRow>,
    device_country: Option<[u8; 2]>,
    session_flags: Option<u8>,
    payee_check: u8,
    hold_deadline_ms: Option<Millis>,
    source_time_ms: Option<Millis>,
}

/// One side, without its texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PartyRow {
    customer_type: u8,
    balance_after_minor: Option<i64>,
    available_after_minor: Option<i64>,
    account_class: u8,
    opened_at_ms: Option<Millis>,
    risk_grade: u8,
    age_years: Option<u8>,
    income_monthly_minor: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct GeoRow {
    lat_udeg: i32,
    lon_udeg: i32,
    accuracy_m: Option<u32>,
}

const TEXTS: &str = "texts of an event";

/// Puts texts that lie end to end into a batch, and makes the spans of an event refer to them.
fn place_texts<'a>(
    text: &str,
    lens: &[u32],
    spans: impl Iterator<Item = &'a mut Text>,
    batch: &mut Batch,
) -> Result<(), ImageError> {
    let (mut rest, mut lens) = (text.as_bytes(), lens.iter());
    for span in spans {
        let len = *lens.next().ok_or(ImageError::Columns(TEXTS))?;
        *span = batch.push_text(take_text(&mut rest, len as usize, TEXTS)?);
    }
    let all = rest.is_empty() && lens.next().is_none();
    if all { Ok(()) } else { Err(ImageError::Columns(TEXTS)) }
}

/// The texts of an event end to end, and how long each is.
fn texts_of<'a>(text: &str, spans: impl Iterator<Item = &'a mut Text>) -> (String, Vec<u32>) {
    let (mut texts, mut lens) = (String::new(), Vec::new());
    for span in spans {
        texts.push_str(&text[span.start as usize..(span.start + span.len) as usize]);
        lens.push(span.len);
    }
    (texts, lens)
}

impl PaymentEvent {
    /// Of an event whose texts lie in `text`.
    pub(in super::super) fn of(event: &Event, payment: &Payment, text: &str) -> Self {
        let Event { position, record_time_ms, time_ms, body: _ } = event;
        let Position { topic, partition, offset } = *position;
        let mut of = *payment;
        let (texts, lens) = texts_of(text, of.texts_mut());
        let Payment {
            event_id: _,
            payment_id: _,
            end_to_end_id: _,
            instruction_id: _,
            uetr: _,
            status,
            amount,
            payer,
            payee,
            payment_type,
            category,
            mcc: _,
            purpose: _,
            channel,
            terminal_id: _,
            terminal_geo,
            terminal_country,
            device_id: _,
            device_ip: _,
            device_bssid: _,
            device_geo,
            device_country,
            session_flags,
            session_id: _,
            payee_check,
            memo: _,
            hold_deadline_ms,
            source_system: _,
            source_topic: _,
            source_time_ms,
        } = payment;
        let country = |country: &Option<Country>| country.as_ref().map(|c| letters(c.code()));
        Self {
            topic,
            partition,
            offset,
            record_time_ms: *record_time_ms,
            time_ms: *time_ms,
            text: texts,
            lens,
            status: *status as u8,
            amount_minor: amount.minor,
            currency: letters(amount.currency.code()),
            payer: PartyRow::of(payer),
            payee: PartyRow::of(payee),
            payment_type: *payment_type as u8,
            category: category.map_or(0, |word| word as u8 + 1),
            channel: *channel as u8,
            terminal_geo: terminal_geo.map(GeoRow::of),
            terminal_country: country(terminal_country),
            device_geo: device_geo.map(GeoRow::of),
            device_country: country(device_country),
            session_flags: *session_flags,
            payee_check: payee_check.map_or(0, |word| word as u8 + 1),
            hold_deadline_ms: *hold_deadline_ms,
            source_time_ms: *source_time_ms,
        }
    }

    /// The event, and what its texts lie in.
    pub(in super::super) fn event(&self) -> Result<(Event, Box<str>), ImageError> {
        let mut batch = Batch::default();
        let event = self.event_in(&mut batch)?;
        Ok((event, batch.text.into_boxed_str()))
    }

    /// The event, with its texts in a batch.
    pub(in super::super) fn event_in(&self, batch: &mut Batch) -> Result<Event, ImageError> {
        let currency = currency_of(&self.currency)?;
        let money = 0..=limits::AMOUNT_MINOR_MAX;
        if !money.contains(&self.amount_minor)
            || !(0..=limits::EVENT_TIME_MS_MAX).contains(&self.time_ms)
        {
            return Err(ImageError::Impossible("an event has an amount or a time that none has"));
        }
        let country = |letters: Option<[u8; 2]>| letters.map(|code| country_of(&code)).transpose();
        let mut payment = Payment {
            category: of_number_or_none("category", Category::WORDS, self.category)?,
            terminal_geo: self.terminal_geo.as_ref().map(GeoRow::geo),
            terminal_country: country(self.terminal_country)?,
            device_geo: self.device_geo.as_ref().map(GeoRow::geo),
            device_country: country(self.device_country)?,
            session_flags: self.session_flags,
            payee_check: of_number_or_none("name check", PayeeCheck::WORDS, self.payee_check)?,
            hold_deadline_ms: self.hold_deadline_ms,
            source_time_ms: self.source_time_ms,
            ..Payment::new(
                Text::NONE,
                Text::NONE,
                of_number("status", PaymentStatus::WORDS, self.status)?,
                Money { minor: self.amount_minor, currency },
                self.payer.party()?,
                self.payee.party()?,
                of_number("payment type", PaymentType::WORDS, self.payment_type)?,
                of_number("channel", Channel::WORDS, self.channel)?,
            )
        };
        place_texts(&self.text, &self.lens, payment.texts_mut(), batch)?;
        Ok(Event {
            position: Position {
                topic: self.topic,
                partition: self.partition,
                offset: self.offset,
            },
            record_time_ms: self.record_time_ms,
            time_ms: self.time_ms,
            body: Body::Payment(payment),
        })
    }
}

impl PartyRow {
    fn of(party: &Party) -> Self {
        let Party {
            account: _,
            account_scheme: _,
            bank: _,
            name: _,
            customer: _,
            id_token: _,
            customer_type,
            balance_after_minor,
            available_after_minor,
            account_class,
            opened_at_ms,
            risk_grade,
            age_years,
            occupation_class: _,
            income_monthly_minor,
        } = party;
        Self {
            customer_type: customer_type.map_or(0, |word| word as u8 + 1),
            balance_after_minor: *balance_after_minor,
            available_after_minor: *available_after_minor,
            account_class: account_class.map_or(0, |word| word as u8 + 1),
            opened_at_ms: *opened_at_ms,
            risk_grade: risk_grade.map_or(0, |word| word as u8 + 1),
            age_years: *age_years,
            income_monthly_minor: *income_monthly_minor,
        }
    }

    fn party(&self) -> Result<Party, ImageError> {
        Ok(Party {
            customer_type: of_number_or_none("customer", CustomerType::WORDS, self.customer_type)?,
            balance_after_minor: self.balance_after_minor,
            available_after_minor: self.available_after_minor,
            account_class: of_number_or_none("class", AccountClass::WORDS, self.account_class)?,
            opened_at_ms: self.opened_at_ms,
            risk_grade: of_number_or_none("risk grade", RiskGrade::WORDS, self.risk_grade)?,
            age_years: self.age_years,
            income_monthly_minor: self.income_monthly_minor,
            ..Party::default()
        })
    }
}

impl GeoRow {
    fn of(geo: Geo) -> Self {
        let Geo { lat_udeg, lon_udeg, accuracy_m } = geo;
        Self { lat_udeg, lon_udeg, accuracy_m }
    }

    fn geo(&self) -> Geo {
        let Self { lat_udeg, lon_udeg, accuracy_m } = *self;
        Geo { lat_udeg, lon_udeg, accuracy_m }
    }
}

/// An account is opened, or a telephone bound to it. Of words that may be absent one more than
/// their number; 0: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// Number of its record's topic.
    pub topic: u16,
    partition: i32,
    offset: i64,
    record_time_ms: Millis,
    time_ms: Millis,
    /// Its texts end to end, in their order, and how long each is.
    text: String,
    lens: Vec<u32>,
    kind: u8,
    reason: u8,
    geo: Option<GeoRow>,
    customer_type: u8,
    account_class: u8,
    risk_grade: u8,
    limit_before: Option<(i64, [u8; 3])>,
    limit_after: Option<(i64, [u8; 3])>,
}

impl AccountRow {
    /// Of an event whose texts lie in `text`.
    pub(super) fn of(event: &Event, account: &AccountEvent, text: &str) -> Self {
        let Event { position, record_time_ms, time_ms, body: _ } = event;
        let Position { topic, partition, offset } = *position;
        let mut of = account.clone();
        let (text, lens) = texts_of(text, of.texts_mut().into_iter());
        let AccountEvent {
            event_id: _,
            kind,
            account: _,
            customer: _,
            branch: _,
            opening_device: _,
            phone_token: _,
            agent_token: _,
            employer_token: _,
            reason,
            geo,
            customer_type,
            account_class,
            risk_grade,
            limit_before,
            limit_after,
        } = account;
        let money = |money: &Money| (money.minor, letters(money.currency.code()));
        Self {
            topic,
            partition,
            offset,
            record_time_ms: *record_time_ms,
            time_ms: *time_ms,
            text,
            lens,
            kind: *kind as u8,
            reason: reason.map_or(0, |word| word as u8 + 1),
            geo: geo.map(GeoRow::of),
            customer_type: customer_type.map_or(0, |word| word as u8 + 1),
            account_class: account_class.map_or(0, |word| word as u8 + 1),
            risk_grade: risk_grade.map_or(0, |word| word as u8 + 1),
            limit_before: limit_before.as_ref().map(money),
            limit_after: limit_after.as_ref().map(money),
        }
    }

    /// The event, with its texts in a batch.
    pub(super) fn event_in(&self, batch: &mut Batch) -> Result<Event, ImageError> {
        if !(0..=limits::EVENT_TIME_MS_MAX).contains(&self.time_ms) {
            return Err(ImageError::Impossible("an event has a time that none has"));
        }
        let money = |money: Option<(i64, [u8; 3])>| {
            let money =
                money.map(|(minor, letters)| Ok(Money { minor, currency: currency_of(&letters)? }));
            money.transpose()
        };
        let mut account = AccountEvent {
            event_id: Text::NONE,
            kind: of_number("event kind", AccountEventKind::WORDS, self.kind)?,
            account: Text::NONE,
            customer: Text::NONE,
            branch: Text::NONE,
            opening_device: Text::NONE,
            phone_token: Text::NONE,
            agent_token: Text::NONE,
            employer_token: Text::NONE,
            reason: of_number_or_none("reason", OpeningReason::WORDS, self.reason)?,
            geo: self.geo.as_ref().map(GeoRow::geo),
            customer_type: of_number_or_none("customer", CustomerType::WORDS, self.customer_type)?,
            account_class: of_number_or_none("class", AccountClass::WORDS, self.account_class)?,
            risk_grade: of_number_or_none("risk grade", RiskGrade::WORDS, self.risk_grade)?,
            limit_before: money(self.limit_before)?,
            limit_after: money(self.limit_after)?,
        };
        place_texts(&self.text, &self.lens, account.texts_mut().into_iter(), batch)?;
        Ok(Event {
            position: Position {
                topic: self.topic,
                partition: self.partition,
                offset: self.offset,
            },
            record_time_ms: self.record_time_ms,
            time_ms: self.time_ms,
            body: Body::Account(Box::new(account)),
        })
    }
}
