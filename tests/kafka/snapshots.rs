//! Restarts from snapshots: killed at any moment, with sets damaged or gone, the alerts are those
//! of a run that nobody disturbed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::alerts::{assert_as_undisturbed, write_pack};
use super::lab::{Lab, eventually, program, quick};
use crate::absence;

const OFTEN: &str = "[snapshots]\ninterval = \"300ms\"\n";

/// Sets that are whole, the oldest first.
fn whole(folder: &Path) -> Vec<PathBuf> {
    let sets = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sets = sets.map(|set| set.path()).filter(|set| set.join("manifest").exists());
    let mut sets: Vec<PathBuf> = sets.collect();
    sets.sort();
    sets
}

#[test]
fn restarts_from_snapshots_say_what_an_undisturbed_run_says() {
    let Some(lab) = Lab::open("snapshots", 3) else { return };
    let folder = lab.folder.path().join("state/snapshots");
    // With a rule for which payments are waited for.
    let rules = lab.folder.path().join("rules");
    write_pack(&rules, "10000.00");
    let absence = absence::RULE.replace("\"50000.00\"", "\"500.00\"");
    std::fs::write(rules.join("absence.toml"), absence).expect("writes");
    let settings = format!("rules = {:?}\n{OFTEN}", rules.display().to_string());
    let mut feed = program()
        .args(["generate", "--quiet", "--accounts", "3000", "--planted", "3000", "--rate", "800"])
        .args(["--events", "1000000", "--brokers", &lab.broker.brokers])
        .args(["--topic", &lab.topic("payments")])
        .spawn()
        .expect("starts");
    let killed_after = |sets: usize| {
        let mut process = lab.start_with(&settings, &quick());
        eventually("snapshots", || process.log().matches("snapshot written").count() >= sets);
        process.signal("-KILL");
        assert_eq!(process.end(), None);
        process.log()
    };
    let log = killed_after(1);
    assert!(!log.contains("snapshot loaded"), "there was none: {log}");
    for _ in 0..2 {
        let log = killed_after(2);
        assert!(log.contains("snapshot loaded"), "{log}");
        assert!(!log.contains("steps came out unlike"), "{log}");
    }

    // A bit turned in the newest: the one before is loaded.
    let sets = whole(&folder);
    // One more if it was killed before it had deleted the oldest.
    let [.., older, newest] = &sets[..] else { panic!("two are kept: {sets:?}") };
    assert!(sets.len() <= 3, "{sets:?}");
    let part = newest.join("00000.part");
    let mut bytes = std::fs::read(&part).expect("it is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&part, bytes).expect("writes");
    let log = killed_after(1);
    assert!(log.contains("snapshot passed over") && log.contains("damaged"), "{log}");
    let older = older.file_name().expect("named").to_string_lossy().into_owned();
    let loaded = log.lines().find(|line| line.contains("snapshot loaded"));
    assert!(loaded.is_some_and(|line| line.contains(&older)), "{log}");

    // None left: the whole journal is repeated.
    std::fs::remove_dir_all(&folder).expect("it is there");
    let log = killed_after(1);
    assert!(!log.contains("snapshot loaded"), "{log}");

    let all = format!("{settings}keep = 500\n");
    let process = lab.start_with(&all, &quick());
    eventually("snapshots", || process.log().matches("snapshot written").count() > 2);
    feed.kill().expect("ours");
    let _ = feed.wait();
    let events = lab.read("payments").len() as i64;
    eventually("all work", || lab.covered() >= events);
    process.stop();
    assert_as_undisturbed(&lab);
    replay_goes_on_from_a_snapshot(&lab, &folder, &all);
    let waited = |body: &[u8]| String::from_utf8_lossy(body).contains("SITS_ON_IT");
    assert!(lab.read("alerts").iter().any(|alert| waited(&alert.body)), "nobody waited");
    assert_eq!(lab.covered(), events);
    let shown = program().args(["inspect", "snapshot", "--verify"]).arg(&folder).output();
    assert_eq!(shown.expect("runs").status.code(), Some(0));
}

#[test]
fn a_disk_that_takes_nothing_does_not_stop_the_scoring() {
    let Some(lab) = Lab::open("full-disk", 1) else { return };
    // A file where the folder should be: nothing can be made below it.
    std::fs::write(lab.folder.path().join("state"), b"in the way").expect("writes");
    let mut process = lab.start(OFTEN);
    process.await_log("running");
    lab.send("payments", Some(0), "k", b"not a payment", 1_780_000_000_000);
    lab.flush();
    eventually("the work", || lab.covered() == 1);
    let log = process.log();
    assert!(log.contains("no snapshots: their place cannot be had"), "{log}");
    std::thread::sleep(Duration::from_millis(10));
    process.stop();
}

/// An auditor has made again what came after the oldest snapshot that is left.
fn replay_goes_on_from_a_snapshot(lab: &Lab, folder: &Path, settings: &str) {
    let json = |output: std::process::Output| -> Value {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    let shown = program().args(["inspect", "snapshot", "--format", "json"]).arg(folder).output();
    let sets = json(shown.expect("runs"));
    let newest = sets[0]["newest_step"].as_u64().expect("the first is whole");
    let last = lab.journal().last().expect("there are steps").step;
    let replay = program()
        .args(["replay", "--format", "json", "--config"])
        .arg(lab.config(settings))
        .args(["--from", &(newest + 1).to_string(), "--to", &(last + 1).to_string()])
        .output();
    let report = json(replay.expect("runs"));
    assert_eq!(report["snapshot"], sets[0]["set"], "{report:#}");
    assert!(report["records"].as_u64() < Some(lab.covered() as u64), "{report:#}");
}
