//! What a masked alert must not show, whoever the numbers belong to.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// Some banks build ids from both account numbers, and evidence names payments of other people.
#[test]
fn no_account_number_stands_in_a_masked_alert() {
    let folder = tempfile::tempdir().expect("a folder");
    let goshawk = |args: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_goshawk"))
            .arg("--quiet")
            .args(args.split(' '))
            .current_dir(folder.path())
            .output()
            .expect("the program runs");
        assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
    };
    goshawk("generate --accounts 1000 --events 8000 --seed 5 --planted 8000 --out town.jsonl");
    let town = std::fs::read_to_string(folder.path().join("town.jsonl")).expect("written");
    let mut numbers = BTreeSet::new();
    let telling = |line: &str| {
        let mut record: Value = serde_json::from_str(line).expect("JSON");
        if record["schema"] == "payment.v1" {
            let account = |side: &str| record[side]["account"].as_str().expect("one").to_owned();
            let (payer, payee) = (account("payer"), account("payee"));
            let id = record["event_id"].as_str().expect("one");
            record["event_id"] = format!("{id}-{payer}-{payee}").into();
            numbers.extend([payer, payee]);
        }
        format!("{record}\n")
    };
    let town: String = town.lines().map(telling).collect();
    std::fs::write(folder.path().join("telling.jsonl"), town).expect("written");
    std::fs::write(folder.path().join("token.key"), "5c".repeat(32)).expect("written");
    goshawk("backtest telling.jsonl --alerts alerts.jsonl --key-file token.key");
    let alerts = std::fs::read_to_string(folder.path().join("alerts.jsonl")).expect("written");
    assert!(alerts.lines().count() > 20, "hardly any alert");
    assert!(alerts.contains("-tok:"), "no id to scrub");
    for alert in alerts.lines() {
        let words = alert.split(|c: char| !c.is_ascii_digit());
        let shown = words.filter(|word| numbers.contains(*word)).collect::<Vec<_>>();
        assert!(shown.is_empty(), "{shown:?} in {alert}");
    }
}
