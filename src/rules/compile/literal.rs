//! Durations and exact fractions, from text.

use crate::limits;
use crate::model::money::parse_decimal;
use crate::model::time::{DAY, HOUR, MINUTE, Millis, SECOND};

/// Reads `10m`, `1h30m`, `7d`; `None` for anything else. Units: `ms`, `s`, `m`, `h`, `d`.
pub(in crate::rules) fn duration(text: &str) -> Option<Millis> {
    let mut rest = text;
    let mut total: Millis = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: Millis = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ms" => 1,
            "s" => SECOND,
            "m" => MINUTE,
            "h" => HOUR,
            "d" => DAY,
            _ => return None,
        };
        rest = &rest[letters..];
        total = total.checked_add(count.checked_mul(unit)?)?;
    }
    (!text.is_empty()).then_some(total)
}

/// Reads working days, `5wd`; `None` for anything else.
pub(in crate::rules) fn working_days(text: &str) -> Option<u8> {
    let digits = text.strip_suffix("wd")?;
    let days = digits.parse().ok().filter(|days| (1..=limits::WORKING_DAYS_MAX).contains(days));
    days.filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Minutes of a time of day, `00:00` to `23:59`.
pub(in crate::rules) fn clock(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |part: &str, below: i64| {
        let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        part.parse().ok().filter(|n| digits && (0..below).contains(n))
    };
    Some(number(hours, 24)? * 60 + number(minutes, 60)?)
}

/// Millionths of a plain decimal with at most six digits after the point.
pub(super) fn millionths(text: &str) -> Option<i64> {
    parse_decimal(&text.replace('_', ""), 6).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        assert_eq!(duration("1h30m"), Some(90 * MINUTE));
        assert_eq!(duration("180d"), Some(180 * DAY));
        for bad in ["", "10", "m", "10 m", "-5m", "1.5h", "10x", "99999999999999999999d"] {
            assert_eq!(duration(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn working_days_are_read() {
        assert_eq!(working_days("5wd"), Some(5));
        for bad in ["", "wd", "0wd", "6wd", "5d", "+5wd", "5 wd"] {
            assert_eq!(working_days(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn times_of_day_are_read() {
        assert_eq!(clock("00:00"), Some(0));
        assert_eq!(clock("23:59"), Some(1_439));
        for bad in ["", "24:00", "5:00", "05:60", "0500", "+1:00", "05:00:00"] {
            assert_eq!(clock(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn fractions_are_exact_or_refused() {
        assert_eq!(millionths("0.02"), Some(20_000));
        assert_eq!(millionths("3.0"), Some(3_000_000));
        assert_eq!(millionths("0.0000001"), None);
        assert_eq!(millionths("1e-3"), None);
    }
}
