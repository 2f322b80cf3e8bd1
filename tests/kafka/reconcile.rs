//! `goshawk reconcile` and `goshawk replay` against a real broker: a sound run is proven and
//! reproduced, what is planted is named.

use goshawk::wire::journal::{self, Entry, JournalRecord};
use serde_json::Value;

use super::lab::{Lab, Record, eventually, program};

const EVENTS: i64 = 8_000;
const RUNNING: &str = "running";

fn reconcile(lab: &Lab, args: &[&str]) -> (i32, Value, String) {
    audit(lab, "reconcile", args)
}

fn replay(lab: &Lab, args: &[&str]) -> (i32, Value, String) {
    audit(lab, "replay", args)
}

/// Runs a command over the lab's configuration: exit code, report, talk.
fn audit(lab: &Lab, command: &str, args: &[&str]) -> (i32, Value, String) {
    let output = program()
        .arg(command)
        .arg("--config")
        .arg(lab.config(""))
        .args(["--format", "json"])
        .args(args)
        .output()
        .expect("the program runs");
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().expect("it ended by itself"), report, talk)
}

/// Topic, partition, first offset, one past the last.
type At = (String, i64, i64, i64);

/// The kinds of what is broken, with the stretches.
fn broken(report: &Value) -> Vec<(String, Vec<At>)> {
    let stretch = |at: &Value| {
        let number = |key: &str| at[key].as_i64().expect("a number");
        let topic = at["topic"].as_str().expect("a topic").to_owned();
        (topic, number("partition"), number("from"), number("to"))
    };
    let one = |broken: &Value| {
        let at = broken["at"].as_array().expect("stretches").iter().map(stretch).collect();
        (broken["kind"].as_str().expect("a kind").to_owned(), at)
    };
    report["broken"].as_array().expect("a list").iter().map(one).collect()
}

/// Copies the journal into a new topic, each step as `change` leaves it.
fn copy_journal(lab: &Lab, kind: &str, change: impl Fn(JournalRecord) -> Option<JournalRecord>) {
    lab.create(&[(lab.topic(kind), 1)]);
    for record in lab.read("journal") {
        let body = match journal::read(0, &record.body).expect("a record") {
            Entry::Step(step) => match change(step) {
                Some(step) => journal::message(&step).body,
                None => continue,
            },
            _ => record.body,
        };
        lab.send(kind, Some(0), "", &body, 1_780_000_000_000);
    }
    lab.flush();
}

fn with_journal(lab: &Lab, kind: &str) -> String {
    format!("kafka.topics.journal={}", lab.topic(kind))
}

/// A lab in which payments, rubbish and a kill have left a journal of many steps.
fn worked() -> Option<Lab> {
    let lab = Lab::open("reconcile", 3)?;
    let more = "reconcile_every = \"300ms\"";
    let mut process = lab.start(more);
    process.await_log(RUNNING);
    let mut feed = program()
        .args(["generate", "--quiet", "--accounts", "600", "--planted", "600", "--rate", "1600"])
        .args(["--events", &EVENTS.to_string(), "--brokers", &lab.broker.brokers])
        .args(["--topic", &lab.topic("payments")])
        .spawn()
        .expect("starts");
    let summed_up = || lab.entries().iter().any(|e| matches!(e, Entry::Reconciliation(_)));
    eventually("some work, summed up", || lab.covered() > 1_000 && summed_up());
    process.signal("-KILL");
    assert_eq!(process.end(), None);
    let mut process = lab.start(more);
    process.await_log(RUNNING);
    for number in 0..20 {
        lab.send("payments", Some(number % 3), "k", b"rubbish", 1_780_000_000_000);
    }
    lab.flush();
    assert!(feed.wait().expect("ours").success());
    eventually("all work", || lab.covered() >= EVENTS + 20);
    process.stop();
    Some(lab)
}

#[test]
fn a_sound_run_is_proven_and_planted_breakage_is_named() {
    let Some(lab) = worked() else { return };
    let (code, report, talk) = reconcile(&lab, &[]);
    assert_eq!(code, 0, "{talk}\n{report:#}");
    let journal = lab.journal();
    let partitions = report["partitions"].as_array().expect("a list");
    let sum = |key: &str| partitions.iter().map(|p| p["found"][key].as_u64().unwrap_or(0)).sum();
    let (records, rejected): (u64, u64) = (sum("records"), sum("rejected"));
    assert_eq!((records as i64, partitions.len()), (EVENTS + 20, 3));
    assert_eq!(rejected, lab.read("rejects").len() as u64);
    assert_eq!(report["alerts"], lab.read("alerts").len() + lab.read("shadow").len());
    let summaries = lab.entries().into_iter().filter(|e| matches!(e, Entry::Reconciliation(_)));
    assert_eq!(report["summaries"], summaries.count());
    assert!(report["summaries"].as_u64() >= Some(2), "{report:#}");

    // A part of it, by steps and by times.
    let middle = journal[journal.len() / 2].step.to_string();
    let (code, report, talk) = reconcile(&lab, &["--from", &middle]);
    assert_eq!((code, &report["steps"][0].to_string()), (0, &middle), "{talk}");
    let (code, report, _) = reconcile(&lab, &["--to", &middle]);
    let before = middle.parse::<u64>().expect("a number") - 1;
    assert_eq!((code, report["steps"][1].as_u64()), (0, Some(before)));
    let (code, report, _) = reconcile(&lab, &["--from", "2025-01-01", "--to", "2025-01-02"]);
    assert_eq!((code, &report["steps"]), (0, &Value::Null));

    reproduced(&lab, &journal);
    dropped_record(&lab, &journal);
    gap(&lab, &journal);
    wrong_amount(&lab, &journal);
    doubled_alert(&lab);
    deleted_input(&lab);
}

/// The alerts are made again, all and one by one; one that was tampered with is not, and it is said
/// where it differs.
fn reproduced(lab: &Lab, journal: &[JournalRecord]) {
    let (code, report, talk) = replay(lab, &[]);
    let published = lab.read("alerts").len() + lab.read("shadow").len();
    let verdicts = |report: &Value, verdict: &str| {
        let alerts = report["alerts"].as_array().expect("a list");
        alerts.iter().filter(|alert| alert["verdict"] == verdict).count()
    };
    assert_eq!((code, verdicts(&report, "equal")), (0, published), "{talk}");
    assert!(published > 5, "{published} alerts show little");
    assert_eq!(report["steps"][1].as_u64(), journal.last().map(|step| step.step));
    let alerts = lab.read("alerts");
    let parsed = |record: &Record| serde_json::from_slice::<Value>(&record.body).expect("JSON");
    let last = parsed(alerts.last().expect("alerts"));
    let id = last["alert_id"].as_str().expect("an id");
    let (code, report, talk) = replay(lab, &["--alert", id]);
    let revisions = alerts.iter().filter(|record| parsed(record)["alert_id"] == id).count();
    assert_eq!((code, verdicts(&report, "equal")), (0, revisions), "{talk}");
    let (code, _, talk) = replay(lab, &["--alert", "nothing"]);
    assert_eq!(code, 1);
    assert!(talk.contains("there is no alert nothing"), "{talk}");

    lab.create(&[(lab.topic("tampered"), 1)]);
    for (number, record) in alerts.iter().enumerate() {
        let text = String::from_utf8_lossy(&record.body).into_owned();
        let text = if number == 2 { text.replacen("\"score\":", "\"score\":1", 1) } else { text };
        lab.send_with("tampered", text.as_bytes(), &record.headers);
    }
    let (code, report, talk) =
        replay(lab, &["--set", &format!("kafka.topics.alerts={}", lab.topic("tampered"))]);
    assert_eq!((code, verdicts(&report, "different")), (1, 1), "{talk}");
    let found = report["alerts"].as_array().expect("a list").iter();
    let different = found.filter(|alert| alert["verdict"] == "different");
    let places: Vec<_> = different.map(|alert| alert["differences"][0]["place"].clone()).collect();
    assert_eq!(places, ["/score"]);
}

/// A step is taken out of the journal: its offsets are in no step, its alerts come from nowhere.
fn dropped_record(lab: &Lab, journal: &[JournalRecord]) {
    let with_alerts = |step: &&JournalRecord| step.counts.alerts > 0 && step.step > 3;
    let dropped = journal.iter().find(with_alerts).expect("alerts after the third step");
    copy_journal(lab, "dropped", |step| (step.step != dropped.step).then_some(step));
    let (code, report, talk) = reconcile(lab, &["--set", &with_journal(lab, "dropped")]);
    assert_eq!(code, 1, "{talk}");
    let found = broken(&report);
    for run in &dropped.runs {
        let at = (run.topic.clone(), i64::from(run.partition), run.from, run.to);
        assert!(found.contains(&("gap".to_owned(), vec![at])), "{run:?}: {found:?}");
    }
    let kinds = |kind: &str| found.iter().filter(|(found, _)| found == kind).count();
    assert_eq!(kinds("steps"), 1, "{found:?}");
    assert_eq!(kinds("source") as u64, dropped.counts.alerts, "{found:?}");
    assert!(talk.contains("break the equality"), "{talk}");
}

/// A run that begins a record late.
fn gap(lab: &Lab, journal: &[JournalRecord]) {
    let long = |step: &&JournalRecord| step.step > 3 && step.runs[0].to - step.runs[0].from > 2;
    let cut = journal.iter().find(long).expect("a long run").clone();
    let step = cut.step;
    copy_journal(lab, "gap", |mut record| {
        if record.step == step {
            record.runs[0].from += 1;
        }
        Some(record)
    });
    let (code, report, _) = reconcile(lab, &["--set", &with_journal(lab, "gap")]);
    let run = &cut.runs[0];
    let at = |from, to| vec![(run.topic.clone(), i64::from(run.partition), from, to)];
    let found = broken(&report);
    assert_eq!(code, 1);
    assert!(found.contains(&("gap".to_owned(), at(run.from, run.from + 1))), "{found:?}");
    assert!(found.contains(&("records".to_owned(), at(run.from + 1, run.to))), "{found:?}");
}

/// An amount is a fen short: with its step, and in the sum over the steps.
fn wrong_amount(lab: &Lab, journal: &[JournalRecord]) {
    let has_amount = |step: &&JournalRecord| {
        step.runs[0].ended.as_ref().is_some_and(|ended| ended.amounts.contains_key("CNY"))
    };
    let step = journal.iter().find(has_amount).expect("payments in yuan").step;
    copy_journal(lab, "short", |mut record| {
        if record.step == step
            && let Some(ended) = &mut record.runs[0].ended
        {
            let amounts = ended.amounts.get_mut("CNY").expect("just seen");
            amounts.consumed -= 1;
            amounts.scored -= 1;
        }
        Some(record)
    });
    let (code, report, _) = reconcile(lab, &["--set", &with_journal(lab, "short")]);
    let mut kinds: Vec<_> = broken(&report).into_iter().map(|(kind, _)| kind).collect();
    kinds.sort();
    assert_eq!((code, kinds), (1, vec!["amounts".to_owned(), "summary".to_owned()]));
}

/// An alert that stands twice, byte for byte.
fn doubled_alert(lab: &Lab) {
    let alerts = lab.read("alerts");
    let Record { body, headers, .. } = &alerts[alerts.len() / 2];
    lab.send_with("alerts", body, headers);
    let (code, report, _) = reconcile(lab, &[]);
    let found = broken(&report);
    assert_eq!((code, found.len()), (1, 1), "{found:?}");
    let (kind, at) = &found[0];
    assert_eq!((kind.as_str(), at.len()), ("twice", 2));
    assert!(at[0].2 < at[1].2 && at.iter().all(|at| at.0 == lab.topic("alerts")), "{at:?}");
}

/// Inputs that are gone are named, and nothing is said to be proven of them.
fn deleted_input(lab: &Lab) {
    lab.delete_before("payments", 1, 50);
    let (code, report, talk) = reconcile(lab, &[]);
    // The doubled alert is still there.
    assert_eq!((code, broken(&report).len()), (1, 1), "{talk}");
    let gone = &report["gone"];
    let expected = serde_json::json!([
        {"topic": lab.topic("payments"), "partition": 1, "from": 0, "to": 50}
    ]);
    assert_eq!(gone, &expected);
    let (code, report, talk) = replay(lab, &[]);
    assert!(code == 0 || code == 3, "{code}: {talk}");
    assert_eq!(report["gone"][0]["stretch"], expected[0]);
    assert!(report["gone"][0]["oldest_ms"].is_i64(), "{report:#}");
    let named = format!("{}/1 offsets 0 to 49 are gone", lab.topic("payments"));
    assert!(talk.contains(&named), "{talk}");
}
