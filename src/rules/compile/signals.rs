//! Which rules are remembered, and in which order rules that ask about others' signals are tried.

use crate::rules::diagnostics::Sink;
use crate::rules::plan::{RulePlan, SignalPlan};
use crate::rules::source::Pack;

/// Ranks the rules: one that asks comes after those it asks about. A circle is reported.
pub(super) fn rank(
    rules: &mut [RulePlan],
    signals: &[SignalPlan],
    pack: &Pack,
    order: &[usize],
    sink: &mut Sink<'_>,
) {
    let asks: Vec<Vec<usize>> = rules
        .iter()
        .enumerate()
        .map(|(own, rule)| {
            let asked = rule.signals.iter().flat_map(|s| signals[usize::from(*s)].rules());
            // Its own earlier ones are there whatever the order.
            asked.map(usize::from).filter(|other| *other != own).collect()
        })
        .collect();
    for signal in signals.iter().flat_map(SignalPlan::rules) {
        rules[usize::from(signal)].is_remembered = true;
    }
    // A rank rises with each rule on the way; more ranks than rules are a circle.
    for _ in 0..=rules.len() {
        let mut settled = true;
        for own in 0..rules.len() {
            let above = asks[own].iter().map(|other| rules[*other].rank + 1).max().unwrap_or(0);
            if above > rules[own].rank && usize::from(above) <= rules.len() {
                rules[own].rank = above;
                settled = false;
            }
        }
        if settled {
            break;
        }
    }
    let circular = (0..rules.len())
        .find(|own| asks[*own].iter().any(|other| rules[*other].rank >= rules[*own].rank));
    if let Some(own) = circular {
        let doc = &pack.rules[order[own]];
        let message = "rules ask about each other's signals in a circle";
        let span = doc.when.span.clone();
        sink.report(doc.when.file, span, message, "in a circle", None);
    }
}
