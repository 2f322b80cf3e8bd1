//! Any order of arrival within the allowed lateness ends in the same findings as the order of time.
//! The engine takes the events permuted, the naive reference in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use goshawk::engine::{Engine, EngineConfig, Inline, OpenEpisode, OpenFinding};
use goshawk::limits::{LATENESS_DEFAULT, LEDGER_RETENTION, MARKS_MAX};
use goshawk::model::alert::{Alert, AlertKind, TargetKind};
use goshawk::model::event::{Batch, Body, Event, Payment, PaymentStatus, Position};
use goshawk::model::measure::Action;
use goshawk::model::time::{HOUR, Millis};
use goshawk::rules::plan::feature::StateFeature;
use goshawk::rules::plan::program::{CellRef, CompareOp, Node, Row, Type};
use goshawk::rules::plan::{EvidencePlan, GuardEffect, Mode, Plan, RulePlan, TargetSpec};

use super::laws::random_cuts;
use super::naive::{Naive, Verdict};
use super::same_findings::{config, line};
use super::streams::{Random, cut, stream};
use super::{plans, seeds};

/// Events that one arrival may have to have judged again, at most, in these streams.
const WITHIN_LATENESS: usize = 50;

/// A stream in order of time, and the lateness that is allowed.
struct Ordered {
    batch: Batch,
    lateness: Millis,
}

/// The stream of a seed, put in order of time, each event in a millisecond of its own. What depends
/// on which of two came first is left out: repetitions, contradictions, and statuses that come when
/// the payment has been forgotten.
fn ordered(seed: u64, keep: fn(&Body) -> bool) -> Ordered {
    let Batch { text, mut events } = stream(seed);
    events.retain(|event| keep(&event.body));
    events.sort_by_key(|event| event.time_ms);
    let mut last = Millis::MIN;
    for event in &mut events {
        event.time_ms = event.time_ms.max(last + 1);
        last = event.time_ms;
    }
    let batch = Batch { text, events };
    let mut known: BTreeMap<String, (Payment, Vec<(Millis, u8)>)> = BTreeMap::new();
    let mut is_plain = |event: &Event| {
        let Body::Payment(p) = &event.body else { return true };
        let id = batch.text(p.payment_id).to_owned();
        let (first, statuses) = known.entry(id).or_insert((*p, Vec::new()));
        let who = |p: &Payment| [p.payer.account, p.payee.account].map(|span| batch.text(span));
        let apart = 2 * LATENESS_DEFAULT;
        let fits = (who(first), first.amount) == (who(p), p.amount)
            && statuses.iter().all(|(time, status)| {
                *status != p.status as u8 && event.time_ms - time < LEDGER_RETENTION - apart
            });
        if fits {
            statuses.push((event.time_ms, p.status as u8));
        }
        fits
    };
    let mut events: Vec<Event> = batch.events.iter().filter(|e| is_plain(e)).cloned().collect();
    let mut batch = batch;
    for (offset, event) in events.iter_mut().enumerate() {
        event.position = Position { topic: 0, partition: 0, offset: offset as i64 };
        if let Body::Payment(payment) = &mut event.body {
            payment.event_id = batch.push_text(&format!("x{offset}"));
        }
    }
    let spans = events.windows(WITHIN_LATENESS).map(|w| w[w.len() - 1].time_ms - w[0].time_ms);
    let lateness = spans.min().unwrap_or(LATENESS_DEFAULT).min(LATENESS_DEFAULT) - 1;
    Ordered { batch: Batch { text: batch.text, events }, lateness: lateness.max(0) }
}

/// The same events, some of them late, none of them later than is allowed.
fn permuted(ordered: &Ordered, random: &mut Random) -> Batch {
    let share = random.pick(&[3, 20, 60, 100]);
    let mut arrivals: Vec<(Millis, Event)> = Vec::new();
    for event in &ordered.batch.events {
        let late = if random.chance(share) { random.between(0, ordered.lateness) } else { 0 };
        arrivals.push((event.time_ms + late, event.clone()));
    }
    arrivals.sort_by_key(|(at, _)| *at);
    let events = arrivals.into_iter().map(|(_, event)| event).collect();
    Batch { text: ordered.batch.text.clone(), events }
}

/// Findings by offset of the event: rule, account, whether a guard removed it.
type Found = BTreeMap<i64, Vec<(u16, String, bool)>>;

fn settings(ordered: &Ordered, threads: usize) -> EngineConfig {
    EngineConfig { lateness_ms: ordered.lateness, threads, ..config() }
}

/// What the engine has found in the end.
fn found_in_the_end(plan: &Arc<Plan>, config: EngineConfig, steps: &[Batch]) -> Found {
    let mut engine = Engine::new(config, Arc::clone(plan));
    let mut found = Found::new();
    for step in steps {
        let output = engine.step(step, &Inline);
        let mut revised = output.revised.iter().peekable();
        let mut findings = output.findings.iter().peekable();
        for (index, event) in (0u32..).zip(&step.events) {
            while let Some(f) = findings.next_if(|f| f.event == index) {
                // What was waited for is found when all that is late has come.
                if f.waited.is_some() {
                    continue;
                }
                let of_event = found.entry(event.position.offset).or_default();
                of_event.push((f.rule, f.account.clone(), f.removed));
            }
            while let Some(r) = revised.next_if(|r| r.cause == index) {
                let all = r.findings.iter().map(|f| (f.rule, f.account.clone(), f.removed));
                found.insert(r.position.offset, all.collect());
            }
        }
        assert!(revised.next().is_none() && findings.next().is_none());
    }
    found
}

/// What the reference finds in order of time.
fn found_in_order(plan: &Arc<Plan>, ordered: &Ordered) -> Found {
    let mut naive = Naive::new(Arc::clone(plan), ordered.lateness, 8 * HOUR);
    let mut found = Found::new();
    for event in &ordered.batch.events {
        for (rule, account, verdict) in naive.take(&ordered.batch, event).rules {
            if let Verdict::Hit { removed } = verdict {
                let of_event = found.entry(event.position.offset).or_default();
                of_event.push((rule, account, removed));
            }
        }
    }
    found
}

/// Leaves out what is not compared, and events without a finding.
fn compared(mut found: Found, plan: &Plan) -> Found {
    for of_event in found.values_mut() {
        of_event.retain(|(rule, ..)| plan.rules[usize::from(*rule)].signals.is_empty());
    }
    found.retain(|_, of_event| !of_event.is_empty());
    found
}

/// Rules that read which terminals were used, where more were used than are kept: of these the last
/// that arrived are known.
fn leave_out_crowded_terminals(found: &mut Found, plan: &Plan, batch: &Batch) {
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &batch.events {
        if let Body::Payment(p) = &event.body
            && !p.terminal_id.is_none()
        {
            *used.entry(batch.text(p.payer.account)).or_default() += 1;
        }
    }
    if used.values().all(|times| *times <= MARKS_MAX) {
        return;
    }
    let reads = |rule: &RulePlan| {
        let guards = rule.guards.iter().map(|guard| plan.guards[usize::from(*guard)].when);
        let parts = guards.chain([rule.when]).flat_map(|when| plan.program.below(when));
        parts.collect::<Vec<_>>().into_iter().any(|id| {
            let node = &plan.program.nodes[id.0 as usize];
            let Node::Load(CellRef::State(role, cell)) = node else { return false };
            let feature = &plan.parts[*role as usize].features[usize::from(*cell)];
            matches!(feature, StateFeature::Terminals(_) | StateFeature::CashTerminals(_))
        })
    };
    let left_out: Vec<bool> = plan.rules.iter().map(reads).collect();
    for of_event in found.values_mut() {
        of_event.retain(|(rule, ..)| !left_out[usize::from(*rule)]);
    }
}

fn payments(body: &Body) -> bool {
    matches!(body, Body::Payment(_))
}

#[test]
fn any_order_within_the_lateness_ends_in_the_same_findings() {
    for seed in seeds(200) {
        let plan = plans::plan(seed);
        let ordered = ordered(seed, payments);
        let mut random = Random::new(seed ^ 0x1a7e);
        let permuted = permuted(&ordered, &mut random);
        let cuts = random_cuts(&mut random, permuted.events.len());
        let steps = cut(&permuted, &cuts);
        let ends = [
            found_in_the_end(&plan, settings(&ordered, 1), &steps),
            found_in_order(&plan, &ordered),
        ];
        let [seen, expect] = ends.map(|mut found| {
            leave_out_crowded_terminals(&mut found, &plan, &ordered.batch);
            compared(found, &plan)
        });
        if seen != expect {
            panic!("seed {seed}\n{}", difference(&plan, &ordered, &permuted, &expect, &seen));
        }
    }
}

/// The plan with few rules that alert, of all weights, so that episodes differ; each shows a value.
fn few(plan: &Plan, seed: u64) -> Arc<Plan> {
    let mut plan = plan.clone();
    for (index, rule) in plan.rules.iter_mut().enumerate() {
        let number = index as u64;
        let waits = plan.program.below(rule.when).into_iter().any(|id| {
            let Node::Load(CellRef::State(role, cell)) = plan.program.nodes[id.0 as usize] else {
                return false;
            };
            let feature = &plan.parts[role as usize].features[usize::from(cell)];
            matches!(feature, StateFeature::NotFollowedBy(..))
        });
        if number % 41 != seed % 41 || !rule.signals.is_empty() || waits {
            rule.mode = Mode::Signal;
            continue;
        }
        rule.weight = 5 + (number % 5) as u32 * 10;
        rule.floor = number.is_multiple_of(4).then_some(Action::Delay);
        let Some(value) = plan.program.below(rule.when).into_iter().next() else { continue };
        rule.evidence.push(EvidencePlan {
            name: "value".to_owned(),
            value,
            ty: Type::Int,
            operator: CompareOp::Ge,
            threshold: value,
            words: None,
            window: None,
        });
    }
    Arc::new(plan)
}

/// An episode as the reference has it: its findings in order of time.
struct Matter {
    last: Millis,
    findings: BTreeMap<String, OpenFinding>,
    families: Vec<u32>,
}

/// The open episodes in order of time, by shadow, kind and target; `None` where it depends on the
/// order of arrival which episode a finding joins.
fn episodes_in_order(plan: &Plan, ordered: &Ordered) -> Option<Vec<OpenEpisode>> {
    let policy = &plan.policy;
    let mut naive = Naive::new(Arc::new(plan.clone()), ordered.lateness, 8 * HOUR);
    let mut open: BTreeMap<(TargetKind, String), Matter> = BTreeMap::new();
    for event in &ordered.batch.events {
        let Body::Payment(p) = &event.body else { continue };
        let text = |span| ordered.batch.text(span).to_owned();
        let judged = naive.take(&ordered.batch, event);
        let parts = judged.parts.each_ref().map(|part| &part[..]);
        let row = Row { payment: &judged.payment, parts, signals: &[] };
        let eval = |expr| plan.program.eval(expr, &row);
        for (rule, _, verdict) in &judged.rules {
            let rule = &plan.rules[usize::from(*rule)];
            if *verdict != (Verdict::Hit { removed: false }) || rule.mode != Mode::Live {
                continue;
            }
            // Settled is settled; what only began can be held.
            let is_held = p.status != PaymentStatus::Settled;
            let target = match if is_held { rule.target_held } else { rule.target_settled } {
                TargetSpec::Payment => (TargetKind::Payment, text(p.payment_id)),
                TargetSpec::Payee => (TargetKind::Account, text(p.payee.account)),
                _ => (TargetKind::Account, text(p.payer.account)),
            };
            let gap = open.get(&target).map(|m| event.time_ms - m.last - policy.episode_idle_ms);
            match gap {
                Some(gap) if gap > ordered.lateness => drop(open.remove(&target)),
                Some(gap) if gap > 0 => return None,
                _ => {}
            }
            let matter = open.entry(target).or_insert_with(|| Matter {
                last: event.time_ms,
                findings: BTreeMap::new(),
                families: vec![0; policy.families.len()],
            });
            matter.last = event.time_ms;
            let lowered = rule.guards.iter().any(|guard| {
                let guard = &plan.guards[usize::from(*guard)];
                guard.effect == GuardEffect::Lower && eval(guard.when) == 1
            });
            let weight = if lowered { rule.weight / 2 } else { rule.weight };
            let floor = rule.floor.filter(|_| !lowered);
            let known = matter.findings.get(&rule.id);
            let finding = OpenFinding {
                rule_id: rule.id.clone(),
                time_ms: event.time_ms,
                weight: known.map_or(0, |known| known.weight).max(weight),
                floor: known.and_then(|known| known.floor).max(floor),
                values: rule.evidence.iter().map(|item| eval(item.value)).collect(),
            };
            matter.families[rule.family] += finding.weight - known.map_or(0, |k| k.weight);
            matter.findings.insert(rule.id.clone(), finding);
        }
    }
    let watermark = naive.watermark();
    open.retain(|_, matter| matter.last + policy.episode_idle_ms >= watermark);
    let listed = open.into_iter().map(|((kind, id), matter)| {
        let capped = matter.families.iter().zip(&policy.families).map(|(n, f)| (*n).min(f.cap));
        let score = capped.sum::<u32>().min(100);
        let bands = policy.bands.iter().filter(|band| band.from <= score);
        let of_band = bands.map(|band| match kind {
            TargetKind::Payment => band.payment,
            _ => band.account,
        });
        let findings: Vec<OpenFinding> = matter.findings.into_values().collect();
        let floors = findings.iter().filter_map(|finding| finding.floor);
        let measure = of_band.chain(floors).max();
        OpenEpisode { kind, id, shadow: false, score, measure, findings }
    });
    Some(listed.collect())
}

#[test]
fn any_order_within_the_lateness_ends_in_the_same_open_episodes() {
    let (mut compared, mut corrections) = (0, [0; 4]);
    let seeds = seeds(200);
    for seed in &seeds {
        let ordered = ordered(*seed, payments);
        let plan = few(&plans::plan(*seed), *seed);
        let Some(expect) = episodes_in_order(&plan, &ordered) else { continue };
        compared += 1;
        let permuted = permuted(&ordered, &mut Random::new(seed ^ 0xe915));
        let mut engine = Engine::new(settings(&ordered, 1), Arc::clone(&plan));
        let mut last: BTreeMap<String, Alert> = BTreeMap::new();
        for step in cut(&permuted, &random_cuts(&mut Random::new(*seed), permuted.events.len())) {
            let output = engine.step(&step, &Inline);
            corrections
                .iter_mut()
                .zip(output.counts.corrections)
                .for_each(|(sum, step)| *sum += step);
            for alert in output.alerts {
                let before = last.get(&alert.alert_id);
                let follows = before.map_or(1, |before| before.revision + 1);
                assert_eq!(alert.revision, follows, "seed {seed}");
                last.insert(alert.alert_id.clone(), alert);
            }
        }
        let seen = engine.open_episodes();
        let differs = seen.iter().zip(&expect).find(|(seen, expect)| seen != expect);
        assert!(differs.is_none(), "seed {seed}: {differs:#?}");
        assert_eq!(seen.len(), expect.len(), "seed {seed}");
        // What was said last of an open episode is not more than what it comes to.
        for episode in &seen {
            let of_episode = |alert: &&Alert| {
                alert.target.kind == episode.kind
                    && match episode.kind {
                        TargetKind::Payment => {
                            alert.target.payment_id.as_ref() == Some(&episode.id)
                        }
                        _ => alert.target.account == episode.id,
                    }
            };
            let said = last.values().filter(of_episode).max_by_key(|alert| alert.event_time_ms);
            if episode.measure.is_none()
                && let Some(said) = said
            {
                let told = (said.kind, said.event_time_ms);
                let ended =
                    said.event_time_ms < episode.findings[0].time_ms - plan.policy.episode_idle_ms;
                assert!(said.kind == AlertKind::Withdraw || ended, "seed {seed}: {told:?}");
            }
        }
    }
    if seeds.len() >= 100 {
        assert!(compared * 2 > seeds.len(), "{compared} of {} compared", seeds.len());
    }
    let [raised, updated, escalated, withdrawn] = corrections;
    println!("corrections: {corrections:?}");
    if seeds.len() >= 100 {
        assert!([raised, updated, escalated, withdrawn].iter().all(|n| *n > 0), "{corrections:?}");
    }
}

fn difference(
    plan: &Plan,
    ordered: &Ordered,
    permuted: &Batch,
    expect: &Found,
    seen: &Found,
) -> String {
    let mut text = format!("lateness {}\n", ordered.lateness);
    let none = Vec::new();
    for (event, at) in ordered.batch.events.iter().zip(0..) {
        let (e, s) = (expect.get(&at).unwrap_or(&none), seen.get(&at).unwrap_or(&none));
        let only = |a: &Vec<(u16, String, bool)>, b: &Vec<(u16, String, bool)>| {
            let ids = a.iter().filter(|f| !b.contains(f)).map(|f| {
                let rule = &plan.rules[usize::from(f.0)];
                format!("{} {:?} {:?}", rule.id, rule.subject, describe(plan, rule.when))
            });
            ids.collect::<Vec<_>>().join("; ")
        };
        if e != s {
            text += &format!("at {at} missing: {} | too many: {}\n", only(e, s), only(s, e));
            text += &format!("   {}\n", line(&ordered.batch, event));
            break;
        }
    }
    for event in &permuted.events {
        text += &format!("{:4} {}\n", event.position.offset, line(permuted, event));
    }
    text
}

fn describe(plan: &Plan, when: goshawk::rules::plan::program::ExprId) -> Vec<String> {
    use goshawk::rules::plan::program::{CellRef, Node};
    let cells = plan.program.below(when).into_iter().filter_map(|id| {
        match plan.program.nodes[id.0 as usize] {
            Node::Load(CellRef::State(role, cell)) => {
                Some(format!("{:?}", plan.parts[role as usize].features[usize::from(cell)]))
            }
            _ => None,
        }
    });
    cells.take(3).collect()
}
