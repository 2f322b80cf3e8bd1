//! Answers to queries: the entries of a window, filtered one by one, newest first.

use smallvec::SmallVec;

use super::super::entry::Entry;
use super::super::hot::Answer;
use super::super::window::{AsOf, Own, biggest};
use crate::limits;
use crate::model::entity::Reference;
use crate::model::time::Millis;
use crate::rules::plan::program::{MISSING, double_cell};
use crate::rules::plan::query::{Measure, PartyFilter, Query};

/// Whether an entry is to be followed, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Follows {
    Some,
    None,
}

/// A query's filter as of one moment.
#[derive(Debug)]
pub(in super::super) struct Filter<'q> {
    query: &'q Query,
    own: Own,
    utc_offset_ms: Millis,
    /// Who was met before the window; nobody unless strangers are asked for.
    met: MetBefore,
}

impl<'q> Filter<'q> {
    /// Prepares a query's filter.
    pub fn of(query: &'q Query, as_of: &AsOf<'_>) -> Self {
        let met = match query.party {
            PartyFilter::Stranger => MetBefore::of(as_of, as_of.time_ms - query.window_ms),
            PartyFilter::Any | PartyFilter::Same => MetBefore::default(),
        };
        Self { query, own: as_of.own, utc_offset_ms: as_of.utc_offset_ms, met }
    }

    /// Whether an entry of the window counts, its amount aside.
    fn admits_kind(&self, as_of: &AsOf<'_>, entry: Entry) -> bool {
        counts_as(self.query, entry, self.utc_offset_ms)
            && match self.query.party {
                PartyFilter::Any => true,
                PartyFilter::Same => entry.counterparty() == self.own.other,
                PartyFilter::Stranger => {
                    let who = entry.counterparty();
                    !self.met.has(as_of, who) && !as_of.remembers(who)
                }
            }
    }

    fn admits_amount(&self, minor: i64) -> bool {
        compares(self.query, minor)
            && self.query.near_ppm.is_none_or(|ppm| {
                let apart = i128::from((minor - self.own.amount_minor).abs()) * 1_000_000;
                apart <= i128::from(self.own.amount_minor) * i128::from(ppm)
            })
    }

    /// Whether an entry of the window counts.
    pub fn admits(&self, as_of: &AsOf<'_>, entry: Entry) -> bool {
        self.admits_kind(as_of, entry)
            && (!self.query.compares_amounts()
                || (!entry.is_foreign() && self.admits_amount(entry.amount_minor())))
    }
}

/// Whether an entry is of the kind that a query asks for, amount and parties aside.
pub(in super::super) fn counts_as(q: &Query, entry: Entry, utc_offset_ms: Millis) -> bool {
    q.direction.is_none_or(|d| d == entry.direction())
        && entry.flags() & q.without == 0
        && (q.only == 0 || entry.flags() & q.only != 0)
        && (q.types == 0 || q.types & entry.type_bit() != 0)
        && (q.channels == 0 || q.channels & entry.channel_bit() != 0)
        && q.hours.is_none_or(|h| h.contain(entry.time_ms(), utc_offset_ms))
}

/// Whether an amount lies within a query's own limits.
pub(in super::super) fn compares(q: &Query, minor: i64) -> bool {
    minor >= q.least_minor && minor < q.below_minor && minor % q.multiple_minor == 0
}

/// Counterparties of the ledger's live entries at or before a moment, the present payment's own
/// entries left out.
#[derive(Clone, Debug, Default)]
pub(super) struct MetBefore {
    from_ms: Millis,
    /// In order; `None`: a large ledger's index is asked.
    parties: Option<Vec<Reference>>,
}

impl MetBefore {
    /// Everybody met until `from_ms`.
    pub fn of(as_of: &AsOf<'_>, from_ms: Millis) -> Self {
        if as_of.knows_first_meetings(from_ms) {
            return Self { from_ms, parties: None };
        }
        let earlier = as_of.entries.up_to(as_of.entries.count_until(from_ms));
        let counts = |e: &Entry| as_of.live(*e) && !as_of.own.is(*e);
        let mut met: Vec<Reference> =
            earlier.backwards().filter(counts).map(Entry::counterparty).collect();
        met.sort_unstable();
        met.dedup();
        Self { from_ms, parties: Some(met) }
    }

    /// Whether somebody is among them.
    pub fn has(&self, as_of: &AsOf<'_>, who: Reference) -> bool {
        match &self.parties {
            Some(met) => met.binary_search(&who).is_ok(),
            None => as_of.first_met(who).is_some_and(|first_ms| first_ms <= self.from_ms),
        }
    }
}

impl AsOf<'_> {
    /// Whether long memory knows a counterparty.
    pub(super) fn remembers(&self, who: Reference) -> bool {
        self.extra.is_some_and(|e| e.long.knows(who, self.day(self.time_ms)))
    }

    /// Hands over the entries that a query asks for among the `most` newest of its window, newest
    /// first.
    fn each(&mut self, query: &Query, most: usize, mut take: impl FnMut(Entry)) {
        self.note_reach(query.window_ms);
        let filter = Filter::of(query, self);
        let mut unclear = query.party == PartyFilter::Stranger
            && self.extra.is_some_and(|e| e.long.pairs_truncated);
        for (read, entry) in self.window(query.window_ms).enumerate() {
            if read >= most {
                unclear = true;
                break;
            }
            if filter.admits(self, entry) {
                take(entry);
            }
            unclear |=
                entry.is_foreign() && query.compares_amounts() && filter.admits_kind(self, entry);
        }
        self.lower_bound |= unclear;
    }

    /// Number of the entries of the first query that one of the second follows, later and within a
    /// time; or of those that are so old and that none has followed.
    pub fn sequence(
        &mut self,
        [first, then]: [&Query; 2],
        within_ms: Millis,
        follows: Follows,
    ) -> i64 {
        let own_amount = first.near_ppm.is_some() || then.near_ppm.is_some();
        if own_amount && self.own.foreign {
            return MISSING;
        }
        let [first, then] = [first, then].map(|query| {
            let mut found = Vec::new();
            self.each(query, limits::QUERY_SCAN_MAX, |entry| found.push(entry));
            found
        });
        let is_followed = |entry: &Entry| {
            let later = |other: &Entry| {
                let after = other.time_ms() - entry.time_ms();
                after > 0 && after <= within_ms
            };
            then.iter().any(later)
        };
        let wanted = |entry: &&Entry| match follows {
            Follows::Some => is_followed(entry),
            Follows::None => entry.time_ms() + within_ms <= self.time_ms && !is_followed(entry),
        };
        first.iter().filter(wanted).count() as i64
    }

    /// The value of a query.
    pub fn ask(&mut self, query: &Query, measure: Measure) -> i64 {
        if query.near_ppm.is_some() && self.own.foreign {
            return MISSING;
        }
        // What running sums give must not depend on whether they are kept.
        let kept = Answer::can(query, measure);
        let most = if kept { usize::MAX } else { limits::QUERY_SCAN_MAX };
        match measure {
            Measure::Count => {
                let mut count = 0;
                self.each(query, most, |_| count += 1);
                return count;
            }
            Measure::Sum => {
                let (mut sum, mut foreign) = (0, false);
                self.each(query, most, |entry| {
                    sum += entry.summand();
                    foreign |= entry.is_foreign();
                });
                self.lower_bound |= foreign;
                return sum;
            }
            Measure::Counterparties => {
                let mut who: SmallVec<[Reference; 64]> = SmallVec::new();
                self.each(query, most, |entry| who.push(entry.counterparty()));
                who.sort_unstable();
                who.dedup();
                return who.len() as i64;
            }
            _ => {}
        }
        let mut entries = Vec::new();
        self.each(query, most, |entry| entries.push(entry));
        if matches!(measure, Measure::NewShare) {
            self.lower_bound |= self.extra.is_some_and(|e| e.long.pairs_truncated);
            return new_share(self, query, &entries);
        }
        if let Measure::SinceFirst | Measure::SinceLast = measure {
            let mut others = entries.iter().filter(|e| !self.own.is(**e));
            let entry =
                if measure == Measure::SinceLast { others.next() } else { others.next_back() };
            return entry.map_or(MISSING, |e| self.time_ms - e.time_ms());
        }
        self.lower_bound |= entries.iter().any(|e| e.is_foreign());
        let amounts: Vec<i64> =
            entries.iter().filter(|e| !e.is_foreign()).map(|e| e.amount_minor()).collect();
        match measure {
            Measure::Max => amounts.iter().copied().max().unwrap_or(MISSING),
            Measure::Min => amounts.iter().copied().min().unwrap_or(MISSING),
            Measure::Average => average(&amounts),
            Measure::Deviation => deviation(&amounts),
            Measure::TopShare(k) => top_share(&entries, k),
            Measure::ValueShare(k) => value_share(amounts, k),
            Measure::Climb(ppm) => climb(&amounts, ppm).0,
            Measure::ClimbFrom(ppm) => climb(&amounts, ppm).1,
            Measure::Ratio => ratio(&entries),
            Measure::Count
            | Measure::Sum
            | Measure::Counterparties
            | Measure::NewShare
            | Measure::SinceFirst
            | Measure::SinceLast => {
                unreachable!("answered above")
            }
        }
    }
}

fn new_share(as_of: &AsOf<'_>, query: &Query, entries: &[Entry]) -> i64 {
    let met = MetBefore::of(as_of, as_of.time_ms - query.window_ms);
    let mut who: Vec<Reference> = entries.iter().map(|e| e.counterparty()).collect();
    who.sort_unstable();
    who.dedup();
    let new = who.iter().filter(|w| !met.has(as_of, **w) && !as_of.remembers(**w));
    share(new.count() as i64, who.len() as i64)
}

fn average(amounts: &[i64]) -> i64 {
    let count = amounts.len() as i64;
    if count == 0 { MISSING } else { amounts.iter().sum::<i64>() / count }
}

fn deviation(amounts: &[i64]) -> i64 {
    let mean = average(amounts);
    if mean == MISSING {
        return MISSING;
    }
    let squares: u128 = amounts.iter().map(|a| u128::from((a - mean).unsigned_abs()).pow(2)).sum();
    (squares / amounts.len() as u128).isqrt() as i64
}

fn top_share(entries: &[Entry], k: u8) -> i64 {
    let mut sums: Vec<(Reference, i64)> =
        entries.iter().map(|e| (e.counterparty(), e.summand())).collect();
    let total: i64 = sums.iter().map(|(_, sum)| sum).sum();
    share(biggest(&mut sums, k), total)
}

fn value_share(mut amounts: Vec<i64>, k: u8) -> i64 {
    amounts.sort_unstable();
    let mut counts: Vec<i64> = amounts.chunk_by(|a, b| a == b).map(|c| c.len() as i64).collect();
    counts.sort_unstable_by_key(|n| std::cmp::Reverse(*n));
    share(counts.iter().take(usize::from(k)).sum(), amounts.len() as i64)
}

/// Length and first amount of the run that ends with the newest; amounts come newest first.
fn climb(amounts: &[i64], ppm: u32) -> (i64, i64) {
    let Some(newest) = amounts.first() else { return (0, MISSING) };
    let rises =
        |pair: &&[i64]| i128::from(pair[0]) * 1_000_000 >= i128::from(pair[1]) * i128::from(ppm);
    let run = amounts.windows(2).take_while(rises);
    run.fold((1, *newest), |(length, _), pair| (length + 1, pair[1]))
}

fn ratio(entries: &[Entry]) -> i64 {
    let side = |debit: bool| -> i64 {
        entries.iter().filter(|e| e.is_debit() == debit).map(|e| e.summand()).sum()
    };
    share(side(true), side(false))
}

/// A part of a whole as a cell; missing where the whole is nothing.
pub(in super::super) fn share(part: i64, whole: i64) -> i64 {
    if whole == 0 { MISSING } else { double_cell(part as f64 / whole as f64) }
}
