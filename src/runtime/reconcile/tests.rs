//! The proof over small journals by hand: a sound one is proven, each breakage is named by kind.

use super::broken::{Kind, Stretch};
use super::proof::Proof;
use super::report::{Report, SeenAlert, SeenReject, Steps};
use super::tally::Tally;
use crate::model::money::{Currency, Money};
use crate::runtime::config::Delivery;
use crate::wire::balance::Balance;
use crate::wire::journal::{JournalCounts, JournalRecord, JournalRun, Reconciliation, SCHEMA};

/// A world of two steps on one partition: offsets 0 to 3 are payments of 5 fen, but 2 is rubbish;
/// offset 1 raised an alert.
struct World {
    journal: Vec<JournalRecord>,
    summary: Option<Reconciliation>,
    records: Vec<(i64, Option<i64>)>,
    rejects: Vec<i64>,
    alerts: Vec<SeenAlert>,
    low: i64,
    delivery: Delivery,
}

fn balance(payments: u64, rejected: u64) -> Balance {
    let mut balance =
        Balance { records: payments + rejected, scored: payments, rejected, ..Balance::default() };
    for _ in 0..payments {
        balance.consume(Currency::CNY, 5);
    }
    balance.amounts.values_mut().for_each(|amounts| amounts.scored = amounts.consumed);
    balance
}

fn step(step: u64, (from, to): (i64, i64), ended: Balance, alerts: u64) -> JournalRecord {
    let counts = JournalCounts {
        scored: ended.scored,
        rejected: ended.rejected,
        alerts,
        ..JournalCounts::default()
    };
    let topic = "payments".to_owned();
    JournalRecord {
        schema: SCHEMA.to_owned(),
        step,
        runs: vec![JournalRun { topic, partition: 0, from, to, ended: Some(ended) }],
        rule_pack: String::new(),
        tick_ms: None,
        watermark_ms: 0,
        counts,
    }
}

fn alert(at: i64, source: i64, step: Option<u64>) -> SeenAlert {
    SeenAlert {
        at: Stretch::of("alerts", 0, at),
        id: ("a".to_owned(), 1),
        source: Stretch::of("payments", 0, source),
        step,
        corrects: false,
    }
}

impl World {
    fn sound() -> Self {
        let journal = vec![step(1, (0, 2), balance(2, 0), 1), step(2, (2, 4), balance(1, 1), 0)];
        let mut tally = Tally::default();
        journal.iter().for_each(|record| tally.add(record));
        Self {
            journal,
            summary: tally.take(7),
            records: vec![(0, Some(5)), (1, Some(5)), (2, None), (3, Some(5))],
            rejects: vec![2],
            alerts: vec![alert(0, 1, Some(1))],
            low: 0,
            delivery: Delivery::ExactlyOnce,
        }
    }

    fn proven(&self) -> Report {
        let mut proof = Proof::new(Steps { from: 1, to: 3 }, self.delivery);
        self.alerts.iter().for_each(|alert| proof.alert(alert.clone()));
        for (at, offset) in (0..).zip(&self.rejects) {
            let source = Stretch::of("payments", 0, *offset);
            proof.reject(&SeenReject { at: Stretch::of("rejects", 0, at), source });
        }
        self.journal.iter().for_each(|record| proof.step(record));
        self.summary.iter().for_each(|summary| proof.summary(summary));
        for wanted in proof.wanted() {
            for (offset, minor) in self.records.iter().filter(|(offset, _)| *offset >= self.low) {
                let money = minor.map(|minor| Some(Money { minor, currency: Currency::CNY }));
                proof.record(("payments", 0, *offset), money.ok_or(()));
            }
            proof.close(&wanted.topic, wanted.partition, self.low);
        }
        proof.finish()
    }

    fn kinds(&self) -> Vec<Kind> {
        self.proven().broken.iter().map(|broken| broken.kind).collect()
    }
}

#[test]
fn a_sound_world_is_proven() {
    let report = World::sound().proven();
    assert_eq!(report.broken, []);
    assert_eq!((report.alerts, report.rejects, report.summaries), (1, 1, 1));
    let line = &report.partitions[0];
    assert_eq!((line.stretch.from, line.stretch.to), (0, 4));
    assert_eq!((line.claimed.records, line.found.records), (4, 4));
    assert_eq!(line.found.amounts["CNY"].consumed, 15);
}

#[test]
fn every_breakage_has_its_kind() {
    type Plant = fn(&mut World);
    let plants: &[(Plant, &[Kind])] = &[
        (|w| w.journal[1].step = 4, &[]),
        (|w| w.journal[1].runs[0].from = 3, &[Kind::Gap, Kind::Records, Kind::Rejects]),
        (|w| w.journal[1].runs[0].from = 1, &[Kind::Overlap]),
        (|w| w.journal[0].counts.scored += 1, &[Kind::Unbalanced]),
        (|w| w.records[3].1 = Some(6), &[Kind::Amounts]),
        (|w| w.records.truncate(3), &[Kind::Records, Kind::Amounts]),
        (|w| w.rejects.clear(), &[Kind::Rejects, Kind::Rejects]),
        (|w| w.rejects.push(2), &[Kind::Twice]),
        (|w| w.alerts.clear(), &[Kind::Alerts]),
        (|w| w.alerts.push(alert(9, 1, Some(1))), &[Kind::Twice]),
        (|w| w.alerts.push(alert(9, 1, None)), &[Kind::Twice]),
        (|w| w.alerts[0].source = Stretch::of("payments", 0, 3), &[Kind::Source]),
        (|w| w.alerts[0].step = Some(2), &[Kind::Alerts, Kind::Source, Kind::Alerts]),
        (
            |w| {
                w.alerts.push(alert(9, 0, Some(1)));
                w.alerts[1].id.1 = 3;
                w.journal[0].counts.alerts = 2;
            },
            &[Kind::Revisions],
        ),
    ];
    for (number, (plant, expected)) in plants.iter().enumerate() {
        let mut world = World::sound();
        plant(&mut world);
        // The sum over the steps is broken by whatever breaks a step: it is looked at below.
        world.summary = None;
        assert_eq!(world.kinds(), *expected, "plant {number}: {:#?}", world.proven().broken);
    }
}

#[test]
fn a_sum_that_is_not_that_of_the_steps_is_named() {
    let mut world = World::sound();
    let summary = world.summary.as_mut().expect("two steps");
    summary.partitions[0].ended.scored -= 1;
    assert_eq!(world.kinds(), [Kind::Summary]);
}

#[test]
fn missing_steps_and_repeated_ones_are_told() {
    let mut world = World::sound();
    world.summary = None;
    world.journal.remove(0);
    world.journal.push(step(2, (4, 4), balance(0, 0), 0));
    let kinds = world.kinds();
    // The second step is repeated, and the first's alert comes from nowhere.
    assert_eq!(kinds, [Kind::Steps, Kind::Source]);
}

#[test]
fn what_is_gone_is_named_and_not_broken() {
    let mut world = World::sound();
    world.low = 2;
    let report = world.proven();
    assert_eq!(report.broken, []);
    assert_eq!(report.gone, [Stretch { to: 2, ..Stretch::of("payments", 0, 0) }]);
}

#[test]
fn a_correction_may_be_of_an_earlier_step_and_not_of_a_later_one() {
    let mut world = World::sound();
    world.summary = None;
    world.journal[1].counts.alerts = 1;
    world.alerts.push(SeenAlert {
        id: ("a".to_owned(), 2),
        corrects: true,
        ..alert(9, 0, Some(2))
    });
    assert_eq!(world.kinds(), []);
    world.alerts[1].source = Stretch::of("payments", 0, 4);
    assert_eq!(world.kinds(), [Kind::Source]);
}

#[test]
fn repeats_are_counted_where_they_are_allowed() {
    let mut world = World::sound();
    world.delivery = Delivery::AtLeastOnce;
    world.rejects.push(2);
    world.alerts.push(alert(9, 1, Some(1)));
    let report = world.proven();
    assert_eq!((report.broken, report.repeats), (Vec::new(), 2));
}
