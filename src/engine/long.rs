//! Long memory: what an entity keeps of entries that have left its ledger.
//!
//! It is the fold of exactly those entries; whoever asks adds the live ones. All of it works in
//! whole days, so a value does not change at the moment an entry leaves the ledger.

use super::entry::Entry;
use crate::limits;
use crate::model::entity::Reference;
use crate::model::time::Millis;
use crate::model::time::{hour_of_day, week_number};
use crate::rules::plan::query::Hours;

/// Days, amount sketch and known payees beyond the ledger.
#[derive(Clone, Debug, Default)]
pub(super) struct Long {
    /// Time of the newest debit that left, if any did.
    pub last_debit_ms: Option<Millis>,
    /// By day, oldest first; [`limits::HISTORY_DAYS`] at most.
    pub days: Vec<DayBucket>,
    /// Debits by day and bucket of their amount, in order.
    pub sketch: Vec<SketchCell>,
    /// Payees, in order of reference.
    pub pairs: Vec<Pair>,
    /// Payers, in order of reference.
    pub payers: Vec<Pair>,
    /// Payees or payers have been forgotten to keep to [`limits::PAIRS_MAX`].
    pub pairs_truncated: bool,
    /// How often somebody has been forgotten.
    pub forgotten: u32,
    /// Entries taken so far: who was met last on a day is a matter of turns, never of the hash.
    pub turns: u32,
}

/// Sums of one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DayBucket {
    pub day: i32,
    /// By direction: number and sum.
    pub counts: [u32; 2],
    pub sums: [i64; 2],
    /// Debits between 00:00 and 05:00.
    pub night_debits: u32,
    /// By direction: a bit for each hour of the day with an entry.
    pub hours: [u32; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SketchCell {
    pub day: i32,
    pub bucket: u16,
    pub count: u32,
}

/// What is remembered of one payee or payer: an unbroken relation, without a gap of more than
/// [`limits::PAIR_DAYS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub party: Reference,
    pub first_day: i32,
    pub last_day: i32,
    pub count: u32,
    /// When it was last met, in turns of the one who remembers.
    pub last_turn: u32,
    /// A bit for each week with a payment: of the week of `last_day`, of the one before, …
    pub weeks: u32,
}

impl Pair {
    /// A relation that begins with one payment.
    pub fn begin(party: Reference, day: i32) -> Self {
        Self { party, first_day: day, last_day: day, count: 1, last_turn: 0, weeks: 1 }
    }

    /// One more payment, not earlier than the last; after too long a gap the relation begins anew.
    pub fn join(&mut self, day: i32) {
        if day - self.last_day > limits::PAIR_DAYS {
            *self = Self::begin(self.party, day);
        } else {
            let apart = week_number(day) - week_number(self.last_day);
            self.weeks = self.weeks.checked_shl(apart.max(0).cast_unsigned()).unwrap_or(0) | 1;
            self.last_day = day;
            self.count = self.count.saturating_add(1);
        }
    }
}

impl Long {
    /// Takes an entry that leaves the ledger on `day`.
    pub fn fold(&mut self, entry: Entry, day: i32, utc_offset_ms: Millis) {
        self.forget_before(day);
        let index = match self.days.binary_search_by_key(&day, |b| b.day) {
            Ok(index) => index,
            Err(index) => {
                self.days.insert(index, DayBucket { day, ..DayBucket::default() });
                index
            }
        };
        let direction = entry.direction() as usize;
        self.days[index].counts[direction] += 1;
        self.days[index].sums[direction] += entry.summand();
        let hour = hour_of_day(entry.time_ms(), utc_offset_ms);
        self.days[index].hours[direction] |= 1 << hour;
        let at_night = entry.is_debit() && Hours::NIGHT.contain(entry.time_ms(), utc_offset_ms);
        self.days[index].night_debits += u32::from(at_night);
        let met = (entry.counterparty(), day, self.turns);
        self.turns = self.turns.saturating_add(1);
        let is_over = match entry.is_debit() {
            true => remember(&mut self.pairs, met, limits::PAIRS_MAX, 1),
            // A shop's payers come and go by the thousand: making room is to cost little.
            false => remember(&mut self.payers, met, limits::PAYERS_MAX, 64),
        };
        self.pairs_truncated |= is_over;
        self.forgotten = self.forgotten.wrapping_add(u32::from(is_over));
        if !entry.is_debit() {
            return;
        }
        self.last_debit_ms = self.last_debit_ms.max(Some(entry.time_ms()));
        if !entry.is_foreign() {
            let bucket = bucket(entry.amount_minor());
            match self.sketch.binary_search_by_key(&(day, bucket), |c| (c.day, c.bucket)) {
                Ok(at) => self.sketch[at].count += 1,
                Err(at) => self.sketch.insert(at, SketchCell { day, bucket, count: 1 }),
            }
        }
    }

    /// Days of the last `days` days up to `today`.
    pub fn days(&self, today: i32, days: u16) -> impl Iterator<Item = &DayBucket> {
        self.days.iter().filter(move |b| (0..i32::from(days)).contains(&(today - b.day)))
    }

    /// Adds the debits of the last `days` days up to `today` to counts by bucket.
    pub fn add_sketch(&self, today: i32, days: u16, counts: &mut [u32; BUCKETS]) {
        for cell in &self.sketch {
            if (0..i32::from(days)).contains(&(today - cell.day)) {
                counts[usize::from(cell.bucket)] += cell.count;
            }
        }
    }

    /// The remembered relation to a payee.
    pub fn pair(&self, payee: Reference) -> Option<Pair> {
        find(&self.pairs, payee)
    }

    /// The remembered relation to a payer.
    pub fn payer(&self, payer: Reference) -> Option<Pair> {
        find(&self.payers, payer)
    }

    /// Payers, in order of reference.
    pub fn payers(&self) -> &[Pair] {
        &self.payers
    }

    /// Changes when somebody is forgotten.
    pub fn forgotten(&self) -> u32 {
        self.forgotten
    }

    /// Whether somebody has been a payee or a payer in the days that are remembered.
    pub fn knows(&self, party: Reference, today: i32) -> bool {
        let lists = [&self.pairs, &self.payers].into_iter();
        lists.flat_map(|list| find(list, party)).any(|p| today - p.last_day <= limits::PAIR_DAYS)
    }

    /// Bytes held outside itself.
    pub fn bytes(&self) -> usize {
        self.days.capacity() * size_of::<DayBucket>()
            + self.sketch.capacity() * size_of::<SketchCell>()
            + (self.pairs.capacity() + self.payers.capacity()) * size_of::<Pair>()
    }

    fn forget_before(&mut self, day: i32) {
        let oldest = day - limits::HISTORY_DAYS;
        if self.days.first().is_some_and(|b| b.day < oldest) {
            self.days.retain(|b| b.day >= oldest);
            self.sketch.retain(|c| c.day >= oldest);
            let known_since = day - limits::PAIR_DAYS;
            self.pairs.retain(|p| p.last_day >= known_since);
            self.payers.retain(|p| p.last_day >= known_since);
            self.forgotten = self.forgotten.wrapping_add(1);
        }
    }
}

fn find(list: &[Pair], party: Reference) -> Option<Pair> {
    list.binary_search_by_key(&party, |p| p.party).ok().map(|at| list[at])
}

/// Adds one payment to what is remembered. Above `most` the `leave` longest unused are forgotten:
/// then it gives `true`.
fn remember(
    list: &mut Vec<Pair>,
    (party, day, turn): (Reference, i32, u32),
    most: usize,
    leave: usize,
) -> bool {
    let at = match list.binary_search_by_key(&party, |p| p.party) {
        Ok(at) => {
            list[at].join(day);
            at
        }
        Err(at) => {
            list.insert(at, Pair::begin(party, day));
            at
        }
    };
    list[at].last_turn = turn;
    let over = list.len() > most;
    if over {
        // No two were last met in one turn: whom the hash put first makes no difference.
        let age = |p: &Pair| (p.last_day, p.last_turn);
        let mut ages: Vec<(i32, u32)> = list.iter().map(age).collect();
        let (_, first_kept, _) = ages.select_nth_unstable(leave);
        let first_kept = *first_kept;
        list.retain(|p| age(p) >= first_kept);
    }
    over
}

/// Number of buckets of the log-scale sketch: 16 exact ones, then 8 for each power of two.
pub(super) const BUCKETS: usize = 16 + 8 * 44;

/// Bucket of an amount: exact below 16, then eight to each power of two (12.5 % wide at most).
pub(super) fn bucket(amount_minor: i64) -> u16 {
    let amount = amount_minor.max(0).cast_unsigned();
    if amount < 16 {
        return amount as u16;
    }
    let exponent = amount.ilog2();
    let eighth = (amount >> (exponent - 3)) & 7;
    (16 + (exponent - 4) * 8 + eighth as u32) as u16
}

/// Largest amount of a bucket.
pub(super) fn upper_edge(bucket: u16) -> i64 {
    if bucket < 16 {
        return i64::from(bucket);
    }
    let (exponent, eighth) = ((u32::from(bucket) - 16) / 8 + 4, (i64::from(bucket) - 16) % 8);
    ((8 + eighth + 1) << (exponent - 3)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_amount_lies_in_its_bucket() {
        let around = (0..48).flat_map(|e| [(1i64 << e) - 1, 1 << e, (1 << e) + 1, 3 << e >> 1]);
        for amount in around.chain(0..5_000).filter(|a| *a <= limits::AMOUNT_MINOR_MAX) {
            let b = bucket(amount);
            assert!(usize::from(b) < BUCKETS);
            assert!(amount <= upper_edge(b), "{amount}");
            assert!(b == 0 || amount > upper_edge(b - 1), "{amount}");
        }
    }
}
