//! The values of an object's fields, read by type: borrowed from the record wherever possible.

use super::Fault;
use super::scan::{Broken, Found, Kind, Order, Scanner, Shape};
use super::texts::Texts;
use crate::limits;
use crate::model::event::Text;
use crate::model::money::{AmountError, Currency, parse_decimal};
use crate::model::reject::RejectReason;

/// Passes a whole record by `object`, which takes its outermost object.
pub(super) fn whole<'a>(
    text: &'a str,
    object: impl FnOnce(&mut Scanner<'a>) -> Result<(), Broken>,
) -> Result<(), Fault> {
    let mut scanner = Scanner::new(text);
    scanner.peek();
    let passed = object(&mut scanner).and_then(|()| scanner.end());
    passed.map_err(|Broken| Fault::new(RejectReason::MalformedJson, scanner.problem()))
}

/// The fields of an object, by their place in its shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a, 'f, const N: usize> {
    text: &'a str,
    found: &'f Found<N>,
    shape: &'static Shape<N>,
    /// Path of the object, with a dot, or empty.
    parent: &'static str,
}

/// One field's value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw<'a> {
    /// As it is written; of a string what is between the quotes.
    text: &'a str,
    kind: Kind,
    name: &'static str,
    parent: &'static str,
}

/// Finds the fields of an object that is a whole text.
pub(super) fn find<const N: usize>(
    text: &str,
    shape: &'static Shape<N>,
) -> Result<Found<N>, Fault> {
    let mut found = Found::default();
    let mut order = Order::default();
    whole(text, |scanner| scanner.object(shape, &mut order, &mut found, |_, _| Ok(false)))?;
    Ok(found)
}

impl<'a, 'f, const N: usize> Fields<'a, 'f, N> {
    /// The fields of the outermost object of a text.
    #[inline(always)]
    pub fn outer(
        text: &'a str,
        found: &'f Found<N>,
        shape: &'static Shape<N>,
    ) -> Result<Self, Fault> {
        Self { text, found, shape, parent: "" }.once()
    }

    /// The fields of the object that is a field's value; `parent` is the field's path with a dot.
    #[inline(always)]
    pub fn inner(
        text: &'a str,
        value: Raw<'a>,
        found: &'f Found<N>,
        shape: &'static Shape<N>,
        parent: &'static str,
    ) -> Result<Self, Fault> {
        if !value.is_object() {
            return Err(value.fault(RejectReason::WrongType));
        }
        Self { text, found, shape, parent }.once()
    }

    #[inline(always)]
    fn once(self) -> Result<Self, Fault> {
        let Some(index) = self.found.twice else { return Ok(self) };
        let name = self.shape.name(usize::from(index));
        let twice = format!("{}{name} occurs twice", self.parent);
        Err(Fault::new(RejectReason::MalformedJson, twice))
    }

    /// A field that may be absent.
    #[inline(always)]
    pub fn get(&self, index: usize) -> Option<Raw<'a>> {
        let (start, end, kind) = self.found.span(index).parts()?;
        let (name, parent) = (self.shape.name(index), self.parent);
        Some(Raw { text: &self.text[start..end], kind, name, parent })
    }

    /// A field that must be there.
    #[inline(always)]
    pub fn need(&self, index: usize) -> Result<Raw<'a>, Fault> {
        self.get(index).ok_or_else(|| self.missing(index))
    }

    #[cold]
    fn missing(&self, index: usize) -> Fault {
        let path = format!("{}{}", self.parent, self.shape.name(index));
        Fault::new(RejectReason::MissingField, path)
    }

    /// An identifier or code: bounded, kept whole, or refused.
    #[inline(always)]
    pub fn id(&self, index: usize, texts: &mut Texts<'_>) -> Result<Text, Fault> {
        match self.get(index) {
            Some(raw) => raw.id(texts),
            None => Ok(Text::NONE),
        }
    }

    /// An identifier that must be there and not be empty.
    #[inline(always)]
    pub fn need_id(&self, index: usize, texts: &mut Texts<'_>) -> Result<Text, Fault> {
        let text = self.need(index)?.id(texts)?;
        if text.is_none() { Err(self.missing(index)) } else { Ok(text) }
    }

    /// A free text: cut where it is too long.
    #[inline(always)]
    pub fn free_text(&self, index: usize, texts: &mut Texts<'_>) -> Result<Text, Fault> {
        match self.get(index) {
            Some(raw) => raw.free_text(texts),
            None => Ok(Text::NONE),
        }
    }

    /// A word of a closed set.
    #[inline(always)]
    pub fn word<T>(&self, index: usize, parse: fn(&str) -> T) -> Result<Option<T>, Fault> {
        match self.get(index) {
            Some(raw) => raw.read(parse).map(Some),
            None => Ok(None),
        }
    }

    /// An amount that may be absent; may be zero or negative.
    #[inline(always)]
    pub fn amount(&self, index: usize, currency: Currency) -> Result<Option<i64>, Fault> {
        match self.get(index) {
            Some(raw) => raw.decimal(currency.exponent()).map(Some),
            None => Ok(None),
        }
    }
}

impl<'a> Raw<'a> {
    /// A fault about this field.
    #[cold]
    pub fn fault(&self, reason: RejectReason) -> Fault {
        Fault::new(reason, format!("{}{}", self.parent, self.name))
    }

    /// What is written, a string's quotes left out.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        self.kind == Kind::Other && self.text.starts_with('{')
    }

    /// Reads a string by `parse`.
    #[inline(always)]
    pub fn read<T>(&self, parse: impl FnOnce(&str) -> T) -> Result<T, Fault> {
        if self.kind == Kind::Plain {
            return Ok(parse(self.text));
        }
        Ok(parse(&self.unescaped()?))
    }

    #[cold]
    fn unescaped(&self) -> Result<String, Fault> {
        if self.kind == Kind::Other {
            return Err(self.fault(RejectReason::WrongType));
        }
        unescaped(self.text).ok_or_else(|| self.fault(RejectReason::MalformedJson))
    }

    #[inline(always)]
    fn id(&self, texts: &mut Texts<'_>) -> Result<Text, Fault> {
        let text =
            self.read(|text| (text.len() <= limits::ID_BYTES_MAX).then(|| texts.keep(text)))?;
        text.ok_or_else(|| self.fault(RejectReason::TooLong))
    }

    fn free_text(&self, texts: &mut Texts<'_>) -> Result<Text, Fault> {
        self.read(|text| {
            let mut end = text.len().min(limits::TEXT_BYTES_MAX);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            texts.keep(&text[..end])
        })
    }

    /// An array of strings: each is handed over.
    pub fn words(&self, mut each: impl FnMut(&str)) -> Result<(), Fault> {
        let mut all_read = self.kind == Kind::Other;
        let listed = Scanner::new(self.text).strings(|text, escaped| {
            let unescaped = if escaped { unescaped(text) } else { None };
            all_read &= unescaped.is_some() == escaped;
            each(unescaped.as_deref().unwrap_or(text));
        });
        let read = listed.filter(|()| all_read);
        read.ok_or_else(|| self.fault(RejectReason::WrongType))
    }

    /// A decimal: a string, or a number's own text; never by way of a float.
    #[inline(always)]
    pub fn decimal(&self, exponent: u32) -> Result<i64, Fault> {
        let number = matches!(self.text.as_bytes(), [b'-' | b'0'..=b'9', ..]);
        let read = if number && self.kind == Kind::Other {
            parse_decimal(self.text, exponent)
        } else {
            self.read(|text| parse_decimal(text, exponent))?
        };
        read.map_err(|error| {
            self.fault(match error {
                AmountError::Malformed => RejectReason::BadAmount,
                AmountError::TooManyDigits => RejectReason::TooManyDigits,
                AmountError::Overflow => RejectReason::AmountOverflow,
            })
        })
    }

    /// A whole number, as JSON number or as string.
    pub fn integer(&self, max: i64) -> Result<i64, Fault> {
        let value = self.decimal(0).map_err(|fault| match fault.reason() {
            RejectReason::WrongType => fault,
            _ => self.fault(RejectReason::BadValue),
        })?;
        let valid = (0..=max).contains(&value);
        if valid { Ok(value) } else { Err(self.fault(RejectReason::BadValue)) }
    }

    /// A currency code.
    #[inline(always)]
    pub fn currency(&self) -> Result<Currency, Fault> {
        let code = self.read(Currency::parse)?;
        code.ok_or_else(|| self.fault(RejectReason::BadCurrency))
    }
}

/// A string's text, its escapes resolved.
fn unescaped(inside: &str) -> Option<String> {
    serde_json::from_str(&format!("\"{inside}\"")).ok()
}
