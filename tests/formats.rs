//! Every command that prints a table says the same as JSON and as CSV, to programs: keys in plain
//! letters, rows of one width, and nothing else where quiet is asked for.

use std::path::Path;
use std::process::{Command, Output};

fn run(folder: &Path, args: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_goshawk"))
        .args(args)
        .current_dir(folder)
        .output()
        .expect("the program runs");
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {talk}");
    output
}

/// Keys of all objects, at any depth.
fn keys(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            found.push(key.clone());
            keys(value, found);
        }),
        serde_json::Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

#[test]
fn every_table_is_also_json_and_csv_and_quiet_is_quiet() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let town = ["--events", "3000", "--accounts", "600", "--seed", "7"];
    run(at, &[&["generate", "--out", "payments.jsonl"][..], &town].concat());
    let score = ["backtest", "payments.jsonl", "--key-file", "key"];
    std::fs::write(at.join("key"), "ab".repeat(32)).expect("writable");
    run(at, &[&score[..], &["--alerts", "alerts.jsonl"]].concat());
    let alerts = std::fs::read_to_string(at.join("alerts.jsonl")).expect("alerts");
    std::fs::write(at.join("one.json"), alerts.lines().next().expect("one")).expect("writable");
    let demo = [&["demo"][..], &town].concat();
    let against = [&score[..], &["--against", "shipped"]].concat();
    let sweep = [&score[..], &["--sweep", "M01.min_in=2000..4000/2"]].concat();
    let commands: [&[&str]; 12] = [
        &["rules", "check"],
        &["rules", "list"],
        &["rules", "lint"],
        &["rules", "lint", "--list"],
        &["rules", "test", "M02"],
        &["rules", "explain", "M02"],
        &["rules", "explain", "payer.debits"],
        &["rules", "diff", "shipped", "shipped"],
        &["rules", "why", "one.json"],
        &demo,
        &score,
        &against,
    ];
    for command in commands.into_iter().chain([&sweep[..]]) {
        let as_format = |format| run(at, &[command, &["-q", "--format", format]].concat());
        let json = as_format("json");
        let value = serde_json::from_slice(&json.stdout).expect("JSON");
        let mut found = Vec::new();
        keys(&value, &mut found);
        assert!(found.iter().all(|key| key.is_ascii()), "{command:?}: {found:?}");
        let csv = as_format("csv");
        // A row of another width is an error.
        let rows = csv::Reader::from_reader(csv.stdout.as_slice());
        let width = rows.into_records().map(|row| row.expect("a row").len()).max();
        assert!(width.is_none_or(|width| width > 1), "{command:?}: {width:?}");
        let table = as_format("table");
        for output in [json, csv, table] {
            let talk = String::from_utf8_lossy(&output.stderr);
            assert_eq!(talk, "", "{command:?} is asked to be quiet");
        }
    }
}
