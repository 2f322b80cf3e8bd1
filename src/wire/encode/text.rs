//! Times and durations as texts: RFC 3339 with the tenant's offset, ISO 8601 durations in hours.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::time::{HOUR, MINUTE, Millis, SECOND};

/// Writes a time as RFC 3339 with the zone's offset; milliseconds only where there are some.
///
/// Times beyond the year 9999, which RFC 3339 cannot write, come out as its last day.
#[must_use]
pub fn rfc3339(time_ms: Millis, zone: &TimeZone) -> String {
    let last = if time_ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let local =
        Timestamp::from_millisecond(time_ms).unwrap_or(last).to_zoned_datetime(zone.clone());
    let fraction = time_ms.rem_euclid(SECOND);
    if fraction == 0 {
        local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    } else {
        local.strftime("%Y-%m-%dT%H:%M:%S.%3f%:z").to_string()
    }
}

/// Writes a duration in hours, minutes and seconds: `PT48H`, `PT1H30M`, `PT0.250S`. Hours are the
/// largest unit, because a control of 48 hours is not one of two calendar days.
#[must_use]
pub fn iso_duration(duration_ms: Millis) -> String {
    let rest = duration_ms.max(0);
    let (hours, minutes) = (rest / HOUR, rest % HOUR / MINUTE);
    let (seconds, millis) = (rest % MINUTE / SECOND, rest % SECOND);
    let mut text = String::from("PT");
    if hours > 0 {
        text.push_str(&format!("{hours}H"));
    }
    if minutes > 0 {
        text.push_str(&format!("{minutes}M"));
    }
    if millis > 0 {
        text.push_str(&format!("{seconds}.{millis:03}S"));
    } else if seconds > 0 || rest == 0 {
        text.push_str(&format!("{seconds}S"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::DAY;

    #[test]
    fn times_carry_the_zones_offset() {
        let shanghai = TimeZone::fixed(jiff::tz::offset(8));
        assert_eq!(rfc3339(1_772_676_190_000, &shanghai), "2026-03-05T10:03:10+08:00");
        assert_eq!(rfc3339(1_772_676_190_007, &TimeZone::UTC), "2026-03-05T02:03:10.007+00:00");
        assert_eq!(rfc3339(-1, &TimeZone::UTC), "1969-12-31T23:59:59.999+00:00");
        assert!(rfc3339(crate::limits::EVENT_TIME_MS_MAX, &TimeZone::UTC).starts_with("2248-09-"));
    }

    #[test]
    fn durations_are_counted_in_hours() {
        for (ms, text) in [
            (2 * DAY, "PT48H"),
            (90 * MINUTE, "PT1H30M"),
            (DAY + 5 * SECOND, "PT24H5S"),
            (250, "PT0.250S"),
            (0, "PT0S"),
        ] {
            assert_eq!(iso_duration(ms), text);
        }
    }
}
