//! What is remembered of rules that fired, so that others can ask: about which account, from which
//! account, when. Written and read in the order of events, in the act phase alone, so that neither
//! the cut into steps nor the number of threads can be seen.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::limits;
use crate::model::entity::Reference;
use crate::model::time::Millis;
use crate::rules::plan::{Plan, SignalMeasure, SignalPlan};

/// One firing, seen from one side: when, and who stands on the other.
type Side = VecDeque<(Millis, Reference)>;

/// Signals of one rule, by the account they are about and by the account they came from.
#[derive(Clone, Debug, Default)]
struct OfRule {
    about: BTreeMap<Reference, Side>,
    from: BTreeMap<Reference, Side>,
}

/// Everything that is remembered.
#[derive(Clone, Debug, Default)]
pub(super) struct Signals {
    /// By the rule's id: a number means another rule in another pack.
    rules: BTreeMap<Box<str>, OfRule>,
    /// In order of forgetting: time, rule, about, from; how many events left it.
    order: BTreeMap<(Millis, Box<str>, Reference, Reference), u32>,
}

/// A rule that fired.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signal<'a> {
    pub rule: &'a str,
    pub time_ms: Millis,
    pub about: Reference,
    pub from: Reference,
}

impl Signals {
    /// Remembers a firing; `true` when older ones had to leave for it.
    pub fn remember(&mut self, signal: &Signal<'_>) -> bool {
        let Signal { rule, time_ms, about, from } = *signal;
        let times = self.order.entry((time_ms, rule.into(), about, from)).or_default();
        *times += 1;
        if *times > 1 {
            return false;
        }
        let of_rule = self.rules.entry(rule.into()).or_default();
        insert(of_rule.about.entry(about).or_default(), time_ms, from);
        insert(of_rule.from.entry(from).or_default(), time_ms, about);
        let over = self.order.len() > limits::SIGNALS_MAX;
        if over {
            self.forget_oldest();
        }
        over
    }

    /// An event that left it has been judged otherwise.
    pub fn take_back(&mut self, signal: &Signal<'_>) {
        let Signal { rule, time_ms, about, from } = *signal;
        let key = (time_ms, rule.into(), about, from);
        let Some(times) = self.order.get_mut(&key) else { return };
        *times -= 1;
        if *times == 0 {
            self.order.remove(&key);
            self.drop_sides(&key);
        }
    }

    /// Everything that is remembered, in the order of remembering: time, rule, about, from; and how
    /// many events left it.
    pub fn all(&self) -> impl Iterator<Item = (&(Millis, Box<str>, Reference, Reference), u32)> {
        // The sides follow from it.
        let Self { rules: _, order } = self;
        order.iter().map(|(signal, times)| (signal, *times))
    }

    /// Remembers a firing as `times` events left it.
    pub fn remember_many(&mut self, signal: &Signal<'_>, times: u32) {
        let Signal { rule, time_ms, about, from } = *signal;
        self.remember(signal);
        if let Some(known) = self.order.get_mut(&(time_ms, rule.into(), about, from)) {
            *known = times;
        }
    }

    /// Forgets what no window reaches any more.
    pub fn expire(&mut self, watermark_ms: Millis) {
        let until_ms = watermark_ms - limits::LEDGER_RETENTION;
        while self.order.first_key_value().is_some_and(|(signal, _)| signal.0 <= until_ms) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((signal, _)) = self.order.pop_first() {
            self.drop_sides(&signal);
        }
    }

    fn drop_sides(
        &mut self,
        (time_ms, rule, about, from): &(Millis, Box<str>, Reference, Reference),
    ) {
        let Some(of_rule) = self.rules.get_mut(rule) else { return };
        remove(&mut of_rule.about, *about, (*time_ms, *from));
        remove(&mut of_rule.from, *from, (*time_ms, *about));
    }

    /// What is asked about one account, as of a time; a bound sets `lower_bound`.
    pub fn ask(
        &self,
        plan: &Plan,
        signal: &SignalPlan,
        about: Reference,
        time_ms: Millis,
        lower_bound: &mut bool,
    ) -> i64 {
        let from_ms = time_ms - signal.window_ms;
        let rule = |index: Option<u16>| self.rules.get(plan.rules[usize::from(index?)].id.as_str());
        let Some(of_rule) = rule(signal.rule) else { return 0 };
        let inside = |side: Option<&Side>| -> Vec<Reference> {
            let all = side.into_iter().flatten();
            all.filter(|s| from_ms < s.0 && s.0 <= time_ms).map(|s| s.1).collect()
        };
        let sources = inside(of_rule.about.get(&about));
        if signal.measure == SignalMeasure::Count {
            return sources.len() as i64;
        }
        let sources: BTreeSet<Reference> = sources.into_iter().collect();
        if signal.measure == SignalMeasure::Accounts {
            return sources.len() as i64;
        }
        let mut peers = BTreeSet::new();
        for source in sources {
            peers.extend(inside(of_rule.from.get(&source)));
            if peers.len() > limits::SIGNAL_PEERS_MAX {
                *lower_bound = true;
                break;
            }
        }
        let SignalMeasure::PeersWith(other) = signal.measure else { return peers.len() as i64 };
        let Some(other) = rule(other) else { return 0 };
        peers.iter().filter(|peer| !inside(other.about.get(peer)).is_empty()).count() as i64
    }
}

fn insert(side: &mut Side, time_ms: Millis, who: Reference) {
    let at = side.partition_point(|known| (known.0, known.1) <= (time_ms, who));
    side.insert(at, (time_ms, who));
}

fn remove(sides: &mut BTreeMap<Reference, Side>, of: Reference, what: (Millis, Reference)) {
    let Some(side) = sides.get_mut(&of) else { return };
    if let Ok(at) = side.binary_search(&what) {
        side.remove(at);
    }
    if side.is_empty() {
        sides.remove(&of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(n: u64) -> Reference {
        Reference::from_bits(n)
    }

    #[test]
    fn what_is_told_twice_is_one_and_what_is_old_is_forgotten() {
        let mut signals = Signals::default();
        let signal = |time_ms, from| Signal { rule: "R", time_ms, about: who(9), from: who(from) };
        for (time_ms, from) in [(10, 1), (10, 1), (5, 2), (10, 2)] {
            assert!(!signals.remember(&signal(time_ms, from)));
        }
        assert_eq!(signals.order.len(), 3);
        let sides = &signals.rules["R"];
        let times: Vec<_> = sides.about[&who(9)].iter().map(|side| side.0).collect();
        assert_eq!(times, [5, 10, 10]);
        signals.expire(limits::LEDGER_RETENTION + 5);
        assert_eq!(signals.order.len(), 2);
        signals.expire(limits::LEDGER_RETENTION + 10);
        let sides = &signals.rules["R"];
        assert!(signals.order.is_empty() && sides.about.is_empty() && sides.from.is_empty());
    }
}
