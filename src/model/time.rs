//! Units of time. Event times are milliseconds since 1970-01-01T00:00:00Z, durations are
//! milliseconds.

/// Milliseconds since the Unix epoch, or a duration in milliseconds.
pub type Millis = i64;

/// One second, in milliseconds.
pub const SECOND: Millis = 1_000;
/// One minute, in milliseconds.
pub const MINUTE: Millis = 60 * SECOND;
/// One hour, in milliseconds.
pub const HOUR: Millis = 60 * MINUTE;
/// One day of 24 hours, in milliseconds.
pub const DAY: Millis = 24 * HOUR;

/// Number of a local calendar day: days since 1970-01-01 in a zone with a fixed offset.
///
/// Long memory works in whole days, so that it means the same before and after an entry has left
/// the ledger.
#[must_use]
pub fn day_number(time_ms: Millis, utc_offset_ms: Millis) -> i32 {
    let days = (time_ms + utc_offset_ms).div_euclid(DAY);
    i32::try_from(days).unwrap_or(i32::MAX)
}

/// Number of the week of a day, from Monday on.
#[must_use]
pub fn week_number(day: i32) -> i32 {
    // Day 0 was a Thursday.
    (day + 3).div_euclid(7)
}

/// Hour of the local day, 0 to 23, in a zone with a fixed offset.
#[must_use]
pub fn hour_of_day(time_ms: Millis, utc_offset_ms: Millis) -> u32 {
    ((time_ms + utc_offset_ms).rem_euclid(DAY) / HOUR) as u32
}

/// Number of the day of a calendar date as `2026-02-16`; `None` for anything else.
#[must_use]
pub fn day_of_date(text: &str) -> Option<i32> {
    let mut parts = text.split('-');
    let mut number = |digits: usize| -> Option<i32> {
        let part = parts.next().filter(|part| part.len() == digits)?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = if is_leap { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *lengths.get(usize::try_from(month - 1).ok()?)?;
    if parts.next().is_some() || year < 1970 || !(1..=length).contains(&day) {
        return None;
    }
    let before = year - 1;
    let leaps = |year: i32| year / 4 - year / 100 + year / 400;
    let years = (year - 1970) * 365 + leaps(before) - leaps(1969);
    let months: i32 = lengths[..(month - 1) as usize].iter().sum();
    Some(years + months + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_counted_from_1970() {
        for (text, day) in [
            ("1970-01-01", Some(0)),
            ("1972-03-01", Some(790)),
            ("2000-02-29", Some(11_016)),
            ("2026-03-05", Some(20_517)),
            ("2100-02-29", None),
            ("2026-13-01", None),
            ("2026-00-10", None),
            ("2026-2-16", None),
            ("2026-02-16x", None),
            ("2026-02", None),
        ] {
            assert_eq!(day_of_date(text), day, "{text}");
        }
    }

    #[test]
    fn the_day_turns_at_local_midnight() {
        let offset = 8 * HOUR;
        let midnight = 20_000 * DAY - offset;
        assert_eq!(day_number(midnight - 1, offset), 19_999);
        assert_eq!(day_number(midnight, offset), 20_000);
    }
}
