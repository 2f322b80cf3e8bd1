//! The payments of one shard, column by column, oldest first.

use serde::{Deserialize, Serialize};

use super::super::register::{FIRST, Record, Register, SETTLED};
use super::{Column, ImageError, currency_of, take_text};
use crate::model::entity::{Reference, Shard};

/// Payments, one place in every column each, unless the column says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentsImage {
    payers: Column<u64>,
    payees: Column<u64>,
    amounts_minor: Column<i64>,
    /// Three letters each.
    currencies: Column<u8>,
    debits_ms: Column<i64>,
    settled_ms: Column<i64>,
    voids_ms: Column<i64>,
    last_ms: Column<i64>,
    fingerprints: Column<u32>,
    statuses: Column<u8>,
    id_lens: Column<u8>,
    /// By event, the first and the settling one: where its record lies, and how long its id is.
    topics: [Column<u16>; 2],
    partitions: [Column<i32>; 2],
    offsets: [Column<i64>; 2],
    event_lens: [Column<u8>; 2],
    /// 1 where the first event is the settling one: its id is there once.
    is_one_event: Column<u8>,
    /// By payment: its id, that of its first event, that of its settling event.
    ids: Column<u8>,
}

impl PaymentsImage {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.payers.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.payers.is_empty()
    }

    /// Puts other numbers in the place of the topics'.
    ///
    /// # Errors
    /// [`ImageError`], when a topic has no new number.
    pub fn renumber_topics(&mut self, numbers: &[u16]) -> Result<(), ImageError> {
        for (topic, len) in
            self.topics.iter_mut().zip(&self.event_lens).flat_map(|(t, l)| t.0.iter_mut().zip(&l.0))
        {
            if *len > 0 {
                *topic = renumbered(numbers, *topic)?;
            }
        }
        Ok(())
    }

    fn clear(&mut self) {
        let Self {
            payers,
            payees,
            amounts_minor,
            currencies,
            debits_ms,
            settled_ms,
            voids_ms,
            last_ms,
            fingerprints,
            statuses,
            id_lens,
            topics,
            partitions,
            offsets,
            event_lens,
            is_one_event,
            ids,
        } = self;
        [payers, payees].into_iter().for_each(Column::clear);
        let numbers = [amounts_minor, debits_ms, settled_ms, voids_ms, last_ms];
        numbers.into_iter().for_each(Column::clear);
        [currencies, statuses, id_lens, is_one_event, ids].into_iter().for_each(Column::clear);
        fingerprints.clear();
        topics.iter_mut().for_each(Column::clear);
        partitions.iter_mut().for_each(Column::clear);
        offsets.iter_mut().for_each(Column::clear);
        event_lens.iter_mut().for_each(Column::clear);
    }

    pub(super) fn copy(&mut self, register: &Register) {
        self.clear();
        for record in register.records() {
            let Record {
                payer,
                payee,
                amount_minor,
                debit_ms,
                settled_ms,
                void_ms,
                last_ms,
                offsets,
                partitions,
                fingerprint,
                topics,
                event_lens,
                id_len,
                statuses,
                currency,
                // Where the ids lie is the register's to say.
                id_chunk: _,
                event_chunks: _,
                event_starts: _,
                id_start: _,
            } = record;
            self.payers.push(payer.bits());
            self.payees.push(payee.bits());
            self.amounts_minor.push(*amount_minor);
            self.currencies.0.extend_from_slice(currency.code().as_bytes());
            self.debits_ms.push(*debit_ms);
            self.settled_ms.push(*settled_ms);
            self.voids_ms.push(*void_ms);
            self.last_ms.push(*last_ms);
            self.fingerprints.push(*fingerprint);
            self.statuses.push(*statuses);
            self.id_lens.push(*id_len);
            for event in [FIRST, SETTLED] {
                self.topics[event].push(topics[event]);
                self.partitions[event].push(partitions[event]);
                self.offsets[event].push(offsets[event]);
                self.event_lens[event].push(event_lens[event]);
            }
            let one = is_one_event(record);
            self.is_one_event.push(u8::from(one));
            let [id, first, settled] = register.ids_of(record);
            self.ids.0.extend_from_slice(id);
            self.ids.0.extend_from_slice(first);
            self.ids.0.extend_from_slice(if one { &[] } else { settled });
        }
    }

    pub(super) fn restore(&self, shard: Shard, register: &mut Register) -> Result<(), ImageError> {
        const WHAT: &str = "payments";
        let len = self.len();
        let numbers = [&self.amounts_minor, &self.debits_ms, &self.settled_ms, &self.voids_ms];
        let bytes = [&self.statuses, &self.id_lens, &self.is_one_event];
        let fits = self.payees.len() == len
            && self.currencies.len() == 3 * len
            && self.fingerprints.len() == len
            && numbers.into_iter().chain([&self.last_ms]).all(|column| column.len() == len)
            && bytes.into_iter().chain(&self.event_lens).all(|column| column.len() == len)
            && self.topics.iter().all(|column| column.len() == len)
            && self.partitions.iter().all(|column| column.len() == len)
            && self.offsets.iter().all(|column| column.len() == len);
        if !fits {
            return Err(ImageError::Columns(WHAT));
        }
        let mut ids = self.ids.0.as_slice();
        for at in 0..len {
            let fingerprint = self.fingerprints.0[at];
            if fingerprint >> (u32::BITS - crate::limits::SHARD_BITS) != u32::from(shard) {
                return Err(ImageError::Impossible("a payment lies in another shard"));
            }
            let lens = [self.event_lens[FIRST].0[at], self.event_lens[SETTLED].0[at]];
            let one = self.is_one_event.0[at] != 0;
            let id = take_text(&mut ids, usize::from(self.id_lens.0[at]), WHAT)?;
            let first = take_text(&mut ids, usize::from(lens[FIRST]), WHAT)?;
            let settled = match one {
                true if lens[FIRST] == lens[SETTLED] => None,
                true => return Err(ImageError::Columns(WHAT)),
                false => Some(take_text(&mut ids, usize::from(lens[SETTLED]), WHAT)?),
            };
            let both = |columns: &[Column<i64>; 2]| [columns[0].0[at], columns[1].0[at]];
            let record = Record {
                payer: Reference::from_bits(self.payers.0[at]),
                payee: Reference::from_bits(self.payees.0[at]),
                amount_minor: self.amounts_minor.0[at],
                debit_ms: self.debits_ms.0[at],
                settled_ms: self.settled_ms.0[at],
                void_ms: self.voids_ms.0[at],
                last_ms: self.last_ms.0[at],
                offsets: both(&self.offsets),
                partitions: [self.partitions[0].0[at], self.partitions[1].0[at]],
                fingerprint,
                topics: [self.topics[0].0[at], self.topics[1].0[at]],
                event_lens: lens,
                id_len: self.id_lens.0[at],
                statuses: self.statuses.0[at],
                currency: currency_of(&self.currencies.0[3 * at..][..3])?,
                // Where the ids lie is the register's to say.
                id_chunk: 0,
                event_chunks: [0; 2],
                event_starts: [0; 2],
                id_start: 0,
            };
            register.take_back(record, id, first, settled);
        }
        if ids.is_empty() { Ok(()) } else { Err(ImageError::Columns(WHAT)) }
    }
}

/// Whether the first event is the settling one.
fn is_one_event(record: &Record) -> bool {
    let place = |event: usize| {
        (record.event_chunks[event], record.event_starts[event], record.event_lens[event])
    };
    record.event_lens[SETTLED] > 0 && place(FIRST) == place(SETTLED)
}

/// A topic's new number.
pub(in super::super) fn renumbered(numbers: &[u16], topic: u16) -> Result<u16, ImageError> {
    let found = numbers.get(usize::from(topic)).copied();
    found.ok_or(ImageError::Unknown { what: "topic", number: u64::from(topic) })
}
