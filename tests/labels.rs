//! What a run says of planted fraud: the same, whether the labels come with the events or in a file
//! beside them.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn goshawk(folder: &Path, args: &str) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_goshawk"))
        .arg("--quiet")
        .args(args.split(' '))
        .current_dir(folder)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn labels(report: &[u8]) -> Value {
    let report: Value = serde_json::from_slice(report).expect("a JSON report");
    report["labels"].clone()
}

#[test]
fn a_demo_and_a_backtest_of_the_same_town_find_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |args: &str| goshawk(folder.path(), args);
    let town = "--accounts 2000 --events 40000 --seed 3";
    let demo = labels(&run(&format!("demo {town} --data-dir demo --format json")));
    run(&format!("generate {town} --out town.jsonl --labels labels.csv"));
    let backtest = labels(&run("backtest town.jsonl --labels labels.csv --format json"));
    assert_eq!(demo, backtest);
    // Money of a stopped payment had not moved when the alert came.
    let patterns = demo["patterns"].as_array().expect("a list");
    let lead = |p: &Value| p["median_lead_share"].as_f64();
    assert!(patterns.iter().filter_map(lead).any(|share| share > 0.0 && share <= 1.0), "{demo}");
}
