//! What producers write: bursts between few accounts, repeats in other partitions, records out of
//! order, rubbish; some of it in transactions, some of those aborted.

use goshawk::model::time::Millis;

use super::cluster::Record;
use crate::oracle::streams::{Random, START};

/// One act of a producer.
#[derive(Clone, Debug)]
pub enum Act {
    /// A record.
    Send { topic: &'static str, partition: i32, record: Record },
    /// Records in a transaction, and whether it is committed.
    Transaction { records: Vec<(&'static str, i32, Record)>, commit: bool },
    /// A partition more.
    Grow { topic: &'static str },
}

/// Everything that is written in a run, in order. `partitions` of topic `payments`.
pub fn feed(random: &mut Random, records: u64, partitions: i32) -> Vec<Act> {
    let (mut acts, mut clock, mut partitions) = (Vec::new(), START, partitions);
    let mut sent: Vec<Record> = Vec::new();
    for number in 0..records {
        clock += random.pick(&[1, 700, 9_000, 60_000]);
        if random.below(150) == 0 {
            acts.push(Act::Grow { topic: "payments" });
            partitions += 1;
        }
        let mut place = || match random.below(8) {
            0 => ("more", 0),
            _ => ("payments", random.below(partitions as u64) as i32),
        };
        let (topic, partition) = place();
        let record = match random.below(20) {
            0 => rubbish(random, number, clock),
            1 | 2 if !sent.is_empty() => random_of(random, &sent),
            _ => payment(random, number, clock),
        };
        sent.push(record.clone());
        if random.below(10) == 0 {
            let records = (0..=random.below(3))
                .map(|_| (topic, partition, random_of(random, &sent)))
                .chain([(topic, partition, record)])
                .collect();
            acts.push(Act::Transaction { records, commit: random.chance(70) });
        } else {
            acts.push(Act::Send { topic, partition, record });
        }
    }
    acts
}

fn random_of(random: &mut Random, of: &[Record]) -> Record {
    // Repeats come soon after.
    let last = of.len().min(12);
    of[of.len() - 1 - random.below(last as u64) as usize].clone()
}

fn rubbish(random: &mut Random, number: u64, time_ms: Millis) -> Record {
    let key = random.chance(50).then(|| b"key".to_vec());
    Record { key, body: format!("no payment {number}").into_bytes(), time_ms }
}

fn payment(random: &mut Random, number: u64, time_ms: Millis) -> Record {
    // Some are late, a few beyond what is allowed.
    let late = random.pick(&[0, 0, 0, 0, 40_000, 100_000, 3_600_000]);
    let time = jiff::Timestamp::from_millisecond(time_ms - late).expect("a time of our days");
    // Several statuses of one payment.
    let id = number - random.below(3).min(number);
    let status = random.pick(&["initiated", "settled", "settled", "returned"]);
    // A payment keeps its parties and its amount.
    let mut of_payment = Random::new(id);
    let payer = of_payment.below(3);
    let body = format!(
        r#"{{"schema":"payment.v1","event_id":"e{number}","payment_id":"p{id}","status":"{status}","event_time":"{time}","amount":"{}.{:02}","currency":"CNY","payer":{{"account":"622200000000000{payer}"}},"payee":{{"account":"622200000000001{}"}},"payment_type":"transfer","channel":"mobile"}}"#,
        20 + of_payment.below(300),
        of_payment.below(100),
        of_payment.below(4),
    );
    Record { key: Some(b"k".to_vec()), body: body.into_bytes(), time_ms }
}
