//! Column mappings: which column of a foreign CSV holds which field of `payment.v1`, and how it is
//! read.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::model::time::Millis;
use crate::source::SourceError;
use crate::wire::decode::time::Clock;

/// Keys of a mapping, with the object (a dot leads into one inside another) and the field of
/// `payment.v1` they fill.
pub(super) const FIELDS: &[(&str, &str, &str)] = &[
    ("event_id", "", "event_id"),
    ("payment_id", "", "payment_id"),
    ("end_to_end_id", "", "end_to_end_id"),
    ("instruction_id", "", "instruction_id"),
    ("uetr", "", "uetr"),
    ("status", "", "status"),
    ("time", "", "event_time"),
    ("amount", "", "amount"),
    ("currency", "", "currency"),
    ("payment_type", "", "payment_type"),
    ("channel", "", "channel"),
    ("category", "", "category"),
    ("mcc", "", "mcc"),
    ("purpose", "", "purpose"),
    ("terminal_id", "", "terminal_id"),
    ("terminal_country", "", "terminal_country"),
    ("memo", "", "memo"),
    ("hold_deadline", "", "hold_deadline"),
    ("device", "device", "id"),
    ("device_ip", "device", "ip"),
    ("device_bssid", "device", "bssid"),
    ("device_country", "device", "country"),
    ("device_geo_lat", "device.geo", "lat"),
    ("device_geo_lon", "device.geo", "lon"),
    ("device_geo_accuracy_km", "device.geo", "accuracy_km"),
    ("session_id", "session", "id"),
    ("session_flags", "session", "flags"),
    ("payee_check_result", "payee_check", "result"),
    ("payer", "payer", "account"),
    ("payer_bank", "payer", "bank"),
    ("payer_name", "payer", "name"),
    ("payer_customer", "payer", "customer"),
    ("payer_id_token", "payer", "id_token"),
    ("payer_customer_type", "payer", "customer_type"),
    ("payer_account_class", "payer", "account_class"),
    ("payer_opened_at", "payer", "opened_at"),
    ("payer_balance_after", "payer", "balance_after"),
    ("payer_available_after", "payer", "available_after"),
    ("payer_risk_grade", "payer", "risk_grade"),
    ("payer_age_years", "payer", "age_years"),
    ("payer_occupation_class", "payer", "occupation_class"),
    ("payer_income_monthly", "payer", "income_monthly"),
    ("payee", "payee", "account"),
    ("payee_bank", "payee", "bank"),
    ("payee_name", "payee", "name"),
    ("payee_customer", "payee", "customer"),
    ("payee_id_token", "payee", "id_token"),
    ("payee_customer_type", "payee", "customer_type"),
    ("payee_account_class", "payee", "account_class"),
    ("payee_opened_at", "payee", "opened_at"),
    ("payee_balance_after", "payee", "balance_after"),
    ("payee_available_after", "payee", "available_after"),
    ("payee_risk_grade", "payee", "risk_grade"),
    ("payee_age_years", "payee", "age_years"),
    ("payee_occupation_class", "payee", "occupation_class"),
    ("payee_income_monthly", "payee", "income_monthly"),
    ("payer_acct_scheme", "payer", "acct_scheme"),
    ("payee_acct_scheme", "payee", "acct_scheme"),
    ("terminal_geo_lat", "terminal_geo", "lat"),
    ("terminal_geo_lon", "terminal_geo", "lon"),
    ("terminal_geo_accuracy_km", "terminal_geo", "accuracy_km"),
    ("source_system", "source", "system"),
    ("source_topic", "source", "topic"),
    ("source_ts", "source", "ts"),
];

/// Number of a key in [`FIELDS`]; also by its name in `payment.v1` with dots as underscores.
pub(super) fn field(key: &str) -> Option<usize> {
    FIELDS.iter().position(|(name, object, field)| {
        *name == key
            || (object.is_empty() && *field == key)
            || key == format!("{}_{field}", object.replace('.', "_"))
    })
}

/// How a time column is read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TimeKind {
    Rfc3339,
    EpochMs,
    Pattern(String),
    /// Numbers of steps from a moment.
    Count {
        from_ms: Millis,
        step_ms: Millis,
    },
}

/// How one column is read.
#[derive(Clone, Debug)]
pub(super) struct ColumnRule {
    pub field: usize,
    pub column: String,
    /// Decimal factor: digits and how many of them are after the point.
    pub scale: Option<(i128, u32)>,
    pub map: BTreeMap<String, String>,
    pub default: Option<String>,
}

/// Ground truth in the file itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelRule {
    pub column: String,
    #[serde(rename = "true")]
    pub yes: String,
    pub pattern: Option<String>,
    pub kinds: Option<KindsRule>,
}

/// A file that names the kind of each pattern; may be absent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KindsRule {
    pub file: String,
    pub key: String,
    pub kind: String,
}

/// Rows that are read; others are skipped and counted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeepRule {
    pub column: String,
    #[serde(rename = "in")]
    pub values: Vec<String>,
}

/// A column mapping.
#[derive(Clone, Debug)]
pub struct Columns {
    pub(super) rules: Vec<ColumnRule>,
    pub(super) time: TimeKind,
    /// Times are this coarse: their rows are spread evenly inside it, in file order.
    pub(super) step_ms: Option<Millis>,
    pub(super) keep: Option<KeepRule>,
    pub(super) constants: Vec<(usize, String)>,
    pub(super) label: Option<LabelRule>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Name(String),
    Table(EntryTable),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryTable {
    column: String,
    scale: Option<String>,
    kind: Option<String>,
    step: Option<String>,
    from: Option<String>,
    #[serde(default)]
    map: BTreeMap<String, String>,
    default: Option<String>,
}

impl Columns {
    /// A mapping that ships with the product.
    #[must_use]
    pub fn builtin(name: &str) -> Option<Self> {
        let text = match name {
            "amlsim" => include_str!("../../../columns/amlsim.toml"),
            _ => return None,
        };
        // Held by a test: shipped mappings are right.
        Self::load(text, name).ok()
    }

    /// Reads a mapping; `name` is for errors.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn load(text: &str, name: &str) -> Result<Self, SourceError> {
        let fail = |span: Option<Range<usize>>, problem: String| {
            let place = span.map(|span| {
                let before = &text[..span.start.min(text.len())];
                let line = before.matches('\n').count() + 1;
                let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
                format!("line {line}, column {column}: ")
            });
            SourceError::Mapping {
                path: name.to_owned(),
                problem: format!("{}{problem}", place.unwrap_or_default()),
            }
        };
        let entries: BTreeMap<Spanned<String>, Spanned<toml::Value>> =
            toml::from_str(text).map_err(|error| fail(error.span(), error.message().to_owned()))?;
        let mut columns = Self {
            rules: Vec::new(),
            time: TimeKind::Rfc3339,
            step_ms: None,
            keep: None,
            constants: Vec::new(),
            label: None,
        };
        for (key, value) in entries {
            let span = value.span();
            let put = columns.put(key.get_ref(), value.into_inner());
            put.map_err(|problem| fail(Some(span), format!("{}: {problem}", key.get_ref())))?;
        }
        for (needed, _, _) in
            FIELDS.iter().filter(|(k, _, _)| ["payer", "payee", "amount", "time"].contains(k))
        {
            let known = |f: usize| FIELDS[f].0 == *needed;
            let given = columns.rules.iter().any(|r| known(r.field))
                || columns.constants.iter().any(|(f, _)| known(*f));
            if !given {
                return Err(fail(None, format!("nothing says where {needed:?} comes from")));
            }
        }
        Ok(columns)
    }

    /// The mapping of a CSV whose columns carry the fields' own names.
    pub(super) fn native(header: &[String]) -> Self {
        let rule = |name: &String| {
            let field = field(name)?;
            let column = name.clone();
            Some(ColumnRule { field, column, scale: None, map: BTreeMap::new(), default: None })
        };
        Self {
            rules: header.iter().filter_map(rule).collect(),
            time: TimeKind::Rfc3339,
            step_ms: None,
            keep: None,
            constants: Vec::new(),
            label: None,
        }
    }

    fn put(&mut self, key: &str, value: toml::Value) -> Result<(), String> {
        let shape = |error: toml::de::Error| error.message().to_owned();
        match key {
            "keep" => self.keep = Some(value.try_into().map_err(shape)?),
            "label" => self.label = Some(value.try_into().map_err(shape)?),
            "constants" => {
                let constants: BTreeMap<String, String> = value.try_into().map_err(shape)?;
                for (name, constant) in constants {
                    let field = field(&name).ok_or_else(|| unknown(&name))?;
                    self.constants.push((field, constant));
                }
            }
            _ => {
                let field = field(key).ok_or_else(|| unknown(key))?;
                let table = match value.try_into().map_err(|_| {
                    "a column's name, or a table with column, scale, kind, step, from, map, default"
                        .to_owned()
                })? {
                    Entry::Name(column) => EntryTable { column, ..EntryTable::default() },
                    Entry::Table(table) => table,
                };
                self.put_column(field, table)?;
            }
        }
        Ok(())
    }

    fn put_column(&mut self, field: usize, table: EntryTable) -> Result<(), String> {
        let is_time = FIELDS[field].0 == "time";
        if !is_time && (table.kind.is_some() || table.step.is_some() || table.from.is_some()) {
            return Err("kind, step and from belong to time".to_owned());
        }
        let duration = |text: &String| -> Result<Millis, String> {
            let span: jiff::SignedDuration =
                text.parse().map_err(|error: jiff::Error| error.to_string())?;
            let ms = i64::try_from(span.as_millis()).unwrap_or(0);
            if ms > 0 { Ok(ms) } else { Err("a step is longer than nothing".to_owned()) }
        };
        if is_time {
            let step_ms = table.step.as_ref().map(days_or_duration(duration)).transpose()?;
            self.time = match table.kind.as_deref() {
                None | Some("rfc3339") => TimeKind::Rfc3339,
                Some("epoch_ms") => TimeKind::EpochMs,
                Some("count") => {
                    let from = table.from.as_deref().ok_or("kind \"count\" needs from")?;
                    let from_ms =
                        Clock::new(TimeZone::UTC).parse(from).ok_or("from is not a time")?;
                    TimeKind::Count {
                        from_ms,
                        step_ms: step_ms.ok_or("kind \"count\" needs step")?,
                    }
                }
                Some(pattern) if pattern.contains('%') => TimeKind::Pattern(pattern.to_owned()),
                Some(other) => {
                    return Err(format!(
                        "kind {other:?} is none of rfc3339, epoch_ms, count, or a pattern with %"
                    ));
                }
            };
            self.step_ms = step_ms;
        }
        let scale = table.scale.as_deref().map(decimal_factor).transpose()?;
        if scale.is_some()
            && ![
                "amount",
                "payer_balance_after",
                "payee_balance_after",
                "payer_available_after",
                "payee_available_after",
                "payer_income_monthly",
                "payee_income_monthly",
            ]
            .contains(&FIELDS[field].0)
        {
            return Err("scale belongs to amounts".to_owned());
        }
        self.rules.push(ColumnRule {
            field,
            column: table.column,
            scale,
            map: table.map,
            default: table.default,
        });
        Ok(())
    }
}

/// `1d` is a day of 24 hours; everything else is as jiff reads durations.
fn days_or_duration(
    duration: impl Fn(&String) -> Result<Millis, String>,
) -> impl Fn(&String) -> Result<Millis, String> {
    move |text| match text.strip_suffix('d').and_then(|days| days.parse::<i64>().ok()) {
        Some(days) if days > 0 => Ok(days * crate::model::time::DAY),
        _ => duration(text),
    }
}

fn decimal_factor(text: &str) -> Result<(i128, u32), String> {
    let wrong = || format!("scale {text:?} is not a positive decimal number");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{fraction}");
    let valid = digits.len() <= 18 && digits.bytes().all(|b| b.is_ascii_digit());
    let factor: i128 = if valid { digits.parse().map_err(|_| wrong())? } else { 0 };
    if factor == 0 { Err(wrong()) } else { Ok((factor, fraction.len() as u32)) }
}

fn unknown(key: &str) -> String {
    let near = nearest(key, FIELDS.iter().map(|(name, _, _)| *name));
    format!("no such field{}", near.map(|n| format!("; did you mean {n:?}?")).unwrap_or_default())
}

/// The candidate that differs least, if it is near enough to be meant.
pub(super) fn nearest<'a>(word: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |other: &str| {
        let b: Vec<char> = other.chars().collect();
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, ca) in word.chars().enumerate() {
            let mut diagonal = row[0];
            row[0] = i + 1;
            for (j, cb) in b.iter().enumerate() {
                let swap = diagonal + usize::from(ca != *cb);
                diagonal = row[j + 1];
                row[j + 1] = swap.min(row[j] + 1).min(diagonal + 1);
            }
        }
        row[b.len()]
    };
    let best = among.map(|other| (distance(other), other)).min();
    best.filter(|(d, other)| *d <= 1 + other.len() / 4).map(|(_, other)| other)
}
