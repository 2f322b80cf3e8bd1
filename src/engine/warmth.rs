//! Whether what a rule looks back on is known as far back as it looks.

use std::collections::BTreeMap;

use crate::limits;
use crate::model::time::Millis;
use crate::rules::plan::Plan;
use crate::rules::plan::calendar::Span;

/// From when on things are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Warmth {
    /// Time of the first event that was judged: what was before it is not known.
    pub since_ms: Option<Millis>,
    /// Windows of working days that reach back before it miss what was let go under rules whose
    /// windows were shorter, or that knew other holidays.
    pub let_go_ms: Option<Millis>,
    /// By id of a rule that others ask about: since when its signals are remembered.
    pub remembered: BTreeMap<String, Millis>,
    /// By rule.
    rules: Vec<Reach>,
}

/// How far back a rule looks.
#[derive(Clone, Copy, Debug)]
struct Reach {
    /// Its longest window.
    window_ms: Millis,
    /// Its longest window in working days, or 0.
    working_days: u8,
    /// Until then not every signal that it asks about can have been remembered.
    signals_until_ms: Millis,
}

impl Warmth {
    /// Other rules are in force from `now_ms` on: the greatest event time seen. Ledgers are kept
    /// whatever the rules are, signals only of rules that another one asks about.
    pub fn set_plan(&mut self, plan: &Plan, now_ms: Millis) {
        let asked = plan.rules.iter().filter(|rule| rule.is_remembered);
        let since = |id: &String| self.remembered.get(id).copied().unwrap_or(now_ms);
        self.remembered = asked.map(|rule| (rule.id.clone(), since(&rule.id))).collect();
        let reach = |rule| {
            let signals = plan.signals_of(rule).flat_map(|signal| {
                let since = |index: u16| self.remembered.get(&plan.rules[usize::from(index)].id);
                let complete = move |since: &Millis| since.saturating_add(signal.window_ms);
                signal.rules().filter_map(since).map(complete)
            });
            let signals_until_ms = signals.max().unwrap_or(Millis::MIN);
            let (window_ms, working_days) = plan.reach(rule);
            Reach { window_ms, working_days, signals_until_ms }
        };
        self.rules = plan.rules.iter().map(reach).collect();
    }

    /// What does not follow from the plan: see the fields.
    pub fn known(&self) -> (Option<Millis>, Option<Millis>, &BTreeMap<String, Millis>) {
        let Self { since_ms, let_go_ms, remembered, rules: _ } = self;
        (*since_ms, *let_go_ms, remembered)
    }

    /// An event that may be judged.
    pub fn saw(&mut self, time_ms: Millis) {
        self.since_ms.get_or_insert(time_ms);
    }

    /// Under the rules so far, what is not after `horizon_ms` was let go.
    pub fn let_go(&mut self, horizon_ms: Millis) {
        self.let_go_ms = self.let_go_ms.max(Some(horizon_ms));
    }

    /// Whether a rule of a plan that fires at `time_ms` looks back further than things are known.
    pub fn is_warming(
        &self,
        plan: &Plan,
        rule: usize,
        time_ms: Millis,
        utc_offset_ms: Millis,
    ) -> bool {
        let Reach { window_ms, working_days, signals_until_ms } = self.rules[rule];
        let mut from_ms = time_ms - window_ms;
        let mut young = false;
        if working_days > 0 {
            let span = Span::WorkingDays(working_days);
            let length_ms = plan.policy.calendar.length_ms(span, time_ms, utc_offset_ms);
            let working_ms = time_ms - length_ms.min(limits::WORKING_WINDOW_MAX);
            young = self.let_go_ms.is_some_and(|let_go_ms| working_ms < let_go_ms);
            from_ms = from_ms.min(working_ms);
        }
        young |= self.since_ms.is_none_or(|since_ms| from_ms < since_ms);
        young || time_ms < signals_until_ms
    }
}
