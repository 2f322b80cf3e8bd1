//! What long memory and the ledger say together: nights, payers.

use std::collections::BTreeMap;

use super::super::entry::Entry;
use super::super::long::Pair;
use super::super::window::AsOf;
use crate::limits;
use crate::model::entity::Reference;
use crate::model::time::{hour_of_day, week_number};
use crate::rules::plan::program::{MISSING, double_cell};
use crate::rules::plan::query::Hours;
use crate::rules::plan::view::Direction;

/// Weeks that a habit is looked for in.
const WEEKS: i32 = 8;

impl AsOf<'_> {
    /// Share, by number, of the debits between 00:00 and 05:00 on the days before today.
    pub fn night_share(&mut self, days: u16) -> i64 {
        let today = self.day(self.time_ms);
        let (mut all, mut night) = (0i64, 0i64);
        for entry in self.recent(i32::from(days)) {
            if entry.direction() == Direction::Debit && self.day(entry.time_ms()) < today {
                all += 1;
                night += i64::from(Hours::NIGHT.contain(entry.time_ms(), self.utc_offset_ms));
            }
        }
        if let Some(extra) = self.extra {
            for day in extra.long.days(today, days).filter(|d| d.day < today) {
                all += i64::from(day.counts[Direction::Debit as usize]);
                night += i64::from(day.night_debits);
            }
        }
        if all == 0 { MISSING } else { double_cell(night as f64 / all as f64) }
    }

    /// On how many of the last eight same weekdays money went this way in this hour of the day.
    pub fn habitual_weeks(&mut self, direction: Direction) -> i64 {
        let (today, offset) = (self.day(self.time_ms), self.utc_offset_ms);
        let hour = hour_of_day(self.time_ms, offset);
        let week = |day: i32| {
            let apart = today - day;
            (apart > 0 && apart % 7 == 0 && apart <= 7 * WEEKS).then_some(apart / 7)
        };
        let mut weeks = 0u32;
        for entry in self.recent(7 * WEEKS + 1).filter(|e| e.direction() == direction) {
            if let Some(week) = week(self.day(entry.time_ms()))
                && hour_of_day(entry.time_ms(), offset) == hour
            {
                weeks |= 1 << week;
            }
        }
        for day in self.extra.iter().flat_map(|e| e.long.days(today, (7 * WEEKS + 1) as u16)) {
            if let Some(week) = week(day.day)
                && day.hours[direction as usize] >> hour & 1 == 1
            {
                weeks |= 1 << week;
            }
        }
        i64::from(weeks.count_ones())
    }

    /// Unbroken stretches of so many weeks, counted back from the present week and without it, in
    /// each of which money went this way between the account and the present counterparty.
    pub fn rhythm(&mut self, direction: Direction, length: u8) -> i64 {
        self.lower_bound |= self.extra.is_some_and(|e| e.long.pairs_truncated);
        let this_week = week_number(self.day(self.time_ms));
        let mut paid = 0u32;
        let other = self.own.other;
        let live = self.recent(7 * limits::RHYTHM_WEEKS);
        for entry in live.filter(|e| e.direction() == direction && e.counterparty() == other) {
            let back = this_week - week_number(self.day(entry.time_ms()));
            paid |= 1u32.checked_shl(back.cast_unsigned()).unwrap_or(0);
        }
        let pair = self.extra.and_then(|e| match direction {
            Direction::Debit => e.long.pair(other),
            Direction::Credit => e.long.payer(other),
        });
        if let Some(pair) = pair {
            let back = this_week - week_number(pair.last_day);
            paid |= pair.weeks.checked_shl(back.cast_unsigned()).unwrap_or(0);
        }
        let paid_in = |week: i32| paid >> week & 1 == 1;
        let length = i32::from(length);
        let stretches = (1..=limits::RHYTHM_WEEKS / length).take_while(|number| {
            let mut weeks = (number - 1) * length + 1..=number * length;
            weeks.any(paid_in)
        });
        stretches.count() as i64
    }

    /// Number and sum of credits by day, on the last days before today that have any.
    fn credit_days(&self, days: u16) -> BTreeMap<i32, (i64, i64)> {
        let today = self.day(self.time_ms);
        let credit = Direction::Credit;
        let mut by_day: BTreeMap<i32, (i64, i64)> = BTreeMap::new();
        let mut add = |day: i32, count: i64, sum: i64| {
            let known = by_day.entry(day).or_default();
            *known = (known.0 + count, known.1 + sum);
        };
        for entry in self.recent(i32::from(days)).filter(|e| e.direction() == credit) {
            add(self.day(entry.time_ms()), 1, entry.summand());
        }
        for day in self.extra.iter().flat_map(|e| e.long.days(today, days)) {
            let (count, sum) = (day.counts[credit as usize], day.sums[credit as usize]);
            if count > 0 {
                add(day.day, i64::from(count), sum);
            }
        }
        by_day.remove(&today);
        by_day
    }

    /// Lower median of the daily sums of credits before today.
    pub fn credit_day_median(&mut self, days: u16) -> i64 {
        let mut sums: Vec<i64> = self.credit_days(days).into_values().map(|day| day.1).collect();
        sums.sort_unstable();
        let middle = sums.len().saturating_sub(1) / 2;
        sums.get(middle).copied().unwrap_or(MISSING)
    }

    /// Mean credit before today.
    pub fn credit_average(&mut self, days: u16) -> i64 {
        let by_day = self.credit_days(days);
        let (count, sum) = by_day.values().fold((0, 0), |(n, s), day| (n + day.0, s + day.1));
        if count == 0 { MISSING } else { sum / count }
    }

    /// Payers whose unbroken relation began in the last days.
    pub fn new_payers(&mut self, days: u16) -> i64 {
        self.lower_bound |= self.extra.is_some_and(|e| e.long.pairs_truncated);
        let mut payers: BTreeMap<Reference, Pair> = BTreeMap::new();
        if let Some(extra) = self.extra {
            payers.extend(extra.long.payers().iter().map(|p| (p.party, *p)));
        }
        let live = |e: &Entry| !e.is_debit() && self.live(*e);
        let credits = (0..self.entries.len()).map(|index| self.entries.get(index)).filter(live);
        for entry in credits {
            let (party, day) = (entry.counterparty(), self.day(entry.time_ms()));
            payers.entry(party).and_modify(|p| p.join(day)).or_insert(Pair::begin(party, day));
        }
        let today = self.day(self.time_ms);
        payers.values().filter(|p| today - p.first_day < i32::from(days)).count() as i64
    }
}
