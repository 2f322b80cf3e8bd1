//! A measure fits what it is asked for: a payment can wait or be stopped, an account can be
//! restricted, an opening can be refused. Nobody asks for a freeze: only an authority orders it.
//!
//! A rule that may target a payment or an account has one floor for both. It must fit one of them
//! that the rule can be judged for.

use std::collections::BTreeSet;

use crate::model::alert::TargetKind;
use crate::model::measure::Action;
use crate::rules::diagnostics::Sink;
use crate::rules::document::Text;
use crate::rules::source::{Pack, RuleDoc};

pub(super) fn check(pack: &Pack, sink: &mut Sink<'_>) {
    for rule in &pack.rules {
        let escalations = rule.escalations.iter().map(|e| &e.floor);
        let floors = rule.floor.iter().chain(escalations);
        let floors = floors.chain(rule.supports.iter().map(|support| &support.floor));
        let targets = targets(rule);
        floors.for_each(|floor| fits(floor, &targets, sink));
    }
    for band in pack.policy.iter().flat_map(|policy| &policy.bands) {
        fits(&band.account, &BTreeSet::from([TargetKind::Account]), sink);
        fits(&band.payment, &BTreeSet::from([TargetKind::Payment]), sink);
    }
}

/// What a rule can target at the phases it is judged at. A payment that is judged before it settles
/// may no longer be held all the same: its deadline has passed.
fn targets(rule: &RuleDoc) -> BTreeSet<TargetKind> {
    let has = |phase: &str| rule.phases.iter().any(|text| text.value == phase);
    let held = has("pre").then_some(&rule.target_held);
    let targets = held.into_iter().chain([&rule.target_settled]);
    targets.filter_map(|text| kind(&text.value)).collect()
}

fn kind(target: &str) -> Option<TargetKind> {
    match target {
        "payment" => Some(TargetKind::Payment),
        "payer" | "payee" => Some(TargetKind::Account),
        "opening" => Some(TargetKind::Opening),
        _ => None,
    }
}

/// The measures that can be asked for about a target.
fn measures(kind: TargetKind) -> &'static [Action] {
    use Action as A;
    match kind {
        TargetKind::Payment => &[A::Review, A::Reverify, A::Delay, A::StopPayment],
        TargetKind::Account => &[
            A::Review,
            A::Reverify,
            A::CounterOnly,
            A::StopPayment,
            A::CreditOnly,
            A::NoCreditNoDebit,
        ],
        TargetKind::Opening => &[A::Review, A::Reverify, A::CounterOnly, A::RejectOpening],
    }
}

fn fits(text: &Text, targets: &BTreeSet<TargetKind>, sink: &mut Sink<'_>) {
    let Some(action) = Action::parse(&text.value) else { return };
    let span = text.span.clone();
    if action == Action::Freeze {
        let message = "a freeze is never asked for: only an authority orders it";
        let hint =
            "ask for `stop_payment`; `freeze_proposal_from` in policy.toml proposes a freeze";
        sink.report(text.file, span, message, "only proposed", Some(hint.to_owned()));
        return;
    }
    if targets.is_empty() || targets.iter().any(|kind| measures(*kind).contains(&action)) {
        return;
    }
    let of: Vec<&str> = targets.iter().map(|kind| of(*kind)).collect();
    let known = targets.iter().flat_map(|kind| measures(*kind)).map(|action| action.word());
    let message = format!("`{}` is no measure on {}", text.value, of.join(" or "));
    let hint = format!("there are: {}", known.collect::<Vec<_>>().join(", "));
    sink.report(text.file, span, message, "does not fit the target", Some(hint));
}

fn of(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Payment => "a payment",
        TargetKind::Account => "an account",
        TargetKind::Opening => "an opening",
    }
}
