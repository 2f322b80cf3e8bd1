//! Whether what a rule looks back on is known as far back as it looks.

use std::collections::BTreeMap;

use crate::model::time::Millis;
use crate::rules::plan::Plan;

/// From when on things are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Warmth {
    /// Time of the first event that was judged: what was before it is not known.
    pub since_ms: Option<Millis>,
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
            Reach { window_ms: plan.reach_ms(rule), signals_until_ms }
        };
        self.rules = plan.rules.iter().map(reach).collect();
    }

    /// What does not follow from the plan: see the fields.
    pub fn known(&self) -> (Option<Millis>, &BTreeMap<String, Millis>) {
        let Self { since_ms, remembered, rules: _ } = self;
        (*since_ms, remembered)
    }

    /// An event that may be judged.
    pub fn saw(&mut self, time_ms: Millis) {
        self.since_ms.get_or_insert(time_ms);
    }

    /// Whether a rule that fires at `time_ms` looks back further than things are known.
    pub fn is_warming(&self, rule: usize, time_ms: Millis) -> bool {
        let Reach { window_ms, signals_until_ms } = self.rules[rule];
        let young = self.since_ms.is_none_or(|since_ms| time_ms - window_ms < since_ms);
        young || time_ms < signals_until_ms
    }
}
