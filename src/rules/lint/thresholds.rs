//! Thresholds outside the values that can occur: the comparison decides nothing.

use super::possible::{comparison_possible, opposite};
use super::{Context, Report, Words, place_of};
use crate::rules::plan::program::{CellRef, MISSING, Node, Row, Type};
use crate::rules::plan::view::Role;
use crate::rules::plan::{EvidencePlan, Plan};
use crate::rules::text::{Language, format_value};

pub(super) fn remark<'a>(context: &Context<'a>, report: &mut Report<'a>) {
    for (doc, plan) in context.rules() {
        let is_asked = |e: &&EvidencePlan| is_number(e) && !is_dead(context.plan, e);
        for evidence in plan.evidence.iter().filter(is_asked) {
            let Some(outcome) = decided(context.plan, evidence) else { continue };
            let texts = std::iter::once(&doc.when).chain(doc.escalations.iter().map(|e| &e.when));
            let text = texts.into_iter().find(|t| t.value.contains(&evidence.name));
            let text = text.unwrap_or(&doc.when);
            let threshold = shown(context.plan, evidence);
            let words = Words {
                message: format!(
                    "`{} {} {threshold}` {outcome}, whatever the payment",
                    evidence.name,
                    evidence.operator.word(),
                ),
                label: "decides nothing",
                hint: "compare with a value that can occur, or leave the comparison out".to_owned(),
            };
            let place = place_of(text, &evidence.name);
            report.rule("unreachable_threshold", doc, &evidence.name, place, words);
        }
    }
}

fn is_number(evidence: &EvidencePlan) -> bool {
    !matches!(evidence.ty, Type::Bool | Type::Enum)
}

/// Whether it asks about signals of a rule that is off: that is said of the rule.
fn is_dead(plan: &Plan, evidence: &EvidencePlan) -> bool {
    match plan.program.nodes[evidence.value.0 as usize] {
        Node::Load(CellRef::Signal(number)) => plan.signals[usize::from(number)].rule.is_none(),
        _ => false,
    }
}

/// Whether the comparison comes out one way only.
pub(super) fn decided(plan: &Plan, evidence: &EvidencePlan) -> Option<&'static str> {
    let possible =
        |op| comparison_possible(plan, evidence.ty, (evidence.value, op, evidence.threshold));
    match (possible(evidence.operator), possible(opposite(evidence.operator))) {
        (false, _) => Some("never holds"),
        (_, false) => Some("always holds"),
        _ => None,
    }
}

/// The threshold as people read it; thresholds that depend on the payment are left open.
fn shown(plan: &Plan, evidence: &EvidencePlan) -> String {
    let missing = vec![MISSING; plan.payment.len()];
    let row = Row { payment: &missing, parts: [&[]; Role::COUNT], signals: &[] };
    match plan.program.eval(evidence.threshold, &row) {
        MISSING => "…".to_owned(),
        cell => format_value(evidence.ty, cell, plan.currency, evidence.words, Language::En),
    }
}
