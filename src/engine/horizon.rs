//! Since when ledgers hold everything.

use crate::limits;
use crate::model::time::{Millis, day_number};
use crate::rules::plan::Plan;

/// Tells the horizon of one watermark after the other: [`Plan::horizon_ms`], with the calendar
/// asked once a day.
#[derive(Debug)]
pub(super) struct Horizon<'a> {
    plan: &'a Plan,
    utc_offset_ms: Millis,
    has_working_days: bool,
    /// The last day that was asked about, and the answer.
    asked: Option<(i32, Option<Millis>)>,
}

impl<'a> Horizon<'a> {
    /// Of a plan.
    pub fn of(plan: &'a Plan, utc_offset_ms: Millis) -> Self {
        let has_working_days = plan.working_days() > 0;
        Self { plan, utc_offset_ms, has_working_days, asked: None }
    }

    /// The horizon when the watermark is there.
    #[inline]
    pub fn at(&mut self, watermark_ms: Millis) -> Millis {
        let plain_ms = watermark_ms.saturating_sub(limits::LEDGER_RETENTION);
        // Before the first event there is no day to ask about.
        if !self.has_working_days || watermark_ms < 0 {
            return plain_ms;
        }
        let today = day_number(watermark_ms, self.utc_offset_ms);
        let known = self.asked.filter(|(day, _)| *day == today);
        let (_, working_ms) = known
            .unwrap_or_else(|| (today, self.plan.working_horizon_ms(today, self.utc_offset_ms)));
        self.asked = Some((today, working_ms));
        working_ms.map_or(plain_ms, |working_ms| plain_ms.min(working_ms))
    }
}
