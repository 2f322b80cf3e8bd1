//! Rejects: records that could not become events, with a typed reason.

use crate::model::event::Position;
use crate::model::time::Millis;

/// Why a record was rejected. The word is what the rejects topic and the metric's label say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum RejectReason {
    /// No bytes at all.
    Empty,
    /// More bytes than [`crate::limits::RECORD_BYTES_MAX`].
    TooLarge,
    /// Not UTF-8.
    NotUtf8,
    /// Not JSON, or not an object, or nested too deep.
    MalformedJson,
    /// A row with another number of columns than its header, or broken quoting.
    MalformedRow,
    /// `schema` names no format of this version.
    UnknownSchema,
    /// A required field is absent or empty.
    MissingField,
    /// A field has the wrong JSON type.
    WrongType,
    /// A text is longer than its field allows.
    TooLong,
    /// Not a decimal amount.
    BadAmount,
    /// Zero or negative where an amount must be positive.
    NonPositiveAmount,
    /// More fraction digits than the currency has.
    TooManyDigits,
    /// Larger than [`crate::limits::AMOUNT_MINOR_MAX`].
    AmountOverflow,
    /// Not a currency code.
    BadCurrency,
    /// Not a time of an accepted form, or out of range.
    BadTime,
    /// Another value that its field cannot hold.
    BadValue,
    /// Older than the ledger's retention.
    TooLate,
    /// Later than its record's timestamp plus the allowed skew.
    FromTheFuture,
    /// A known payment id with another payer, payee or amount.
    Contradiction,
}

impl RejectReason {
    /// Every reason with its word, in order.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("empty", Self::Empty),
        ("too_large", Self::TooLarge),
        ("not_utf8", Self::NotUtf8),
        ("malformed_json", Self::MalformedJson),
        ("malformed_row", Self::MalformedRow),
        ("unknown_schema", Self::UnknownSchema),
        ("missing_field", Self::MissingField),
        ("wrong_type", Self::WrongType),
        ("too_long", Self::TooLong),
        ("bad_amount", Self::BadAmount),
        ("non_positive_amount", Self::NonPositiveAmount),
        ("too_many_digits", Self::TooManyDigits),
        ("amount_overflow", Self::AmountOverflow),
        ("bad_currency", Self::BadCurrency),
        ("bad_time", Self::BadTime),
        ("bad_value", Self::BadValue),
        ("too_late", Self::TooLate),
        ("from_the_future", Self::FromTheFuture),
        ("contradiction", Self::Contradiction),
    ];

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }
}

/// A rejected record, without its bytes: the source still holds those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Where the record lies.
    pub position: Position,
    /// Its own timestamp.
    pub record_time_ms: Millis,
    /// Why.
    pub reason: RejectReason,
    /// What exactly: the field's path, or the parser's words. Never a value from the record.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_in_order() {
        for (index, (word, reason)) in RejectReason::WORDS.iter().enumerate() {
            assert_eq!(*reason as usize, index);
            assert_eq!(reason.word(), *word);
        }
    }
}
