//! What the source promises by itself, against a real broker: order in a backlog, true lag.

use std::collections::BTreeMap;
use std::time::Duration;

use goshawk::limits;
use goshawk::source::kafka::KafkaSource;
use goshawk::source::kafka::client::KafkaSettings;
use goshawk::source::{Progress, Source as _, Step};
use goshawk::wire::decode::{DecodeConfig, Decoder};

use super::lab::{Lab, eventually};

const RECORDS: usize = limits::STEP_RECORDS_MAX * 3 / 2;
const START_MS: i64 = 1_780_000_000_000;

/// A source of the lab's payments.
fn open(lab: &Lab, consumer: &[(&str, &str)]) -> KafkaSource {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let settings = KafkaSettings {
        brokers: lab.broker.brokers.clone(),
        group_id: lab.name.clone(),
        consumer: consumer.iter().map(owned).collect(),
        ..KafkaSettings::default()
    };
    let zone = jiff::tz::TimeZone::UTC;
    let decoder = Decoder::new(DecodeConfig { zone, skew_ms: 300_000 });
    let topics = vec![lab.topic("payments")];
    KafkaSource::open(&settings, topics, BTreeMap::new(), decoder, &|| true)
        .expect("the topic is there")
}

#[test]
fn a_backlog_is_read_in_order_of_time_however_slowly_it_arrives() {
    const COUNT: i64 = 6_000;
    let Some(lab) = Lab::open("order", 4) else { return };
    for number in 0..COUNT {
        // Uneven: some partitions have long silences.
        let partition = (number * number / 97 % 4) as i32;
        lab.send("payments", Some(partition), "k", &[b'x'; 100], START_MS + number);
        if number % 40 == 39 {
            // A broker hands out whole batches: many small ones.
            lab.flush();
        }
    }
    lab.flush();
    // So little at once that every partition runs dry all the time.
    let mut source =
        open(&lab, &[("fetch.message.max.bytes", "2000"), ("queued.min.messages", "1")]);
    let (mut step, mut times) = (Step::default(), Vec::new());
    while (times.len() as i64) < COUNT {
        step.clear();
        source.next(&mut step).expect("the broker is there");
        times.extend(step.rejected.iter().map(|rejected| rejected.reject.record_time_ms));
    }
    let expected: Vec<i64> = (0..COUNT).map(|number| START_MS + number).collect();
    assert!(times == expected, "out of order");
}

#[test]
fn lag_counts_what_is_not_read_and_is_as_old_as_the_oldest_of_it() {
    let Some(lab) = Lab::open("lag", 1) else { return };
    for number in 0..RECORDS {
        lab.send("payments", Some(0), "k", b"no payment", START_MS + number as i64);
    }
    lab.flush();
    let mut source = open(&lab, &[]);
    let lag = source.lag();
    // The client tells ends once a second, once it has fetched.
    std::thread::sleep(Duration::from_millis(2_500));
    let (mut step, mut read) = (Step::default(), 0);
    while read < RECORDS {
        step.clear();
        if source.next(&mut step).expect("the broker is there") == Progress::Step {
            read += step.rejected.len();
            let told = lag.read();
            assert_eq!(told.len(), 1, "{told:?}");
            assert_eq!(told[0].records as usize, RECORDS - read);
            let oldest_ms = (read < RECORDS).then_some(START_MS + read as i64);
            assert_eq!(told[0].oldest_ms, oldest_ms);
        }
    }
    lab.send("payments", Some(0), "k", b"one more", START_MS);
    lab.flush();
    eventually("the last record", || {
        step.clear();
        source.next(&mut step).expect("the broker is there") == Progress::Step
    });
    eventually("no lag", || {
        let _ = source.next(&mut step);
        lag.read().iter().all(|behind| behind.records == 0 && behind.oldest_ms.is_none())
    });
}
