//! Labelled transfers from a real topic to a real topic: the alerts are those of `backtest` on the
//! same file, byte for byte, once rows are named by the places their records took.

use std::collections::BTreeMap;
use std::path::Path;

use goshawk::generate::json;
use goshawk::model::event::Body;
use goshawk::source::file::{self, Columns};
use goshawk::source::{Progress, Step};
use goshawk::wire::decode::DecodeConfig;
use serde_json::json;

use super::lab::{LONG, Lab, eventually_within};
use crate::amlsim;

const PARTITIONS: i32 = 4;
const OUTPUT_PARTITIONS: usize = 3;

/// Where a row's record went: partition and offset.
type Places = Vec<(i32, i64)>;

/// Sends every row as `payment.v1`, the refused ones too; record timestamps are event times. An
/// account's payments stay in one partition, its income comes from all of them.
fn send(lab: &Lab, csv: &Path) -> Places {
    let columns = Columns::builtin("amlsim").expect("it ships");
    let zone = jiff::tz::TimeZone::get("Asia/Shanghai").expect("a zone");
    let mut source = file::open(csv, Some(&columns), DecodeConfig { zone, skew_ms: 300_000 })
        .expect("the file is there");
    let (mut step, mut next, mut places) = (Step::default(), vec![0; PARTITIONS as usize], vec![]);
    let (mut body, mut time_ms) = (Vec::new(), 0);
    loop {
        step.clear();
        if source.next(&mut step).expect("a whole file") == Progress::End {
            break;
        }
        let mut refused = step.rejected.iter().peekable();
        for event in &step.batch.events {
            while let Some(row) =
                refused.next_if(|row| row.reject.position.offset < event.position.offset)
            {
                let cells: Vec<&str> =
                    std::str::from_utf8(&row.bytes).expect("plain text").split(',').collect();
                let record = json!({
                    "schema": "payment.v1", "event_id": cells[0], "payment_id": cells[0],
                    "event_time": "2017-01-01T00:00:00Z", "amount": cells[4], "currency": "CNY",
                    "status": "settled", "payment_type": "transfer", "channel": "mobile",
                    "payer": { "account": cells[1] }, "payee": { "account": cells[2] },
                });
                put(lab, &mut next, &mut places, cells[1], record.to_string().as_bytes(), time_ms);
            }
            let Body::Payment(payment) = &event.body else { panic!("only payments are mapped") };
            time_ms = event.time_ms;
            body.clear();
            json::write_line(&mut body, &step.batch, event).expect("a time of this century");
            let payer = step.batch.text(payment.payer.account);
            put(lab, &mut next, &mut places, payer, body.trim_ascii_end(), time_ms);
            assert_eq!(places.len() as i64, event.position.offset + 1, "a row went missing");
        }
        assert!(refused.peek().is_none(), "a step ends with a refused row");
    }
    lab.flush();
    places
}

fn put(lab: &Lab, next: &mut [i64], places: &mut Places, payer: &str, body: &[u8], time_ms: i64) {
    let number: i32 = payer.parse().expect("AMLSim numbers its accounts");
    let partition = number % PARTITIONS;
    lab.send("payments", Some(partition), payer, body, time_ms);
    let offset = &mut next[partition as usize];
    places.push((partition, *offset));
    *offset += 1;
}

/// An alert of the backtest as it must read from Kafka: nothing changes but the places.
fn moved(alert: &str, csv: &Path, topic: &str, places: &Places) -> String {
    let before = format!("\"topic\":{},\"partition\":0,\"offset\":", json!(csv));
    let mut parts = alert.split(before.as_str());
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let row: usize = part[..digits].parse().expect("a row's number");
        let (partition, offset) = places[row];
        let after = format!("\"topic\":{},\"partition\":{partition},\"offset\":", json!(topic));
        out.push_str(&format!("{after}{offset}{}", &part[digits..]));
    }
    out
}

/// Bodies by target, each in its order.
fn by_target(bodies: impl Iterator<Item = String>) -> BTreeMap<String, Vec<String>> {
    let mut targets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for body in bodies {
        let alert: serde_json::Value = serde_json::from_str(&body).expect("an alert is JSON");
        let account = alert["target"]["account"].as_str().expect("a target has one").to_owned();
        targets.entry(account).or_default().push(body);
    }
    targets
}

#[test]
fn alerts_from_topic_to_topic_equal_those_of_the_backtest() {
    let Some(csv) = amlsim::data() else { return };
    let Some(lab) = Lab::open("amlsim", PARTITIONS) else { return };
    lab.grow("alerts", OUTPUT_PARTITIONS);
    let topic = lab.topic("payments");
    let (report, expected, places) = std::thread::scope(|scope| {
        let backtest = scope.spawn(|| amlsim::backtest(&csv, &["--tenant", "test"]));
        let places = send(&lab, &csv);
        let (report, expected) = backtest.join().expect("the backtest ends well");
        (report, expected, places)
    });
    assert_eq!(places.len() as u64, report["events"].as_u64().expect("a number"));
    let process = lab.start("");
    eventually_within(LONG * 4, "all work", || lab.covered() == places.len() as i64);
    process.stop();

    let published = lab.read("alerts");
    let used: std::collections::BTreeSet<i32> = published.iter().map(|r| r.partition).collect();
    assert_eq!(used.len(), OUTPUT_PARTITIONS, "alerts lie in {used:?}");
    let found = by_target(
        published.into_iter().map(|r| String::from_utf8(r.body).expect("an alert is text")),
    );
    let expected = String::from_utf8(expected).expect("alerts are text");
    let wanted = by_target(expected.lines().map(|line| moved(line, &csv, &topic, &places)));
    assert!(wanted.len() > 1_000, "{} targets show nothing", wanted.len());
    for (account, alerts) in &wanted {
        assert_eq!(found.get(account), Some(alerts), "alerts about {account}");
    }
    assert_eq!(found.len(), wanted.len(), "alerts about accounts that the backtest does not name");
    assert_eq!(lab.read("rejects").len(), 4);
}
