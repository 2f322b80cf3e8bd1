//! What must not change the output: cuts into steps, the number of threads, a restart by replay.

use std::fmt::Write as _;
use std::sync::Arc;

use goshawk::engine::{Counts, Ending, Engine, EngineConfig, Fork, Inline, RuleCounts, StepOutput};
use goshawk::model::entity::HashKey;
use goshawk::model::event::{Batch, Body};
use goshawk::rules::plan::Plan;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::same_findings::config;
use super::streams::{Random, cut, stream};
use super::{plans, seeds};

/// Work on a pool of real threads.
pub struct Pool(rayon::ThreadPool);

impl Pool {
    pub fn new(threads: usize) -> Self {
        let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
        Self(builder.build().expect("threads can be started"))
    }
}

impl Fork for Pool {
    fn run(&self, tasks: usize, work: &(dyn Fn(usize) + Sync)) {
        self.0.install(|| (0..tasks).into_par_iter().for_each(work));
    }
}

/// Every event ends as one thing, the counts and sums are those of the endings, and every rejected
/// event has its reject.
fn assert_endings(batch: &Batch, output: &StepOutput) {
    assert_eq!(output.endings.len(), batch.events.len());
    let counts = &output.counts;
    let of = |ending| {
        let ended = batch.events.iter().zip(&output.endings).filter(move |(_, e)| **e == ending);
        let minor = ended.clone().map(|(event, _)| match &event.body {
            Body::Payment(payment) => i128::from(payment.amount.minor),
            _ => 0,
        });
        (ended.count() as u64, minor.sum::<i128>())
    };
    assert_eq!(of(Ending::Scored), (counts.scored, counts.scored_minor));
    assert_eq!(of(Ending::Applied), (counts.applied, 0));
    assert_eq!(of(Ending::Duplicate), (counts.duplicates, counts.duplicate_minor));
    assert_eq!(of(Ending::Rejected), (counts.rejected, counts.rejected_minor));
    assert_eq!(output.rejects.len() as u64, counts.rejected);
}

/// Everything an engine says, with events numbered through the whole stream.
#[derive(Default)]
pub struct Transcript {
    text: String,
    counts: Counts,
    rules: Vec<RuleCounts>,
    pub events: u32,
    watermark_ms: i64,
}

impl Transcript {
    pub fn step(&mut self, engine: &mut Engine, batch: &Batch, fork: &dyn Fork) {
        let output = engine.step(batch, fork);
        assert_eq!(output.alerts.len(), output.alert_events.len());
        assert_endings(batch, &output);
        for (alert, event) in output.alerts.iter().zip(&output.alert_events) {
            let _ = writeln!(self.text, "{} {alert:?}", self.events + event);
        }
        for f in &output.findings {
            let at = self.events + f.event;
            let waited = if f.waited.is_some() { " waited" } else { "" };
            let (rule, account, removed) = (f.rule, &f.account, f.removed);
            let _ = writeln!(self.text, "{at} finds {rule} {account} {removed}{waited}");
        }
        for revised in &output.revised {
            let (at, offset) = (self.events + revised.cause, revised.position.offset);
            let findings = revised.findings.iter();
            let findings: Vec<_> = findings.map(|f| (f.rule, &f.account, f.removed)).collect();
            let _ = writeln!(self.text, "{at} revises {offset} {findings:?}");
        }
        for reject in &output.rejects {
            let _ = writeln!(self.text, "{reject:?}");
        }
        self.events += batch.events.len() as u32;
        self.watermark_ms = output.watermark_ms;
        add_counts(&mut self.counts, &output.counts);
        self.rules.resize(output.rules.len(), RuleCounts::default());
        for (sum, rule) in self.rules.iter_mut().zip(&output.rules) {
            sum.hit += rule.hit;
            sum.miss += rule.miss;
            sum.suppressed += rule.suppressed;
            sum.not_evaluable += rule.not_evaluable;
        }
    }

    /// The whole in one order: by event, whatever the step was.
    pub fn finished(self) -> String {
        let mut lines: Vec<&str> = self.text.lines().collect();
        lines.sort_unstable();
        let lines = lines.join("\n");
        format!("{lines}\n{:?}\n{:?}\n{}", self.counts, self.rules, self.watermark_ms)
    }
}

fn add_counts(sum: &mut Counts, step: &Counts) {
    sum.scored += step.scored;
    sum.applied += step.applied;
    sum.duplicates += step.duplicates;
    sum.rejected += step.rejected;
    sum.late += step.late;
    sum.judged_again += step.judged_again;
    sum.corrections.iter_mut().zip(step.corrections).for_each(|(sum, step)| *sum += step);
    sum.scored_minor += step.scored_minor;
    sum.duplicate_minor += step.duplicate_minor;
    sum.rejected_minor += step.rejected_minor;
    sum.bounds_hit += step.bounds_hit;
    sum.repeats += step.repeats;
    sum.breaker_downgrades += step.breaker_downgrades;
    sum.account_days += step.account_days;
    sum.waited += step.waited;
}

fn run(config: EngineConfig, plan: &Arc<Plan>, steps: &[Batch], fork: &dyn Fork) -> String {
    let mut engine = Engine::new(config, Arc::clone(plan));
    let mut transcript = Transcript::default();
    steps.iter().for_each(|step| transcript.step(&mut engine, step, fork));
    transcript.finished()
}

pub fn random_cuts(random: &mut Random, events: usize) -> Vec<usize> {
    let mean = random.pick(&[1, 2, 5, 40]);
    (1..events).filter(|_| random.below(mean) == 0).collect()
}

pub fn assert_same(seed: u64, what: &str, whole: &str, other: &str) {
    if whole == other {
        return;
    }
    let (mut a, mut b) = (whole.lines(), other.lines());
    let (expect, seen) = loop {
        match (a.next(), b.next()) {
            (Some(x), Some(y)) if x == y => {}
            (x, y) => break (x.unwrap_or_default(), y.unwrap_or_default()),
        }
    };
    let same = expect.bytes().zip(seen.bytes()).take_while(|(x, y)| x == y).count();
    let around = |text: &str| {
        let bytes = &text.as_bytes()[same.saturating_sub(120).min(text.len())..];
        String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned()
    };
    panic!("seed {seed}: {what}\nwhole: …{}\nother: …{}", around(expect), around(seen));
}

#[test]
fn any_cut_into_steps_says_the_same() {
    for seed in seeds(250) {
        let (plan, whole) = (plans::plan(seed), stream(seed));
        let mut random = Random::new(seed ^ 0xc07);
        let expect = run(config(), &plan, &cut(&whole, &[]), &Inline);
        for _ in 0..3 {
            let cuts = random_cuts(&mut random, whole.events.len());
            let seen = run(config(), &plan, &cut(&whole, &cuts), &Inline);
            assert_same(seed, &format!("cut at {cuts:?}"), &expect, &seen);
        }
    }
}

#[test]
fn any_number_of_threads_says_the_same() {
    let pools: Vec<Pool> = (1..=8).map(Pool::new).collect();
    for seed in seeds(80) {
        let (plan, whole) = (plans::plan(seed), stream(seed));
        let cuts = random_cuts(&mut Random::new(seed ^ 0x7d5), whole.events.len());
        let steps = cut(&whole, &cuts);
        let expect = run(config(), &plan, &steps, &Inline);
        for (threads, pool) in (1..).zip(&pools) {
            let config = EngineConfig { threads, ..config() };
            let seen = run(config, &plan, &steps, pool);
            assert_same(seed, &format!("{threads} threads"), &expect, &seen);
        }
    }
}

#[test]
fn any_hash_key_says_the_same() {
    for seed in seeds(120) {
        let (plan, whole) = (plans::plan(seed), stream(seed));
        let steps = cut(&whole, &[]);
        let expect = run(config(), &plan, &steps, &Inline);
        let hash_key = HashKey(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), !seed);
        let seen = run(EngineConfig { hash_key, ..config() }, &plan, &steps, &Inline);
        assert_same(seed, "another hash key", &expect, &seen);
    }
}

#[test]
fn a_restart_by_replay_goes_on_as_if_nothing_had_happened() {
    for seed in seeds(200) {
        let (plan, whole) = (plans::plan(seed), stream(seed));
        let mut random = Random::new(seed ^ 0x5e57);
        let cuts = random_cuts(&mut random, whole.events.len());
        let steps = cut(&whole, &cuts);
        let expect = run(config(), &plan, &steps, &Inline);
        let stop = random.below(steps.len() as u64 + 1) as usize;
        let mut transcript = Transcript::default();
        let mut first = Engine::new(config(), Arc::clone(&plan));
        steps[..stop].iter().for_each(|step| transcript.step(&mut first, step, &Inline));
        drop(first);
        let mut second = Engine::new(EngineConfig { threads: 3, ..config() }, Arc::clone(&plan));
        for step in &steps[..stop] {
            second.step(step, &Inline);
        }
        steps[stop..].iter().for_each(|step| transcript.step(&mut second, step, &Inline));
        assert_same(seed, &format!("restart at step {stop}"), &expect, &transcript.finished());
    }
}

#[test]
fn every_event_and_every_amount_is_accounted_for() {
    use goshawk::model::event::Body;
    for seed in seeds(600) {
        let (plan, whole) = (plans::plan(seed), stream(seed));
        let mut engine = Engine::new(config(), plan);
        let mut sum = Counts::default();
        let mut rejects = 0;
        for step in cut(&whole, &random_cuts(&mut Random::new(seed), whole.events.len())) {
            let output = engine.step(&step, &Inline);
            rejects += output.rejects.len() as u64;
            add_counts(&mut sum, &output.counts);
        }
        let total = sum.scored + sum.applied + sum.duplicates + sum.rejected;
        assert_eq!(total, whole.events.len() as u64, "seed {seed}");
        assert_eq!(rejects, sum.rejected, "seed {seed}");
        let amounts = whole.events.iter().map(|e| match &e.body {
            Body::Payment(p) => i128::from(p.amount.minor),
            _ => 0,
        });
        let minor = sum.scored_minor + sum.duplicate_minor + sum.rejected_minor;
        assert_eq!(minor, amounts.sum::<i128>(), "seed {seed}");
        assert!(sum.late <= sum.scored, "seed {seed}");
    }
}
