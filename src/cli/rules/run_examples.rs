//! Examples through the engine: what they expect against what comes out. `rules test`, the remarks
//! of `rules lint` and the program that moves every threshold all run them here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::engine::{Engine, EngineConfig, FindingRecord, Inline, StepOutput};
use crate::model::time::Millis;
use crate::rules::SourceFile;
use crate::rules::diagnostics::Diagnostic;
use crate::rules::examples::{self, AlertExpectation, Example, Expectation, Shows, time_word};
use crate::rules::mutants::{self, Mutant};
use crate::rules::plan::Plan;
use crate::runtime::pack;

/// What comes of one example, as its expectations are written.
pub(super) fn seen(example: &Example, plan: &Arc<Plan>) -> Vec<String> {
    match example.shows {
        Shows::Findings => findings(example, plan),
        Shows::Alerts { from_ms } => alerts(example, from_ms, plan),
    }
}

/// Alerts of the whole pack from a moment on; each says what the expectation of it asks for.
fn alerts(example: &Example, from_ms: Millis, plan: &Arc<Plan>) -> Vec<String> {
    let expected: Vec<AlertExpectation> =
        example.expect.iter().filter_map(|line| AlertExpectation::parse(line)).collect();
    let mut engine = Engine::new(EngineConfig::for_tenant("examples"), Arc::clone(plan));
    let output = engine.step(&example.batch, &Inline);
    let alerts = output.alerts.iter().filter(|a| !a.shadow && a.event_time_ms >= from_ms);
    let seen = alerts.map(|alert| AlertExpectation::of(alert, &expected).line());
    turned_away(&output).chain(seen).collect()
}

/// Lines that the engine turned away, most of them too late after the line before: what comes out
/// says nothing about the rule then.
fn turned_away(output: &StepOutput) -> impl Iterator<Item = String> {
    output.rejects.iter().map(|reject| {
        format!("{} rejected {}", time_word(reject.record_time_ms), reject.reason.word())
    })
}

/// Findings of the example's own rule and of the rules it names. A finding shows of its measure
/// and weight what the expectation of it asks for.
fn findings(example: &Example, plan: &Arc<Plan>) -> Vec<String> {
    let expected: Vec<Expectation> =
        example.expect.iter().filter_map(|line| Expectation::parse(line)).collect();
    let named: BTreeSet<&str> =
        expected.iter().map(|e| e.rule.as_str()).chain([example.rule.as_str()]).collect();
    let shows_removed = expected.iter().any(|e| e.removed);
    let config = EngineConfig { report_findings: true, ..EngineConfig::for_tenant("examples") };
    let mut engine = Engine::new(config, Arc::clone(plan));
    let output = engine.step(&example.batch, &Inline);
    let turned_away: Vec<String> = turned_away(&output).collect();
    let mut findings: Vec<(usize, FindingRecord)> =
        output.findings.into_iter().map(|finding| (finding.event as usize, finding)).collect();
    // A line that stands behind later ones has those judged again: what holds in the end is shown.
    for revised in output.revised {
        let events = &example.batch.events;
        let Some(at) = events.iter().position(|e| e.position == revised.position) else { continue };
        findings.retain(|(event, finding)| *event != at || finding.waited.is_some());
        findings.extend(revised.findings.into_iter().map(|finding| (at, finding)));
    }
    findings.sort_by_key(|(event, finding)| (*event, finding.waited.is_none()));
    let seen = findings.iter().filter(|(_, finding)| shows_removed || !finding.removed).filter_map(
        |(_, finding)| {
            let rule = &plan.rules[usize::from(finding.rule)].id;
            let place = (time_word(finding.time_ms), rule.as_str(), finding.account.as_str());
            let asked = expected.iter().find(|e| (e.time_word(), &*e.rule, &*e.account) == place);
            named.contains(place.1).then(|| line(&place, finding, asked))
        },
    );
    turned_away.into_iter().chain(seen).collect()
}

fn line(
    (time, rule, account): &(String, &str, &str),
    finding: &FindingRecord,
    asked: Option<&Expectation>,
) -> String {
    let mut line = format!("{time} {rule} {account}");
    if finding.removed {
        line += " removed";
    }
    if asked.is_some_and(|e| e.floor.is_some()) {
        line += &format!(" floor={}", finding.floor.map_or("none", |floor| floor.word()));
    }
    if asked.is_some_and(|e| e.weight.is_some()) {
        line += &format!(" weight={}", finding.weight);
    }
    line
}

/// Mutants that compile and that no example of their rule notices.
pub(super) fn survivors(files: &[SourceFile]) -> Result<Vec<Mutant>, Vec<Diagnostic>> {
    let mutants = mutants::of(files)?;
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut survived = Vec::new();
        while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
            if is_unnoticed(mutant) {
                survived.push(mutant.clone());
            }
        }
        survived
    };
    let mut survivors: Vec<Mutant> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|w| w.join().unwrap_or_default()).collect()
    });
    survivors.sort_by(|a, b| (&a.path, a.span.start, &a.to).cmp(&(&b.path, b.span.start, &b.to)));
    Ok(survivors)
}

/// A change that leaves a bound does not compile: there is nothing to notice.
fn is_unnoticed(mutant: &Mutant) -> bool {
    let Ok(plan) = pack::compile(mutant.files.clone()) else { return false };
    let Ok(examples) = examples::of(&mutant.files) else { return false };
    let plan = Arc::new(plan);
    let mut own: Vec<&Example> =
        examples.iter().filter(|example| mutant.watched.contains(&example.rule)).collect();
    // One example is enough to notice: the short ones first.
    own.sort_by_key(|example| example.batch.events.len());
    own.into_iter().all(|example| seen(example, &plan) == example.expect)
}
