//! `goshawk replay` without a broker: what `demo` has published is made again, byte for byte.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn goshawk(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_goshawk"))
        .args(args)
        .current_dir(folder)
        .output()
        .expect("the program runs")
}

fn replay(folder: &Path, more: &[&str]) -> (i32, Value, String) {
    let args = [&["replay", "--data-dir", "data", "--format", "json"][..], more].concat();
    let output = goshawk(folder, &args);
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().expect("it ended by itself"), report, talk)
}

fn verdicts(report: &Value, verdict: &str) -> usize {
    let alerts = report["alerts"].as_array().expect("a list");
    alerts.iter().filter(|alert| alert["verdict"] == verdict).count()
}

#[test]
fn what_the_demo_published_is_made_again_byte_for_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let demo = ["demo", "-q", "--events", "40000", "--accounts", "2000", "--seed", "5"];
    let done = goshawk(at, &[&demo[..], &["--data-dir", "data"]].concat());
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let path = at.join("data/alerts.jsonl");
    let alerts = std::fs::read_to_string(&path).expect("written");
    let count = alerts.lines().count();
    assert!(count > 20, "{count} alerts show little");

    let (code, report, talk) = replay(at, &[]);
    assert_eq!((code, verdicts(&report, "equal")), (0, count), "{talk}");
    let last: Value = serde_json::from_str(alerts.lines().last().expect("some")).expect("an alert");
    let id = last["alert_id"].as_str().expect("an id");
    let (code, report, talk) = replay(at, &["--alert", id]);
    let revisions = alerts.lines().filter(|line| line.contains(&format!("\"alert_id\":\"{id}\"")));
    assert_eq!((code, verdicts(&report, "equal")), (0, revisions.count()), "{talk}");
    // Two parts are the whole.
    let part = |range: &[&str]| verdicts(&replay(at, range).1, "equal");
    assert_eq!(part(&["--to", "5"]) + part(&["--from", "5"]), count);

    // One that was tampered with, one that was taken away, one that nobody made.
    let mut lines: Vec<String> = alerts.lines().map(str::to_owned).collect();
    lines[1] = lines[1].replacen("\"severity\":\"", "\"severity\":\"x", 1);
    let gone = lines.remove(4);
    lines.push(gone.replacen("\"revision\":", "\"revision\":7", 1));
    std::fs::write(&path, lines.join("\n")).expect("writable");
    let (code, report, talk) = replay(at, &[]);
    let found = ["different", "not_published", "not_made"].map(|v| verdicts(&report, v));
    assert_eq!((code, found), (1, [1, 1, 1]), "{talk}");
    let alerts = report["alerts"].as_array().expect("a list");
    let different = alerts.iter().find(|alert| alert["verdict"] == "different").expect("one");
    assert_eq!(different["differences"][0]["place"], "/severity");
    let (code, _, talk) = replay(at, &["--alert", "nothing"]);
    assert_eq!(code, 1);
    assert!(talk.contains("there is no alert nothing in data/alerts.jsonl"), "{talk}");
}
