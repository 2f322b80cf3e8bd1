//! What ends the process, with a remedy: records that are gone, topics made anew; and being asked
//! to stop, in every phase.

use std::time::Duration;

use super::lab::{Lab, Process, eventually};

const NOW: i64 = 1_780_000_000_000;
const RUNNING: &str = "running";

fn send(lab: &Lab, from: i32, to: i32) {
    for number in from..to {
        lab.send("payments", Some(0), "k", b"no payment", NOW + i64::from(number));
    }
    lab.flush();
}

/// A process that has worked on `count` records.
fn worked(lab: &Lab, count: i32) -> Process {
    let mut process = lab.start("");
    process.await_log(RUNNING);
    send(lab, 0, count);
    eventually("the first work", || lab.covered() == i64::from(count));
    process
}

/// The process ends by itself, with exit code 1, and says this.
fn assert_stops(mut process: Process, remedies: &[&str]) {
    assert_eq!(process.end(), Some(1), "{}", process.log());
    let log = process.log();
    for remedy in remedies {
        assert!(log.contains(remedy), "{remedy:?} is not in\n{log}");
    }
}

#[test]
fn retention_that_overtook_the_reading_is_a_stop_with_a_remedy() {
    let Some(lab) = Lab::open("overtaken", 1) else { return };
    worked(&lab, 10).stop();
    send(&lab, 10, 20);
    lab.delete_before("payments", 0, 15);
    let remedies =
        ["the next offset is 10, the topic begins at 15", "Lengthen the topic's retention"];
    assert_stops(lab.start(""), &remedies);
}

#[test]
fn retention_that_overtakes_while_running_is_a_stop_with_a_remedy() {
    let Some(lab) = Lab::open("overtakes", 1) else { return };
    let process = worked(&lab, 10);
    process.signal("-STOP");
    // More than the client has asked for.
    std::thread::sleep(Duration::from_millis(500));
    send(&lab, 10, 200);
    lab.delete_before("payments", 0, 150);
    process.signal("-CONT");
    // What was fetched before it was deleted is work as any other; the gap is not.
    let covered = |lab: &Lab| lab.covered();
    let before = covered(&lab);
    if before < 200 {
        assert_stops(process, &["Lengthen the topic's retention"]);
    }
    assert!(covered(&lab) < 200 || before == 200, "records were passed over in silence");
}

#[test]
fn a_topic_deleted_or_made_anew_is_a_stop_with_a_remedy() {
    let Some(lab) = Lab::open("anew", 1) else { return };
    let process = worked(&lab, 10);
    lab.delete("payments");
    assert_stops(process, &["the topic was deleted", "new group_id and journal"]);
    lab.create(&[(lab.topic("payments"), 1)]);
    send(&lab, 0, 3);
    assert_stops(lab.start(""), &["it was made anew", "new group_id and journal"]);
}

#[test]
fn a_topic_made_anew_while_running_is_noticed() {
    let Some(lab) = Lab::open("swapped", 1) else { return };
    let process = worked(&lab, 10);
    lab.delete("payments");
    eventually("the topic", || lab.try_create("payments", 1));
    send(&lab, 0, 3);
    assert_stops(process, &["new group_id and journal"]);
}

#[test]
fn being_asked_to_stop_is_obeyed_in_every_phase() {
    let Some(lab) = Lab::open("asked", 1) else { return };
    // While connecting, or wherever it is by then.
    let process = lab.start("");
    std::thread::sleep(Duration::from_millis(150));
    process.stop();
    let mut leader = worked(&lab, 2_000);
    // While another leads.
    let mut waiting = lab.start("");
    waiting.await_log("waiting: another process leads");
    waiting.stop();
    // Twice, while running.
    leader.signal("-TERM");
    let pid = leader.child.id().to_string();
    let _ = std::process::Command::new("kill").args(["-TERM", &pid]).status();
    assert_eq!(leader.end(), Some(0), "{}", leader.log());
    // While recovering.
    let mut recovering = lab.start("");
    recovering.await_log("recovering");
    recovering.stop();
    let mut process = lab.start("");
    process.await_log(RUNNING);
    process.stop();
    assert_eq!(lab.read("rejects").len(), 2_000);
}
