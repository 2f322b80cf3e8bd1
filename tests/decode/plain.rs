//! A decoder as one would write it first: serde_json's trees, field after field. It shares the
//! vocabulary with the real one (`model`) and nothing else.

use goshawk::limits::{
    AMOUNT_MINOR_MAX, DATE_MS_MAX, EVENT_TIME_MS_MAX, ID_BYTES_MAX, JSON_DEPTH_MAX,
    RECORD_BYTES_MAX, TEXT_BYTES_MAX,
};
use goshawk::model::event as words;
use goshawk::model::measure::Action;
use goshawk::model::money::Currency;
use goshawk::model::reject::RejectReason::{self, *};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{TimeZone, offset};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::SKEW;
use super::flat::Flat;

/// What is wrong, or that this decoder cannot tell.
#[derive(Debug, PartialEq)]
pub enum Refusal {
    Because(RejectReason),
    /// A number that no float holds is JSON all the same, but not to a tree of floats; and the
    /// last two days of the year 9999 are beyond jiff's timestamps.
    Unknown,
}

impl From<RejectReason> for Refusal {
    fn from(reason: RejectReason) -> Self {
        Self::Because(reason)
    }
}

/// Whether the decoder says what this one says.
pub fn same(seen: &Result<Flat, RejectReason>, expect: &Result<Flat, Refusal>) -> bool {
    match (seen, expect) {
        (_, Err(Refusal::Unknown)) => true,
        (Ok(seen), Ok(expect)) => seen == expect,
        // Which of its defects a text that is no number is refused for is open.
        (Err(seen), Err(Refusal::Because(BadAmount))) => {
            matches!(seen, BadAmount | TooManyDigits | AmountOverflow)
        }
        (Err(seen), Err(Refusal::Because(expect))) => seen == expect,
        _ => false,
    }
}

/// Decodes a record.
pub fn decode(record: &[u8], record_time: Option<i64>) -> Result<Flat, Refusal> {
    if record.is_empty() {
        return Err(Empty.into());
    }
    if record.len() > RECORD_BYTES_MAX {
        return Err(TooLarge.into());
    }
    let text = std::str::from_utf8(record).map_err(|_| NotUtf8)?;
    match serde_json::from_str::<Value>(text) {
        Ok(value) if !value.is_object() || depth(text) > JSON_DEPTH_MAX => {
            return Err(MalformedJson.into());
        }
        Ok(_) => {}
        Err(error) if error.to_string().starts_with("number out of range") => {
            let json = serde_json::from_str::<IgnoredAny>(text).is_ok();
            return Err(if json { Refusal::Unknown } else { MalformedJson.into() });
        }
        Err(_) => return Err(MalformedJson.into()),
    }
    if ["9999-12-3", "9999123"].iter().any(|end| text.contains(end)) {
        return Err(Refusal::Unknown);
    }
    let mut out = Flat::new();
    let as_payment = Object::read("", text, PAYMENT)?;
    let schema = as_payment.need("schema")?;
    let time = match string(schema)?.as_str() {
        "payment.v1" => payment(&as_payment, &mut out),
        "account.v1" => account(&Object::read("", text, ACCOUNT)?, &mut out),
        "list.v1" => list(&Object::read("", text, LIST)?, record_time, &mut out),
        "control.v1" => control(&Object::read("", text, CONTROL)?, record_time, &mut out),
        "registry.v1" => registry(&Object::read("", text, REGISTRY)?, record_time, &mut out),
        "feedback.v1" => feedback(&Object::read("", text, FEEDBACK)?, record_time, &mut out),
        _ => Err(UnknownSchema),
    }?;
    if record_time.is_some_and(|at| time > at + SKEW) {
        return Err(FromTheFuture.into());
    }
    Ok(out)
}

/// How deep valid JSON is nested. A tree does not tell: it keeps one of two equal keys.
fn depth(text: &str) -> usize {
    let (mut open, mut deepest, mut inside, mut escaped) = (0usize, 0, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => inside = !inside,
            '[' | '{' if !inside => open += 1,
            ']' | '}' if !inside => open -= 1,
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

const PAYMENT: &[&str] = &[
    "schema",
    "event_id",
    "payment_id",
    "status",
    "event_time",
    "amount",
    "currency",
    "payer",
    "payee",
    "payment_type",
    "channel",
    "device",
    "session",
    "payee_check",
    "category",
    "mcc",
    "purpose",
    "terminal_id",
    "terminal_geo",
    "memo",
    "hold_deadline",
    "end_to_end_id",
    "instruction_id",
    "uetr",
    "source",
    "terminal_country",
];
const PARTY: &[&str] = &[
    "account",
    "bank",
    "name",
    "customer",
    "customer_type",
    "account_class",
    "opened_at",
    "balance_after",
    "available_after",
    "risk_grade",
    "age_years",
    "occupation_class",
    "income_monthly",
    "id_token",
    "acct_scheme",
];
const ACCOUNT: &[&str] = &[
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
];
const REGISTRY: &[&str] = &["enterprise", "status", "as_of", "source", "event_time", "time"];
const FEEDBACK: &[&str] = &[
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
];
const LIST: &[&str] = &[
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
];
const CONTROL: &[&str] = &[
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
];

/// Every key with its value's text, repeated keys included.
struct Pairs(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Pairs;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// An object's known fields.
struct Object {
    path: &'static str,
    fields: Vec<(String, String)>,
}

impl Object {
    fn read(path: &'static str, text: &str, names: &[&str]) -> Result<Self, RejectReason> {
        if !text.trim_ascii_start().starts_with('{') {
            return Err(WrongType);
        }
        let Pairs(pairs) = serde_json::from_str(text).map_err(|_| MalformedJson)?;
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in pairs {
            if !names.contains(&name.as_str()) {
                continue;
            }
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(MalformedJson);
            }
            if value.get() != "null" {
                fields.push((name, value.get().to_owned()));
            }
        }
        Ok(Self { path, fields })
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn need(&self, name: &str) -> Result<&str, RejectReason> {
        self.get(name).ok_or(MissingField)
    }

    fn put<T: ToString>(&self, out: &mut Flat, name: &str, value: Option<T>) {
        if let Some(value) = value.map(|v| v.to_string()).filter(|v| !v.is_empty()) {
            out.insert(format!("{}{name}", self.path), value);
        }
    }

    fn optional<T: ToString>(
        &self,
        out: &mut Flat,
        name: &str,
        read: impl Fn(&str) -> Result<T, RejectReason>,
    ) -> Result<(), RejectReason> {
        self.put(out, name, self.get(name).map(read).transpose()?);
        Ok(())
    }

    fn ids(&self, out: &mut Flat, names: &[&str]) -> Result<(), RejectReason> {
        names.iter().try_for_each(|name| self.optional(out, name, id))
    }

    fn need_id(&self, out: &mut Flat, name: &str) -> Result<(), RejectReason> {
        let id = id(self.need(name)?)?;
        if id.is_empty() {
            return Err(MissingField);
        }
        self.put(out, name, Some(id));
        Ok(())
    }
}

fn string(raw: &str) -> Result<String, RejectReason> {
    serde_json::from_str(raw).map_err(|_| WrongType)
}

fn id(raw: &str) -> Result<String, RejectReason> {
    let text = string(raw)?;
    if text.len() > ID_BYTES_MAX { Err(TooLong) } else { Ok(text) }
}

fn free(raw: &str) -> Result<String, RejectReason> {
    let mut text = string(raw)?;
    while text.len() > TEXT_BYTES_MAX {
        text.pop();
    }
    Ok(text)
}

/// The word when it is one of the set, else `other`.
fn word<T>(set: &'static [(&str, T)]) -> impl Fn(&str) -> Result<String, RejectReason> {
    move |raw| {
        let text = string(raw)?;
        let known = set.iter().any(|(word, _)| *word == text);
        Ok(if known { text } else { "other".to_owned() })
    }
}

fn decimal(text: &str, exponent: usize) -> Result<i64, RejectReason> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return Err(BadAmount);
    }
    let kept: String = fraction.chars().chain(std::iter::repeat('0')).take(exponent).collect();
    let size: i128 = match format!("{whole}{kept}").trim_start_matches('0') {
        "" => 0,
        digits if digits.len() > 30 => return Err(AmountOverflow),
        digits => digits.parse().expect("at most thirty digits"),
    };
    let minor = i64::try_from(size).map_err(|_| AmountOverflow)?;
    if fraction.bytes().skip(exponent).any(|digit| digit != b'0') {
        return Err(TooManyDigits);
    }
    if minor > AMOUNT_MINOR_MAX {
        return Err(AmountOverflow);
    }
    Ok(if text.starts_with('-') { -minor } else { minor })
}

fn amount(currency: Currency) -> impl Fn(&str) -> Result<i64, RejectReason> {
    move |raw| {
        let number = raw.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        let text = if number { raw.to_owned() } else { string(raw)? };
        decimal(&text, currency.exponent() as usize)
    }
}

fn integer(max: i64) -> impl Fn(&str) -> Result<i64, RejectReason> {
    move |raw| {
        let number = raw.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        let text = if number { raw.to_owned() } else { string(raw)? };
        decimal(&text, 0).ok().filter(|value| (0..=max).contains(value)).ok_or(BadValue)
    }
}

fn currency(raw: &str) -> Result<Currency, RejectReason> {
    Currency::parse(&string(raw)?).ok_or(BadCurrency)
}

/// Two capital letters.
fn country(raw: &str) -> Result<String, RejectReason> {
    let code = string(raw)?;
    let letters = code.chars().filter(char::is_ascii_uppercase).count();
    if (letters, code.len()) == (2, 2) { Ok(code) } else { Err(BadValue) }
}

fn moment(text: &str) -> Option<i64> {
    let zone = TimeZone::fixed(offset(8));
    let local = if text.len() == 14 && text.bytes().all(|b| b.is_ascii_digit()) {
        DateTime::strptime("%Y%m%d%H%M%S", text).ok()?
    } else if is_date(text) {
        text.parse::<Date>().ok()?.to_datetime(Time::midnight())
    } else {
        return text.parse::<Timestamp>().ok().map(millis);
    };
    zone.to_timestamp(local).ok().map(millis)
}

fn millis(at: Timestamp) -> i64 {
    at.as_nanosecond().div_euclid(1_000_000) as i64
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.as_bytes()[4] == b'-'
}

fn time(raw: &str) -> Result<i64, RejectReason> {
    let text = string(raw)?;
    let time = moment(&text).filter(|at| (0..=EVENT_TIME_MS_MAX).contains(at));
    time.filter(|_| !is_date(&text)).ok_or(BadTime)
}

fn date_or_time(raw: &str) -> Result<i64, RejectReason> {
    moment(&string(raw)?).filter(|at| at.abs() <= DATE_MS_MAX).ok_or(BadTime)
}

fn payment(o: &Object, out: &mut Flat) -> Result<i64, RejectReason> {
    o.need_id(out, "event_id")?;
    o.need_id(out, "payment_id")?;
    o.put(out, "status", Some(word(words::PaymentStatus::WORDS)(o.need("status")?)?));
    let event_time = time(o.need("event_time")?)?;
    o.put(out, "event_time", Some(event_time));
    let currency = currency(o.need("currency")?)?;
    o.put(out, "currency", Some(currency));
    let minor = amount(currency)(o.need("amount")?)?;
    if minor <= 0 {
        return Err(NonPositiveAmount);
    }
    o.put(out, "amount", Some(minor));
    party(&Object::read("payer.", o.need("payer")?, PARTY)?, currency, out)?;
    party(&Object::read("payee.", o.need("payee")?, PARTY)?, currency, out)?;
    o.put(out, "payment_type", Some(word(words::PaymentType::WORDS)(o.need("payment_type")?)?));
    o.put(out, "channel", Some(word(words::Channel::WORDS)(o.need("channel")?)?));
    o.ids(out, &["end_to_end_id", "instruction_id", "uetr"])?;
    o.optional(out, "category", word(words::Category::WORDS))?;
    o.ids(out, &["mcc"])?;
    o.optional(out, "purpose", free)?;
    o.ids(out, &["terminal_id"])?;
    if let Some(raw) = o.get("terminal_geo") {
        place(&Object::read("terminal_geo.", raw, &["lat", "lon", "accuracy_km"])?, out)?;
    }
    o.optional(out, "terminal_country", country)?;
    o.optional(out, "memo", free)?;
    o.optional(out, "hold_deadline", time)?;
    if let Some(raw) = o.get("device") {
        let device = Object::read("device.", raw, &["id", "ip", "bssid", "geo", "country"])?;
        device.ids(out, &["id", "ip", "bssid"])?;
        if let Some(raw) = device.get("geo") {
            place(&Object::read("device.geo.", raw, &["lat", "lon", "accuracy_km"])?, out)?;
        }
        device.optional(out, "country", country)?;
    }
    if let Some(raw) = o.get("session") {
        let session = Object::read("session.", raw, &["id", "flags"])?;
        session.ids(out, &["id"])?;
        session.optional(out, "flags", |raw| {
            let flags: Vec<String> = serde_json::from_str(raw).map_err(|_| WrongType)?;
            let bit = |flag: &String| match flag.as_str() {
                "screen_share" => 1,
                "remote_control" => 2,
                "accessibility_abuse" => 4,
                "in_call" => 8,
                "emulator" => 16,
                _ => 128,
            };
            Ok(flags.iter().map(bit).fold(0, |all, bit| all | bit))
        })?;
    }
    if let Some(raw) = o.get("payee_check") {
        let check = Object::read("payee_check.", raw, &["result"])?;
        check.optional(out, "result", word(words::PayeeCheck::WORDS))?;
    }
    if let Some(raw) = o.get("source") {
        let source = Object::read("source.", raw, &["system", "topic", "ts"])?;
        source.ids(out, &["system", "topic"])?;
        source.optional(out, "ts", time)?;
    }
    Ok(event_time)
}

fn party(o: &Object, currency: Currency, out: &mut Flat) -> Result<(), RejectReason> {
    o.optional(out, "age_years", integer(150))?;
    o.need_id(out, "account")?;
    o.ids(out, &["acct_scheme", "bank"])?;
    o.optional(out, "name", free)?;
    o.ids(out, &["customer", "id_token"])?;
    o.optional(out, "customer_type", word(words::CustomerType::WORDS))?;
    o.optional(out, "balance_after", amount(currency))?;
    o.optional(out, "available_after", amount(currency))?;
    o.optional(out, "account_class", word(words::AccountClass::WORDS))?;
    o.optional(out, "opened_at", date_or_time)?;
    o.optional(out, "risk_grade", word(words::RiskGrade::WORDS))?;
    o.ids(out, &["occupation_class"])?;
    o.optional(out, "income_monthly", amount(currency))
}

fn place(o: &Object, out: &mut Flat) -> Result<(), RejectReason> {
    let millionths = |raw: &str| {
        let text = raw.trim_matches('"');
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BadValue);
        }
        let cut: String = fraction.chars().take(6).collect();
        decimal(&format!("{whole}.{cut}"), 6).map_err(|_| BadValue)
    };
    for (name, max) in [("lat", 90_000_000), ("lon", 180_000_000)] {
        let value = millionths(o.need(name)?)?;
        if value.abs() > max {
            return Err(BadValue);
        }
        o.put(out, name, Some(value));
    }
    o.optional(out, "accuracy_km", |raw| {
        let micro_km = millionths(raw)?;
        u32::try_from(micro_km / 1_000).ok().filter(|_| micro_km >= 0).ok_or(BadValue)
    })
}

fn account(o: &Object, out: &mut Flat) -> Result<i64, RejectReason> {
    let at = time(o.get("time").or(o.get("event_time")).ok_or(MissingField)?)?;
    o.put(out, "time", Some(at));
    if let Some(raw) = o.get("geo") {
        place(&Object::read("geo.", raw, &["lat", "lon", "accuracy_km"])?, out)?;
    }
    o.ids(out, &["event_id"])?;
    o.put(out, "kind", Some(word(words::AccountEventKind::WORDS)(o.need("kind")?)?));
    o.need_id(out, "account")?;
    o.ids(out, &["customer", "branch", "opening_device", "phone_token", "agent_token"])?;
    o.ids(out, &["employer_token"])?;
    o.optional(out, "reason", word(words::OpeningReason::WORDS))?;
    o.optional(out, "customer_type", word(words::CustomerType::WORDS))?;
    o.optional(out, "account_class", word(words::AccountClass::WORDS))?;
    o.optional(out, "risk_grade", word(words::RiskGrade::WORDS))?;
    for name in ["limit_before", "limit_after"] {
        let Some(raw) = o.get(name) else { continue };
        let currency = currency(o.need("currency")?)?;
        o.put(out, name, Some(amount(currency)(raw)?));
        o.put(out, "currency", Some(currency));
    }
    Ok(at)
}

fn registry(o: &Object, record_time: Option<i64>, out: &mut Flat) -> Result<i64, RejectReason> {
    o.optional(out, "as_of", date_or_time)?;
    let own = o.get("event_time").or(o.get("time")).map(time).transpose()?;
    let at = own.or(record_time).ok_or(MissingField)?;
    o.put(out, "time", Some(at));
    o.need_id(out, "enterprise")?;
    o.put(out, "status", Some(word(words::RegistryStatus::WORDS)(o.need("status")?)?));
    o.ids(out, &["source"])?;
    Ok(at)
}

fn feedback(o: &Object, record_time: Option<i64>, out: &mut Flat) -> Result<i64, RejectReason> {
    let own = o.get("event_time").or(o.get("time")).map(time).transpose()?;
    let at = own.or(record_time).ok_or(MissingField)?;
    o.put(out, "time", Some(at));
    if let Some(raw) = o.get("executed") {
        let executed = Object::read("executed.", raw, &["action"])?;
        let action = executed.get("action").map(string).transpose()?;
        let known = |word: &String| Action::WORDS.iter().any(|(known, _)| known == word);
        executed.put(out, "action", action.filter(known));
    }
    o.ids(out, &["feedback_id", "alert_id"])?;
    o.put(out, "stage", Some(word(words::FeedbackStage::WORDS)(o.need("stage")?)?));
    o.optional(out, "verdict", word(words::Verdict::WORDS))?;
    o.ids(out, &["payer", "payee", "payment_id"])?;
    Ok(at)
}

fn list(o: &Object, record_time: Option<i64>, out: &mut Flat) -> Result<i64, RejectReason> {
    let op = string(o.need("op")?)?;
    if op != "upsert" && op != "expire" {
        return Err(BadValue);
    }
    o.put(out, "op", Some(op));
    let subject = o.need("subject")?;
    let (kind, name) = if subject.starts_with('{') {
        let subject = Object::read("subject.", subject, &["kind", "id"])?;
        (subject.need("kind")?.to_owned(), id(subject.need("id")?)?)
    } else {
        (o.need("subject_kind")?.to_owned(), id(subject)?)
    };
    if name.is_empty() {
        return Err(MissingField);
    }
    let kind = string(&kind)?;
    if !["account", "customer", "device", "phone", "ip"].contains(&kind.as_str()) {
        return Err(BadValue);
    }
    o.put(out, "subject.kind", Some(kind));
    o.put(out, "subject.id", Some(name));
    o.optional(out, "valid_from", date_or_time)?;
    o.optional(out, "valid_to", date_or_time)?;
    let own = o.get("event_time").or(o.get("time")).map(time).transpose()?;
    let from = o.get("valid_from").map(date_or_time).transpose()?;
    let at = own.or(record_time).or(from).ok_or(MissingField)?;
    o.put(out, "time", Some(at));
    o.ids(out, &["entry_id", "counterparty"])?;
    o.put(out, "category", Some(word(words::ListCategory::WORDS)(o.need("category")?)?));
    o.optional(out, "level", word(words::ListLevel::WORDS))?;
    o.ids(out, &["source"])?;
    o.optional(out, "legal_basis", free)?;
    o.ids(out, &["purpose", "author", "approver"])?;
    Ok(at)
}

fn control(o: &Object, record_time: Option<i64>, out: &mut Flat) -> Result<i64, RejectReason> {
    let kind = string(o.need("kind")?)?;
    let mode = o.get("mode").map(string).transpose();
    let money = match o.get("amount") {
        Some(raw) => {
            let currency = currency(o.need("currency")?)?;
            Some((amount(currency)(raw)?, currency))
        }
        None => None,
    };
    o.put(out, "amount", money.map(|(minor, _)| minor));
    o.put(out, "currency", money.map(|(_, currency)| currency));
    let from = date_or_time(o.need("from")?)?;
    o.put(out, "from", Some(from));
    let own = o.get("event_time").or(o.get("time")).map(time).transpose()?;
    let at = own.or(record_time).unwrap_or(from);
    o.put(out, "time", Some(at));
    o.optional(out, "extension_no", integer(1_000))?;
    o.need_id(out, "control_id")?;
    o.need_id(out, "account")?;
    if !Action::WORDS.iter().any(|(word, _)| *word == kind) {
        return Err(BadValue);
    }
    o.put(out, "kind", Some(kind));
    let mode = mode?;
    if mode.as_ref().is_some_and(|mode| mode != "limited" && mode != "full") {
        return Err(BadValue);
    }
    o.put(out, "mode", mode);
    o.optional(out, "to", date_or_time)?;
    o.ids(out, &["authority"])?;
    o.optional(out, "released_at", date_or_time)?;
    Ok(at)
}
