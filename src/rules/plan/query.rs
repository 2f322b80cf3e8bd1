//! Questions to a ledger: which entries of a window, and what is asked of them.
//!
//! A plain view (direction, window, flags left out) with a simple measure is a feature of its own,
//! see [`super::feature`], since large ledgers keep running sums for it. Everything finer is a
//! query: entries are read one by one.

use super::calendar::{Calendar, Span};
use super::program::Type;
use super::view::{Direction, FlowView, View};
use crate::limits;
use crate::model::time::{HOUR, MINUTE, Millis};

/// A stretch of the local day in minutes, the start included, the end not; over midnight when the
/// start is not before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hours {
    /// First minute.
    pub from_min: u16,
    /// Minute after the last.
    pub to_min: u16,
}

impl Hours {
    /// The small hours, of which long memory keeps count.
    pub const NIGHT: Self = Self { from_min: 0, to_min: 5 * 60 };

    /// Whether a moment lies inside, on the clock of a zone with a fixed offset.
    #[must_use]
    pub fn contain(self, time_ms: Millis, utc_offset_ms: Millis) -> bool {
        let minute = ((time_ms + utc_offset_ms).rem_euclid(24 * HOUR) / MINUTE) as u16;
        if self.from_min < self.to_min {
            (self.from_min..self.to_min).contains(&minute)
        } else {
            minute >= self.from_min || minute < self.to_min
        }
    }
}

/// Who the counterparty of an entry must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PartyFilter {
    /// Anybody.
    Any,
    /// The other side of the present payment.
    Same,
    /// Somebody not met before the window: no entry of either direction at or before its start, as
    /// far as ledger and long memory reach; the present payment's own entries do not count.
    Stranger,
}

/// Entries of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Query {
    /// Money in or out; `None`: both.
    pub direction: Option<Direction>,
    /// Length of the window; of one in working days what it reaches at most.
    pub window_ms: Millis,
    /// Its length in working days; 0 where it has a fixed one.
    pub working_days: u8,
    /// Entries with one of these flags do not count.
    pub without: u16,
    /// Only entries with one of these flags count; 0: all.
    pub only: u16,
    /// Bits of the payment types that count, by number; 0: all.
    pub types: u16,
    /// Bits of the channels that count, by number; 0: all.
    pub channels: u16,
    /// Least amount, minor units.
    pub least_minor: i64,
    /// Amounts below this, minor units.
    pub below_minor: i64,
    /// Only multiples of this, minor units; 1: all.
    pub multiple_minor: i64,
    /// Only amounts within this many millionths of the present payment's amount.
    pub near_ppm: Option<u32>,
    /// Only at these hours of the day.
    pub hours: Option<Hours>,
    /// Whose.
    pub party: PartyFilter,
}

impl Query {
    /// Every entry of a window.
    #[must_use]
    pub fn all(direction: Option<Direction>, window_ms: Millis) -> Self {
        Self {
            direction,
            window_ms,
            working_days: 0,
            without: 0,
            only: 0,
            types: 0,
            channels: 0,
            least_minor: 0,
            below_minor: i64::MAX,
            multiple_minor: 1,
            near_ppm: None,
            hours: None,
            party: PartyFilter::Any,
        }
    }

    /// Every entry of a window that may be one in working days.
    #[must_use]
    pub fn spanning(direction: Option<Direction>, span: Span) -> Self {
        match span {
            Span::Length(length_ms) => Self::all(direction, length_ms),
            Span::WorkingDays(working_days) => {
                Self { working_days, ..Self::all(direction, limits::WORKING_WINDOW_MAX) }
            }
        }
    }

    /// The query with the window that ends at a moment, and whether that was cut to what a ledger
    /// holds.
    #[must_use]
    pub fn as_of(
        &self,
        calendar: &Calendar,
        time_ms: Millis,
        utc_offset_ms: Millis,
    ) -> (Self, bool) {
        if self.working_days == 0 {
            return (*self, false);
        }
        let span = Span::WorkingDays(self.working_days);
        let length_ms = calendar.length_ms(span, time_ms, utc_offset_ms);
        let window_ms = length_ms.min(self.window_ms);
        (Self { window_ms, working_days: 0, ..*self }, length_ms > self.window_ms)
    }

    /// Whether direction, window and flags left out say everything.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let plain = Self::all(self.direction, self.window_ms);
        *self == Self { without: self.without, ..plain }
    }

    /// Whether an amount decides: then entries in another currency never count.
    #[must_use]
    pub fn compares_amounts(&self) -> bool {
        self.least_minor > 0
            || self.below_minor < i64::MAX
            || self.multiple_minor > 1
            || self.near_ppm.is_some()
    }

    /// The query as a plain view, if it is one.
    #[must_use]
    pub fn as_view(&self) -> Option<View> {
        let (window_ms, without) = (self.window_ms, self.without);
        let direction = self.direction.filter(|_| self.is_plain())?;
        Some(View { direction, window_ms, without })
    }

    /// Whether its filters contradict each other, so that no entry can pass.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let excluded = self.only != 0 && self.only & !self.without == 0;
        self.least_minor >= self.below_minor || excluded
    }

    /// The query as a plain flow, if it is one.
    #[must_use]
    pub fn as_flow(&self) -> Option<FlowView> {
        let (window_ms, without) = (self.window_ms, self.without);
        (self.direction.is_none() && self.is_plain()).then_some(FlowView { window_ms, without })
    }
}

/// What is asked of the entries of a query. Amounts in another currency count in numbers and
/// counterparties only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Measure {
    /// Number.
    Count,
    /// Sum.
    Sum,
    /// Largest; missing when there is none.
    Max,
    /// Smallest; missing when there is none.
    Min,
    /// Mean, rounded down; missing when there is none.
    Average,
    /// Standard deviation about the rounded mean, rounded down; missing when there is none.
    Deviation,
    /// Distinct counterparties.
    Counterparties,
    /// Share of the counterparties that were first met in the window, as
    /// [`PartyFilter::Stranger`] says; missing when there is none.
    NewShare,
    /// Share of the `k` biggest counterparties in the sum; missing when the sum is zero.
    TopShare(u8),
    /// Share, by number, of the entries with one of the `k` commonest amounts; missing when there
    /// is none.
    ValueShare(u8),
    /// Length of the run that ends with the newest entry and in which each is at least so many
    /// millionths of the one before it.
    Climb(u32),
    /// First amount of that run; missing when there is no entry.
    ClimbFrom(u32),
    /// Time since the oldest entry, the present payment left out; missing when there is none.
    SinceFirst,
    /// Time since the newest entry, the present payment left out; missing when there is none.
    SinceLast,
    /// Sum of debits over sum of credits; missing without credits.
    Ratio,
}

impl Measure {
    /// Type of the cell.
    #[must_use]
    pub fn ty(self) -> Type {
        match self {
            Self::Count | Self::Counterparties | Self::Climb(_) => Type::Int,
            Self::Sum | Self::Max | Self::Min | Self::Average | Self::Deviation => Type::Money,
            Self::ClimbFrom(_) => Type::Money,
            Self::TopShare(_) | Self::ValueShare(_) | Self::NewShare | Self::Ratio => Type::Double,
            Self::SinceFirst | Self::SinceLast => Type::Duration,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_may_pass_midnight() {
        let at = |h: i64, m: i64| h * HOUR + m * MINUTE;
        let evening = Hours { from_min: 20 * 60, to_min: 4 * 60 };
        for (time, inside) in [(at(20, 0), true), (at(3, 59), true), (at(4, 0), false)] {
            assert_eq!(evening.contain(time, 0), inside, "{time}");
            assert_eq!(evening.contain(time - 8 * HOUR, 8 * HOUR), inside, "{time}");
        }
        assert!(!evening.contain(at(19, 59), 0));
        assert!(Hours::NIGHT.contain(at(4, 59), 0) && !Hours::NIGHT.contain(at(5, 0), 0));
    }
}
