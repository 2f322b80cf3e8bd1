//! Objects as raw field texts: found once, read by type afterwards, borrowed from the record.

use std::borrow::Cow;

use super::Fault;
use crate::limits;
use crate::model::event::{Batch, Text};
use crate::model::money::{AmountError, Currency, parse_decimal};
use crate::model::reject::RejectReason;

/// Refuses nesting beyond [`limits::JSON_DEPTH_MAX`] before any parser recurses into it.
pub(super) fn check_depth(text: &str) -> Result<(), Fault> {
    // Few openers, wherever they stand, cannot nest deep; almost every record ends here.
    // Summed in bytes, so that it is done many at a time; `[` and `{` differ in one bit.
    let count = |chunk: &[u8]| chunk.iter().map(|b| u8::from(b | 0x20 == b'{')).sum::<u8>();
    let openers: usize = text.as_bytes().chunks(128).map(|c| usize::from(count(c))).sum();
    if openers <= limits::JSON_DEPTH_MAX {
        return Ok(());
    }
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > limits::JSON_DEPTH_MAX {
                    return Err((RejectReason::MalformedJson, "nested too deep".to_owned()));
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

fn malformed(what: &str) -> Fault {
    (RejectReason::MalformedJson, what.to_owned())
}

/// The object iterator stops at the closing brace; what follows must be white space.
fn check_end(text: &str) -> Result<(), Fault> {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) if text.trim_start().starts_with('{') => Ok(()),
        Ok(_) => Err(malformed("not a JSON object")),
        Err(error) => Err(malformed(&format!("line {} column {}", error.line(), error.column()))),
    }
}

/// The fields of an object, by their place in a list of names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a, const N: usize> {
    raw: [Option<&'a str>; N],
    names: &'static [&'static str; N],
    /// Path of the object, with a dot, or empty.
    parent: &'static str,
}

/// One field's raw text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw<'a> {
    raw: &'a str,
    path: &'static str,
    parent: &'static str,
}

impl<'a, const N: usize> Fields<'a, N> {
    /// Finds the named fields of an object.
    pub fn find(
        text: &'a str,
        names: &'static [&'static str; N],
        parent: &'static str,
    ) -> Result<Self, Fault> {
        if !parent.is_empty() && !text.starts_with('{') {
            return Err((RejectReason::WrongType, parent.trim_end_matches('.').to_owned()));
        }
        let mut raw = [None; N];
        let mut last_end = text;
        // Senders keep an order of their own: the next field is likely the next name.
        let mut expected = 0;
        for field in sonic_rs::to_object_iter(text) {
            let broken = |_| {
                let what = if parent.is_empty() { "record" } else { parent.trim_end_matches('.') };
                malformed(&format!("{what}: not a JSON object"))
            };
            let (key, value) = field.map_err(broken)?;
            let Cow::Borrowed(value) = value.as_raw_cow() else {
                return Err(malformed("not a JSON object"));
            };
            last_end = &text[offset_of(text, value) + value.len()..];
            let key: &str = &key;
            let found = (0..N).map(|i| (expected + i) % N).find(|i| names[*i] == key);
            let Some(index) = found else { continue };
            expected = index + 1;
            if raw[index].is_some() {
                let name = names[index];
                return Err(malformed(&format!("{parent}{name} occurs twice")));
            }
            if value != "null" {
                raw[index] = Some(value);
            }
        }
        let rest = last_end.trim_ascii();
        if parent.is_empty() && rest != "}" {
            check_end(text)?;
        }
        Ok(Self { raw, names, parent })
    }

    /// A field that may be absent.
    pub fn get(&self, index: usize) -> Option<Raw<'a>> {
        let raw = self.raw[index]?;
        Some(Raw { raw, path: self.names[index], parent: self.parent })
    }

    /// A field that must be there.
    pub fn need(&self, index: usize) -> Result<Raw<'a>, Fault> {
        let missing = || {
            let path = format!("{}{}", self.parent, self.names[index]);
            (RejectReason::MissingField, path)
        };
        self.get(index).ok_or_else(missing)
    }

    /// An identifier or code: bounded, kept whole, or refused.
    pub fn id(&self, index: usize, batch: &mut Batch) -> Result<Text, Fault> {
        self.get(index).map_or(Ok(Text::NONE), |raw| raw.id(batch))
    }

    /// An identifier that must be there and not be empty.
    pub fn need_id(&self, index: usize, batch: &mut Batch) -> Result<Text, Fault> {
        let raw = self.need(index)?;
        let text = raw.id(batch)?;
        if text.is_none() {
            return Err(raw.fault(RejectReason::MissingField));
        }
        Ok(text)
    }

    /// A free text: cut where it is too long.
    pub fn free_text(&self, index: usize, batch: &mut Batch) -> Result<Text, Fault> {
        let Some(raw) = self.get(index) else { return Ok(Text::NONE) };
        let string = raw.string()?;
        let mut end = string.len().min(limits::TEXT_BYTES_MAX);
        while !string.is_char_boundary(end) {
            end -= 1;
        }
        Ok(batch.push_text(&string[..end]))
    }

    /// A word of a closed set.
    pub fn word<T>(&self, index: usize, parse: fn(&str) -> T) -> Result<Option<T>, Fault> {
        self.get(index).map(|raw| Ok(parse(&raw.string()?))).transpose()
    }

    /// An amount that may be absent; may be zero or negative.
    pub fn amount(&self, index: usize, currency: Currency) -> Result<Option<i64>, Fault> {
        self.get(index).map(|raw| raw.decimal(currency.exponent())).transpose()
    }
}

fn offset_of(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

impl<'a> Raw<'a> {
    /// A fault about this field.
    pub fn fault(&self, reason: RejectReason) -> Fault {
        (reason, format!("{}{}", self.parent, self.path))
    }

    /// The raw JSON text.
    pub fn text(&self) -> &'a str {
        self.raw
    }

    /// A JSON string.
    pub fn string(&self) -> Result<Cow<'a, str>, Fault> {
        let inner = self.raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
        let Some(inner) = inner else { return Err(self.fault(RejectReason::WrongType)) };
        if !inner.contains('\\') {
            return Ok(Cow::Borrowed(inner));
        }
        let unescaped = serde_json::from_str(self.raw).map(Cow::Owned);
        unescaped.map_err(|_| self.fault(RejectReason::MalformedJson))
    }

    fn id(&self, batch: &mut Batch) -> Result<Text, Fault> {
        let string = self.string()?;
        if string.len() > limits::ID_BYTES_MAX {
            return Err(self.fault(RejectReason::TooLong));
        }
        Ok(batch.push_text(&string))
    }

    /// A decimal: a string, or a number's own text; never by way of a float.
    pub fn decimal(&self, exponent: u32) -> Result<i64, Fault> {
        let number = self.raw.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        let text = if number { Cow::Borrowed(self.raw) } else { self.string()? };
        parse_decimal(&text, exponent).map_err(|error| {
            self.fault(match error {
                AmountError::Malformed => RejectReason::BadAmount,
                AmountError::TooManyDigits => RejectReason::TooManyDigits,
                AmountError::Overflow => RejectReason::AmountOverflow,
            })
        })
    }

    /// A whole number, as JSON number or as string.
    pub fn integer(&self, max: i64) -> Result<i64, Fault> {
        let value = self.decimal(0).map_err(|(reason, path)| match reason {
            RejectReason::WrongType => (reason, path),
            _ => (RejectReason::BadValue, path),
        })?;
        let valid = (0..=max).contains(&value);
        if valid { Ok(value) } else { Err(self.fault(RejectReason::BadValue)) }
    }

    /// A currency code.
    pub fn currency(&self) -> Result<Currency, Fault> {
        Currency::parse(&self.string()?).ok_or_else(|| self.fault(RejectReason::BadCurrency))
    }
}
