//! How long one `payment.v1` record takes to become an event: a short one, one as in the
//! published example, that one with its fields in another order, and one after the other of what
//! the generator writes. Beside each, in the same run, a bare parse of the same bytes into
//! serde_json's and sonic-rs's trees.
//!
//! `cargo bench --bench decode`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use goshawk::generate::json::write_line;
use goshawk::generate::{GenerateConfig, Generator};
use goshawk::model::event::{Batch, Body, Position};
use goshawk::source::{Progress, Source as _, Step};
use goshawk::wire::decode::{DecodeConfig, Decoder};
use jiff::tz::TimeZone;

const TYPICAL: &str = r#"{"schema":"payment.v1","event_id":"e-20260305-000123-1","payment_id":"p-20260305-000123","status":"initiated","event_time":"2026-03-05T10:03:10+08:00","amount":"49700.00","currency":"CNY","payer":{"account":"tok:9f3c55e0b2017a1c","bank":"313452060150","customer":"cus:71aa55e0b2017a1c","customer_type":"person","account_class":"I","opened_at":"2026-02-28","balance_after":"112.00"},"payee":{"account":"tok:b2019f3c55e07a1c","bank":"102452000017","customer_type":"person"},"payment_type":"transfer","channel":"mobile","device":{"id":"dev:55e0b201","ip":"203.0.113.7"},"hold_deadline":"2026-03-05T10:03:12+08:00","end_to_end_id":"E2E20260305000123"}"#;
const SHUFFLED: &str = r#"{"channel":"mobile","device":{"ip":"203.0.113.7","id":"dev:55e0b201"},"payee":{"customer_type":"person","bank":"102452000017","account":"tok:b2019f3c55e07a1c"},"amount":"49700.00","end_to_end_id":"E2E20260305000123","event_id":"e-20260305-000123-1","payment_type":"transfer","payer":{"balance_after":"112.00","account":"tok:9f3c55e0b2017a1c","opened_at":"2026-02-28","bank":"313452060150","account_class":"I","customer":"cus:71aa55e0b2017a1c","customer_type":"person"},"currency":"CNY","payment_id":"p-20260305-000123","hold_deadline":"2026-03-05T10:03:12+08:00","status":"initiated","event_time":"2026-03-05T10:03:10+08:00","schema":"payment.v1"}"#;
const SHORT: &str = r#"{"schema":"payment.v1","event_id":"e-1","payment_id":"p-1","status":"settled","event_time":"2026-03-05T10:03:10+08:00","amount":"5.00","currency":"CNY","payer":{"account":"A","bank":"1"},"payee":{"account":"B","bank":"2"},"payment_type":"transfer","channel":"web"}"#;

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

fn decode(criterion: &mut Criterion) {
    let zone = TimeZone::get("Asia/Shanghai").expect("the zone is in the database");
    let mut decoder = Decoder::new(DecodeConfig { zone, skew_ms: 0 });
    let mut batch = Batch::default();
    let one = |record: &str| vec![record.as_bytes().to_vec()];
    for (name, records) in [
        ("short", one(SHORT)),
        ("typical", one(TYPICAL)),
        ("other order", one(SHUFFLED)),
        ("generated", generated()),
    ] {
        let bytes = records.iter().map(Vec::len).sum::<usize>() / records.len();
        let mut group = criterion.benchmark_group(format!("{name}, {bytes} bytes"));
        group.throughput(Throughput::Bytes(bytes as u64));
        let mut at = 0;
        let mut next = || {
            at = (at + 1) % records.len();
            black_box(records[at].as_slice())
        };
        group.bench_function("decode", |bencher| {
            bencher.iter(|| {
                batch.clear();
                decoder.decode(next(), Position::default(), None, &mut batch).expect("valid");
                black_box(&batch);
            });
        });
        group.bench_function("serde_json tree", |bencher| {
            bencher.iter(|| serde_json::from_slice::<serde_json::Value>(next()).expect("JSON"));
        });
        group.bench_function("sonic-rs tree", |bencher| {
            bencher.iter(|| sonic_rs::from_slice::<sonic_rs::Value>(next()).expect("JSON"));
        });
        group.finish();
    }
}

criterion_group!(benches, decode);
criterion_main!(benches);
