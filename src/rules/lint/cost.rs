//! What a rule costs at each payment, as an estimate: how many entries its cells read beyond
//! running sums. Cells that rules share are paid for once.

use std::collections::BTreeSet;

use super::{Context, Report, Words, whole};
use crate::limits;
use crate::model::time::{DAY, HOUR};
use crate::rules::plan::feature::StateFeature;
use crate::rules::plan::program::{CellRef, ExprId, Node};
use crate::rules::plan::view::Role;
use crate::rules::plan::{Piece, Plan, RulePlan};

/// A state cell of a row.
pub type Cell = (Role, u16);

/// The state cells a rule's conditions read: condition and escalations.
#[must_use]
pub fn deciding_cells(plan: &Plan, rule: &RulePlan) -> Vec<Cell> {
    let escalations = rule.escalations.iter().map(|e| e.when);
    cells(plan, [rule.when].into_iter().chain(escalations))
}

/// The state cells a rule only shows, or that only its guards read: computed where it may fire.
#[must_use]
pub fn later_cells(plan: &Plan, rule: &RulePlan) -> Vec<Cell> {
    let deciding: BTreeSet<Cell> = deciding_cells(plan, rule).into_iter().collect();
    let value = |piece: &Piece| match piece {
        Piece::Value { expr, .. } => Some(*expr),
        Piece::Literal(_) => None,
    };
    let shown = rule.text.zh.iter().chain(&rule.text.en).filter_map(value);
    let guards = rule.guards.iter().map(|index| plan.guards[usize::from(*index)].when);
    let ids = shown.chain(rule.balance_unknown).chain(guards);
    cells(plan, ids).into_iter().filter(|cell| !deciding.contains(cell)).collect()
}

fn cells(plan: &Plan, ids: impl Iterator<Item = ExprId>) -> Vec<Cell> {
    let nodes: BTreeSet<ExprId> = ids.flat_map(|id| plan.program.below(id)).collect();
    let mut cells: Vec<Cell> = nodes
        .iter()
        .filter_map(|id| match &plan.program.nodes[id.0 as usize] {
            Node::Load(CellRef::State(role, cell)) => Some((*role, *cell)),
            _ => None,
        })
        .collect();
    cells.sort_unstable();
    cells
}

/// Ids of the rules whose conditions read a cell.
#[must_use]
pub fn readers(plan: &Plan, cell: Cell) -> Vec<&str> {
    let reads = |rule: &&RulePlan| deciding_cells(plan, rule).contains(&cell);
    plan.rules.iter().filter(reads).map(|rule| rule.id.as_str()).collect()
}

/// What a cell costs at one payment, in reads of a running sum.
#[must_use]
pub fn of_cell(feature: &StateFeature) -> u32 {
    use StateFeature as F;
    let base = match feature {
        F::Count(_) | F::Sum(_) | F::AgeDays | F::Grade => 1,
        F::CustomerType | F::AccountClass | F::Listed(..) | F::Controlled(_) => 1,
        F::Since(_) | F::SinceVerdict(_) | F::LimitRaised(_) | F::NewUser(_) => 1,
        F::Registered(_) | F::RegistryFresh | F::PairAllowed(_) | F::PairVerified(_) => 1,
        F::FlowRatio(_) | F::IdleBefore(_) => 2,
        F::Max(_) | F::Min(_) | F::PairCount(_) | F::PairAgeDays => 3,
        F::Counterparties(_) | F::HistoryCount(..) | F::HistorySum(..) => 4,
        F::TopShare(..) | F::HistoryQuantile(..) => 6,
        F::Dwell(_) => 8,
        F::Cycles { .. } => 10,
        #[allow(unreachable_patterns, reason = "a new sort counts as dear until it is measured")]
        _ => 8,
    };
    // What scans entries scans more of them in a longer window.
    match feature.window_ms() {
        _ if base <= 2 => base,
        window if window > DAY => base * 2,
        window if window > HOUR => base + base / 2,
        _ => base,
    }
}

/// What a rule costs at each payment it is tried at, sharing not counted.
#[must_use]
pub fn of_rule(plan: &Plan, rule: &RulePlan) -> u32 {
    deciding_cells(plan, rule).into_iter().map(|cell| of_cell(feature(plan, cell))).sum()
}

/// The feature of a cell.
#[must_use]
pub fn feature(plan: &Plan, (role, cell): Cell) -> &StateFeature {
    &plan.parts[role as usize].features[usize::from(cell)]
}

pub(super) fn remark<'a>(context: &Context<'a>, report: &mut Report<'a>) {
    for (doc, rule) in context.rules() {
        let cost = of_rule(context.plan, rule);
        if cost <= limits::RULE_COST_MAX {
            continue;
        }
        let mut cells = deciding_cells(context.plan, rule);
        cells.sort_by_key(|cell| std::cmp::Reverse(of_cell(feature(context.plan, *cell))));
        let dearest: Vec<String> = cells
            .iter()
            .take(3)
            .map(|cell| feature(context.plan, *cell))
            .map(|feature| {
                format!(
                    "{} ({})",
                    crate::rules::describe::feature(context.plan, feature),
                    of_cell(feature)
                )
            })
            .collect();
        let words = Words {
            message: format!(
                "the rule costs about {cost} reads at each payment, at most {} are usual",
                limits::RULE_COST_MAX
            ),
            label: "dear",
            hint: format!("the dearest are: {}; shorter windows cost less", dearest.join(", ")),
        };
        report.rule("high_cost", doc, "", whole(&doc.when), words);
    }
}
