//! `payment.v1`.

use jiff::tz::TimeZone;

use super::json::Fields;
use super::{Decoded, Fault};
use crate::model::event::{
    AccountClass, Batch, Body, Category, Channel, CustomerType, Geo, Party, PayeeCheck, Payment,
    PaymentStatus, PaymentType, RiskGrade, Text, session,
};
use crate::model::money::{Currency, Money, parse_decimal};
use crate::model::reject::RejectReason;

/// Names of fields with their places.
macro_rules! fields {
    ($names:ident: $count:literal { $($index:ident = $number:literal $name:literal,)* }) => {
        $(pub(super) const $index: usize = $number;)*
        static $names: [&str; $count] = [$($name,)*];
    };
}

fields!(PAYMENT: 25 {
    SCHEMA = 0 "schema", EVENT_ID = 1 "event_id", PAYMENT_ID = 2 "payment_id", STATUS = 3 "status",
    EVENT_TIME = 4 "event_time", AMOUNT = 5 "amount", CURRENCY = 6 "currency", PAYER = 7 "payer",
    PAYEE = 8 "payee", TYPE = 9 "payment_type", CHANNEL = 10 "channel", DEVICE = 11 "device",
    SESSION = 12 "session", PAYEE_CHECK = 13 "payee_check", CATEGORY = 14 "category",
    MCC = 15 "mcc", PURPOSE = 16 "purpose", TERMINAL_ID = 17 "terminal_id",
    TERMINAL_GEO = 18 "terminal_geo", MEMO = 19 "memo", HOLD_DEADLINE = 20 "hold_deadline",
    END_TO_END_ID = 21 "end_to_end_id", INSTRUCTION_ID = 22 "instruction_id", UETR = 23 "uetr",
    SOURCE = 24 "source",
});

fields!(PARTY: 15 {
    ACCOUNT = 0 "account", BANK = 1 "bank", NAME = 2 "name", CUSTOMER = 3 "customer",
    CUSTOMER_TYPE = 4 "customer_type", ACCOUNT_CLASS = 5 "account_class",
    OPENED_AT = 6 "opened_at", BALANCE = 7 "balance_after", AVAILABLE = 8 "available_after",
    GRADE = 9 "risk_grade", AGE = 10 "age_years", OCCUPATION = 11 "occupation_class",
    INCOME = 12 "income_monthly", ID_TOKEN = 13 "id_token", SCHEME = 14 "acct_scheme",
});

fields!(DEVICE_FIELDS: 4 { DEVICE_ID = 0 "id", IP = 1 "ip", BSSID = 2 "bssid", GEO = 3 "geo", });
fields!(GEO_FIELDS: 3 { LAT = 0 "lat", LON = 1 "lon", ACCURACY = 2 "accuracy_km", });
fields!(SESSION_FIELDS: 2 { SESSION_ID = 0 "id", FLAGS = 1 "flags", });
fields!(CHECK_FIELDS: 1 { RESULT = 0 "result", });
fields!(SOURCE_FIELDS: 3 { SYSTEM = 0 "system", TOPIC = 1 "topic", TS = 2 "ts", });

/// Finds a payment's fields.
pub(super) fn find(text: &str) -> Result<Fields<'_, 25>, Fault> {
    Fields::find(text, &PAYMENT, "")
}

/// Decodes a payment.
pub(super) fn decode(
    f: &Fields<'_, 25>,
    zone: &TimeZone,
    batch: &mut Batch,
) -> Result<Decoded, Fault> {
    let event_id = f.need_id(EVENT_ID, batch)?;
    let payment_id = f.need_id(PAYMENT_ID, batch)?;
    let status = PaymentStatus::parse(&f.need(STATUS)?.string()?);
    let time_ms = f.need(EVENT_TIME)?.time(zone)?;
    let currency = f.need(CURRENCY)?.currency()?;
    let amount = f.need(AMOUNT)?;
    let minor = amount.decimal(currency.exponent())?;
    if minor <= 0 {
        return Err(amount.fault(RejectReason::NonPositiveAmount));
    }
    let payer = party(f.need(PAYER)?.text(), "payer.", currency, zone, batch)?;
    let payee = party(f.need(PAYEE)?.text(), "payee.", currency, zone, batch)?;
    let payment_type = PaymentType::parse(&f.need(TYPE)?.string()?);
    let channel = Channel::parse(&f.need(CHANNEL)?.string()?);
    let mut payment = Payment {
        event_id,
        payment_id,
        end_to_end_id: f.id(END_TO_END_ID, batch)?,
        instruction_id: f.id(INSTRUCTION_ID, batch)?,
        uetr: f.id(UETR, batch)?,
        status,
        amount: Money { minor, currency },
        payer,
        payee,
        payment_type,
        category: f.word(CATEGORY, Category::parse)?,
        mcc: f.id(MCC, batch)?,
        purpose: f.free_text(PURPOSE, batch)?,
        channel,
        terminal_id: f.id(TERMINAL_ID, batch)?,
        terminal_geo: f
            .get(TERMINAL_GEO)
            .map(|raw| geo(raw.text(), "terminal_geo."))
            .transpose()?,
        device_id: Text::NONE,
        device_ip: Text::NONE,
        device_bssid: Text::NONE,
        device_geo: None,
        session_flags: None,
        session_id: Text::NONE,
        payee_check: None,
        memo: f.free_text(MEMO, batch)?,
        hold_deadline_ms: f.get(HOLD_DEADLINE).map(|raw| raw.time(zone)).transpose()?,
        source_system: Text::NONE,
        source_topic: Text::NONE,
        source_time_ms: None,
    };
    if let Some(raw) = f.get(DEVICE) {
        let d = Fields::find(raw.text(), &DEVICE_FIELDS, "device.")?;
        payment.device_id = d.id(DEVICE_ID, batch)?;
        payment.device_ip = d.id(IP, batch)?;
        payment.device_bssid = d.id(BSSID, batch)?;
        payment.device_geo = d.get(GEO).map(|raw| geo(raw.text(), "device.geo.")).transpose()?;
    }
    if let Some(raw) = f.get(SESSION) {
        let s = Fields::find(raw.text(), &SESSION_FIELDS, "session.")?;
        payment.session_id = s.id(SESSION_ID, batch)?;
        payment.session_flags = s
            .get(FLAGS)
            .map(|raw| {
                let flags: Result<Vec<String>, _> = serde_json::from_str(raw.text());
                flags.map(|f| session_bits(&f)).map_err(|_| raw.fault(RejectReason::WrongType))
            })
            .transpose()?;
    }
    if let Some(raw) = f.get(PAYEE_CHECK) {
        let c = Fields::find(raw.text(), &CHECK_FIELDS, "payee_check.")?;
        payment.payee_check = c.word(RESULT, PayeeCheck::parse)?;
    }
    if let Some(raw) = f.get(SOURCE) {
        let s = Fields::find(raw.text(), &SOURCE_FIELDS, "source.")?;
        payment.source_system = s.id(SYSTEM, batch)?;
        payment.source_topic = s.id(TOPIC, batch)?;
        payment.source_time_ms = s.get(TS).map(|raw| raw.time(zone)).transpose()?;
    }
    Ok(Decoded { time_ms, body: Body::Payment(payment) })
}

/// The bits of session flags, by word.
pub(crate) fn session_bits<T: AsRef<str>>(words: &[T]) -> u8 {
    words.iter().fold(0, |bits, word| {
        bits | match word.as_ref() {
            "screen_share" => session::SCREEN_SHARE,
            "remote_control" => session::REMOTE_CONTROL,
            "accessibility_abuse" => session::ACCESSIBILITY_ABUSE,
            "in_call" => session::IN_CALL,
            "emulator" => session::EMULATOR,
            _ => session::OTHER,
        }
    })
}

/// One side. The account is required; the bank is in the format's table too, but mapped files and
/// feeds of a single bank have none, and nothing computed needs it.
fn party(
    text: &str,
    parent: &'static str,
    currency: Currency,
    zone: &TimeZone,
    batch: &mut Batch,
) -> Result<Party, Fault> {
    let f = Fields::find(text, &PARTY, parent)?;
    let age = f.get(AGE).map(|raw| raw.integer(150)).transpose()?;
    Ok(Party {
        account: f.need_id(ACCOUNT, batch)?,
        account_scheme: f.id(SCHEME, batch)?,
        bank: f.id(BANK, batch)?,
        name: f.free_text(NAME, batch)?,
        customer: f.id(CUSTOMER, batch)?,
        id_token: f.id(ID_TOKEN, batch)?,
        customer_type: f.word(CUSTOMER_TYPE, CustomerType::parse)?,
        balance_after_minor: f.amount(BALANCE, currency)?,
        available_after_minor: f.amount(AVAILABLE, currency)?,
        account_class: f.word(ACCOUNT_CLASS, AccountClass::parse)?,
        opened_at_ms: f.get(OPENED_AT).map(|raw| raw.date_or_time(zone)).transpose()?,
        risk_grade: f.word(GRADE, RiskGrade::parse)?,
        age_years: age.and_then(|years| u8::try_from(years).ok()),
        occupation_class: f.id(OCCUPATION, batch)?,
        income_monthly_minor: f.amount(INCOME, currency)?,
    })
}

fn geo(text: &str, parent: &'static str) -> Result<Geo, Fault> {
    let f = Fields::find(text, &GEO_FIELDS, parent)?;
    let degrees = |index: usize, max: i32| -> Result<i32, Fault> {
        let raw = f.need(index)?;
        let fault = || raw.fault(RejectReason::BadValue);
        let value = micro(raw.text()).ok_or_else(fault)?;
        i32::try_from(value).ok().filter(|v| v.abs() <= max * 1_000_000).ok_or_else(fault)
    };
    let metres = |raw: super::json::Raw<'_>| {
        let fault = || raw.fault(RejectReason::BadValue);
        let micro_km = micro(raw.text()).filter(|v| *v >= 0).ok_or_else(fault)?;
        u32::try_from(micro_km / 1_000).map_err(|_| fault())
    };
    Ok(Geo {
        lat_udeg: degrees(LAT, 90)?,
        lon_udeg: degrees(LON, 180)?,
        accuracy_m: f.get(ACCURACY).map(metres).transpose()?,
    })
}

/// A decimal in millionths; finer digits are cut off.
fn micro(text: &str) -> Option<i64> {
    let text = text.trim_matches('"');
    let end = text.find('.').map_or(text.len(), |point| text.len().min(point + 7));
    let (kept, rest) = text.split_at_checked(end)?;
    rest.bytes().all(|b| b.is_ascii_digit()).then(|| parse_decimal(kept, 6).ok()).flatten()
}
