//! The whole program over AMLSim transfers, where that data set lies beside the checkout.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The transfers; `None`: skip.
#[allow(clippy::print_stderr, reason = "a skipped test must be seen")]
pub fn data() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/amlsim-10k");
    let file = beside.join("transactions.csv.zst");
    if file.exists() {
        return Some(file);
    }
    let ci = std::env::var("CI").is_ok_and(|v| v == "true");
    assert!(!ci, "{} is needed under CI", file.display());
    eprintln!("\n*** SKIPPED: no AMLSim data at {} ***\n", file.display());
    None
}

/// Runs `backtest` and gives its report and the alerts it wrote.
pub fn backtest(file: &Path, more: &[&str]) -> (Value, Vec<u8>) {
    let folder = tempfile::tempdir().expect("a folder");
    let alerts = folder.path().join("alerts.jsonl");
    let output = Command::new(env!("CARGO_BIN_EXE_goshawk"))
        .args(["--quiet", "backtest", "--columns", "amlsim", "--format", "json"])
        .args(more)
        .arg("--alerts")
        .arg(&alerts)
        .arg(file)
        .output()
        .expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = serde_json::from_slice(&output.stdout).expect("one JSON object");
    (report, std::fs::read(alerts).expect("alerts were written"))
}

#[test]
fn the_backtest_adds_up_and_does_not_depend_on_threads() {
    let Some(file) = data() else { return };
    let (report, alerts) = backtest(&file, &["--threads", "1"]);
    let number = |name: &str| report[name].as_u64().expect(name);
    assert_eq!(number("events"), 204_061);
    assert_eq!(report["rejected"], serde_json::json!({ "non_positive_amount": 4 }));
    let parts = ["scored", "applied", "duplicates", "skipped"].map(number);
    assert_eq!(parts.iter().sum::<u64>() + 4, number("events"));
    let patterns = report["labels"]["patterns"].as_array().expect("labels");
    let planted: u64 = patterns.iter().filter_map(|p| p["planted"].as_u64()).sum();
    assert_eq!(planted, 260);
    let found: u64 = patterns.iter().filter_map(|p| p["found"].as_u64()).sum();
    assert!(found >= 150, "{found} of 260 patterns found");
    let published: u64 =
        report["alerts"].as_object().expect("kinds").values().filter_map(Value::as_u64).sum();
    assert_eq!(alerts.iter().filter(|b| **b == b'\n').count() as u64, published);
    let (_, with_three) = backtest(&file, &["--threads", "3"]);
    assert!(alerts == with_three, "alerts differ with three threads");
}
