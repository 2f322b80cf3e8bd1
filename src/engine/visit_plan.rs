//! What a visit computes and in which order, derived once from the plan.
//!
//! Cells are computed in three tiers. *Always*: cheap ones, and those that another role's rules
//! read. *Costly*: only while some rule of this role may still fire, given the cheap ones. *Late*:
//! only what guards, escalations, texts and evidence read, once a rule of this role may fire. A
//! cell that is not computed stays missing; the rules that would read it are false already, so
//! nothing changes by it.

use super::hot::HotPlan;
use super::scan::ScanPlan;
use crate::rules::plan::feature::{Direction, FlowView, Role, StateFeature, View};
use crate::rules::plan::program::{CellRef, ExprId, Node, Program};
use crate::rules::plan::{EvidencePlan, Plan};

/// The tiers of one role.
#[derive(Debug, Default, Clone)]
pub(super) struct RoleTiers {
    /// Of the cells that are always computed: those that one walk over the ledger gives.
    pub scan: ScanPlan,
    /// The others.
    pub always: Vec<u16>,
    pub costly: Vec<u16>,
    pub late: Vec<u16>,
    /// Evidence with contributing events from this role's ledger: rule and number of the evidence.
    pub evidence: Vec<(u16, usize)>,
}

/// Everything derived from a plan.
#[derive(Debug, Default, Clone)]
pub(super) struct VisitPlan {
    pub roles: [RoleTiers; Role::COUNT],
    /// Views that a large ledger keeps running sums of.
    pub hot: Vec<HotPlan>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    Late,
    Costly,
    Always,
}

impl VisitPlan {
    /// Derives the tiers of every role and the views to keep.
    pub fn derive(plan: &Plan) -> Self {
        let mut tiers = plan.parts.each_ref().map(|part| vec![Tier::Late; part.features.len()]);
        for (index, rule) in plan.rules.iter().enumerate() {
            let gated_by = Role::ALL
                .into_iter()
                .find(|r| plan.parts[*r as usize].gated_rules.contains(&(index as u16)));
            let mut raise = |expr: ExprId, own: Tier| {
                for (role, cell) in state_cells(&plan.program, expr) {
                    let needed = if Some(role) == gated_by { own } else { Tier::Always };
                    let tier = &mut tiers[role as usize][usize::from(cell)];
                    *tier = (*tier).max(needed);
                }
            };
            raise(rule.when, Tier::Costly);
            rule.escalations.iter().for_each(|e| raise(e.when, Tier::Late));
            rule.balance_unknown.iter().for_each(|e| raise(*e, Tier::Late));
            for evidence in &rule.evidence {
                raise(evidence.value, Tier::Late);
                raise(evidence.threshold, Tier::Late);
            }
            for piece in rule.text.zh.iter().chain(&rule.text.en) {
                if let crate::rules::plan::Piece::Value { expr, .. } = piece {
                    raise(*expr, Tier::Late);
                }
            }
            for guard in &rule.guards {
                raise(plan.guards[usize::from(*guard)].when, Tier::Late);
            }
        }
        let mut derived = Self { hot: hot_views(plan), ..Self::default() };
        for role in Role::ALL {
            let part = &plan.parts[role as usize];
            let into = &mut derived.roles[role as usize];
            for (cell, feature) in part.features.iter().enumerate() {
                let tier = tiers[role as usize][cell];
                let cheap = tier == Tier::Always || tier == Tier::Costly && !is_costly(feature);
                if cheap && into.scan.take(cell as u16, feature) {
                    continue;
                }
                let list = match tier {
                    Tier::Always => &mut into.always,
                    Tier::Costly if is_costly(feature) => &mut into.costly,
                    Tier::Costly => &mut into.always,
                    Tier::Late => &mut into.late,
                };
                list.push(cell as u16);
            }
            for rule in &part.gated_rules {
                let evidence = &plan.rules[usize::from(*rule)].evidence;
                let here = |e: &EvidencePlan| e.window.is_some_and(|w| w.role == role);
                let numbers = evidence.iter().enumerate().filter(|(_, e)| here(e));
                into.evidence.extend(numbers.map(|(number, _)| (*rule, number)));
            }
        }
        derived
    }
}

/// Whether a feature reads more than a running value or a few recent entries.
fn is_costly(feature: &StateFeature) -> bool {
    use StateFeature as F;
    match feature {
        F::Counterparties(_) | F::TopShare(..) | F::Dwell(_) | F::Cycles { .. } => true,
        F::Max(_) | F::Min(_) | F::IdleBefore(_) | F::PairCount(_) | F::PairAgeDays => true,
        F::HistoryCount(..) | F::HistorySum(..) | F::HistoryQuantile(..) => true,
        F::Count(_) | F::Sum(_) | F::FlowRatio(_) | F::AgeDays | F::Grade => false,
        F::CustomerType | F::AccountClass | F::Listed(..) | F::Controlled(_) => false,
    }
}

fn hot_views(plan: &Plan) -> Vec<HotPlan> {
    let mut hot: Vec<HotPlan> = Vec::new();
    let mut add = |view: View, counterparties: bool| match hot.iter_mut().find(|h| h.view == view) {
        Some(known) => known.counterparties |= counterparties,
        None => hot.push(HotPlan { view, counterparties }),
    };
    for feature in plan.parts.iter().flat_map(|part| &part.features) {
        match feature {
            StateFeature::Count(view) | StateFeature::Sum(view) => add(*view, false),
            StateFeature::Counterparties(view) | StateFeature::TopShare(view, _) => {
                add(*view, true)
            }
            StateFeature::FlowRatio(FlowView { window_ms, without }) => {
                for direction in [Direction::Credit, Direction::Debit] {
                    add(View { direction, window_ms: *window_ms, without: *without }, false);
                }
            }
            _ => {}
        }
    }
    hot
}

/// The state cells that an expression reads.
fn state_cells(program: &Program, expr: ExprId) -> Vec<(Role, u16)> {
    let mut cells = Vec::new();
    let mut open = vec![expr];
    while let Some(ExprId(index)) = open.pop() {
        match &program.nodes[index as usize] {
            Node::Load(CellRef::State(role, cell)) => cells.push((*role, *cell)),
            Node::Constant(_) | Node::Load(CellRef::Payment(_)) => {}
            Node::Has(a) | Node::Not(a) | Node::Scale(a, _) | Node::ToDouble(a) => open.push(*a),
            Node::In(a, _) => open.push(*a),
            Node::And(a, b) | Node::Or(a, b) => open.extend([*a, *b]),
            Node::Compare(_, a, b) | Node::CompareDouble(_, a, b) => open.extend([*a, *b]),
            Node::Arithmetic(_, a, b) | Node::ArithmeticDouble(_, a, b) => open.extend([*a, *b]),
            Node::If(c, a, b) => open.extend([*c, *a, *b]),
        }
    }
    cells
}
