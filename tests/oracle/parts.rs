//! The state leaves an engine part by part, at different steps, and goes on in another: nothing
//! said afterwards may differ, and nothing of the state at the end.

use std::sync::Arc;

use goshawk::engine::image::{ActImage, ConsultImage, HeldImage, LedgersImage, Resume};
use goshawk::engine::{Engine, EngineConfig, Fork, Inline};
use goshawk::limits::SHARDS;
use goshawk::model::event::Batch;
use goshawk::rules::plan::Plan;

use super::laws::{Pool, Transcript, assert_same, random_cuts};
use super::same_findings::config;
use super::streams::{Random, cut, stream};
use super::{plans, seeds};

/// Everything an engine holds, and the step after which each part of it was taken.
#[derive(Default)]
struct Parts {
    consult: Vec<ConsultImage>,
    ledgers: Vec<LedgersImage>,
    act: ActImage,
    held: Vec<HeldImage>,
    steps: [Vec<u64>; 2],
    act_step: u64,
}

impl Parts {
    fn take_consult(&mut self, engine: &mut Engine, shards: usize, step: u64) {
        let first = self.consult.len();
        for shard in first..(first + shards).min(SHARDS) {
            let mut image = ConsultImage::default();
            engine.copy_consult(shard as u16, &mut image);
            self.consult.push(image);
            self.steps[0].push(step);
        }
    }

    fn take_ledgers(&mut self, engine: &mut Engine, shards: usize, step: u64) {
        let first = self.ledgers.len();
        for shard in first..(first + shards).min(SHARDS) {
            let mut image = LedgersImage::default();
            engine.copy_ledgers(shard as u16, &mut image);
            self.ledgers.push(image);
            self.steps[1].push(step);
        }
    }

    fn take_act(&mut self, engine: &Engine, step: u64) {
        (self.act, self.act_step) = (engine.copy_act().image(), step);
        self.held = engine.copy_held().images().collect();
    }

    fn of(engine: &mut Engine, step: u64) -> Self {
        let mut parts = Self::default();
        parts.take_consult(engine, SHARDS, step);
        parts.take_ledgers(engine, SHARDS, step);
        parts.take_act(engine, step);
        parts
    }

    fn restored(&self, config: EngineConfig, plan: &Arc<Plan>) -> Engine {
        let mut engine = Engine::new(config, Arc::clone(plan));
        for (ledgers, consult) in self.ledgers.iter().zip(&self.consult) {
            engine.restore_ledgers(ledgers).expect("what was taken can be taken in");
            engine.restore_consult(consult).expect("what was taken can be taken in");
        }
        engine.restore_held(&self.held).expect("what was taken can be taken in");
        engine.restore_act(&self.act).expect("what was taken can be taken in");
        let [consult, ledgers] = self.steps.clone();
        let greatest_ms = self.consult.iter().map(|image| image.greatest_ms).min();
        let greatest_ms = greatest_ms.expect("there are shards");
        let next_event = self.consult.iter().map(|image| image.next_event).min();
        let next_event = next_event.expect("there are shards");
        let resume = Resume { consult, ledgers, act: self.act_step, greatest_ms, next_event };
        engine.resume(resume).expect("the parts were taken in order");
        engine
    }

    fn assert_alike(&self, other: &Self, seed: u64) {
        for (a, b) in self.consult.iter().zip(&other.consult) {
            assert_eq!(a, b, "seed {seed}");
        }
        for (a, b) in self.ledgers.iter().zip(&other.ledgers) {
            assert_eq!(a, b, "seed {seed}");
        }
        assert_eq!(self.act, other.act, "seed {seed}");
        assert_eq!(self.held, other.held, "seed {seed}");
    }
}

/// Takes the parts between steps `first` and the end of `steps`, some after each step, and returns
/// with them what was said after the last part was taken.
fn roll(
    seed: u64,
    engine: &mut Engine,
    steps: &[Batch],
    random: &mut Random,
    fork: &dyn Fork,
) -> (Parts, Transcript) {
    let (mut parts, mut said) = (Parts::default(), Transcript::default());
    let (first, least) = (random.below(steps.len() as u64), SHARDS / steps.len() + 1);
    let done = |parts: &Parts| parts.act_step > 0;
    for (step, batch) in (1..).zip(steps) {
        said.step(engine, batch, fork);
        if step < first.max(1) || done(&parts) {
            continue;
        }
        let shards = least * (1 + random.below(4) as usize) * 2;
        // Now and then a step passes without a part, or one with parts of two kinds.
        if random.chance(70) && parts.consult.len() < SHARDS {
            parts.take_consult(engine, shards, step);
        }
        if random.chance(70) && parts.consult.len() == SHARDS && parts.ledgers.len() < SHARDS {
            parts.take_ledgers(engine, shards, step);
        }
        let last = step as usize == steps.len();
        if last && parts.ledgers.len() < SHARDS {
            parts.take_consult(engine, SHARDS, step);
            parts.take_ledgers(engine, SHARDS, step);
        }
        if parts.ledgers.len() == SHARDS && (last || random.chance(60)) {
            parts.take_act(engine, step);
            let events = said.events;
            said = Transcript::default();
            said.events = events;
        }
    }
    assert!(done(&parts), "seed {seed}: the last step takes what is left");
    (parts, said)
}

#[test]
fn a_state_taken_part_by_part_goes_on_as_if_it_had_never_left() {
    let pool = Pool::new(2);
    let (seeds, mut waits) = (seeds(150), 0);
    for &seed in &seeds {
        let (plan, whole) = (plans::plan(seed), stream(seed));
        let mut random = Random::new(seed ^ 0x9a27);
        let cuts = random_cuts(&mut random, whole.events.len());
        let steps = cut(&whole, &cuts);
        let mut pick = || match random.chance(50) {
            true => (EngineConfig { threads: 2, ..config() }, &pool as &dyn Fork),
            false => (config(), &Inline as &dyn Fork),
        };
        let ((before, fork), (after, other)) = (pick(), pick());
        let mut engine = Engine::new(before, Arc::clone(&plan));
        let (parts, said) = roll(seed, &mut engine, &steps, &mut random, fork);

        waits += parts.act.waits();
        let mut again = parts.restored(after, &plan);
        let oldest = parts.steps[0].iter().copied().min().expect("there are shards");
        let mut said_again = Transcript::default();
        for (step, batch) in (1..).zip(&steps) {
            if step <= parts.act_step {
                said_again.events += batch.events.len() as u32;
            }
            if step > oldest && step <= parts.act_step {
                assert!(!again.is_whole_at(step));
                let muted = again.repeat(step, batch, other);
                assert!(muted.alerts.is_empty(), "seed {seed}: its part holds what was said");
            } else if step > parts.act_step {
                said_again.step(&mut again, batch, other);
            }
        }
        assert_same(seed, "after the parts", &said.finished(), &said_again.finished());
        let last = steps.len() as u64;
        Parts::of(&mut engine, last).assert_alike(&Parts::of(&mut again, last), seed);
    }
    assert!(waits > seeds.len() / 2 || seeds.len() < 10, "hardly anything was waited for");
}

#[test]
fn a_shard_alone_leaves_and_comes_back() {
    for seed in seeds(40) {
        let (plan, whole) = (plans::plan(seed), stream(seed));
        let half = whole.events.len() / 2;
        let steps = cut(&whole, &[half.max(1)]);
        let [mut engine, mut other] =
            [1, 2].map(|threads| Engine::new(EngineConfig { threads, ..config() }, plan.clone()));
        for batch in &steps[..1] {
            engine.step(batch, &Inline);
            other.step(batch, &Inline);
        }
        let parts = Parts::of(&mut engine, 1);
        for (ledgers, consult) in parts.ledgers.iter().zip(&parts.consult) {
            other.drop_shard(ledgers.shard);
            let mut empty = LedgersImage::default();
            other.copy_ledgers(ledgers.shard, &mut empty);
            assert_eq!((empty.entities(), empty.entries()), (0, 0));
            other.restore_ledgers(ledgers).expect("what was taken can be taken in");
            other.restore_consult(consult).expect("what was taken can be taken in");
        }
        let said = [&mut engine, &mut other].map(|engine| {
            let mut said = Transcript::default();
            steps[1..].iter().for_each(|batch| said.step(engine, batch, &Inline));
            said.finished()
        });
        assert_same(seed, "with every shard moved", &said[0], &said[1]);
    }
}
