//! Times: RFC 3339 with offset, or `yyyyMMddHHmmss` or a plain date in the tenant's zone.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};

use super::Fault;
use super::json::{Fields, Raw};
use crate::limits;
use crate::model::reject::RejectReason;
use crate::model::time::{DAY, HOUR, MINUTE, Millis, SECOND};

impl<const N: usize> Fields<'_, '_, N> {
    /// A time that may be absent.
    #[inline(always)]
    pub(super) fn time(&self, index: usize, clock: &Clock) -> Result<Option<Millis>, Fault> {
        match self.get(index) {
            Some(raw) => raw.time(clock).map(Some),
            None => Ok(None),
        }
    }

    /// A time or a plain date that may be absent.
    #[inline(always)]
    pub(super) fn date_or_time(
        &self,
        index: usize,
        clock: &Clock,
    ) -> Result<Option<Millis>, Fault> {
        match self.get(index) {
            Some(raw) => raw.date_or_time(clock).map(Some),
            None => Ok(None),
        }
    }
}

impl Raw<'_> {
    /// A time of the accepted forms.
    pub(super) fn time(&self, clock: &Clock) -> Result<Millis, Fault> {
        let time_ms = self.read(|text| clock.parse(text).filter(|_| !is_date(text)))?;
        time_ms.ok_or_else(|| self.fault(RejectReason::BadTime))
    }

    /// A time of the accepted forms, or a plain date: midnight in the zone. It may lie before 1970,
    /// as an old account's opening does.
    pub(super) fn date_or_time(&self, clock: &Clock) -> Result<Millis, Fault> {
        let time_ms = self.read(|text| clock.moment(text))?;
        let time_ms = time_ms.filter(|at| at.abs() <= limits::DATE_MS_MAX);
        time_ms.ok_or_else(|| self.fault(RejectReason::BadTime))
    }
}

/// Reads times. Local ones are read without asking the zone wherever its offset is plain.
#[derive(Clone, Debug)]
pub struct Clock {
    zone: TimeZone,
    /// In order, from 1970.
    plain: Vec<Plain>,
}

/// Local times, `from <= local < to`, that have one offset: none that a turn of the clocks skips or
/// repeats is among them.
#[derive(Clone, Copy, Debug)]
struct Plain {
    from_ms: Millis,
    to_ms: Millis,
    offset_ms: Millis,
}

/// 2100-01-01T00:00:00Z: further turns are not noted.
const PLAIN_UNTIL_MS: Millis = 4_102_444_800_000;

impl Clock {
    /// A clock of a zone.
    #[must_use]
    pub fn new(zone: TimeZone) -> Self {
        let millis = |offset: Offset| i64::from(offset.seconds()) * SECOND;
        let mut offset_ms = millis(zone.to_offset(Timestamp::UNIX_EPOCH));
        let mut from_ms = DAY + offset_ms;
        let mut plain = Vec::new();
        // A zone that never turns its clocks again is plain for good.
        let mut until_ms = Millis::MAX;
        for turn in zone.following(Timestamp::UNIX_EPOCH) {
            let (at_ms, next_ms) = (turn.timestamp().as_millisecond(), millis(turn.offset()));
            if at_ms >= PLAIN_UNTIL_MS {
                until_ms = PLAIN_UNTIL_MS - DAY;
                break;
            }
            plain.push(Plain { from_ms, to_ms: at_ms + offset_ms.min(next_ms), offset_ms });
            from_ms = at_ms + offset_ms.max(next_ms);
            offset_ms = next_ms;
        }
        plain.push(Plain { from_ms, to_ms: until_ms, offset_ms });
        Self { zone, plain }
    }

    /// The zone.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Reads a time of the accepted forms; `None` for anything else, and for times before 1970 or
    /// beyond [`limits::EVENT_TIME_MS_MAX`].
    #[must_use]
    pub fn parse(&self, text: &str) -> Option<Millis> {
        self.moment(text).filter(|at| (0..=limits::EVENT_TIME_MS_MAX).contains(at))
    }

    fn moment(&self, text: &str) -> Option<Millis> {
        let quick = match text.len() {
            10 | 14 => self.local(text.as_bytes()),
            _ => rfc3339(text.as_bytes()),
        };
        quick.or_else(|| slow(text, &self.zone))
    }

    /// `2026-03-05` or `20260305100310`, where the zone's offset is plain.
    fn local(&self, text: &[u8]) -> Option<Millis> {
        let mut digits = Digits::of(text);
        let local_ms = if let Ok(text) = <&[u8; 10]>::try_from(text) {
            let day = digits.date([0, 1, 2, 3, 5, 6, 8, 9])?;
            if [text[4], text[7]] != [b'-'; 2] {
                return None;
            }
            day
        } else {
            digits.date([0, 1, 2, 3, 4, 5, 6, 7])? + digits.time_of_day([8, 9, 10, 11, 12, 13])?
        };
        let index = self.plain.partition_point(|plain| plain.to_ms <= local_ms);
        let plain = self.plain.get(index).filter(|plain| plain.from_ms <= local_ms)?;
        digits.valid.then_some(local_ms - plain.offset_ms)
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.as_bytes()[4] == b'-'
}

/// The common form, `2026-03-05T10:03:10[.123](Z|+08:00)`, by hand: jiff takes several times as
/// long.
fn rfc3339(text: &[u8]) -> Option<Millis> {
    let (head, tail) = text.split_first_chunk::<19>()?;
    let separators = [head[4], head[7], head[10], head[13], head[16]];
    if separators != [b'-', b'-', b'T', b':', b':'] {
        return None;
    }
    let mut digits = Digits::of(head);
    let day = digits.date([0, 1, 2, 3, 5, 6, 8, 9])?;
    let of_day = digits.time_of_day([11, 12, 14, 15, 17, 18])?;
    let (millis, tail) = if tail.first() == Some(&b'.') { fraction(tail)? } else { (0, tail) };
    let offset = match tail {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let mut digits = Digits::of(tail);
            let (hours, minutes) = (digits.pair(1, 2), digits.pair(4, 5));
            if !digits.valid || hours > 23 || minutes > 59 {
                return None;
            }
            let size = hours * HOUR + minutes * MINUTE;
            if *sign == b'-' { -size } else { size }
        }
        _ => return None,
    };
    digits.valid.then_some(day + of_day + millis - offset)
}

/// Digits of a text, and whether all that were asked for were digits.
struct Digits<'a> {
    text: &'a [u8],
    valid: bool,
}

impl<'a> Digits<'a> {
    #[inline(always)]
    fn of(text: &'a [u8]) -> Self {
        Self { text, valid: true }
    }

    #[inline(always)]
    fn pair(&mut self, tens: usize, ones: usize) -> i64 {
        let mut digit = |at: usize| {
            let digit = self.text[at].wrapping_sub(b'0');
            self.valid &= digit < 10;
            i64::from(digit)
        };
        digit(tens) * 10 + digit(ones)
    }

    /// A day of the calendar, by the places of its digits: milliseconds from 1970 to its beginning.
    #[inline(always)]
    fn date(&mut self, [y1, y2, y3, y4, m1, m2, d1, d2]: [usize; 8]) -> Option<Millis> {
        let year = self.pair(y1, y2) * 100 + self.pair(y3, y4);
        let (month, day) = (self.pair(m1, m2), self.pair(d1, d2));
        let valid = (1..=12).contains(&month) && day >= 1 && day <= days_in(year, month);
        valid.then(|| days_since_1970(year, month, day) * DAY)
    }

    #[inline(always)]
    fn time_of_day(&mut self, [h1, h2, m1, m2, s1, s2]: [usize; 6]) -> Option<Millis> {
        let (hour, minute, second) = (self.pair(h1, h2), self.pair(m1, m2), self.pair(s1, s2));
        let valid = hour <= 23 && minute <= 59 && second <= 59;
        valid.then_some(hour * HOUR + minute * MINUTE + second * SECOND)
    }
}

/// `.5`, `.123`, `.123456`: milliseconds, finer digits cut off.
fn fraction(tail: &[u8]) -> Option<(i64, &[u8])> {
    let digits = tail.strip_prefix(b".")?;
    let len = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    if !(1..=9).contains(&len) {
        return None;
    }
    let at = |i: usize| if i < len { i64::from(digits[i] - b'0') } else { 0 };
    Some((at(0) * 100 + at(1) * 10 + at(2), &digits[len..]))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar; the year is taken to begin in March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn slow(text: &str, zone: &TimeZone) -> Option<Millis> {
    let local = if text.len() == 14 && text.bytes().all(|b| b.is_ascii_digit()) {
        DateTime::strptime("%Y%m%d%H%M%S", text).ok()?
    } else if is_date(text) {
        text.parse::<Date>().ok()?.to_datetime(jiff::civil::Time::midnight())
    } else {
        // Never a time without offset: which zone it means would be a guess.
        let at = text.parse::<Timestamp>().ok()?;
        // Finer digits are cut off, before 1970 too.
        return i64::try_from(at.as_nanosecond().div_euclid(1_000_000)).ok();
    };
    zone.to_timestamp(local).ok().map(|timestamp| timestamp.as_millisecond())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clock(zone: &str) -> Clock {
        Clock::new(TimeZone::get(zone).expect("the zone is in the database"))
    }

    #[test]
    fn accepted_forms_mean_the_same_moment() {
        let expect = Some(1_772_676_190_000);
        for text in [
            "2026-03-05T10:03:10+08:00",
            "2026-03-05T02:03:10Z",
            "2026-03-05T02:03:10.000Z",
            "20260305100310",
            "2026-03-04T21:33:10-04:30",
        ] {
            assert_eq!(clock("Asia/Shanghai").parse(text), expect, "{text}");
        }
        let shanghai = clock("Asia/Shanghai");
        assert_eq!(shanghai.parse("2026-03-05"), Some(1_772_640_000_000));
        assert_eq!(shanghai.parse("2026-03-05T02:03:10.1239Z"), Some(1_772_676_190_123));
        // As "for good" is written.
        for text in ["99991231235959", "9999-12-31T23:59:59+08:00"] {
            assert_eq!(shanghai.moment(text), Some(253_402_271_999_000), "{text}");
            assert_eq!(shanghai.parse(text), None, "no event happens then");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "now",
            "2026-03-05T10:03:10",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-03-05T24:00:00Z",
            "20260305",
            "2026030510031",
            "1969-12-31T23:59:59Z",
            "2026-03-05T10:03:10+0800x",
            "20261305100310",
            "2026-03-05T10:03:10.+08:00",
        ] {
            assert_eq!(clock("Asia/Shanghai").parse(text), None, "{text}");
        }
    }

    proptest! {
        /// The hand-written path agrees with jiff wherever it answers.
        #[test]
        fn by_hand_is_as_by_jiff(ms in 0i64..4_102_444_800_000, minutes in -1_439i32..1_440) {
            let offset = jiff::tz::Offset::from_seconds(minutes * 60).expect("within a day");
            let timestamp = Timestamp::from_millisecond(ms).expect("in range");
            let local = offset.to_datetime(timestamp);
            let sign = if minutes < 0 { '-' } else { '+' };
            let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
            let text = format!("{}{sign}{hours:02}:{rest:02}", local.strftime("%Y-%m-%dT%H:%M:%S%.3f"));
            prop_assert_eq!(rfc3339(text.as_bytes()), Some(ms), "{}", text);
        }

        /// So do local times, about the turns of the clocks too, where jiff alone answers.
        #[test]
        fn local_by_hand_is_as_by_jiff(at in 0usize..400, minutes in -200i64..200, day in 0i64..47_000) {
            for name in ["Asia/Shanghai", "Europe/Dublin", "America/New_York", "Australia/Lord_Howe"] {
                let clock = clock(name);
                let turn = clock.plain[at % clock.plain.len()].to_ms.min(PLAIN_UNTIL_MS);
                for local_ms in [turn + minutes * MINUTE, day * DAY] {
                    let timestamp = Timestamp::from_millisecond(local_ms).expect("in range");
                    let local = jiff::tz::Offset::UTC.to_datetime(timestamp);
                    for text in ["%Y%m%d%H%M%S", "%Y-%m-%d"].map(|f| local.strftime(f).to_string()) {
                        let by_jiff = slow(&text, &clock.zone);
                        prop_assert_eq!(clock.moment(&text), by_jiff, "{} {}", name, text);
                        let quick = clock.local(text.as_bytes());
                        prop_assert!(quick.is_none() || quick == by_jiff, "{} {}", name, text);
                    }
                }
            }
        }
    }
}
