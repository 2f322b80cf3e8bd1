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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_turns_at_local_midnight() {
        let offset = 8 * HOUR;
        let midnight = 20_000 * DAY - offset;
        assert_eq!(day_number(midnight - 1, offset), 19_999);
        assert_eq!(day_number(midnight, offset), 20_000);
    }
}
