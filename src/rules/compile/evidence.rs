//! What a finding shows: every comparison in the rule's condition, by name, value and limit.

use super::lower::Lowering;
use super::operand::Operand;
use crate::rules::catalogue::WordSet;
use crate::rules::expr::{Expr, Kind};
use crate::rules::plan::feature::StateFeature;
use crate::rules::plan::program::{CompareOp, ExprId, Node, Type};
use crate::rules::plan::query::Query;
use crate::rules::plan::view::Direction;
use crate::rules::plan::{EvidencePlan, EvidenceWindow};

impl Lowering<'_, '_> {
    /// Collects the comparisons of a condition, in order. The lowering's text is the condition's.
    pub(super) fn evidence(&mut self, expr: &Expr, found: &mut Vec<EvidencePlan>) {
        match &expr.kind {
            Kind::And(a, b) | Kind::Or(a, b) => {
                self.evidence(a, found);
                self.evidence(b, found);
            }
            Kind::If(_, a, b) => {
                self.evidence(a, found);
                self.evidence(b, found);
            }
            Kind::Compare(op, a, b) => {
                let sides = (self.operand(a), self.operand(b));
                let is_fixed = |side: &Option<Operand>| match side {
                    Some(Operand::Value(value)) => value.constant.is_some(),
                    _ => true,
                };
                if is_fixed(&sides.0) && !is_fixed(&sides.1) {
                    self.comparison(op.flipped(), b, a, found);
                } else {
                    self.comparison(*op, a, b, found);
                }
            }
            Kind::Name(_) | Kind::Field { .. } | Kind::Call { on: Some(_), .. } => {
                if let Some(Operand::Value(value)) = self.operand(expr)
                    && value.ty == Type::Bool
                {
                    let threshold = self.builder.add(Node::Constant(1));
                    self.push(expr, value.id, Type::Bool, CompareOp::Eq, threshold, None, found);
                }
            }
            _ => {}
        }
    }

    fn comparison(&mut self, op: CompareOp, a: &Expr, b: &Expr, found: &mut Vec<EvidencePlan>) {
        let (Some(Operand::Value(value)), Some(limit)) = (self.operand(a), self.operand(b)) else {
            return;
        };
        let threshold = match limit {
            Operand::Value(limit) => limit.id,
            Operand::Text(word) => {
                let number = value
                    .words
                    .and_then(|set| set.words().iter().position(|w| *w == word))
                    .unwrap_or_default();
                self.builder.add(Node::Constant(number as i64))
            }
            _ => return,
        };
        self.push(a, value.id, value.ty, op, threshold, value.words, found);
    }

    fn push(
        &mut self,
        expr: &Expr,
        value: ExprId,
        ty: Type,
        operator: CompareOp,
        threshold: ExprId,
        words: Option<WordSet>,
        found: &mut Vec<EvidencePlan>,
    ) {
        let name = self.text.value[expr.span.clone()].trim().to_owned();
        let window = self.builder.state_cells(value).into_iter().find_map(|(role, cell)| {
            let feature = self.builder.feature(role, cell);
            if let StateFeature::Asked(number, _) = feature {
                let Query { direction, window_ms, without, .. } =
                    self.builder.queries[usize::from(number)];
                let query = Some(number);
                return Some(EvidenceWindow { role, direction, window_ms, without, query });
            }
            let (direction, window_ms, without) = window_of(&feature)?;
            Some(EvidenceWindow { role, direction, window_ms, without, query: None })
        });
        let same =
            |e: &EvidencePlan| (e.value, e.operator, e.threshold) == (value, operator, threshold);
        if !found.iter().any(same) {
            let words = words.map(WordSet::words);
            found.push(EvidencePlan { name, value, ty, operator, threshold, words, window });
        }
    }
}

fn window_of(feature: &StateFeature) -> Option<(Option<Direction>, i64, u16)> {
    match feature {
        StateFeature::Count(v)
        | StateFeature::Sum(v)
        | StateFeature::Max(v)
        | StateFeature::Min(v)
        | StateFeature::Counterparties(v)
        | StateFeature::TopShare(v, _) => Some((Some(v.direction), v.window_ms, v.without)),
        StateFeature::FlowRatio(v)
        | StateFeature::Dwell(v)
        | StateFeature::Cycles { view: v, .. } => Some((None, v.window_ms, v.without)),
        _ => None,
    }
}
