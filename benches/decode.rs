//! How long one `payment.v1` record takes to become an event: a short one, one as in the
//! published example, that one with its fields in another order, and one after the other of what
//! the generator writes. Beside each, in the same run, a bare parse of the same bytes into
//! serde_json's and sonic-rs's trees. The fastest of six hundred rounds counts.
//!
//! `cargo bench --bench decode`.

#![allow(clippy::print_stdout, reason = "a benchmark's table is its output")]

use std::hint::black_box;
use std::time::Instant;

use goshawk::generate::json::write_line;
use goshawk::generate::{GenerateConfig, Generator};
use goshawk::model::event::{Batch, Body, Position};
use goshawk::source::{Progress, Source as _, Step};
use goshawk::wire::decode::{DecodeConfig, Decoder};
use jiff::tz::TimeZone;

const TYPICAL: &str = r#"{"schema":"payment.v1","event_id":"e-20260305-000123-1","payment_id":"p-20260305-000123","status":"initiated","event_time":"2026-03-05T10:03:10+08:00","amount":"49700.00","currency":"CNY","payer":{"account":"tok:9f3c55e0b2017a1c","bank":"313452060150","customer":"cus:71aa55e0b2017a1c","customer_type":"person","account_class":"I","opened_at":"2026-02-28","balance_after":"112.00"},"payee":{"account":"tok:b2019f3c55e07a1c","bank":"102452000017","customer_type":"person"},"payment_type":"transfer","channel":"mobile","device":{"id":"dev:55e0b201","ip":"203.0.113.7"},"hold_deadline":"2026-03-05T10:03:12+08:00","end_to_end_id":"E2E20260305000123"}"#;
const SHUFFLED: &str = r#"{"channel":"mobile","device":{"ip":"203.0.113.7","id":"dev:55e0b201"},"payee":{"customer_type":"person","bank":"102452000017","account":"tok:b2019f3c55e07a1c"},"amount":"49700.00","end_to_end_id":"E2E20260305000123","event_id":"e-20260305-000123-1","payment_type":"transfer","payer":{"balance_after":"112.00","account":"tok:9f3c55e0b2017a1c","opened_at":"2026-02-28","bank":"313452060150","account_class":"I","customer":"cus:71aa55e0b2017a1c","customer_type":"person"},"currency":"CNY","payment_id":"p-20260305-000123","hold_deadline":"2026-03-05T10:03:12+08:00","status":"initiated","event_time":"2026-03-05T10:03:10+08:00","schema":"payment.v1"}"#;
const SHORT: &str = r#"{"schema":"payment.v1","event_id":"e-1","payment_id":"p-1","status":"settled","event_time":"2026-03-05T10:03:10+08:00","amount":"5.00","currency":"CNY","payer":{"account":"A","bank":"1"},"payee":{"account":"B","bank":"2"},"payment_type":"transfer","channel":"web"}"#;

const ROUNDS: usize = 600;
const RECORDS_A_ROUND: usize = 2_048;

/// A few thousand payments as the generator writes them.
fn generated() -> Vec<Vec<u8>> {
    let mut generator = Generator::new(GenerateConfig::new(2_000, 4_096, 3)).expect("a town");
    let (mut step, mut records) = (Step::default(), Vec::new());
    while generator.next(&mut step).expect("a generator never fails") == Progress::Step {
        for event in &step.batch.events {
            if matches!(event.body, Body::Payment(_)) {
                let mut line = Vec::new();
                write_line(&mut line, &step.batch, event).expect("a time of our days");
                records.push(line);
            }
        }
        step.clear();
    }
    records
}

/// A way to read a record.
type Way<'a> = &'a mut dyn FnMut(&[u8]);

/// Fastest nanoseconds a record of several ways to read the same records, taken in turns, so that
/// whatever else the machine does falls on all of them.
fn fastest<const N: usize>(records: &[Vec<u8>], mut ways: [Way<'_>; N]) -> [f64; N] {
    let mut best = [f64::MAX; N];
    for round in 0..ROUNDS {
        for (way, best) in ways.iter_mut().zip(&mut best) {
            let first = round * RECORDS_A_ROUND;
            let began = Instant::now();
            for at in first..first + RECORDS_A_ROUND {
                way(black_box(&records[at % records.len()]));
            }
            let each = began.elapsed().as_nanos() as f64 / RECORDS_A_ROUND as f64;
            *best = best.min(each);
        }
    }
    best
}

fn main() {
    let zone = TimeZone::get("Asia/Shanghai").expect("the zone is in the database");
    let mut decoder = Decoder::new(DecodeConfig { zone, skew_ms: 0 });
    let mut batch = Batch::default();
    let one = |record: &str| vec![record.as_bytes().to_vec()];
    println!(
        "{:24} {:>17} {:>17} {:>17}",
        "ns/payment, MB/s", "decode", "serde_json tree", "sonic-rs tree"
    );
    for (name, records) in [
        ("short", one(SHORT)),
        ("typical", one(TYPICAL)),
        ("other order", one(SHUFFLED)),
        ("generated", generated()),
    ] {
        let bytes = records.iter().map(Vec::len).sum::<usize>() / records.len();
        let mut decode = |record: &[u8]| {
            batch.clear();
            decoder.decode(record, Position::default(), None, &mut batch).expect("valid");
            black_box(&batch);
        };
        let mut serde_json = |record: &[u8]| {
            drop(black_box(serde_json::from_slice::<serde_json::Value>(record).expect("JSON")));
        };
        let mut sonic = |record: &[u8]| {
            drop(black_box(sonic_rs::from_slice::<sonic_rs::Value>(record).expect("JSON")));
        };
        let best = fastest(&records, [&mut decode, &mut serde_json, &mut sonic]);
        let cells = best.map(|ns| format!("{ns:8.0} {:8.0}", bytes as f64 * 1_000.0 / ns));
        println!("{:24} {}", format!("{name}, {bytes} bytes"), cells.join(" "));
    }
}
