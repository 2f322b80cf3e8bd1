//! Weak signals never alert alone, whatever a plan says: every alert's measure is counted again
//! from its reasons, by what a bank would be told of the scoring.

use std::collections::BTreeMap;
use std::sync::Arc;

use goshawk::engine::{Engine, Inline};
use goshawk::model::alert::{Alert, AlertKind, TargetKind};
use goshawk::model::measure::Action;
use goshawk::rules::plan::{Plan, Support};

use super::same_findings::config;
use super::streams::{Random, cut, stream};
use super::{plans, seeds};

/// The family that is weak here, by its place.
const WEAK: usize = 0;

/// A plan in which weak rules ask for all they can: floors, supports, a family without a cap worth
/// the name. Guards are left out, since what they take away cannot be seen from outside.
fn greedy(seed: u64) -> Arc<Plan> {
    let mut plan = Plan::clone(&plans::plan(seed));
    let mut random = Random::new(seed ^ 0x3eaf);
    plan.policy.families[WEAK].is_weak = true;
    plan.policy.families[WEAK].cap = random.pick(&[25, 60, 100]);
    let rules = plan.rules.len() as u64;
    for (number, rule) in plan.rules.iter_mut().enumerate() {
        rule.guards.clear();
        rule.family = if random.chance(80) { WEAK } else { 1 };
        rule.weight = 1 + random.below(50) as u32;
        let floors = [None, None, Some(Action::Review), Some(Action::StopPayment)];
        rule.floor = random.pick(&floors);
        if random.chance(30) {
            let other = random.below(rules) as u16;
            let rules = if usize::from(other) == number { Vec::new() } else { vec![other] };
            let families = random.pick(&[&[][..], &[WEAK], &[1], &[WEAK, 1]]).to_vec();
            let floor = random.pick(&[Action::CounterOnly, Action::NoCreditNoDebit]);
            rule.supports.push(Support { rules, families, floor });
        }
    }
    Arc::new(plan)
}

/// The measure that an alert's reasons come to; `None`: they are not worth an alert.
fn told(plan: &Plan, alert: &Alert) -> Option<Action> {
    let rules = BTreeMap::from_iter(plan.rules.iter().map(|rule| (rule.id.as_str(), rule)));
    let of = |id: &str| rules[id];
    let mut sums: BTreeMap<usize, u32> = BTreeMap::new();
    for reason in &alert.reasons {
        *sums.entry(of(&reason.rule_id).family).or_default() += reason.weight;
    }
    let counted = sums.iter().map(|(family, sum)| (*sum).min(plan.policy.families[*family].cap));
    let score = counted.sum::<u32>().min(100);
    let mut asked: Vec<Action> = Vec::new();
    for band in plan.policy.bands.iter().filter(|band| band.from <= score) {
        asked.push(if alert.target.kind == TargetKind::Payment {
            band.payment
        } else {
            band.account
        });
    }
    let firm: Vec<_> =
        alert.reasons.iter().map(|r| of(&r.rule_id)).filter(|r| r.family != WEAK).collect();
    if firm.is_empty() {
        return None;
    }
    for rule in &firm {
        asked.extend(rule.floor);
        for support in &rule.supports {
            let names =
                |other: &str| support.rules.iter().any(|r| plan.rules[usize::from(*r)].id == other);
            let agrees = firm
                .iter()
                .filter(|other| other.id != rule.id)
                .any(|other| support.families.contains(&other.family) || names(&other.id));
            asked.extend(agrees.then_some(support.floor));
        }
    }
    asked.into_iter().max()
}

#[test]
fn weak_findings_add_to_a_score_and_do_nothing_else() {
    let (mut alerts, mut with_weak, mut silent) = (0, 0, 0);
    for seed in seeds(60) {
        let plan = greedy(seed);
        let mut engine = Engine::new(config(), Arc::clone(&plan));
        for step in cut(&stream(seed), &[]) {
            let output = engine.step(&step, &Inline);
            let is_weak = |rule: u16| plan.rules[usize::from(rule)].family == WEAK;
            silent +=
                output.findings.iter().filter(|f| is_weak(f.rule) && f.floor.is_some()).count();
            for alert in output.alerts.iter().filter(|alert| alert.kind != AlertKind::Withdraw) {
                let seen = alert.downgraded_from.unwrap_or(alert.action);
                assert_eq!(told(&plan, alert), Some(seen), "seed {seed}: {:?}", alert.reasons);
                alerts += 1;
                let weak = |id: &str| plan.rules.iter().any(|r| r.id == id && r.family == WEAK);
                with_weak += usize::from(alert.reasons.iter().any(|r| weak(&r.rule_id)));
            }
        }
    }
    assert!(alerts > 100 && with_weak > 50, "{alerts} alerts, {with_weak} with weak findings");
    assert!(silent > 100, "{silent} weak findings that ask for a measure");
}
