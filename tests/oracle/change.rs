//! Another plan comes into force between two events: what must hold of everything said after it.

use std::sync::Arc;

use goshawk::engine::{Engine, EngineConfig, Fork, Inline};
use goshawk::model::event::{AccountEventKind, Batch, Body, Event};
use goshawk::model::time::HOUR;
use goshawk::rules::plan::Plan;
use goshawk::rules::plan::calendar::Span;
use goshawk::rules::plan::feature::StateFeature;
use goshawk::rules::plan::program::CompareOp;
use goshawk::rules::plan::query::Query;
use goshawk::rules::plan::view::{Direction, Role, View};

use super::laws::{Pool, Transcript, assert_same, random_cuts};
use super::same_findings::config;
use super::streams::{Random, cut, stream};
use super::{plans, seeds};

/// The same rules under the same names, with the families counted the other way round.
fn renumbered(plan: &Plan) -> Arc<Plan> {
    let mut plan = plan.clone();
    let last = plan.policy.families.len() - 1;
    plan.policy.families.reverse();
    for rule in &mut plan.rules {
        rule.family = last - rule.family;
        for support in &mut rule.supports {
            support.families.iter_mut().for_each(|family| *family = last - *family);
        }
    }
    Arc::new(plan)
}

/// Everything said before and after the step that begins at `change`.
fn run_over(
    config: EngineConfig,
    plans: [&Arc<Plan>; 2],
    whole: &Batch,
    (cuts, change): (&[usize], usize),
    fork: &dyn Fork,
) -> [String; 2] {
    let mut cuts = cuts.to_vec();
    cuts.push(change);
    cuts.sort_unstable();
    cuts.dedup();
    let steps = cut(whole, &cuts);
    let first = cuts.iter().position(|at| *at == change).expect("it is one of them") + 1;
    let mut engine = Engine::new(config, Arc::clone(plans[0]));
    let mut said = [Transcript::default(), Transcript::default()];
    steps[..first].iter().for_each(|step| said[0].step(&mut engine, step, fork));
    said[1].events = said[0].events;
    engine.set_plan(Arc::clone(plans[1]));
    steps[first..].iter().for_each(|step| said[1].step(&mut engine, step, fork));
    said.map(Transcript::finished)
}

/// A second engine made beside the first is what the first would be under its plan; the first goes
/// on as if it were alone.
#[test]
fn an_engine_beside_another_is_what_a_change_would_make_of_it() {
    for seed in seeds(8) {
        let (before, after, whole) = (plans::plan(seed), plans::plan(seed ^ 0xaf7), stream(seed));
        let mut random = Random::new(seed ^ 0xbe5);
        let at = (random_cuts(&mut random, whole.events.len()), somewhere(&mut random, &whole));
        let (cuts, change) = (at.0.as_slice(), at.1);
        let [_, alone] = run_over(config(), [&before, &before], &whole, (cuts, change), &Inline);
        let [_, changed] = run_over(config(), [&before, &after], &whole, (cuts, change), &Inline);
        let steps = cut(&whole, &{
            let mut cuts = cuts.to_vec();
            cuts.push(change);
            cuts.sort_unstable();
            cuts.dedup();
            cuts
        });
        let mut engine = Engine::new(config(), Arc::clone(&before));
        let mut seen = 0;
        let mut rest = steps.iter();
        while seen < change {
            let step = rest.next().expect("the change is inside");
            engine.step(step, &Inline);
            seen += step.events.len();
        }
        let mut second = engine.beside(Arc::clone(&after));
        let mut said = [Transcript::default(), Transcript::default()];
        said.iter_mut().for_each(|said| said.events = seen as u32);
        for step in rest {
            said[0].step(&mut engine, step, &Inline);
            said[1].step(&mut second, step, &Inline);
        }
        let [first, second] = said.map(Transcript::finished);
        assert_same(seed, "the engine itself", &alone, &first);
        assert_same(seed, "the engine beside it", &changed, &second);
    }
}

fn somewhere(random: &mut Random, whole: &Batch) -> usize {
    1 + random.below(whole.events.len() as u64 - 1) as usize
}

/// The lines that are findings: what was judged, before it met open episodes. Rules that ask about
/// signals are left out, and what came of waiting: signals are remembered, and payments waited for,
/// from the time on that somebody asks about them.
fn findings(said: &str, plan: &Plan) -> String {
    let alone = |line: &&str| {
        let found = line.split_once(" finds ").and_then(|(_, rest)| rest.split(' ').next());
        let rule = found.and_then(|number| number.parse::<usize>().ok());
        rule.is_some_and(|rule| plan.rules[rule].signals.is_empty()) && !line.ends_with(" waited")
    };
    said.lines().filter(alone).collect::<Vec<_>>().join("\n")
}

/// Two plans with the holidays of the second and a question about five working days: ledgers keep
/// as long for the one as for the other.
fn keeping_as_long(before: &Plan, after: &Plan) -> [Arc<Plan>; 2] {
    [before, after].map(|plan| {
        let mut plan = plan.clone();
        plan.policy.calendar = after.policy.calendar.clone();
        plan.queries.push(Query::spanning(None, Span::WorkingDays(5)));
        Arc::new(plan)
    })
}

#[test]
fn a_new_plan_finds_what_it_would_have_found_had_it_been_there_from_the_start() {
    for seed in seeds(16) {
        let (before, after, whole) = (plans::plan(seed ^ 0xb4), plans::plan(seed), stream(seed));
        let [before, after] = keeping_as_long(&before, &after);
        let mut random = Random::new(seed ^ 0xc4a);
        let at = (random_cuts(&mut random, whole.events.len()), somewhere(&mut random, &whole));
        let at = (at.0.as_slice(), at.1);
        let [_, always] = run_over(config(), [&after, &after], &whole, at, &Inline);
        let [_, changed] = run_over(config(), [&before, &after], &whole, at, &Inline);
        let what = format!("changed before event {}", at.1);
        assert_same(seed, &what, &findings(&always, &after), &findings(&changed, &after));
    }
}

#[test]
fn a_change_says_the_same_for_any_cut_and_any_number_of_threads() {
    let pool = Pool::new(4);
    for seed in seeds(16) {
        let (before, after, whole) = (plans::plan(seed), plans::plan(seed ^ 0xaf7), stream(seed));
        let mut random = Random::new(seed ^ 0x5a7);
        let change = somewhere(&mut random, &whole);
        let plans = [&before, &after];
        let expect = run_over(config(), plans, &whole, (&[], change), &Inline);
        for threads in [1, 4] {
            let cuts = random_cuts(&mut random, whole.events.len());
            let config = EngineConfig { threads, ..config() };
            let seen = run_over(config, plans, &whole, (&cuts, change), &pool);
            for (expect, seen) in expect.iter().zip(&seen) {
                let what = format!("{threads} threads, changed before event {change}");
                assert_same(seed, &what, expect, seen);
            }
        }
    }
}

/// The plan with its rules spread over families whose caps are far apart, so that a finding counted
/// in the wrong one changes the score; light enough not to fill both, and told at once.
fn spread(plan: &Plan) -> Arc<Plan> {
    let mut plan = plan.clone();
    let caps = [15, 90];
    plan.policy.families.iter_mut().zip(caps).for_each(|(family, cap)| family.cap = cap);
    for (number, rule) in plan.rules.iter_mut().enumerate() {
        rule.family = number % caps.len();
        rule.weight = 1;
    }
    plan.policy.bands[0].from = 1;
    plan.policy.cool_down_ms = 0;
    Arc::new(plan)
}

#[test]
fn open_episodes_cool_downs_and_the_breaker_outlive_a_change() {
    for seed in seeds(16) {
        let (plan, whole) = (spread(&plans::plan(seed)), stream(seed));
        let same = renumbered(&plan);
        let mut random = Random::new(seed ^ 0x0e9);
        let at = (&[][..], somewhere(&mut random, &whole));
        let [_, stayed] = run_over(config(), [&plan, &plan], &whole, at, &Inline);
        let [_, changed] = run_over(config(), [&plan, &same], &whole, at, &Inline);
        assert_same(seed, &format!("changed before event {}", at.1), &stayed, &changed);
    }
}

/// A finding says `warming` exactly as long as its rule looks back to before the first event.
#[test]
fn a_rule_is_warming_until_its_longest_window_is_full() {
    let mut builder = plans::Builder::new();
    let view = View { direction: Direction::Debit, window_ms: HOUR, without: 0 };
    let count = builder.cell(Role::Payer, StateFeature::Count(view));
    let when = builder.compare(CompareOp::Ge, count, 1);
    builder.rule(Role::Payer, when, plans::BOTH, Vec::new());
    let mut plan = Plan::clone(&builder.build());
    plan.rules[0].weight = 60;
    let plan = Arc::new(plan);
    let mut seen = [0, 0];
    for seed in seeds(16) {
        let whole = stream(seed);
        let mut engine = Engine::new(config(), Arc::clone(&plan));
        let judged = |event: &&Event| match &event.body {
            Body::Payment(_) => true,
            Body::Account(account) => account.kind == AccountEventKind::Opened,
            _ => false,
        };
        let since_ms = whole.events.iter().find(judged).expect("payments").time_ms;
        let alerts = engine.step(&whole, &Inline).alerts;
        // A correction speaks of an earlier event.
        for alert in alerts.into_iter().filter(|alert| alert.correction.is_none()) {
            let warming = alert.event_time_ms - HOUR < since_ms;
            assert_eq!(alert.reasons[0].warming, warming, "seed {seed}, {}", alert.event_time_ms);
            seen[usize::from(warming)] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?} shows one side only");
}
