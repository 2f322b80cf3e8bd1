//! The naive reference's answers to questions: every filter and measure by its definition.

use std::collections::BTreeMap;

use goshawk::limits::PAIR_DAYS;
use goshawk::model::entity::EntityKind;
use goshawk::model::time::{Millis, day_number};
use goshawk::rules::plan::calendar::Span;
use goshawk::rules::plan::program::MISSING;
use goshawk::rules::plan::query::{Hours, Measure, PartyFilter, Query};
use goshawk::rules::plan::view::{Direction, Role};

use super::cells::{Look, ratio, sum, top_share};
use super::naive::Entry;

impl<'a> Look<'a> {
    /// The value of a question.
    pub fn asked(
        &self,
        role: Role,
        owner: (EntityKind, &str),
        query: &Query,
        measure: Measure,
    ) -> i64 {
        let base = self.naive.plan.currency;
        let query = &match query.working_days {
            0 => *query,
            days => Query {
                window_ms: self.length(Span::WorkingDays(days)).min(query.window_ms),
                ..*query
            },
        };
        if query.near_ppm.is_some() && self.payment.amount.currency != base {
            return MISSING;
        }
        let mut entries = self.window(owner, query.window_ms);
        let met = self.met(owner, query.window_ms);
        entries.retain(|e| self.admits(role, query, &met, e));
        let minors: Vec<i64> = entries.iter().filter(|e| !e.foreign).map(|e| e.minor).collect();
        let others: Vec<Millis> =
            entries.iter().filter(|e| e.payment != self.life).map(|e| e.time).collect();
        let ago = |time: Option<Millis>| time.map_or(MISSING, |t| self.event.time_ms - t);
        let or_missing = |value: Option<i64>| value.unwrap_or(MISSING);
        match measure {
            Measure::Count => entries.len() as i64,
            Measure::Sum => minors.iter().sum(),
            Measure::Max => or_missing(minors.iter().copied().max()),
            Measure::Min => or_missing(minors.iter().copied().min()),
            Measure::Average => or_missing(mean(&minors)),
            Measure::Deviation => or_missing(mean(&minors).map(|mean| {
                let squares = minors.iter().map(|m| i128::from(m - mean).pow(2));
                root(squares.sum::<i128>() / minors.len() as i128)
            })),
            Measure::Counterparties => {
                let who: BTreeMap<&str, ()> =
                    entries.iter().map(|e| (&*e.counterparty, ())).collect();
                who.len() as i64
            }
            Measure::NewShare => {
                let mut who: Vec<&str> = entries.iter().map(|e| &*e.counterparty).collect();
                who.sort_unstable();
                who.dedup();
                let new = who.iter().filter(|w| !met.contains(w)).count();
                ratio(new as i64, who.len() as i64)
            }
            Measure::TopShare(k) => top_share(&entries, usize::from(k)),
            Measure::ValueShare(k) => {
                let mut counts = BTreeMap::<i64, i64>::new();
                minors.iter().for_each(|m| *counts.entry(*m).or_default() += 1);
                let mut counts: Vec<i64> = counts.into_values().collect();
                counts.sort_by_key(|n| -n);
                ratio(counts.iter().take(usize::from(k)).sum(), minors.len() as i64)
            }
            Measure::Climb(ppm) => minors.len() as i64 - climb_start(&minors, ppm) as i64,
            Measure::ClimbFrom(ppm) => or_missing(minors.get(climb_start(&minors, ppm)).copied()),
            Measure::SinceFirst => ago(others.first().copied()),
            Measure::SinceLast => ago(others.last().copied()),
            Measure::Ratio => {
                let of = |direction| {
                    let mut side = entries.clone();
                    side.retain(|e| e.direction == direction);
                    sum(&side)
                };
                ratio(of(Direction::Debit), of(Direction::Credit))
            }
        }
    }

    /// How many of the first are followed by one of the second, or are old enough and are not.
    pub fn sequence(
        &self,
        role: Role,
        owner: (EntityKind, &str),
        both: [u16; 2],
        within: Millis,
        wanted: bool,
    ) -> i64 {
        let base = self.naive.plan.currency;
        let mut times: Vec<Vec<Millis>> = Vec::new();
        for number in both {
            let mut query = self.naive.plan.queries[usize::from(number)];
            if query.near_ppm.is_some() && self.payment.amount.currency != base {
                return MISSING;
            }
            if query.working_days > 0 {
                let length = self.length(Span::WorkingDays(query.working_days));
                query.window_ms = length.min(query.window_ms);
            }
            let mut entries = self.window(owner, query.window_ms);
            let met = self.met(owner, query.window_ms);
            entries.retain(|e| self.admits(role, &query, &met, e));
            times.push(entries.iter().map(|e| e.time).collect());
        }
        let followed = |at: &Millis| times[1].iter().any(|b| at < b && b - at <= within);
        let counts = |at: &&Millis| match wanted {
            true => followed(at),
            false => **at + within <= self.event.time_ms && !followed(at),
        };
        times[0].iter().filter(counts).count() as i64
    }

    /// Everybody this owner had to do with before the window.
    pub fn met(&self, owner: (EntityKind, &str), window: Millis) -> Vec<&'a str> {
        let offset = self.naive.utc_offset;
        let today = day_number(self.event.time_ms, offset);
        let mut met = self.remembered(owner);
        met.retain(|e| {
            let before = e.time <= (self.event.time_ms - window).max(self.naive.horizon);
            let kept = !self.gone(e) || today - day_number(e.time, offset) <= PAIR_DAYS;
            before && kept
        });
        met.iter().map(|e| &*e.counterparty).collect()
    }

    /// Who stands on the other side of the present payment, as a role's ledger names it.
    pub fn other_side(&self, role: Role) -> &'a str {
        let p = self.payment;
        let user = if p.payer.customer.is_none() { p.payer.account } else { p.payer.customer };
        self.batch.text(match role {
            Role::Payer | Role::PayerCustomer => p.payee.account,
            Role::Payee | Role::PayeeCustomer => p.payer.account,
            Role::Device => user,
            Role::Network | Role::Phone | Role::Agent => p.payer.account,
        })
    }

    fn admits(&self, role: Role, query: &Query, met: &[&str], e: &Entry) -> bool {
        let p = self.payment;
        let other = self.other_side(role);
        let near = |ppm: u32| {
            let apart = i128::from(e.minor) - i128::from(p.amount.minor);
            apart.abs() * 1_000_000 <= i128::from(p.amount.minor) * i128::from(ppm)
        };
        is_of_kind(query, e, self.naive.utc_offset)
            && query.near_ppm.is_none_or(near)
            && match query.party {
                PartyFilter::Any => true,
                PartyFilter::Same => e.counterparty == other,
                PartyFilter::Stranger => !met.contains(&&*e.counterparty),
            }
    }
}

/// Whether an entry is of the kind that is asked for, whoever it is with.
pub fn is_of_kind(query: &Query, e: &Entry, utc_offset: Millis) -> bool {
    let amount = (e.minor >= query.least_minor)
        && e.minor < query.below_minor
        && e.minor % query.multiple_minor == 0;
    let by_amount = query.least_minor > 0
        || query.below_minor != i64::MAX
        || query.multiple_minor > 1
        || query.near_ppm.is_some();
    let bit = |number: u8| 1u16 << number;
    let clock = |h: Hours| {
        let minute = (e.time + utc_offset).rem_euclid(86_400_000) / 60_000;
        let (from, to) = (i64::from(h.from_min), i64::from(h.to_min));
        // From the start on, forward to the end: a whole day when they are equal.
        let length = (to - from - 1).rem_euclid(1_440) + 1;
        (minute - from).rem_euclid(1_440) < length
    };
    query.direction.is_none_or(|d| d == e.direction)
        && e.flags & query.without == 0
        && (query.only == 0 || e.flags & query.only != 0)
        && (query.types == 0 || query.types & bit(e.payment_type as u8) != 0)
        && (query.channels == 0 || query.channels & bit(e.channel as u8) != 0)
        && (!by_amount || (!e.foreign && amount))
        && query.hours.is_none_or(clock)
}

fn mean(minors: &[i64]) -> Option<i64> {
    (!minors.is_empty()).then(|| minors.iter().sum::<i64>() / minors.len() as i64)
}

/// The largest number whose square is not above `of`.
fn root(of: i128) -> i64 {
    let (mut low, mut high) = (0i64, 1i64 << 50);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        if i128::from(middle).pow(2) <= of { low = middle } else { high = middle - 1 }
    }
    low
}

/// Where the run begins that ends with the last and rises by the factor at each step.
fn climb_start(minors: &[i64], ppm: u32) -> usize {
    (0..minors.len())
        .find(|start| {
            minors[*start..].windows(2).all(|pair| {
                i128::from(pair[1]) * 1_000_000 >= i128::from(pair[0]) * i128::from(ppm)
            })
        })
        .unwrap_or(0)
}
