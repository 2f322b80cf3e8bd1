//! A text shows every number that decided.

use std::collections::BTreeSet;

use super::{Context, Report, Words, whole};
use crate::rules::plan::program::{ExprId, Type};
use crate::rules::plan::{Piece, RulePlan};

pub(super) fn remark<'a>(context: &Context<'a>, report: &mut Report<'a>) {
    for (doc, plan) in context.rules() {
        let within = context.plan.program.below(plan.when);
        for (pieces, text) in [(&plan.text.zh, &doc.text.zh), (&plan.text.en, &doc.text.en)] {
            let shown = shown(pieces);
            for name in deciding(plan, &within, &shown) {
                let words = Words {
                    message: format!("the text does not show `{name}`, which decides"),
                    label: "without it",
                    hint: format!("put the value into the text: {{{name}}}"),
                };
                report.rule("silent_text", doc, &name, whole(text), words);
            }
        }
    }
}

fn shown(pieces: &[Piece]) -> BTreeSet<ExprId> {
    pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Value { expr, .. } => Some(*expr),
            Piece::Literal(_) => None,
        })
        .collect()
}

/// Numbers compared in the condition that the text does not show.
fn deciding(plan: &RulePlan, within: &BTreeSet<ExprId>, shown: &BTreeSet<ExprId>) -> Vec<String> {
    let mut names: Vec<String> = plan
        .evidence
        .iter()
        .filter(|e| !matches!(e.ty, Type::Bool | Type::Enum))
        .filter(|e| within.contains(&e.value) && !shown.contains(&e.value))
        .map(|e| e.name.clone())
        .collect();
    names.sort();
    names.dedup();
    names
}
