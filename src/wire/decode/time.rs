//! Times: RFC 3339 with offset, or `yyyyMMddHHmmss` or a plain date in the tenant's zone.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::Fault;
use super::json::Raw;
use crate::limits;
use crate::model::reject::RejectReason;
use crate::model::time::{DAY, HOUR, MINUTE, Millis, SECOND};

impl Raw<'_> {
    /// A time of the accepted forms.
    pub(super) fn time(&self, zone: &TimeZone) -> Result<Millis, Fault> {
        let string = self.string()?;
        let time_ms = parse(&string, zone).filter(|_| !is_date(&string));
        time_ms.ok_or_else(|| self.fault(RejectReason::BadTime))
    }

    /// A time of the accepted forms, or a plain date: midnight in the zone. It may lie before 1970,
    /// as an old account's opening does.
    pub(super) fn date_or_time(&self, zone: &TimeZone) -> Result<Millis, Fault> {
        let string = self.string()?;
        let time_ms = moment(&string, zone).filter(|at| at.abs() <= limits::EVENT_TIME_MS_MAX);
        time_ms.ok_or_else(|| self.fault(RejectReason::BadTime))
    }
}

/// Reads a time of the accepted forms; `None` for anything else, and for times before 1970 or
/// beyond [`limits::EVENT_TIME_MS_MAX`].
#[must_use]
pub fn parse(text: &str, zone: &TimeZone) -> Option<Millis> {
    moment(text, zone).filter(|at| (0..=limits::EVENT_TIME_MS_MAX).contains(at))
}

fn moment(text: &str, zone: &TimeZone) -> Option<Millis> {
    rfc3339(text.as_bytes()).or_else(|| slow(text, zone))
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.as_bytes()[4] == b'-'
}

/// The common form, `2026-03-05T10:03:10[.123](Z|+08:00)`, by hand: jiff takes several times as
/// long.
fn rfc3339(text: &[u8]) -> Option<Millis> {
    let (head, tail) = text.split_at_checked(19)?;
    let separators = [head[4], head[7], head[10], head[13], head[16]];
    if separators != [b'-', b'-', b'T', b':', b':'] {
        return None;
    }
    let [year, month, day] = [number(&head[0..4])?, number(&head[5..7])?, number(&head[8..10])?];
    let [hour, minute, second] =
        [number(&head[11..13])?, number(&head[14..16])?, number(&head[17..19])?];
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (millis, tail) = fraction(tail)?;
    let offset = match tail {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let size = hours * HOUR + minutes * MINUTE;
            if *sign == b'-' { -size } else { size }
        }
        _ => return None,
    };
    let of_day = hour * HOUR + minute * MINUTE + second * SECOND + millis;
    Some(days_since_1970(year, month, day) * DAY + of_day - offset)
}

/// `.5`, `.123`, `.123456`: milliseconds, finer digits cut off.
fn fraction(tail: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = tail.strip_prefix(b".") else { return Some((0, tail)) };
    let len = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    if !(1..=9).contains(&len) {
        return None;
    }
    let at = |i: usize| if i < len { i64::from(digits[i] - b'0') } else { 0 };
    Some((at(0) * 100 + at(1) * 10 + at(2), &digits[len..]))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
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
        return text.parse::<Timestamp>().ok().map(|timestamp| timestamp.as_millisecond());
    };
    zone.to_timestamp(local).ok().map(|timestamp| timestamp.as_millisecond())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shanghai() -> TimeZone {
        TimeZone::get("Asia/Shanghai").expect("the zone is in the database")
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
            assert_eq!(parse(text, &shanghai()), expect, "{text}");
        }
        assert_eq!(parse("2026-03-05", &shanghai()), Some(1_772_640_000_000));
        assert_eq!(parse("2026-03-05T02:03:10.1239Z", &shanghai()), Some(1_772_676_190_123));
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
            assert_eq!(parse(text, &shanghai()), None, "{text}");
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
    }
}
