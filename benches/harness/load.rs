//! Payments on a schedule, some of which raise an alert that can be told by its number.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use serde_json::json;

use super::kafka::{Service, create};

/// Partitions of the topic of payments.
pub const PARTITIONS: i32 = 6;
const ACCOUNTS: u64 = 200_000;
/// Everybody pays so many others.
const CIRCLE: u64 = 8;
/// One payment in so many raises an alert.
pub const ALERT_EVERY: u64 = 50;
/// Numbers of accounts that pay the listed one begin here.
const VICTIMS: u64 = 500_000_000;
const VICTIMS_COUNT: u64 = 50_000;
const LISTED: u64 = 999_999_999;
/// How many payments measure the capacity.
const BACKLOG: u64 = 300_000;

/// Sends payments to a topic.
pub struct Load {
    /// Name of the topic.
    pub topic: String,
    producer: BaseProducer,
}

/// When payments are due.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// When the first may be sent.
    pub began: Instant,
    /// So many a second.
    pub rate: f64,
    /// So many in all, numbered from 1.
    pub payments: u64,
}

impl Schedule {
    /// When a payment is due.
    pub fn due(&self, number: u64) -> Instant {
        self.began + Duration::from_secs_f64(number as f64 / self.rate)
    }
}

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    since.as_millis() as i64
}

impl Load {
    /// A topic with an entry of the list, known from `from_ms` on. The entry is its first record.
    pub fn new(brokers: &str, name: &str, from_ms: i64) -> Self {
        let topic = format!("{name}.payments");
        create(brokers, &[(&topic, PARTITIONS)]);
        let producer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("enable.idempotence", "true")
            .set("linger.ms", "0")
            .set("compression.type", "lz4")
            .set("queue.buffering.max.messages", "1000000")
            .create()
            .expect("plain properties");
        let load = Self { topic, producer };
        let time = jiff::Timestamp::from_millisecond(from_ms).expect("of our days").to_string();
        let entry = json!({
            "schema": "list.v1", "entry_id": "l-1", "op": "upsert", "category": "case_account",
            "level": "confirmed_case", "subject": { "kind": "account", "id": name_of(LISTED) },
            "valid_from": time, "time": time, "source": "bench", "purpose": "anti_fraud_only",
        });
        load.produce("", entry.to_string().as_bytes(), from_ms);
        load.drain();
        load
    }

    /// Sends the `number`th payment, made at `time_ms`.
    pub fn send(&self, number: u64, time_ms: i64) {
        let raises = number.is_multiple_of(ALERT_EVERY);
        // A walk through the accounts that looks like none.
        let walk = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31);
        let payer = walk % ACCOUNTS;
        let victim = VICTIMS + number / ALERT_EVERY % VICTIMS_COUNT;
        let payer = name_of(if raises { victim } else { payer });
        let payee = (walk % ACCOUNTS + 1 + (walk >> 40) % CIRCLE) % ACCOUNTS;
        let payee = name_of(if raises { LISTED } else { payee });
        // What can still be held: an alert about the payment itself, and one for each.
        let status = if raises { "initiated" } else { "settled" };
        let time = jiff::Timestamp::from_millisecond(time_ms).expect("of our days");
        let yuan = 100 + number % 900;
        let body = format!(
            r#"{{"schema":"payment.v1","event_id":"e{number:09}","payment_id":"p{number:09}","status":"{status}","event_time":"{time:.3}","amount":"{yuan}.11","currency":"CNY","payer":{{"account":"{payer}","bank":"102452000017"}},"payee":{{"account":"{payee}","bank":"313452060150"}},"payment_type":"transfer","channel":"mobile"}}"#
        );
        self.produce(&payer, body.as_bytes(), time_ms);
    }

    fn produce(&self, key: &str, body: &[u8], time_ms: i64) {
        let mut record = BaseRecord::to(&self.topic).key(key).payload(body).timestamp(time_ms);
        while let Err((_, back)) = self.producer.send(record) {
            self.producer.poll(Duration::from_micros(100));
            record = back;
        }
    }

    /// Sends the payments of a schedule, each when it is due, whatever comes back.
    pub fn keep(&self, schedule: Schedule, time_ms: impl Fn(u64) -> i64) {
        for number in 1..=schedule.payments {
            loop {
                let left = schedule.due(number).saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                self.producer.poll(Duration::ZERO);
                std::thread::sleep(left.min(Duration::from_millis(1)));
            }
            self.send(number, time_ms(number));
        }
        self.drain();
    }

    fn drain(&self) {
        while self.producer.in_flight_count() > 0 {
            self.producer.poll(Duration::from_micros(300));
        }
    }
}

/// Number of the payment that an event's id names.
pub fn number_of(event_id: &str) -> Option<u64> {
    event_id.strip_prefix('e')?.parse().ok()
}

fn name_of(account: u64) -> String {
    format!("6222{account:012}")
}

/// Payments a second that the program takes from a backlog.
pub fn capacity(brokers: &str, name: &str, settings: &str) -> f64 {
    let now = now_ms();
    let load = Load::new(brokers, name, now - 60_000);
    let at_once = Schedule { began: Instant::now(), rate: f64::INFINITY, payments: BACKLOG - 1 };
    load.keep(at_once, |_| now);
    let mut service = Service::start(brokers, name, &load.topic, settings);
    let marks = service.follow(BACKLOG);
    service.stop();
    let (first, last) = (marks[0], marks[marks.len() - 1]);
    (last.covered - first.covered) as f64 / (last.at - first.at).as_secs_f64()
}
