//! A rule that only ever holds together with another one, and asks for nothing more.

use super::possible::possible;
use super::{Context, Report, Words, whole};
use crate::model::measure::Action;
use crate::rules::plan::feature::StateFeature;
use crate::rules::plan::program::{CellRef, Node};
use crate::rules::plan::{Plan, RulePlan};

pub(super) fn remark<'a>(context: &Context<'a>, report: &mut Report<'a>) {
    let plan = context.plan;
    // One that always holds is remarked on by itself, not by every rule there is.
    let others: Vec<_> =
        context.rules().filter(|(_, other)| possible(plan, &[(other.when, false)])).collect();
    for (doc, rule) in context.rules() {
        for (_, other) in others.iter().filter(|(_, other)| other.id != rule.id) {
            let is_meant = rule.mode != other.mode || rule.subject != other.subject;
            let is_judged = (other.phases.pre || !rule.phases.pre)
                && (other.phases.post || !rule.phases.post)
                && other.phases.opening == rule.phases.opening;
            if is_meant || !is_judged || strongest(rule) > strongest(other) {
                continue;
            }
            let implied = is_evaluable_where(plan, other, rule)
                && !possible(plan, &[(rule.when, true), (other.when, false)]);
            // A rule that can never hold implies everything.
            if !implied || !possible(plan, &[(rule.when, true)]) {
                continue;
            }
            let words = Words {
                message: format!("wherever {} holds, {} holds too", rule.id, other.id),
                label: "holds with another rule only",
                hint: format!(
                    "make it an [[escalate]] of {}, or allow it if the sum of both weights is meant",
                    other.id
                ),
            };
            report.rule("subsumed", doc, &other.id, whole(&doc.when), words);
        }
    }
}

/// The most a rule can ask for.
fn strongest(rule: &RulePlan) -> Option<Action> {
    let escalations = rule.escalations.iter().map(|e| e.floor);
    let supports = rule.supports.iter().map(|s| s.floor);
    rule.floor.into_iter().chain(escalations).chain(supports).max()
}

/// Whether a rule can be evaluated wherever another one holds: it reads what the other reads, or
/// what is never missing.
fn is_evaluable_where(plan: &Plan, rule: &RulePlan, holds: &RulePlan) -> bool {
    let read = plan.program.below(holds.when);
    plan.program.below(rule.when).iter().all(|id| match &plan.program.nodes[id.0 as usize] {
        Node::Load(CellRef::State(role, cell)) => {
            let feature = plan.parts[*role as usize].features[usize::from(*cell)];
            read.contains(id) || (*role == rule.subject && is_never_missing(&feature))
        }
        Node::Load(CellRef::Payment(_)) => read.contains(id),
        _ => true,
    })
}

fn is_never_missing(feature: &StateFeature) -> bool {
    use StateFeature as F;
    matches!(
        feature,
        F::Count(_) | F::Sum(_) | F::Counterparties(_) | F::Listed(..) | F::Controlled(_)
    )
}
