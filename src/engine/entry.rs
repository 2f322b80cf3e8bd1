//! A ledger entry: 24 bytes, three words.
//!
//! ```text
//! word 0   time 43 | type and channel 7 | void 1 | foreign 1 | flags 11 | direction 1
//! word 1   amount 48 | counterparty, upper 16
//! word 2   counterparty, lower 32 | fingerprint of the payment id 32
//! ```

use crate::limits;
use crate::model::entity::Reference;
use crate::model::event::{Channel, PaymentType};
use crate::model::time::Millis;
use crate::rules::plan::view::{Direction, flag};

/// One movement, seen from the entity that keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Entry([u64; 3]);

const _: () = assert!(size_of::<Entry>() == 24);

const DIRECTION: u64 = 1;
const FLAGS_SHIFT: u32 = 1;
const FLAGS_MASK: u64 = 0b111_1111_1111;
const FOREIGN: u64 = 1 << 12;
const VOID: u64 = 1 << 13;
/// Number of the type times the number of channels, and the channel's number.
const HOW_SHIFT: u32 = 14;
const HOW_MASK: u64 = 0b111_1111;
const CHANNELS: u64 = Channel::WORDS.len() as u64;
const TIME_SHIFT: u32 = 21;

const _: () = assert!(limits::EVENT_TIME_MS_MAX < 1 << (64 - TIME_SHIFT));
const _: () = assert!(flag::ALL as u64 == FLAGS_MASK);
const _: () = assert!(PaymentType::WORDS.len() as u64 * CHANNELS <= HOW_MASK + 1);

/// What an entry is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Movement {
    pub time_ms: Millis,
    pub direction: Direction,
    /// Bits of [`crate::rules::plan::view::flag`].
    pub flags: u16,
    /// In another currency than the pack's: counted, never summed.
    pub foreign: bool,
    pub payment_type: PaymentType,
    pub channel: Channel,
    pub amount_minor: i64,
    pub counterparty: Reference,
    pub fingerprint: u32,
}

impl Entry {
    pub fn new(m: &Movement) -> Self {
        debug_assert!((0..=limits::EVENT_TIME_MS_MAX).contains(&m.time_ms));
        debug_assert!((0..=limits::AMOUNT_MINOR_MAX).contains(&m.amount_minor));
        let low = m.direction as u64
            | (u64::from(m.flags) & FLAGS_MASK) << FLAGS_SHIFT
            | if m.foreign { FOREIGN } else { 0 }
            | (m.payment_type as u64 * CHANNELS + m.channel as u64) << HOW_SHIFT;
        let counterparty = m.counterparty.bits();
        Self([
            m.time_ms.cast_unsigned() << TIME_SHIFT | low,
            m.amount_minor.cast_unsigned() << 16 | counterparty >> 32,
            counterparty << 32 | u64::from(m.fingerprint),
        ])
    }

    /// Its three words.
    pub fn words(self) -> [u64; 3] {
        self.0
    }

    /// The entry of three words.
    pub fn of_words(words: [u64; 3]) -> Self {
        Self(words)
    }

    pub fn time_ms(self) -> Millis {
        (self.0[0] >> TIME_SHIFT).cast_signed()
    }

    pub fn direction(self) -> Direction {
        if self.0[0] & DIRECTION == 0 { Direction::Credit } else { Direction::Debit }
    }

    pub fn is_debit(self) -> bool {
        self.0[0] & DIRECTION != 0
    }

    pub fn flags(self) -> u16 {
        (self.0[0] >> FLAGS_SHIFT & FLAGS_MASK) as u16
    }

    pub fn is_foreign(self) -> bool {
        self.0[0] & FOREIGN != 0
    }

    /// Bit of the payment's type, by its number.
    pub fn type_bit(self) -> u16 {
        1 << ((self.0[0] >> HOW_SHIFT & HOW_MASK) / CHANNELS)
    }

    /// Bit of the channel, by its number.
    pub fn channel_bit(self) -> u16 {
        1 << ((self.0[0] >> HOW_SHIFT & HOW_MASK) % CHANNELS)
    }

    /// Whether a later status took the payment back; when, the ledger's list of voids says.
    pub fn is_void(self) -> bool {
        self.0[0] & VOID != 0
    }

    pub fn voided(self) -> Self {
        Self([self.0[0] | VOID, self.0[1], self.0[2]])
    }

    /// Minor units; of the pack's currency unless the entry is foreign.
    pub fn amount_minor(self) -> i64 {
        (self.0[1] >> 16).cast_signed()
    }

    /// What counts towards sums: nothing when foreign.
    pub fn summand(self) -> i64 {
        if self.is_foreign() { 0 } else { self.amount_minor() }
    }

    pub fn counterparty(self) -> Reference {
        Reference::from_bits((self.0[1] & 0xffff) << 32 | self.0[2] >> 32)
    }

    pub fn fingerprint(self) -> u32 {
        self.0[2] as u32
    }

    /// Whether it counts for a view of `direction` without entries that have one of `without`.
    pub fn counts_for(self, direction: Direction, without: u16) -> bool {
        self.direction() == direction && self.flags() & without == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_survives_at_its_largest() {
        let movement = Movement {
            time_ms: limits::EVENT_TIME_MS_MAX,
            direction: Direction::Debit,
            flags: 0b110_0001_0101,
            foreign: true,
            payment_type: PaymentType::Internal,
            channel: Channel::Phone,
            amount_minor: limits::AMOUNT_MINOR_MAX,
            counterparty: Reference::from_bits(u64::MAX),
            fingerprint: u32::MAX,
        };
        let entry = Entry::new(&movement).voided();
        assert_eq!(entry.time_ms(), limits::EVENT_TIME_MS_MAX);
        assert_eq!(entry.direction(), Direction::Debit);
        assert_eq!(entry.flags(), 0b110_0001_0101);
        assert!(entry.is_foreign() && entry.is_void());
        assert_eq!(entry.amount_minor(), limits::AMOUNT_MINOR_MAX);
        assert_eq!(entry.summand(), 0);
        assert_eq!(entry.counterparty(), Reference::from_bits(u64::MAX));
        assert_eq!(entry.fingerprint(), u32::MAX);
        assert_eq!(entry.type_bit(), 1 << PaymentType::Internal as u16);
        assert_eq!(entry.channel_bit(), 1 << Channel::Phone as u16);
    }
}
