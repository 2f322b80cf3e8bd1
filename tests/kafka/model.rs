//! The simulation's model against a real broker: the same acts, the same that can be seen of them.

use std::time::{Duration, Instant};

use goshawk::runtime::process::KafkaBrokers;
use goshawk::runtime::standby::Brokers;
use goshawk::sink::kafka::Guarantee;
use goshawk::sink::kafka::writer::{Ends, Refusal, Writer};
use goshawk::sink::{Message, Stream};
use goshawk::source::kafka::client::KafkaSettings;
use goshawk::source::kafka::journal::{JournalLog as _, Next};
use goshawk::source::kafka::log::{Begin, Log as _, Queue as _, Taken};

use super::lab::{LONG, Lab};
use crate::oracle::streams::Random;
use crate::simulation::client::Model;
use crate::simulation::cluster::Cluster;
use crate::simulation::world::{Faults, Seat, World};

/// Names of the topics; payments have two partitions, the others one.
struct Topics {
    payments: String,
    journal: String,
}

/// Whatever answers, and what has been seen of it.
struct Acts<'a, B: Brokers> {
    brokers: &'a B,
    topics: &'a Topics,
    seen: Vec<String>,
}

impl<B: Brokers> Acts<'_, B> {
    fn writer(&mut self, name: &str) -> B::Writer {
        let mut writer = self.brokers.writer().expect("connects");
        let outcome = patient(&mut writer, Writer::take_over);
        self.seen.push(format!("{name} takes over: {}", word(&outcome)));
        writer
    }

    /// A transaction up to its end: a record in the journal for each number, and an offset.
    fn write(&mut self, name: &str, writer: &mut B::Writer, numbers: &[u32]) {
        let message = |number: &u32| Message {
            stream: Stream::Journal,
            key: Vec::new(),
            headers: Vec::new(),
            body: format!("record {number}").into_bytes(),
        };
        let mut outcome = writer.begin();
        for number in numbers {
            outcome = outcome.and_then(|()| writer.send(&self.topics.journal, &message(number)));
        }
        outcome = outcome.and_then(|()| writer.answers());
        let ends = Ends::from([((self.topics.payments.clone(), 1), i64::from(numbers[0]))]);
        outcome = outcome.and_then(|()| patient(writer, |writer| writer.send_offsets(&ends)));
        self.seen.push(format!("{name} writes {numbers:?}: {}", word(&outcome)));
    }

    fn commit(&mut self, name: &str, writer: &mut B::Writer) {
        let outcome = patient(writer, Writer::commit);
        self.seen.push(format!("{name} commits: {}", word(&outcome)));
    }

    fn abort(&mut self, name: &str, writer: &mut B::Writer) {
        let outcome = patient(writer, Writer::abort);
        self.seen.push(format!("{name} aborts: {}", word(&outcome)));
    }

    /// The journal as its reader sees it, and the end it is told.
    fn journal(&mut self, when: &str) {
        let mut journal = self.brokers.journal().expect("connects");
        journal.seek(None).expect("it is there");
        let (mut records, until) = (Vec::new(), Instant::now() + LONG);
        loop {
            let mut each = |offset: i64, body: &[u8]| {
                records.push((offset, String::from_utf8_lossy(body).into_owned()));
            };
            match journal.next(&mut each) {
                Ok(Next::End) => break,
                Ok(Next::Record | Next::Nothing) | Err(_) => {}
            }
            assert!(Instant::now() < until, "no end");
        }
        self.seen.push(format!("journal {when}: {records:?}"));
    }

    /// The same topic as an input, from an offset: records and the end.
    fn input(&mut self, when: &str, from: Option<i64>) {
        let topics = [self.topics.journal.clone()];
        let mut log = self.brokers.log(&topics).expect("connects");
        let begin = Begin { topic: &topics[0], partition: 0, offset: from };
        let mut queue = log.assign(&[begin]).expect("assigned").remove(0);
        let (mut records, mut end, until) = (Vec::new(), None, Instant::now() + LONG);
        while end.is_none() {
            while log.serve().is_some() {}
            queue.take(100, |taken| match taken {
                Taken::Record(held) => records.push(held.offset),
                Taken::End(offset) => end = Some(offset),
                Taken::Trouble(code) => panic!("{code:?}"),
            });
            log.wait(Duration::from_millis(5));
            assert!(Instant::now() < until, "no end");
        }
        self.seen.push(format!("input {when} from {from:?}: {records:?}, end {end:?}"));
    }

    fn offsets(&mut self, when: &str, writer: &B::Writer) {
        let topics = [self.topics.payments.clone()];
        let until = Instant::now() + LONG;
        let ends = loop {
            match writer.committed(&topics) {
                Ok(ends) => break ends,
                // A transaction that has some is still being ended.
                Err(_) => writer.clock().sleep(Duration::from_millis(50)),
            }
            assert!(Instant::now() < until, "no answer");
        };
        let ends: Vec<i64> = ends.into_values().collect();
        self.seen.push(format!("offsets {when}: {ends:?}"));
    }
}

fn patient<W: Writer>(
    writer: &mut W,
    mut call: impl FnMut(&mut W) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let until = Instant::now() + LONG;
    loop {
        match call(writer) {
            Err(Refusal::Again(_)) if Instant::now() < until => {
                writer.clock().sleep(Duration::from_millis(20));
            }
            outcome => return outcome,
        }
    }
}

fn word(outcome: &Result<(), Refusal>) -> &'static str {
    match outcome {
        Ok(()) => "done",
        Err(Refusal::Again(_)) => "again",
        Err(Refusal::Broken(_)) => "broken",
        Err(Refusal::Fenced) => "fenced",
        Err(Refusal::Lasting(_)) => "refused",
    }
}

/// Everything that is tried; what is seen of it.
fn acts(brokers: &impl Brokers, topics: &Topics, turn: impl Fn()) -> Vec<String> {
    let mut acts = Acts { brokers, topics, seen: Vec::new() };
    acts.journal("before anything");
    let mut first = acts.writer("first");
    acts.offsets("before anything", &first);
    acts.write("first", &mut first, &[1, 2]);
    acts.journal("while a transaction is open");
    acts.commit("first", &mut first);
    turn();
    acts.journal("after a commit");
    acts.offsets("after a commit", &first);
    acts.write("first", &mut first, &[3]);
    acts.abort("first", &mut first);
    turn();
    acts.journal("after an abort");
    acts.offsets("after an abort", &first);
    acts.write("first", &mut first, &[4]);
    acts.commit("first", &mut first);
    turn();
    acts.journal("after one more commit");
    acts.input("after one more commit", None);
    acts.input("after one more commit", Some(2));
    acts.input("after one more commit", Some(5));
    // It leaves a transaction open and is fenced.
    acts.write("first", &mut first, &[5]);
    let mut second = acts.writer("second");
    turn();
    acts.journal("after a take-over");
    acts.offsets("after a take-over", &second);
    acts.commit("first, fenced,", &mut first);
    acts.write("second", &mut second, &[6]);
    acts.input("while a transaction is open", None);
    acts.commit("second", &mut second);
    turn();
    acts.journal("at the end");
    acts.offsets("at the end", &second);
    acts.write("first, fenced,", &mut first, &[7]);
    acts.journal("after a fenced write");
    acts.seen
}

#[test]
fn the_model_and_a_broker_show_the_same() {
    let Some(lab) = Lab::open("model", 2) else { return };
    let topics = Topics { payments: lab.topic("payments"), journal: lab.topic("journal") };
    let settings = KafkaSettings {
        brokers: lab.broker.brokers.clone(),
        group_id: lab.name.clone(),
        transactional_id: lab.name.clone(),
        ..KafkaSettings::default()
    };
    let journal = topics.journal.clone();
    let guarantee = Guarantee::ExactlyOnce;
    let real = KafkaBrokers { settings, guarantee, journal: journal.clone() };
    // Markers are written a moment after the answer.
    let shown = acts(&real, &topics, || std::thread::sleep(Duration::from_millis(300)));
    let mut cluster = Cluster::default();
    cluster.create(&topics.payments, 2);
    cluster.create(&topics.journal, 1);
    let world = World::new(cluster, Random::new(1), Faults::default(), 0);
    world.lock().solo = true;
    let seat = Seat { process: world.enrol(), world: world.clone() };
    let model = Model { seat, id: Some(lab.name.clone()), journal };
    let turn = || (0..10).for_each(|_| world.lock().cluster.write_markers());
    let modelled = acts(&model, &topics, turn);
    assert_eq!(shown, modelled);
    assert!(shown.iter().any(|line| line.ends_with("fenced")), "{shown:#?}");
}
