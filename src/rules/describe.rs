//! Cells of a row as an author would write them.

use super::plan::feature::{Direction, FlowView, Role, StateFeature, View, flag};
use crate::model::event::{ListCategory, ListLevel};
use crate::model::measure::Action;
use crate::model::time::{DAY, HOUR, MINUTE, Millis, SECOND};

/// A role as expressions name it.
#[must_use]
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Payer => "payer",
        Role::Payee => "payee",
        Role::PayerCustomer => "payer_customer",
        Role::PayeeCustomer => "payee_customer",
        Role::Device => "device",
    }
}

/// A feature as expressions write it after its role.
#[must_use]
pub fn feature(feature: &StateFeature) -> String {
    use StateFeature as F;
    match feature {
        F::Count(v) => format!("{}.count()", view(v)),
        F::Sum(v) => format!("{}.sum()", view(v)),
        F::Max(v) => format!("{}.max()", view(v)),
        F::Min(v) => format!("{}.min()", view(v)),
        F::Counterparties(v) => format!("{}.counterparties()", view(v)),
        F::TopShare(v, k) => format!("{}.top_share({k})", view(v)),
        F::FlowRatio(v) => format!("{}.ratio()", flow(v)),
        F::Dwell(v) => format!("{}.dwell()", flow(v)),
        F::Cycles { view, .. } => format!("{}.cycles(…)", flow(view)),
        F::IdleBefore(window) => format!("idle_before({})", duration(*window)),
        F::HistoryCount(d, days) => format!("history({days}).{}_count()", direction(*d)),
        F::HistorySum(d, days) => format!("history({days}).{}_sum()", direction(*d)),
        F::HistoryQuantile(days, ppm) => {
            format!("history({days}).debit_quantile({})", f64::from(*ppm) / 1e6)
        }
        F::PairCount(days) => format!("pair.count({days})"),
        F::PairAgeDays => "pair.age_days()".to_owned(),
        F::AgeDays => "age_days()".to_owned(),
        F::Grade => "grade".to_owned(),
        F::CustomerType => "customer_type".to_owned(),
        F::AccountClass => "account_class".to_owned(),
        F::Listed(category, level) => listed(*category, *level),
        F::Controlled(action) => format!("controlled('{}')", Action::word(*action)),
        #[allow(unreachable_patterns, reason = "a sort without words of its own yet")]
        other => format!("{other:?}"),
    }
}

fn listed(category: ListCategory, level: Option<ListLevel>) -> String {
    let category = ListCategory::WORDS[category as usize].0;
    match level {
        Some(level) => format!("listed('{category}', '{}')", ListLevel::WORDS[level as usize].0),
        None => format!("listed('{category}')"),
    }
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Credit => "credit",
        Direction::Debit => "debit",
    }
}

fn view(view: &View) -> String {
    let window = duration(view.window_ms);
    format!("{}s({window}){}", direction(view.direction), without(view.without))
}

fn flow(view: &FlowView) -> String {
    format!("flow({}){}", duration(view.window_ms), without(view.without))
}

fn without(flags: u16) -> String {
    let named = flag::WORDS.iter().filter(|(_, bit)| flags & bit != 0);
    let words: Vec<String> = named.map(|(word, _)| format!("'{word}'")).collect();
    if words.is_empty() { String::new() } else { format!(".without({})", words.join(", ")) }
}

/// A duration as rules write it: `1h30m`.
#[must_use]
pub fn duration(ms: Millis) -> String {
    let mut rest = ms;
    let mut text = String::new();
    for (size, unit) in [(DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"), (1, "ms")] {
        if rest >= size {
            text += &format!("{}{unit}", rest / size);
            rest %= size;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_they_are_read() {
        for text in ["1ms", "10m", "1h30m", "7d", "0s", "1d2h3m4s5ms"] {
            let ms = crate::rules::compile::duration(text).expect("a duration");
            assert_eq!(duration(ms), text);
        }
    }
}
