//! The register of payments, one part per shard of payment ids: joins the status events of one
//! payment, tells duplicates and contradictions by comparing whole ids, and names events for
//! evidence.

use std::collections::VecDeque;

use super::index::Index;
use super::queue::Queue;
use crate::limits;
use crate::model::entity::Reference;
use crate::model::event::{PaymentStatus, Position};
use crate::model::money::{Currency, Money};
use crate::model::time::Millis;

/// "Has not happened" in a time field.
const NEVER: Millis = Millis::MAX;
/// Record numbers are counted modulo this: an index cell has no room for the last 32-bit one.
const NUMBERS: u32 = 1 << 31;
/// Bytes of one chunk of ids.
const CHUNK_BYTES: usize = 8 * 1_024;

/// One status event, as the register sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct StatusEvent<'a> {
    pub payment_id: &'a str,
    pub event_id: &'a str,
    pub fingerprint: u32,
    pub status: PaymentStatus,
    pub time_ms: Millis,
    pub payer: Reference,
    pub payee: Reference,
    pub amount: Money,
    pub position: Position,
    /// Later than is allowed: the payment's first event is not looked for any more.
    pub late: bool,
}

/// What a ledger has to do for a status event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum EntryAction {
    #[default]
    None,
    /// A new entry; already taken back at `void_ms`, if that is known.
    Insert { time_ms: Millis, void_ms: Option<Millis> },
    /// The entry belongs earlier than was known.
    Move { from_ms: Millis, to_ms: Millis },
    /// The entry of this time is taken back.
    Void { time_ms: Millis, void_ms: Millis },
}

/// What a status event means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Scored.
    #[default]
    Scored,
    /// A known status once more.
    Duplicate,
    /// A known id with other parties or amount.
    Contradiction,
}

/// What follows from a status event.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Transition {
    pub outcome: Outcome,
    /// For the payer's, the payer's customer's and the device's ledger.
    pub debit: EntryAction,
    /// For the payee's and the payee's customer's ledger.
    pub credit: EntryAction,
    /// Where the debit entry stands afterwards.
    pub debit_ms: Millis,
    /// The payment's first event.
    pub pre: bool,
    /// The event that settles it.
    pub post: bool,
    /// Another event was taken for the payment's first until now.
    pub leads: bool,
}

impl Transition {
    /// Whether a ledger, or which event is the payment's first, is another afterwards.
    pub fn changes(&self) -> bool {
        self.leads || self.debit != EntryAction::None || self.credit != EntryAction::None
    }

    /// When the payment was ordered by what was known before, where it turns out to have begun
    /// earlier.
    pub fn not_ordered_ms(&self) -> Option<Millis> {
        match self.debit {
            EntryAction::Move { from_ms: time_ms, .. } | EntryAction::Void { time_ms, .. } => {
                self.leads.then_some(time_ms)
            }
            EntryAction::None | EntryAction::Insert { .. } => None,
        }
    }
}

/// Places in the arrays of a [`Record`].
pub(super) const FIRST: usize = 0;
/// See [`FIRST`].
pub(super) const SETTLED: usize = 1;

/// One payment. The fields are in order of size, so that none of it is padding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub payer: Reference,
    pub payee: Reference,
    pub amount_minor: i64,
    /// Earliest status that was not a voiding one.
    pub debit_ms: Millis,
    pub settled_ms: Millis,
    pub void_ms: Millis,
    /// Latest status: the record lives by it.
    pub last_ms: Millis,
    /// Where the first and the settling event lie: offset, partition, topic.
    pub offsets: [i64; 2],
    pub partitions: [i32; 2],
    pub fingerprint: u32,
    /// Number of the chunk of its payment id.
    pub id_chunk: u32,
    /// Chunk of each event's id: an id may arrive long after the record was made.
    pub event_chunks: [u32; 2],
    pub topics: [u16; 2],
    /// Where in its chunk each event's id begins.
    pub event_starts: [u16; 2],
    pub id_start: u16,
    /// Length of each event's id; 0: there was no such event.
    pub event_lens: [u8; 2],
    pub id_len: u8,
    /// Bit of each status seen.
    pub statuses: u8,
    pub currency: Currency,
}

const _: () = assert!(size_of::<Record>() == 120);

impl Record {
    fn amount(&self) -> Money {
        Money { minor: self.amount_minor, currency: self.currency }
    }
}

/// The payments of one shard.
#[derive(Clone, Debug, Default)]
pub(super) struct Register {
    /// Record numbers by fingerprint; the whole id decides.
    numbers: Index,
    records: Queue<Record>,
    /// Number of the first record in `records`, modulo [`NUMBERS`].
    base: u32,
    /// Ids, end to end.
    chunks: VecDeque<Vec<u8>>,
    /// Number of the first chunk.
    chunk_base: u32,
}

/// What the index knows a fingerprint by: the bits that are alike in a shard come last.
fn tag(fingerprint: u32) -> u32 {
    fingerprint.rotate_left(limits::SHARD_BITS)
}

fn is_voiding(status: PaymentStatus) -> bool {
    use PaymentStatus::{Cancelled, Rejected, Returned, Reversed};
    matches!(status, Rejected | Cancelled | Returned | Reversed)
}

impl Register {
    /// Takes a status event. A record whose last status is at or before `horizon_ms` counts as
    /// gone.
    pub fn observe(&mut self, event: &StatusEvent<'_>, horizon_ms: Millis) -> Transition {
        match self.find(event.payment_id, event.fingerprint) {
            Some(number) if self.record(number).last_ms > horizon_ms => self.advance(number, event),
            Some(number) => {
                self.numbers.remove(tag(event.fingerprint), number);
                self.begin(event)
            }
            None => self.begin(event),
        }
    }

    /// What a status event that has been taken means, as far as is known by now.
    pub fn look_up(&self, event: &StatusEvent<'_>) -> Transition {
        let Some(number) = self.find(event.payment_id, event.fingerprint) else {
            return Transition::default();
        };
        let record = self.record(number);
        let is = |which: usize| {
            let at = (record.topics[which], record.partitions[which], record.offsets[which]);
            let position = event.position;
            at == (position.topic, position.partition, position.offset)
        };
        Transition {
            debit_ms: record.debit_ms,
            pre: !is_voiding(event.status) && is(FIRST),
            post: event.status == PaymentStatus::Settled && is(SETTLED),
            ..Transition::default()
        }
    }

    /// What a payment that was `judged` before looks like now: its debit may have been found to
    /// belong earlier.
    pub fn recall(
        &self,
        event: &StatusEvent<'_>,
        horizon_ms: Millis,
        judged: Transition,
    ) -> Transition {
        let number = self.find(event.payment_id, event.fingerprint);
        let record = number.map(|number| self.record(number));
        let debit_ms = record.filter(|r| r.last_ms > horizon_ms).map(|r| r.debit_ms);
        Transition { debit_ms: debit_ms.unwrap_or(judged.debit_ms), ..judged }
    }

    /// The id, position, payer and payee of the event behind a ledger entry: the settling one for a
    /// credit, else the first. `parties` tells whether payer and payee are those of the entry.
    pub fn event_of(
        &self,
        fingerprint: u32,
        amount_minor: i64,
        credit: bool,
        parties: impl Fn(Reference, Reference) -> bool,
    ) -> Option<(&str, Position, [Reference; 2])> {
        let number = self.numbers.find(tag(fingerprint), |n| {
            let record = self.record(n);
            record.fingerprint == fingerprint
                && record.amount_minor == amount_minor
                && parties(record.payer, record.payee)
        })?;
        let record = self.record(number);
        let event = usize::from(credit && record.event_lens[SETTLED] > 0);
        let position = Position {
            topic: record.topics[event],
            partition: record.partitions[event],
            offset: record.offsets[event],
        };
        let (chunk, start) = (record.event_chunks[event], record.event_starts[event]);
        let id = self.id(chunk, start, record.event_lens[event]);
        Some((id, position, [record.payer, record.payee]))
    }

    /// Lets go of records whose last status is at or before `horizon_ms`.
    pub fn evict(&mut self, horizon_ms: Millis) {
        while self.records.front().is_some_and(|r| r.last_ms <= horizon_ms) {
            let number = self.base;
            if let Some(record) = self.records.pop_front() {
                self.numbers.remove(tag(record.fingerprint), number);
            }
            self.base = (self.base + 1) % NUMBERS;
            let needed = self.records.front().map_or(self.last_chunk(), |r| r.id_chunk);
            // Chunk numbers of later records are never lower, so what lies before is unused.
            while self.chunk_base != needed && !self.chunks.is_empty() {
                self.chunks.pop_front();
                self.chunk_base = self.chunk_base.wrapping_add(1);
            }
        }
    }

    /// Every record, oldest first.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        (0..self.records.len()).map(|place| self.records.get(place))
    }

    /// A record's payment id, and the ids of its first and settling event.
    pub fn ids_of(&self, record: &Record) -> [&[u8]; 3] {
        let event =
            |at: usize| (record.event_chunks[at], record.event_starts[at], record.event_lens[at]);
        let id = (record.id_chunk, record.id_start, record.id_len);
        [id, event(FIRST), event(SETTLED)]
            .map(|(chunk, start, len)| self.id(chunk, start, len).as_bytes())
    }

    /// Adds a record at the end; `settled` is `None` where the first event is the settling one. Of
    /// two with one id the later one counts, as it did before.
    pub fn take_back(&mut self, mut record: Record, id: &str, first: &str, settled: Option<&str>) {
        if let Some(number) = self.find(id, record.fingerprint) {
            self.numbers.remove(tag(record.fingerprint), number);
        }
        (record.id_chunk, record.id_start) = self.keep(id);
        record.event_chunks = [record.id_chunk; 2];
        if !first.is_empty() {
            (record.event_chunks[FIRST], record.event_starts[FIRST]) = self.keep(first);
        }
        match settled {
            None => {
                record.event_chunks[SETTLED] = record.event_chunks[FIRST];
                record.event_starts[SETTLED] = record.event_starts[FIRST];
            }
            Some("") => {}
            Some(id) => {
                (record.event_chunks[SETTLED], record.event_starts[SETTLED]) = self.keep(id);
            }
        }
        self.add(record);
    }

    /// Asks for the line that tells where a payment is.
    pub fn prefetch(&self, fingerprint: u32) {
        self.numbers.prefetch(tag(fingerprint));
    }

    /// Payments remembered.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.numbers.bytes()
            + self.records.bytes()
            + self.chunks.iter().map(Vec::capacity).sum::<usize>()
    }

    fn begin(&mut self, event: &StatusEvent<'_>) -> Transition {
        let (id_chunk, id_start) = self.keep(event.payment_id);
        let voiding = is_voiding(event.status);
        let settled = event.status == PaymentStatus::Settled;
        let time = event.time_ms;
        let mut record = Record {
            payer: event.payer,
            payee: event.payee,
            amount_minor: event.amount.minor,
            currency: event.amount.currency,
            debit_ms: if voiding { NEVER } else { time },
            settled_ms: if settled { time } else { NEVER },
            void_ms: if voiding { time } else { NEVER },
            last_ms: time,
            fingerprint: event.fingerprint,
            id_chunk,
            id_start,
            id_len: event.payment_id.len() as u8,
            statuses: 1 << event.status as u8,
            offsets: [0; 2],
            partitions: [0; 2],
            event_chunks: [id_chunk; 2],
            topics: [0; 2],
            event_starts: [0; 2],
            event_lens: [0; 2],
        };
        self.name(&mut record, event, true, settled);
        self.add(record);
        let insert = EntryAction::Insert { time_ms: time, void_ms: None };
        Transition {
            outcome: Outcome::Scored,
            debit: if voiding { EntryAction::None } else { insert },
            credit: if settled { insert } else { EntryAction::None },
            debit_ms: time,
            pre: !voiding,
            post: settled,
            leads: false,
        }
    }

    fn add(&mut self, record: Record) {
        let number = (self.base + self.records.len() as u32) % NUMBERS;
        self.records.push_back(record);
        self.numbers.insert(tag(record.fingerprint), number);
    }

    fn advance(&mut self, number: u32, event: &StatusEvent<'_>) -> Transition {
        let mut record = *self.record(number);
        let facts = (record.payer, record.payee, record.amount());
        if facts != (event.payer, event.payee, event.amount) {
            return Transition { outcome: Outcome::Contradiction, ..Transition::default() };
        }
        let bit = 1 << event.status as u8;
        if record.statuses & bit != 0 {
            return Transition { outcome: Outcome::Duplicate, ..Transition::default() };
        }
        record.statuses |= bit;
        record.last_ms = record.last_ms.max(event.time_ms);
        let time = event.time_ms;
        let leads = !event.late && time < record.debit_ms.min(record.void_ms);
        let known_void = (record.void_ms != NEVER).then_some(record.void_ms);
        let mut transition = Transition::default();
        if is_voiding(event.status) {
            if time < record.void_ms {
                record.void_ms = time;
                let void = |at: Millis| match at {
                    NEVER => EntryAction::None,
                    time_ms => EntryAction::Void { time_ms, void_ms: time },
                };
                transition.debit = void(record.debit_ms);
                transition.credit = void(record.settled_ms);
            }
        } else {
            if record.debit_ms == NEVER {
                transition.debit = EntryAction::Insert { time_ms: time, void_ms: known_void };
            } else if time < record.debit_ms {
                transition.debit = EntryAction::Move { from_ms: record.debit_ms, to_ms: time };
            }
            record.debit_ms = record.debit_ms.min(time);
            if event.status == PaymentStatus::Settled {
                record.settled_ms = time;
                transition.credit = EntryAction::Insert { time_ms: time, void_ms: known_void };
                transition.post = true;
            }
        }
        transition.debit_ms = record.debit_ms;
        transition.leads = leads;
        transition.pre = leads && !is_voiding(event.status);
        self.name(&mut record, event, leads, event.status == PaymentStatus::Settled);
        let at = self.place(number);
        *self.records.get_mut(at) = record;
        transition
    }

    /// Notes the event's id where evidence will look for it.
    fn name(&mut self, record: &mut Record, event: &StatusEvent<'_>, first: bool, settled: bool) {
        if !first && !settled {
            return;
        }
        let (chunk, start) = self.keep(event.event_id);
        for (at, wanted) in [(FIRST, first), (SETTLED, settled)] {
            if wanted {
                record.event_chunks[at] = chunk;
                record.event_starts[at] = start;
                record.event_lens[at] = event.event_id.len() as u8;
                record.topics[at] = event.position.topic;
                record.partitions[at] = event.position.partition;
                record.offsets[at] = event.position.offset;
            }
        }
    }

    fn find(&self, payment_id: &str, fingerprint: u32) -> Option<u32> {
        self.numbers.find(tag(fingerprint), |number| {
            let record = self.record(number);
            record.fingerprint == fingerprint
                && self.id(record.id_chunk, record.id_start, record.id_len) == payment_id
        })
    }

    fn record(&self, number: u32) -> &Record {
        self.records.get(self.place(number))
    }

    fn place(&self, number: u32) -> usize {
        (number.wrapping_sub(self.base) % NUMBERS) as usize
    }

    fn last_chunk(&self) -> u32 {
        self.chunk_base.wrapping_add((self.chunks.len() as u32).saturating_sub(1))
    }

    fn keep(&mut self, id: &str) -> (u32, u16) {
        let full = self.chunks.back().is_none_or(|c| c.len() + id.len() > CHUNK_BYTES);
        if full {
            self.chunks.push_back(Vec::new());
        }
        let chunk = self.last_chunk();
        let bytes = &mut self.chunks[chunk.wrapping_sub(self.chunk_base) as usize];
        let start = bytes.len() as u16;
        bytes.extend_from_slice(id.as_bytes());
        (chunk, start)
    }

    fn id(&self, chunk: u32, start: u16, len: u8) -> &str {
        let chunk = &self.chunks[chunk.wrapping_sub(self.chunk_base) as usize];
        let bytes = &chunk[usize::from(start)..usize::from(start) + usize::from(len)];
        // Only whole texts are kept, so this cannot fail; an empty id would be seen as another
        // payment.
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

const _: () = assert!(CHUNK_BYTES + limits::ID_BYTES_MAX < u16::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::Currency;

    fn event(id: &'static str, status: PaymentStatus, time_ms: Millis) -> StatusEvent<'static> {
        StatusEvent {
            payment_id: id,
            event_id: "e",
            fingerprint: 7,
            status,
            time_ms,
            payer: Reference::from_bits(1),
            payee: Reference::from_bits(2),
            amount: Money { minor: 100, currency: Currency::CNY },
            position: Position::default(),
            late: false,
        }
    }

    #[test]
    fn ids_with_one_fingerprint_are_different_payments() {
        let mut register = Register::default();
        for id in ["a", "b", "c"] {
            let t = register.observe(&event(id, PaymentStatus::Settled, 10), 0);
            assert_eq!(t.outcome, Outcome::Scored);
        }
        let again = register.observe(&event("b", PaymentStatus::Settled, 11), 0);
        assert_eq!(again.outcome, Outcome::Duplicate);
        let mut other = event("c", PaymentStatus::Returned, 12);
        other.amount.minor = 101;
        assert_eq!(register.observe(&other, 0).outcome, Outcome::Contradiction);
    }

    #[test]
    fn statuses_in_any_order_end_with_the_same_entries() {
        use EntryAction::{Insert, Move, None, Void};
        let mut register = Register::default();
        let t = register.observe(&event("a", PaymentStatus::Initiated, 10), 0);
        assert_eq!((t.debit, t.credit), (Insert { time_ms: 10, void_ms: Option::None }, None));
        let t = register.observe(&event("a", PaymentStatus::Settled, 20), 0);
        assert_eq!((t.debit, t.credit), (None, Insert { time_ms: 20, void_ms: Option::None }));
        let t = register.observe(&event("a", PaymentStatus::Returned, 30), 0);
        assert_eq!(t.debit, Void { time_ms: 10, void_ms: 30 });
        assert_eq!(t.credit, Void { time_ms: 20, void_ms: 30 });

        let t = register.observe(&event("b", PaymentStatus::Returned, 30), 0);
        assert_eq!((t.debit, t.credit, t.pre), (None, None, false));
        let t = register.observe(&event("b", PaymentStatus::Settled, 20), 0);
        assert_eq!(t.credit, Insert { time_ms: 20, void_ms: Some(30) });
        let t = register.observe(&event("b", PaymentStatus::Initiated, 10), 0);
        assert_eq!(t.debit, Move { from_ms: 20, to_ms: 10 });
    }

    #[test]
    fn what_is_beyond_the_horizon_is_gone_whether_or_not_it_was_evicted() {
        for (evict, id) in [(false, "a"), (true, "b")] {
            let mut register = Register::default();
            register.observe(&event(id, PaymentStatus::Settled, 10), 0);
            if evict {
                register.evict(10);
                assert_eq!(register.len(), 0);
            }
            let t = register.observe(&event(id, PaymentStatus::Settled, 500), 10);
            assert_eq!(t.outcome, Outcome::Scored, "{id}");
            let t = register.observe(&event(id, PaymentStatus::Settled, 500), 10);
            assert_eq!(t.outcome, Outcome::Duplicate, "{id}");
        }
    }
}
