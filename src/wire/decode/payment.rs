//! `payment.v1`.

use super::Fault;
use super::json::{self, Fields, Raw};
use super::scan::{Broken, Found, Order, Scanner, Shape};
use super::texts::Texts;
use super::time::Clock;
use crate::model::country::Country;
use crate::model::event::{
    AccountClass, Category, Channel, CustomerType, Geo, Party, PayeeCheck, Payment, PaymentStatus,
    PaymentType, RiskGrade, session,
};
use crate::model::money::{Currency, Money, parse_decimal};
use crate::model::reject::RejectReason;
use crate::model::time::Millis;

/// Names of fields with their places.
macro_rules! fields {
    ($shape:ident: $count:literal { $($index:ident = $number:literal $name:literal,)* }) => {
        $(pub(super) const $index: usize = $number;)*
        pub(super) static $shape: Shape<$count> = Shape::new([$($name,)*]);
    };
}

fields!(PAYMENT: 26 {
    SCHEMA = 0 "schema", EVENT_ID = 1 "event_id", PAYMENT_ID = 2 "payment_id", STATUS = 3 "status",
    EVENT_TIME = 4 "event_time", AMOUNT = 5 "amount", CURRENCY = 6 "currency", PAYER = 7 "payer",
    PAYEE = 8 "payee", TYPE = 9 "payment_type", CHANNEL = 10 "channel", DEVICE = 11 "device",
    SESSION = 12 "session", PAYEE_CHECK = 13 "payee_check", CATEGORY = 14 "category",
    MCC = 15 "mcc", PURPOSE = 16 "purpose", TERMINAL_ID = 17 "terminal_id",
    TERMINAL_GEO = 18 "terminal_geo", MEMO = 19 "memo", HOLD_DEADLINE = 20 "hold_deadline",
    END_TO_END_ID = 21 "end_to_end_id", INSTRUCTION_ID = 22 "instruction_id", UETR = 23 "uetr",
    SOURCE = 24 "source", TERMINAL_COUNTRY = 25 "terminal_country",
});

fields!(PARTY: 15 {
    ACCOUNT = 0 "account", BANK = 1 "bank", NAME = 2 "name", CUSTOMER = 3 "customer",
    CUSTOMER_TYPE = 4 "customer_type", ACCOUNT_CLASS = 5 "account_class",
    OPENED_AT = 6 "opened_at", BALANCE = 7 "balance_after", AVAILABLE = 8 "available_after",
    GRADE = 9 "risk_grade", AGE = 10 "age_years", OCCUPATION = 11 "occupation_class",
    INCOME = 12 "income_monthly", ID_TOKEN = 13 "id_token", SCHEME = 14 "acct_scheme",
});

fields!(DEVICE_SHAPE: 5 {
    DEVICE_ID = 0 "id", IP = 1 "ip", BSSID = 2 "bssid", GEO = 3 "geo", COUNTRY = 4 "country",
});
fields!(GEO_SHAPE: 3 { LAT = 0 "lat", LON = 1 "lon", ACCURACY = 2 "accuracy_km", });
fields!(SESSION_SHAPE: 2 { SESSION_ID = 0 "id", FLAGS = 1 "flags", });
fields!(CHECK_SHAPE: 1 { RESULT = 0 "result", });
fields!(SOURCE_SHAPE: 3 { SYSTEM = 0 "system", TOPIC = 1 "topic", TS = 2 "ts", });

/// The orders that senders keep, one for each place of an object.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    payment: Order,
    payer: Order,
    payee: Order,
    device: Order,
    device_geo: Order,
    terminal_geo: Order,
    session: Order,
    check: Order,
    source: Order,
}

/// Where a payment's values lie, those of its inner objects included.
#[derive(Debug, Default)]
pub(super) struct Layout {
    payment: Found<26>,
    payer: Found<15>,
    payee: Found<15>,
    device: Found<5>,
    device_geo: Found<3>,
    terminal_geo: Found<3>,
    session: Found<2>,
    check: Found<1>,
    source: Found<3>,
}

impl Layout {
    /// The fields of the record itself.
    pub fn fields<'a>(&self, text: &'a str) -> Result<Fields<'a, '_, 26>, Fault> {
        Fields::outer(text, &self.payment, &PAYMENT)
    }
}

/// An object whose fields hold no objects that are read.
fn leaf(_: &mut Scanner<'_>, _: usize) -> Result<bool, Broken> {
    Ok(false)
}

/// Passes a record as if it were a payment, which almost every record is.
pub(super) fn lay_out(text: &str, orders: &mut Orders) -> Result<Layout, Fault> {
    let mut layout = Layout::default();
    json::whole(text, |scanner| {
        scanner.object(&PAYMENT, &mut orders.payment, &mut layout.payment, |scanner, index| {
            if scanner.peek() != Some(b'{') {
                return Ok(false);
            }
            match index {
                PAYER => scanner.object(&PARTY, &mut orders.payer, &mut layout.payer, leaf)?,
                PAYEE => scanner.object(&PARTY, &mut orders.payee, &mut layout.payee, leaf)?,
                DEVICE => {
                    scanner.object(
                        &DEVICE_SHAPE,
                        &mut orders.device,
                        &mut layout.device,
                        |scanner, index| {
                            if index != GEO || scanner.peek() != Some(b'{') {
                                return Ok(false);
                            }
                            scanner.object(
                                &GEO_SHAPE,
                                &mut orders.device_geo,
                                &mut layout.device_geo,
                                leaf,
                            )?;
                            Ok(true)
                        },
                    )?;
                }
                TERMINAL_GEO => {
                    scanner.object(
                        &GEO_SHAPE,
                        &mut orders.terminal_geo,
                        &mut layout.terminal_geo,
                        leaf,
                    )?;
                }
                SESSION => scanner.object(
                    &SESSION_SHAPE,
                    &mut orders.session,
                    &mut layout.session,
                    leaf,
                )?,
                PAYEE_CHECK => {
                    scanner.object(&CHECK_SHAPE, &mut orders.check, &mut layout.check, leaf)?
                }
                SOURCE => {
                    scanner.object(&SOURCE_SHAPE, &mut orders.source, &mut layout.source, leaf)?
                }
                _ => return Ok(false),
            }
            Ok(true)
        })
    })?;
    Ok(layout)
}

/// Decodes a payment that has been laid out.
pub(super) fn decode(
    text: &str,
    layout: &Layout,
    f: &Fields<'_, '_, 26>,
    clock: &Clock,
    texts: &mut Texts<'_>,
) -> Result<(Millis, Payment), Fault> {
    let event_id = f.need_id(EVENT_ID, texts)?;
    let payment_id = f.need_id(PAYMENT_ID, texts)?;
    let status = f.need(STATUS)?.read(PaymentStatus::parse)?;
    let time_ms = f.need(EVENT_TIME)?.time(clock)?;
    let currency = f.need(CURRENCY)?.currency()?;
    let amount = f.need(AMOUNT)?;
    let minor = amount.decimal(currency.exponent())?;
    if minor <= 0 {
        return Err(amount.fault(RejectReason::NonPositiveAmount));
    }
    let payer = Fields::inner(text, f.need(PAYER)?, &layout.payer, &PARTY, "payer.")?;
    let payer = party(&payer, currency, clock, texts)?;
    let payee = Fields::inner(text, f.need(PAYEE)?, &layout.payee, &PARTY, "payee.")?;
    let payee = party(&payee, currency, clock, texts)?;
    let payment_type = f.need(TYPE)?.read(PaymentType::parse)?;
    let channel = f.need(CHANNEL)?.read(Channel::parse)?;
    let amount = Money { minor, currency };
    let mut payment =
        Payment::new(event_id, payment_id, status, amount, payer, payee, payment_type, channel);
    payment.end_to_end_id = f.id(END_TO_END_ID, texts)?;
    payment.instruction_id = f.id(INSTRUCTION_ID, texts)?;
    payment.uetr = f.id(UETR, texts)?;
    payment.category = f.word(CATEGORY, Category::parse)?;
    payment.mcc = f.id(MCC, texts)?;
    payment.purpose = f.free_text(PURPOSE, texts)?;
    payment.terminal_id = f.id(TERMINAL_ID, texts)?;
    payment.terminal_geo = match f.get(TERMINAL_GEO) {
        Some(raw) => Some(geo(text, raw, &layout.terminal_geo, "terminal_geo.")?),
        None => None,
    };
    payment.terminal_country = country(f.get(TERMINAL_COUNTRY))?;
    payment.memo = f.free_text(MEMO, texts)?;
    payment.hold_deadline_ms = f.time(HOLD_DEADLINE, clock)?;
    if let Some(raw) = f.get(DEVICE) {
        let d = Fields::inner(text, raw, &layout.device, &DEVICE_SHAPE, "device.")?;
        payment.device_id = d.id(DEVICE_ID, texts)?;
        payment.device_ip = d.id(IP, texts)?;
        payment.device_bssid = d.id(BSSID, texts)?;
        payment.device_geo = match d.get(GEO) {
            Some(raw) => Some(geo(text, raw, &layout.device_geo, "device.geo.")?),
            None => None,
        };
        payment.device_country = country(d.get(COUNTRY))?;
    }
    if let Some(raw) = f.get(SESSION) {
        let s = Fields::inner(text, raw, &layout.session, &SESSION_SHAPE, "session.")?;
        payment.session_id = s.id(SESSION_ID, texts)?;
        if let Some(raw) = s.get(FLAGS) {
            let mut bits = 0;
            raw.words(|word| bits |= session_bit(word))?;
            payment.session_flags = Some(bits);
        }
    }
    if let Some(raw) = f.get(PAYEE_CHECK) {
        let c = Fields::inner(text, raw, &layout.check, &CHECK_SHAPE, "payee_check.")?;
        payment.payee_check = c.word(RESULT, PayeeCheck::parse)?;
    }
    if let Some(raw) = f.get(SOURCE) {
        let s = Fields::inner(text, raw, &layout.source, &SOURCE_SHAPE, "source.")?;
        payment.source_system = s.id(SYSTEM, texts)?;
        payment.source_topic = s.id(TOPIC, texts)?;
        payment.source_time_ms = s.time(TS, clock)?;
    }
    Ok((time_ms, payment))
}

/// A country's code, if it is given.
fn country(raw: Option<Raw<'_>>) -> Result<Option<Country>, Fault> {
    let Some(raw) = raw else { return Ok(None) };
    let country = raw.read(Country::parse)?;
    country.map(Some).ok_or_else(|| raw.fault(RejectReason::BadValue))
}

/// The bit of a session flag.
fn session_bit(word: &str) -> u8 {
    match word {
        "screen_share" => session::SCREEN_SHARE,
        "remote_control" => session::REMOTE_CONTROL,
        "accessibility_abuse" => session::ACCESSIBILITY_ABUSE,
        "in_call" => session::IN_CALL,
        "emulator" => session::EMULATOR,
        _ => session::OTHER,
    }
}

/// One side. The account is required; the bank is in the format's table too, but mapped files and
/// feeds of a single bank have none, and nothing computed needs it.
fn party(
    f: &Fields<'_, '_, 15>,
    currency: Currency,
    clock: &Clock,
    texts: &mut Texts<'_>,
) -> Result<Party, Fault> {
    let age = f.get(AGE).map(|raw| raw.integer(150)).transpose()?;
    Ok(Party {
        account: f.need_id(ACCOUNT, texts)?,
        account_scheme: f.id(SCHEME, texts)?,
        bank: f.id(BANK, texts)?,
        name: f.free_text(NAME, texts)?,
        customer: f.id(CUSTOMER, texts)?,
        id_token: f.id(ID_TOKEN, texts)?,
        customer_type: f.word(CUSTOMER_TYPE, CustomerType::parse)?,
        balance_after_minor: f.amount(BALANCE, currency)?,
        available_after_minor: f.amount(AVAILABLE, currency)?,
        account_class: f.word(ACCOUNT_CLASS, AccountClass::parse)?,
        opened_at_ms: f.date_or_time(OPENED_AT, clock)?,
        risk_grade: f.word(GRADE, RiskGrade::parse)?,
        age_years: age.and_then(|years| u8::try_from(years).ok()),
        occupation_class: f.id(OCCUPATION, texts)?,
        income_monthly_minor: f.amount(INCOME, currency)?,
    })
}

/// Where the fields of a place lie that is a field's value.
pub(super) fn find_geo(value: Raw<'_>) -> Result<Found<3>, Fault> {
    if value.is_object() {
        json::find(value.text(), &GEO_SHAPE)
    } else {
        Err(value.fault(RejectReason::WrongType))
    }
}

/// Reads a place.
pub(super) fn geo(
    text: &str,
    value: Raw<'_>,
    found: &Found<3>,
    parent: &'static str,
) -> Result<Geo, Fault> {
    let f = Fields::inner(text, value, found, &GEO_SHAPE, parent)?;
    let degrees = |index: usize, max: i32| -> Result<i32, Fault> {
        let raw = f.need(index)?;
        let fault = || raw.fault(RejectReason::BadValue);
        let value = micro(raw.text()).ok_or_else(fault)?;
        i32::try_from(value).ok().filter(|v| v.abs() <= max * 1_000_000).ok_or_else(fault)
    };
    let metres = |raw: Raw<'_>| {
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
