//! Working days: weekends, public holidays, and the weekends on which people work instead.

use crate::model::time::{DAY, Millis, day_number};

/// How far back a window reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Span {
    /// A fixed length.
    Length(Millis),
    /// The present day and so many working days, less one, before it.
    WorkingDays(u8),
}

/// Public holidays and make-up working days, as data of the pack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    /// First and last day of each holiday.
    pub holidays: Vec<(i32, i32)>,
    /// Days of weekends on which people work.
    pub workdays: Vec<i32>,
    /// First and last day of which the calendar knows; `None` where there is no calendar.
    pub covers: Option<(i32, i32)>,
}

/// Days that are looked through for working days, at most: no holiday is as long.
const LOOK_BACK_DAYS: i32 = 366;

impl Calendar {
    /// Whether people work on a day.
    #[must_use]
    pub fn is_working(&self, day: i32) -> bool {
        // Day 0 was a Thursday.
        let is_weekend = (day + 3).rem_euclid(7) >= 5;
        let is_holiday = self.holidays.iter().any(|(from, to)| (*from..=*to).contains(&day));
        !is_holiday && (!is_weekend || self.workdays.contains(&day))
    }

    /// Length of the window that ends at a moment. Working days begin at midnight; where the
    /// calendar does not know the day, five of them are seven calendar days.
    #[must_use]
    pub fn length_ms(&self, span: Span, time_ms: Millis, utc_offset_ms: Millis) -> Millis {
        let days = match span {
            Span::Length(length_ms) => return length_ms,
            Span::WorkingDays(days) => days,
        };
        match self.first_day(days, day_number(time_ms, utc_offset_ms)) {
            // The window is open at its start, and midnight belongs to the day.
            Some(first) => time_ms - (Millis::from(first) * DAY - utc_offset_ms) + 1,
            None => Millis::from((u16::from(days) * 7).div_ceil(5)) * DAY,
        }
    }

    /// The first of so many working days, of which `today` is the last, working day or not; `None`
    /// where the calendar does not know the day.
    #[must_use]
    pub fn first_day(&self, days: u8, today: i32) -> Option<i32> {
        self.covers.filter(|(from, to)| (*from..=*to).contains(&today))?;
        let back = (today - LOOK_BACK_DAYS..=today).rev();
        let mut working = back.filter(|day| self.is_working(*day));
        Some(working.nth(usize::from(days.max(1)) - 1).unwrap_or(today))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::{HOUR, day_of_date};

    fn day(text: &str) -> i32 {
        day_of_date(text).expect("a date")
    }

    fn calendar() -> Calendar {
        Calendar {
            holidays: vec![(day("2026-02-15"), day("2026-02-23"))],
            workdays: vec![day("2026-02-14"), day("2026-02-28")],
            covers: Some((day("2026-01-01"), day("2026-12-31"))),
        }
    }

    #[test]
    fn weekends_holidays_and_make_up_days() {
        let calendar = calendar();
        for (date, expect) in [
            ("2026-02-13", true),
            ("2026-02-14", true),
            ("2026-02-15", false),
            ("2026-02-18", false),
            ("2026-02-24", true),
            ("2026-02-28", true),
            ("2026-03-01", false),
            ("2026-03-02", true),
        ] {
            assert_eq!(calendar.is_working(day(date)), expect, "{date}");
        }
    }

    #[test]
    fn five_working_days_begin_at_the_midnight_of_the_fifth() {
        let calendar = calendar();
        let five = Span::WorkingDays(5);
        // 24 and 25 February, and over the holiday the 14th, 13th and 12th.
        for (date, first) in [("2026-02-25", "2026-02-12"), ("2026-03-05", "2026-02-28")] {
            let now = i64::from(day(date)) * DAY + 10 * HOUR;
            let from = i64::from(day(first)) * DAY - 1;
            let length = calendar.length_ms(five, now - 8 * HOUR, 8 * HOUR);
            assert_eq!(now - length, from, "{date}");
        }
        let unknown = i64::from(day("2027-03-05")) * DAY;
        assert_eq!(calendar.length_ms(five, unknown, 0), 7 * DAY);
        assert_eq!(Calendar::default().length_ms(five, 0, 0), 7 * DAY);
        assert_eq!(Calendar::default().length_ms(Span::WorkingDays(3), 0, 0), 5 * DAY);
    }
}
