//! The two rules that other stream processors were given, on the same payments: from a file, and
//! Kafka to Kafka, exactly once.
//!
//! `cargo bench --bench peers [-- FILE.jsonl]`: the records of a file in order of time, such as the
//! others were given, or 3 M payments of 1 M accounts made here. Beside it in the same run stands
//! the plain program of `reference.rs` on the same file; every side's findings must equal its. The
//! broker is the one of `GOSHAWK_TEST_BROKERS`, or one started as the tests start theirs, whose own
//! CPU time is not counted.
//!
//! `warm half`: the second half of the payments alone, when tables have grown and code is warm.

#![allow(clippy::print_stdout, reason = "a benchmark's table is its output")]

#[path = "../harness/mod.rs"]
mod harness;
mod reference;

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use goshawk::generate::kafka::Feed;
use goshawk::source::kafka::client::KafkaSettings;
use serde_json::{Value, json};

use harness::kafka::{Service, create};
use harness::process::{cost_of, cpu_s, peak_mib};
use harness::{broker, results};
use reference::{Payment, Reference, Row, rows_of};

const PAYMENTS: u64 = 3_000_000;
const ACCOUNTS: u64 = 1_000_000;

/// One line of the table.
struct Line {
    what: &'static str,
    per_second: f64,
    per_cpu_second: f64,
    warm_per_cpu_second: Option<f64>,
    peak_mib: f64,
}

fn main() {
    let given = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).map(PathBuf::from);
    let folder = tempfile::tempdir().expect("a folder");
    let file = given.unwrap_or_else(|| made(folder.path()));
    let half = folder.path().join("half.jsonl");
    let records = cut_in_half(&file, &half);
    println!("{records} payments\n");
    let mut lines = Vec::new();
    let (line, expected) = plain(&file, records);
    print(&line);
    lines.push(line);
    let line = from_file(folder.path(), &file, &half, records, &expected);
    print(&line);
    lines.push(line);
    if let Some(broker) = broker::broker("the benchmark") {
        for (what, delivery) in [
            ("Kafka to Kafka, exactly once", ""),
            ("at least once", "delivery = \"at_least_once\""),
        ] {
            let line = on_kafka(what, delivery, &broker.brokers, &file, records, &expected);
            print(&line);
            lines.push(line);
        }
    }
    let figures: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!({
                "what": line.what,
                "payments_per_second": line.per_second.round(),
                "payments_per_cpu_second": line.per_cpu_second.round(),
                "payments_per_cpu_second_warm_half": line.warm_per_cpu_second.map(f64::round),
                "peak_memory_mib": line.peak_mib.round(),
            })
        })
        .collect();
    let method = "see benches/peers/main.rs; findings of every line equal the plain program's";
    results::write("peers", method, json!({ "payments": records, "lines": figures }));
}

fn print(line: &Line) {
    let warm = line.warm_per_cpu_second.map_or(String::new(), |warm| format!("{warm:>9.0} warm"));
    println!(
        "{:<30} {:>9.0}/s {:>9.0} per CPU-s {warm:<15} {:>6.0} MiB",
        line.what, line.per_second, line.per_cpu_second, line.peak_mib
    );
}

fn made(folder: &Path) -> PathBuf {
    let path = folder.join("payments.jsonl");
    let mut out = BufWriter::new(File::create(&path).expect("writable"));
    for payment in reference::payments(PAYMENTS, ACCOUNTS, 11) {
        reference::write_line(&mut out, &payment).expect("writable");
    }
    out.flush().expect("writable");
    path
}

/// Writes the first half of a file's lines; answers how many it has.
fn cut_in_half(file: &Path, half: &Path) -> u64 {
    let lines = || BufReader::with_capacity(1 << 20, File::open(file).expect("readable")).lines();
    let records = lines().count() as u64;
    let mut out = BufWriter::new(File::create(half).expect("writable"));
    for line in lines().take(records as usize / 2) {
        writeln!(out, "{}", line.expect("text")).expect("writable");
    }
    out.flush().expect("writable");
    records
}

/// What the plain program reads of a record.
#[derive(serde::Deserialize)]
struct Record<'a> {
    event_id: &'a str,
    event_time: &'a str,
    amount: &'a str,
    #[serde(borrow)]
    payer: Party<'a>,
    #[serde(borrow)]
    payee: Party<'a>,
}

#[derive(serde::Deserialize)]
struct Party<'a> {
    account: &'a str,
}

fn plain(file: &Path, records: u64) -> (Line, Vec<Row>) {
    let own = std::process::id();
    let (began, cpu) = (Instant::now(), cpu_s(own));
    let mut half = cpu;
    let (mut plain, mut rows) = (Reference::default(), Vec::new());
    let lines = BufReader::with_capacity(1 << 20, File::open(file).expect("readable")).lines();
    for (index, line) in lines.enumerate() {
        let line = line.expect("text");
        let record: Record<'_> = serde_json::from_str(&line).expect("payment.v1");
        let number = |text: &str, from: usize| text[from..].parse::<u64>().expect("digits");
        let time: jiff::Timestamp = record.event_time.parse().expect("a time");
        let payment = Payment {
            number: number(record.event_id, 1),
            time_ms: time.as_millisecond(),
            payer: number(record.payer.account, 4),
            payee: number(record.payee.account, 4),
            amount: record.amount.replace('.', "").parse().expect("an amount"),
        };
        plain.take(&payment, &mut rows);
        if index as u64 == records / 2 {
            half = cpu_s(own);
        }
    }
    rows.sort();
    let used = cpu_s(own) - cpu;
    let line = Line {
        what: "plain program, from a file",
        per_second: records as f64 / began.elapsed().as_secs_f64(),
        per_cpu_second: records as f64 / used,
        warm_per_cpu_second: Some((records - records / 2) as f64 / (cpu_s(own) - half)),
        peak_mib: peak_mib(own),
    };
    (line, rows)
}

fn rules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/rules")
}

fn from_file(folder: &Path, file: &Path, half: &Path, records: u64, expected: &[Row]) -> Line {
    let findings = folder.join("findings.csv");
    let cost = |file: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_goshawk"));
        command.args(["backtest", "--quiet", "--rules"]).arg(rules());
        command.arg("--findings").arg(&findings).arg(file);
        cost_of(&mut command)
    };
    let first = cost(half);
    let whole = cost(file);
    check(&findings, expected, "from a file");
    Line {
        what: "goshawk backtest, one thread",
        per_second: records as f64 / whole.wall.as_secs_f64(),
        per_cpu_second: records as f64 / whole.cpu_s,
        warm_per_cpu_second: Some(
            (records - records / 2) as f64 / (whole.cpu_s - first.cpu_s).max(0.01),
        ),
        peak_mib: whole.peak_mib,
    }
}

fn check(findings: &Path, expected: &[Row], what: &str) {
    let mut found = rows_of(&std::fs::read_to_string(findings).expect("written"));
    found.sort();
    let known: HashSet<&Row> = expected.iter().collect();
    let strange = found.iter().filter(|row| !known.contains(row)).count();
    assert!(
        found == expected,
        "{what}: {} findings, {} expected, {strange} of the found are not among them",
        found.len(),
        expected.len()
    );
}

fn on_kafka(
    what: &'static str,
    delivery: &str,
    brokers: &str,
    file: &Path,
    records: u64,
    expected: &[Row],
) -> Line {
    let name = format!("peers-{}-{}", std::process::id(), delivery.len());
    let topic = format!("{name}.payments");
    create(brokers, &[(&topic, 1)]);
    send(brokers, &topic, file);
    let findings = tempfile::NamedTempFile::new().expect("a file");
    let settings = format!(
        "{delivery}\nrules = {:?}\nfindings = {:?}\n",
        rules().display().to_string(),
        findings.path().display().to_string()
    );
    let mut service = Service::start(brokers, &name, &topic, &settings);
    let marks = service.follow(records);
    let peak_mib = peak_mib(service.id());
    service.stop();
    check(findings.path(), expected, what);
    let (first, last) = (marks[0], marks[marks.len() - 1]);
    let middle = marks.iter().find(|mark| mark.covered >= records / 2).copied().unwrap_or(last);
    let done = (records - first.covered) as f64;
    Line {
        what,
        per_second: done / (last.at - first.at).as_secs_f64(),
        per_cpu_second: done / (last.cpu_s - first.cpu_s),
        warm_per_cpu_second: Some((records - middle.covered) as f64 / (last.cpu_s - middle.cpu_s)),
        peak_mib,
    }
}

fn send(brokers: &str, topic: &str, file: &Path) {
    let settings = KafkaSettings { brokers: brokers.to_owned(), ..KafkaSettings::default() };
    let feed = Feed::new(&settings, &[topic]).expect("the broker answers");
    let mut reader = BufReader::with_capacity(1 << 20, File::open(file).expect("readable"));
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).expect("readable") > 0 {
        let record: Record<'_> = serde_json::from_slice(&line).expect("payment.v1");
        let time: jiff::Timestamp = record.event_time.parse().expect("a time");
        feed.send(topic, "", line.trim_ascii_end(), time.as_millisecond()).expect("taken");
        line.clear();
    }
    feed.flush().expect("acknowledged");
}
