//! The same findings, verdicts and counts as the naive reference.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use goshawk::engine::{Counts, Engine, EngineConfig, Inline, RuleCounts, StepOutput};
use goshawk::limits::LATENESS_DEFAULT;
use goshawk::model::event::{Batch, Body, Event};
use goshawk::model::reject::RejectReason;
use goshawk::model::time::HOUR;
use goshawk::rules::plan::Plan;
use goshawk::rules::plan::view::Role;

use super::naive::{Judged, Naive, Outcome, Verdict};
use super::{plans, seeds, streams};

pub fn config() -> EngineConfig {
    EngineConfig { report_findings: true, ..EngineConfig::for_tenant("test") }
}

/// Findings of one event: rule, account, whether a guard removed it.
type Findings = Vec<(u16, String, bool)>;

#[test]
fn the_engine_finds_what_the_naive_reference_finds() {
    for seed in seeds(1_000) {
        let plan = plans::plan(seed);
        let stream = some_in_order(seed);
        if compare(&plan, &stream).is_err() {
            let least = shrink(&plan, stream);
            panic!("seed {seed}: {}", compare(&plan, &least).expect_err("shrinking keeps it"));
        }
    }
}

/// The stream of a seed, every other one in order of time: what is judged again there leaves other
/// signals, so that only there what rules say that ask about them is what the reference says.
fn some_in_order(seed: u64) -> Batch {
    match seed % 2 {
        0 => streams::in_order(streams::stream(seed)),
        _ => streams::stream(seed),
    }
}

/// Leaves out events as long as the two still differ.
fn shrink(plan: &Arc<Plan>, mut stream: Batch) -> Batch {
    let mut size = stream.events.len() / 2;
    while size > 0 {
        let mut start = 0;
        while start < stream.events.len() {
            let mut events = stream.events.clone();
            events.drain(start..(start + size).min(events.len()));
            let shorter = Batch { text: stream.text.clone(), events };
            if compare(plan, &shorter).is_err() {
                stream = shorter;
            } else {
                start += size;
            }
        }
        size /= 2;
    }
    stream
}

/// Runs both and tells the first event at which they differ.
fn compare(plan: &Arc<Plan>, stream: &Batch) -> Result<(), String> {
    let mut naive = Naive::new(Arc::clone(plan), LATENESS_DEFAULT, 8 * HOUR);
    let judged: Vec<Judged> = stream.events.iter().map(|e| naive.take(stream, e)).collect();
    let mut engine = Engine::new(config(), Arc::clone(plan));
    let output = engine.step(stream, &Inline);
    let found = by_event(&output);
    let ordered = stream.events.is_sorted_by_key(|event| event.time_ms);
    let is_told = |rule: u16| ordered || plan.rules[usize::from(rule)].signals.is_empty();
    for (index, judged) in judged.iter().enumerate() {
        let expect: Findings = judged
            .later
            .1
            .iter()
            .chain(&judged.rules)
            .filter(|(rule, ..)| is_told(*rule))
            .filter_map(|(rule, account, verdict)| match verdict {
                Verdict::Hit { removed } => Some((*rule, account.clone(), *removed)),
                Verdict::Miss | Verdict::NotEvaluable => None,
            })
            .collect();
        let mut seen = found.get(&(index as u32)).cloned().unwrap_or_default();
        seen.retain(|(rule, ..)| is_told(*rule));
        if seen != expect {
            return Err(difference(plan, stream, index, judged, &expect, &seen));
        }
    }
    let (counts, rejects) = expected_counts(stream, &judged);
    let seen = &output.counts;
    let seen = Counts {
        bounds_hit: 0,
        judged_again: 0,
        corrections: [0; 4],
        repeats: 0,
        breaker_downgrades: 0,
        account_days: 0,
        ..seen.clone()
    };
    same("what became of the events", &seen, &counts)?;
    let mut reasons: Vec<_> =
        output.rejects.iter().map(|r| (r.position.offset, r.reason)).collect();
    reasons.sort_unstable();
    same("rejects", &reasons, &rejects)?;
    for (index, rule) in expected_rules(plan, &judged).into_iter().enumerate() {
        if !is_told(index as u16) {
            continue;
        }
        same(&format!("rule {}", plan.rules[index].id), &output.rules[index], &rule)?;
    }
    same("watermark", &output.watermark_ms, &naive.watermark())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, seen: &T, expect: &T) -> Result<(), String> {
    match seen == expect {
        true => Ok(()),
        false => Err(format!("{what}\nexpected {expect:?}\nseen     {seen:?}")),
    }
}

fn by_event(output: &StepOutput) -> BTreeMap<u32, Findings> {
    let mut found = BTreeMap::<u32, Findings>::new();
    for f in &output.findings {
        found.entry(f.event).or_default().push((f.rule, f.account.clone(), f.removed));
    }
    found
}

fn expected_counts(stream: &Batch, judged: &[Judged]) -> (Counts, Vec<(i64, RejectReason)>) {
    let (mut counts, mut rejects) = (Counts::default(), Vec::new());
    for (judged, event) in judged.iter().zip(&stream.events) {
        counts.waited += judged.later.0;
        let minor = i128::from(judged.minor);
        match judged.outcome {
            Outcome::Scored { late } => {
                counts.scored += 1;
                counts.scored_minor += minor;
                counts.late += u64::from(late);
            }
            Outcome::Applied => counts.applied += 1,
            Outcome::Duplicate => {
                counts.duplicates += 1;
                counts.duplicate_minor += minor;
            }
            Outcome::TooLate | Outcome::Contradiction => {
                counts.rejected += 1;
                counts.rejected_minor += minor;
                let reason = match judged.outcome {
                    Outcome::TooLate => RejectReason::TooLate,
                    _ => RejectReason::Contradiction,
                };
                rejects.push((event.position.offset, reason));
            }
        }
    }
    rejects.sort_unstable();
    (counts, rejects)
}

fn expected_rules(plan: &Plan, judged: &[Judged]) -> Vec<RuleCounts> {
    let mut rules = vec![RuleCounts::default(); plan.rules.len()];
    for (rule, _, verdict) in judged.iter().flat_map(|j| j.later.1.iter().chain(&j.rules)) {
        let counts = &mut rules[usize::from(*rule)];
        match verdict {
            Verdict::Hit { removed: false } => counts.hit += 1,
            Verdict::Hit { removed: true } => counts.suppressed += 1,
            Verdict::Miss => counts.miss += 1,
            Verdict::NotEvaluable => counts.not_evaluable += 1,
        }
    }
    rules
}

fn difference(
    plan: &Plan,
    stream: &Batch,
    index: usize,
    judged: &Judged,
    expect: &Findings,
    seen: &Findings,
) -> String {
    let mut text = format!("event {index}, {:?}\n", judged.outcome);
    let describe = |text: &mut String, word: &str, of: &Findings, other: &Findings| {
        for (rule, account, removed) in of.iter().filter(|f| !other.contains(f)) {
            let plan = &plan.rules[usize::from(*rule)];
            let _ = writeln!(text, "{word} {} of {account}, removed {removed}", plan.id);
        }
    };
    describe(&mut text, "only the reference finds", expect, seen);
    describe(&mut text, "only the engine finds", seen, expect);
    for role in Role::ALL {
        for (cell, feature) in plan.parts[role as usize].features.iter().enumerate() {
            let value = judged.parts[role as usize].get(cell);
            let rules: Vec<_> = concerned(plan, role, cell)
                .filter(|r| {
                    let differs = |f: &&(u16, String, bool)| usize::from(f.0) == *r;
                    expect.iter().find(differs) != seen.iter().find(differs)
                })
                .map(|r| plan.rules[r].id.clone())
                .collect();
            if !rules.is_empty() {
                let _ = writeln!(text, "  {role:?} {feature:?} = {value:?} read by {rules:?}");
            }
        }
    }
    for (at, event) in stream.events[..=index].iter().enumerate() {
        let _ = writeln!(text, "{at:4} {}", line(stream, event));
    }
    text
}

/// Rules whose condition reads a cell.
fn concerned(plan: &Plan, role: Role, cell: usize) -> impl Iterator<Item = usize> {
    use goshawk::rules::plan::program::{CellRef, Node};
    let wanted = Node::Load(CellRef::State(role, cell as u16));
    let mut reads = vec![false; plan.program.nodes.len()];
    for (index, node) in plan.program.nodes.iter().enumerate() {
        let of = |e: &goshawk::rules::plan::program::ExprId| reads[e.0 as usize];
        reads[index] = *node == wanted
            || match node {
                Node::Constant(_) | Node::Load(_) => false,
                Node::Has(a) | Node::Not(a) | Node::Scale(a, _) | Node::ToDouble(a) => of(a),
                Node::In(a, _) => of(a),
                Node::And(a, b) | Node::Or(a, b) => of(a) || of(b),
                Node::Compare(_, a, b) | Node::CompareDouble(_, a, b) => of(a) || of(b),
                Node::Arithmetic(_, a, b) | Node::ArithmeticDouble(_, a, b) => of(a) || of(b),
                Node::If(c, a, b) => of(c) || of(a) || of(b),
            };
    }
    let rules: Vec<usize> = plan
        .rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| {
            let guards = rule.guards.iter().map(|g| plan.guards[usize::from(*g)].when);
            guards.chain([rule.when]).any(|e| reads[e.0 as usize])
        })
        .map(|(index, _)| index)
        .collect();
    rules.into_iter()
}

pub fn line(batch: &Batch, event: &Event) -> String {
    let time = event.time_ms - streams::START;
    match &event.body {
        Body::Payment(p) => {
            let t = |span| batch.text(span);
            format!(
                "{time:>12} {} {:?} {}({}) -> {}({}) {:?} dev {} cat {:?} id {}/{}",
                t(p.payment_id),
                p.status,
                t(p.payer.account),
                t(p.payer.customer),
                t(p.payee.account),
                t(p.payee.customer),
                p.amount,
                t(p.device_id),
                p.category,
                t(p.payer.id_token),
                t(p.payee.id_token),
            )
        }
        other => format!("{time:>12} {other:?}").chars().take(160).collect(),
    }
}

#[test]
fn the_shipped_pack_finds_what_the_naive_reference_finds() {
    // The expression parser recurses, so compiling wants a large stack.
    let compiling = std::thread::Builder::new().stack_size(64 << 20).spawn(|| {
        goshawk::rules::compile(&goshawk::rules::shipped::files())
            .expect("the shipped pack compiles")
    });
    let plan = Arc::new(compiling.expect("a thread").join().expect("no panic"));
    for seed in seeds(400) {
        let stream = some_in_order(seed);
        if compare(&plan, &stream).is_err() {
            let least = shrink(&plan, stream);
            panic!("seed {seed}: {}", compare(&plan, &least).expect_err("shrinking keeps it"));
        }
    }
}
