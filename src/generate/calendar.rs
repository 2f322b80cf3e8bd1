//! When people pay: hours of the day, days of the month, festivals. Local time is UTC+8, without
//! daylight saving.

use crate::model::time::{DAY, HOUR, Millis, day_number};

/// Offset of local time.
pub(super) const ZONE: Millis = 8 * HOUR;

/// Payments in each local hour, in percent of the mean hour.
const RHYTHM: [u64; 24] = [
    28, 14, 9, 7, 8, 16, 45, 95, 130, 135, 130, 165, 190, 140, 115, 112, 118, 135, 180, 185, 170,
    140, 85, 48,
];

/// First days of the lunar year, as days since 1970-01-01: 2025-01-29, 2026-02-17, 2027-02-06,
/// 2028-01-26, 2029-02-13, 2030-02-03.
const SPRING_FESTIVALS: [i32; 6] = [20_117, 20_501, 20_855, 21_209, 21_593, 21_948];

/// Days from two before the lunar new year to six after it.
pub(super) fn is_spring_festival(time: Millis) -> bool {
    let day = day_number(time, ZONE);
    SPRING_FESTIVALS.iter().any(|&first| (first - 2..=first + 6).contains(&day))
}

/// How busy the moment is, in percent of the mean.
pub(super) fn intensity(time: Millis) -> u64 {
    let base = RHYTHM[hour(time) as usize];
    if is_spring_festival(time) { base * 3 / 2 } else { base }
}

/// Local hour.
pub(super) fn hour(time: Millis) -> u32 {
    ((time + ZONE).rem_euclid(DAY) / HOUR) as u32
}

/// The local midnight at or before `time`.
pub(super) fn midnight(time: Millis) -> Millis {
    time - (time + ZONE).rem_euclid(DAY)
}

/// Local day of the month, 1 to 31.
pub(super) fn day_of_month(time: Millis) -> u32 {
    // Days since 0000-03-01 in the proleptic Gregorian calendar; years begin in March, so that the
    // leap day is the last (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    let days = i64::from(day_number(time, ZONE)) + 719_468;
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    (of_year - (153 * month + 2) / 5 + 1) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Millis {
        text.parse::<jiff::Timestamp>().expect("valid").as_millisecond()
    }

    #[test]
    fn days_of_the_month_agree_with_a_calendar_library() {
        let start = at("2025-12-30T00:00:00+08:00");
        for day in 0..1_500 {
            let time = start + day * DAY;
            let timestamp = jiff::Timestamp::from_millisecond(time).expect("in range");
            let zoned = jiff::tz::offset(8).to_datetime(timestamp);
            assert_eq!(day_of_month(time), zoned.day() as u32, "{zoned}");
        }
    }

    #[test]
    fn hours_and_festivals_are_local() {
        assert_eq!(hour(at("2026-02-17T00:30:00+08:00")), 0);
        assert_eq!(midnight(at("2026-02-17T00:30:00+08:00")), at("2026-02-17T00:00:00+08:00"));
        for first in
            ["2025-01-29", "2026-02-17", "2027-02-06", "2028-01-26", "2029-02-13", "2030-02-03"]
        {
            let time = at(&format!("{first}T12:00:00+08:00"));
            assert!(SPRING_FESTIVALS.contains(&day_number(time, ZONE)), "{first}");
        }
        assert!(!is_spring_festival(at("2026-03-05T12:00:00+08:00")));
        assert_eq!(RHYTHM.iter().sum::<u64>() / 24, 100);
        assert_eq!(RHYTHM.iter().max(), Some(&190));
    }
}
