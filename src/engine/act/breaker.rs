//! The circuit breaker: how many strong measures may be asked for in a window of event time.

use std::collections::{BTreeMap, VecDeque};

use crate::model::time::Millis;
use crate::rules::plan::policy::Breaker;

/// What the breaker has seen.
#[derive(Clone, Debug, Default)]
pub(super) struct BreakerState {
    /// Event times of the strong measures asked for, in order of asking.
    pub strong: VecDeque<Millis>,
    pub greatest_ms: Millis,
    /// Accounts seen by day; two days are kept.
    pub active: BTreeMap<i32, u32>,
}

impl BreakerState {
    /// `count` accounts had their first payment of `day`.
    pub fn saw_accounts(&mut self, day: i32, count: u32) {
        *self.active.entry(day).or_default() += count;
        while self.active.len() > 2 {
            self.active.pop_first();
        }
    }

    /// Whether one more strong measure may be asked for now; if so it is counted.
    pub fn admit(&mut self, breaker: &Breaker, time_ms: Millis) -> bool {
        self.greatest_ms = self.greatest_ms.max(time_ms);
        let from = self.greatest_ms - breaker.window_ms;
        self.strong.retain(|at| *at > from);
        let strong = self.strong.len() as u64 + 1;
        if strong > u64::from(breaker.strong_max) {
            return false;
        }
        let active = u64::from(self.active.values().copied().max().unwrap_or(0));
        let over_share = strong * 1_000_000 > active * u64::from(breaker.share_ppm_max);
        if strong >= u64::from(breaker.share_from) && over_share {
            return false;
        }
        self.strong.push_back(time_ms);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BREAKER: Breaker =
        Breaker { window_ms: 1_000, strong_max: 5, share_ppm_max: 10_000, share_from: 3 };

    #[test]
    fn the_rate_is_bounded_in_event_time() {
        let mut state = BreakerState::default();
        state.saw_accounts(1, 100_000);
        let admitted = (0..8).filter(|_| state.admit(&BREAKER, 10)).count();
        assert_eq!(admitted, 5);
        assert!(!state.admit(&BREAKER, 1_009));
        assert!(state.admit(&BREAKER, 1_010));
    }

    #[test]
    fn the_share_of_active_accounts_is_bounded_from_a_number_on() {
        let mut state = BreakerState::default();
        state.saw_accounts(1, 300);
        assert!(state.admit(&BREAKER, 10) && state.admit(&BREAKER, 10));
        assert!(state.admit(&BREAKER, 10), "3 of 300 is the limit itself");
        assert!(!state.admit(&BREAKER, 10));
    }
}
