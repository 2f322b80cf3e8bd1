//! Time passes: payments that rules wait for go through the phases once more, as of the moment they
//! were waited for, before the event that brought time so far. They enter and move nothing.

use super::clock::Hands;
use super::facts::{EventFacts, Fate};
use super::horizon::Horizon;
use super::register::Transition;
use super::step::{Engine, Work, exclusive};
use super::waits::Wait;
use super::{Fork, StepOutput};
use crate::limits;
use crate::model::event::{Batch, Event};
use crate::model::time::Millis;

impl Engine {
    /// Judges the payments for which an event brings time far enough on, before the event itself.
    pub(super) fn pass_time(
        &mut self,
        event: &Event,
        number: u32,
        fork: &dyn Fork,
        output: &mut StepOutput,
    ) {
        let lateness_ms = self.config.lateness_ms;
        let passed_ms = self.greatest_ms.saturating_sub(lateness_ms);
        let watermark_ms = self.greatest_ms.max(event.time_ms).saturating_sub(lateness_ms);
        let most = limits::STRETCH_EVENTS * self.groups.len();
        while self.waits.next_ms().is_some_and(|next_ms| next_ms <= watermark_ms) {
            let (batch, taken) = self.waits.take(watermark_ms, most);
            let made = (output.alert_events.len(), output.findings.len());
            self.clock_again(&batch, &taken, passed_ms);
            let first = self.next_waited;
            self.next_waited += taken.len() as u64;
            self.phases(&batch, &batch.events, first, fork, None, output);
            output.counts.waited += taken.len() as u64;
            output.alert_events[made.0..].fill(number);
            output.findings[made.1..].iter_mut().for_each(|finding| finding.event = number);
        }
    }

    /// Hands out the visits of payments that are judged once more, each as of its event's time. The
    /// watermark, `passed_ms` before, moves with them: nothing leaves a ledger too early for one.
    fn clock_again(&mut self, batch: &Batch, taken: &[Wait], passed_ms: Millis) {
        let mut groups: Vec<_> = self.groups.iter_mut().map(exclusive).collect();
        groups.iter_mut().for_each(|group| group.begin_step());
        let per_group = groups[0].shards.len();
        let mut horizon = Horizon::of(&self.plan, self.config.utc_offset_ms);
        let Work { facts: all, again, disordered, .. } = &mut self.work;
        all.clear();
        disordered.clear();
        again.clear();
        for (index, (event, wait)) in (0u32..).zip(batch.events.iter().zip(taken)) {
            let watermark_ms = passed_ms.max(event.time_ms);
            let mut facts = EventFacts {
                fate: Fate::Waited,
                // Nothing is entered or moved, and it is not to be held any more.
                transition: Transition {
                    debit_ms: wait.transition.debit_ms,
                    ..Transition::default()
                },
                ..EventFacts::new(wait.judged_ms(), watermark_ms, horizon.at(watermark_ms))
            };
            let key = self.config.hash_key;
            let mut hands = Hands { key, per_group, groups: &mut groups };
            hands.call(batch, event, index, &mut facts);
            let rules = wait.rules(&self.visit_plan, &self.plan, self.settings.utc_offset_ms);
            again.extend(rules.words_of());
            all.push(facts);
        }
    }
}
