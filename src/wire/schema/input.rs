//! Schemas of the messages we read: `payment.v1`, `account.v1`, `list.v1`, `control.v1`,
//! `registry.v1`, `feedback.v1`.
//!
//! Unknown fields are ignored and unknown words become `other`, so words are listed as examples and
//! never close a field.

use serde_json::{Map, Value, json};

use crate::model::event::{
    AccountClass, AccountEventKind, Category, Channel, CustomerType, FeedbackStage, ListCategory,
    ListLevel, OpeningReason, PayeeCheck, PaymentStatus, PaymentType, RegistryStatus, RiskGrade,
    Verdict,
};
use crate::model::measure::Action;

/// A message format.
#[derive(Debug)]
pub struct Format {
    /// `payment.v1`
    pub name: &'static str,
    /// What a record means.
    pub doc: &'static str,
    /// Its fields; a dot leads into an object.
    fields: &'static [Field],
}

#[derive(Debug)]
struct Field {
    path: &'static str,
    shape: Shape,
    need: Need,
    doc: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Must,
    May,
    /// Where the object around it is there.
    Within,
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Id,
    Text,
    Amount,
    Time,
    Integer,
    Number,
    Country,
    Words(fn() -> Vec<&'static str>),
    Flags,
}

const fn must(path: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { path, shape, need: Need::Must, doc }
}

const fn may(path: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { path, shape, need: Need::May, doc }
}

const fn within(path: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { path, shape, need: Need::Within, doc }
}

/// The words of a closed set, without `other`.
macro_rules! words {
    ($set:ident) => {
        Shape::Words(|| {
            $set::WORDS.iter().map(|(word, _)| *word).filter(|w| *w != "other").collect()
        })
    };
}

/// The fields of one side of a payment.
macro_rules! party {
    ($side:literal) => {
        [
            must(concat!($side, ".account"), Shape::Id, "account number or token"),
            may(concat!($side, ".acct_scheme"), Shape::Id, "naming scheme of `account`"),
            may(concat!($side, ".bank"), Shape::Id, "BIC or clearing member id"),
            may(concat!($side, ".name"), Shape::Text, "holder's name"),
            may(concat!($side, ".customer"), Shape::Id, "customer token, for our own customers"),
            may(concat!($side, ".customer_type"), words!(CustomerType), "kind of customer"),
            may(concat!($side, ".balance_after"), Shape::Amount, "booked balance afterwards"),
            may(concat!($side, ".available_after"), Shape::Amount, "available balance afterwards"),
            may(concat!($side, ".account_class"), words!(AccountClass), "class of the account"),
            may(concat!($side, ".opened_at"), Shape::Time, "when the account was opened"),
            may(concat!($side, ".risk_grade"), words!(RiskGrade), "the bank's grade"),
            may(concat!($side, ".age_years"), Shape::Integer, "holder's age in years"),
            may(concat!($side, ".occupation_class"), Shape::Id, "occupation, as the bank codes it"),
            may(concat!($side, ".income_monthly"), Shape::Amount, "declared monthly income"),
            may(concat!($side, ".id_token"), Shape::Id, "token of the holder's identity document"),
        ]
    };
}

const PAYMENT_HEAD: [Field; 9] = [
    must("event_id", Shape::Id, "unique per change of status"),
    must("payment_id", Shape::Id, "the payment, across its statuses"),
    may("end_to_end_id", Shape::Id, "original end-to-end reference"),
    may("instruction_id", Shape::Id, "original instruction reference"),
    may("uetr", Shape::Id, "unique end-to-end transaction reference"),
    must("status", words!(PaymentStatus), "the status this record reports"),
    must("event_time", Shape::Time, "business time of this status"),
    must("amount", Shape::Amount, "positive"),
    must("currency", Shape::Id, "ISO 4217"),
];

const PAYMENT_TAIL: [Field; 25] = [
    must("payment_type", words!(PaymentType), "how money moves"),
    may("category", words!(Category), "what it is for"),
    may("mcc", Shape::Id, "merchant category code"),
    may("purpose", Shape::Text, "purpose, as given"),
    must("channel", words!(Channel), "where it was ordered"),
    may("terminal_id", Shape::Id, "terminal"),
    within("terminal_geo.lat", Shape::Number, "degrees north"),
    within("terminal_geo.lon", Shape::Number, "degrees east"),
    may("terminal_geo.accuracy_km", Shape::Number, "radius of uncertainty"),
    may("terminal_country", Shape::Country, "country in which the terminal stands"),
    may("device.id", Shape::Id, "device that ordered it"),
    may("device.ip", Shape::Id, "its network address"),
    may("device.bssid", Shape::Id, "its wireless network"),
    within("device.geo.lat", Shape::Number, "degrees north"),
    within("device.geo.lon", Shape::Number, "degrees east"),
    may("device.geo.accuracy_km", Shape::Number, "radius of uncertainty"),
    may("device.country", Shape::Country, "country in which the device was"),
    may("session.id", Shape::Id, "session"),
    may("session.flags", Shape::Flags, "screen_share, remote_control, accessibility_abuse …"),
    may("payee_check.result", words!(PayeeCheck), "outcome of comparing names"),
    may("memo", Shape::Text, "free text"),
    may("hold_deadline", Shape::Time, "until when the payment waits for us"),
    may("source.system", Shape::Id, "system that sent the record"),
    may("source.topic", Shape::Id, "its topic there"),
    may("source.ts", Shape::Time, "its time there"),
];

const PAYER: [Field; 15] = party!("payer");
const PAYEE: [Field; 15] = party!("payee");

const PAYMENT: [Field; 64] = join();

/// Head, both sides and tail as one table.
const fn join() -> [Field; 64] {
    let mut fields = [const { may("", Shape::Id, "") }; 64];
    let parts: [&[Field]; 4] = [&PAYMENT_HEAD, &PAYER, &PAYEE, &PAYMENT_TAIL];
    let (mut at, mut part) = (0, 0);
    while part < parts.len() {
        let mut index = 0;
        while index < parts[part].len() {
            let Field { path, shape, need, doc } = parts[part][index];
            fields[at] = Field { path, shape, need, doc };
            at += 1;
            index += 1;
        }
        part += 1;
    }
    fields
}

const ACCOUNT: [Field; 20] = [
    may("event_id", Shape::Id, "unique per record"),
    must("kind", words!(AccountEventKind), "what happened"),
    must("account", Shape::Id, "account number or token"),
    must("time", Shape::Time, "when"),
    may("customer", Shape::Id, "its customer"),
    may("branch", Shape::Id, "branch that owns it"),
    may("opening_device", Shape::Id, "device used at opening"),
    may("phone_token", Shape::Id, "telephone number bound"),
    may("agent_token", Shape::Id, "agent who opened it"),
    may("employer_token", Shape::Id, "employer in a batch opening"),
    may("reason", words!(OpeningReason), "why it was opened, where that changes what it means"),
    within("geo.lat", Shape::Number, "degrees north, of the branch or device"),
    within("geo.lon", Shape::Number, "degrees east"),
    may("geo.accuracy_km", Shape::Number, "radius of uncertainty"),
    may("customer_type", words!(CustomerType), "kind of customer"),
    may("account_class", words!(AccountClass), "class after the event"),
    may("risk_grade", words!(RiskGrade), "grade after the event"),
    may("limit_before", Shape::Amount, "payment limit before a change; needs `currency`"),
    may("limit_after", Shape::Amount, "payment limit after a change; needs `currency`"),
    may("currency", Shape::Id, "of the limits"),
];

const LIST: [Field; 15] = [
    may("entry_id", Shape::Id, "name of the entry; else subject, category and level name it"),
    must("op", Shape::Words(|| vec!["upsert", "expire"]), "add or replace, or end"),
    must(
        "subject.kind",
        Shape::Words(|| vec!["account", "customer", "device", "phone", "ip"]),
        "kind of subject",
    ),
    must("subject.id", Shape::Id, "its number or token"),
    may("counterparty", Shape::Id, "account or customer on the other side of a pair"),
    must("category", words!(ListCategory), "category"),
    may("level", words!(ListLevel), "how sure a case is, or what `allow` allows"),
    may("valid_from", Shape::Time, "inclusive; absent: since ever"),
    may("valid_to", Shape::Time, "exclusive; absent: for good"),
    may("time", Shape::Time, "when the entry was made; absent: the record's timestamp"),
    may("source", Shape::Id, "who says so"),
    may("legal_basis", Shape::Text, "on what ground"),
    may("purpose", Shape::Id, "what the entry may be used for"),
    may("author", Shape::Id, "who made the entry"),
    may(
        "approver",
        Shape::Id,
        "who agreed to it: what an analyst allows between two parties counts only where this is \
         somebody else than the author",
    ),
];

const CONTROL: [Field; 12] = [
    must("control_id", Shape::Id, "the control"),
    must("account", Shape::Id, "the account it lies on"),
    must(
        "kind",
        Shape::Words(|| Action::WORDS.iter().map(|(word, _)| *word).collect()),
        "what it does",
    ),
    may("mode", Shape::Words(|| vec!["limited", "full"]), "up to an amount, or whole"),
    may("amount", Shape::Amount, "amount of a limited one"),
    may("currency", Shape::Id, "its currency"),
    must("from", Shape::Time, "in force from, inclusive"),
    may("to", Shape::Time, "in force to, exclusive; absent: until released"),
    may("extension_no", Shape::Integer, "number of this extension"),
    may("authority", Shape::Id, "who ordered it"),
    may("released_at", Shape::Time, "when it was released"),
    may("time", Shape::Time, "when this record was true; absent: its timestamp"),
];

const REGISTRY: [Field; 5] = [
    must("enterprise", Shape::Id, "the enterprise: customer token of its accounts"),
    must("status", words!(RegistryStatus), "what the register says"),
    may("as_of", Shape::Time, "since when; absent: since the record's time"),
    may("source", Shape::Id, "which register"),
    may("time", Shape::Time, "when the register was asked; absent: the record's timestamp"),
];

const FEEDBACK: [Field; 9] = [
    may("feedback_id", Shape::Id, "unique per record"),
    may("alert_id", Shape::Id, "the alert"),
    must("stage", words!(FeedbackStage), "how far it has come"),
    may(
        "executed.action",
        Shape::Words(|| Action::WORDS.iter().map(|(word, _)| *word).collect()),
        "the measure that was carried out",
    ),
    may("verdict", words!(Verdict), "what was found out"),
    may("payer", Shape::Id, "the payer's account, from the alert's target"),
    may("payee", Shape::Id, "the payee's account"),
    may("payment_id", Shape::Id, "the payment"),
    may("time", Shape::Time, "when; absent: the record's timestamp"),
];

/// The formats we read.
pub const FORMATS: &[Format] = &[
    Format { name: "payment.v1", doc: "One status of one payment.", fields: &PAYMENT },
    Format { name: "account.v1", doc: "Something happened to an account.", fields: &ACCOUNT },
    Format { name: "list.v1", doc: "A list entry begins, changes or ends.", fields: &LIST },
    Format { name: "control.v1", doc: "A control begins, changes or ends.", fields: &CONTROL },
    Format {
        name: "registry.v1",
        doc: "The register of enterprises says what an enterprise is.",
        fields: &REGISTRY,
    },
    Format {
        name: "feedback.v1",
        doc: "What became of an alert, and what the bank found out.",
        fields: &FEEDBACK,
    },
];

/// The schema of a format.
#[must_use]
pub fn schema(format: &Format) -> Value {
    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format.name,
        "description": format.doc,
        "type": "object",
        "properties": { "schema": { "const": format.name, "description": "name of this format" } },
        "required": ["schema"],
    });
    for field in format.fields {
        insert(&mut root, field.path, field);
    }
    root
}

fn insert(object: &mut Value, path: &str, field: &Field) {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    if field.need == Need::Must || (field.need == Need::Within && rest.is_none()) {
        let required = entry(object, "required", json!([]));
        if let Value::Array(names) = required
            && !names.iter().any(|known| known == name)
        {
            names.push(json!(name));
        }
    }
    let properties = entry(object, "properties", json!({}));
    match rest {
        Some(rest) => insert(entry(properties, name, json!({ "type": "object" })), rest, field),
        None => *entry(properties, name, Value::Null) = leaf(field),
    }
}

fn entry<'a>(object: &'a mut Value, name: &str, default: Value) -> &'a mut Value {
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    object
        .as_object_mut()
        .expect("made an object above if it was none")
        .entry(name)
        .or_insert(default)
}

fn leaf(field: &Field) -> Value {
    let mut leaf = match field.shape {
        Shape::Id => json!({ "type": "string", "maxLength": crate::limits::ID_BYTES_MAX }),
        Shape::Text => json!({ "type": "string" }),
        Shape::Amount => json!({
            "type": ["string", "number"],
            "pattern": r"^-?\d+(\.\d+)?$",
            "examples": ["49700.00"],
        }),
        Shape::Time => json!({
            "type": "string",
            "examples": ["2026-03-05T10:03:10+08:00", "20260305100310"],
        }),
        Shape::Integer => json!({ "type": "integer", "minimum": 0 }),
        Shape::Number => json!({ "type": "number" }),
        Shape::Country => json!({
            "type": "string",
            "pattern": "^[A-Z]{2}$",
            "examples": ["CN"],
        }),
        Shape::Words(words) => json!({ "type": "string", "examples": words() }),
        Shape::Flags => json!({ "type": "array", "items": { "type": "string" } }),
    };
    *entry(&mut leaf, "description", Value::Null) = json!(field.doc);
    leaf
}
