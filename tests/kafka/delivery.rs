//! Every record once, whatever dies. Records that cannot be read are enough to show it: each leaves
//! one message on the rejects topic.

use std::collections::BTreeSet;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::lab::{Lab, eventually, program, quick};

const NOW: i64 = 1_780_000_000_000;
const RUNNING: &str = "running";

fn poison(lab: &Lab, from: usize, to: usize, partitions: i32) {
    for number in from..to {
        let body = format!("not a payment {number} \u{1f4a5}");
        let partition = Some(number as i32 % partitions);
        lab.send("payments", partition, "k", body.as_bytes(), NOW + number as i64);
    }
    lab.flush();
}

/// Each of `0..count` rejected exactly once.
fn assert_each_once(lab: &Lab, count: usize) {
    let rejects = lab.read("rejects");
    let bodies: BTreeSet<&[u8]> = rejects.iter().map(|record| record.body.as_slice()).collect();
    assert_eq!((rejects.len(), bodies.len()), (count, count));
}

#[test]
fn a_poison_record_is_published_as_it_came_with_its_reason() {
    let Some(lab) = Lab::open("poison", 1) else { return };
    let mut process = lab.start("");
    process.await_log(RUNNING);
    lab.send("payments", Some(0), "the key", b"\xff not UTF-8", NOW);
    lab.flush();
    eventually("the reject", || !lab.read("rejects").is_empty());
    let reject = lab.read("rejects").remove(0);
    assert_eq!(reject.body, b"\xff not UTF-8");
    assert_eq!(reject.key.as_deref(), Some(&b"the key"[..]));
    let shown: Vec<_> = reject.headers.iter().filter(|(key, _)| key.contains("reject")).collect();
    assert!(shown.iter().any(|(_, value)| *value == "0"), "{shown:?}");
    process.stop();
    assert_eq!(lab.covered(), 1);
}

#[test]
fn a_graceful_stop_commits_what_was_read_and_the_next_start_goes_on() {
    let Some(lab) = Lab::open("graceful", 3) else { return };
    poison(&lab, 0, 500, 3);
    let mut process = lab.start("");
    process.await_log(RUNNING);
    poison(&lab, 500, 1_000, 3);
    eventually("some work", || lab.covered() > 0);
    process.stop();
    let mut process = lab.start("");
    process.await_log(RUNNING);
    poison(&lab, 1_000, 1_100, 3);
    eventually("all work", || lab.covered() == 1_100);
    process.stop();
    assert_each_once(&lab, 1_100);
}

#[test]
fn every_record_once_through_a_dozen_kills() {
    let Some(lab) = Lab::open("kills", 3) else { return };
    let seed = Instant::now().elapsed().as_nanos() as u64 ^ u64::from(std::process::id());
    eprintln!("seed {seed}");
    let mut dice = seed;
    let mut sent = 0;
    for _ in 0..12 {
        let mut process = lab.start_with("", &quick());
        process.await_log(RUNNING);
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let until = Instant::now() + Duration::from_millis(50 + (dice >> 33) % 1_500);
        while Instant::now() < until {
            poison(&lab, sent, sent + 100, 3);
            sent += 100;
            std::thread::sleep(Duration::from_millis(5));
        }
        process.signal("-KILL");
        assert_eq!(process.end(), None);
    }
    let mut process = lab.start_with("", &quick());
    process.await_log(RUNNING);
    eventually("all work", || lab.covered() == sent as i64);
    process.stop();
    assert_each_once(&lab, sent);
}

#[test]
fn a_second_process_waits_and_takes_over() {
    let Some(lab) = Lab::open("takeover", 2) else { return };
    let mut first = lab.start("");
    first.await_log(RUNNING);
    let mut second = lab.start("");
    second.await_log("waiting: another process leads");
    poison(&lab, 0, 100, 2);
    eventually("the first's work", || lab.covered() == 100);
    let began = Instant::now();
    first.stop();
    second.await_log(RUNNING);
    eprintln!("take-over after a graceful stop: {} ms", began.elapsed().as_millis());
    poison(&lab, 100, 200, 2);
    eventually("the second's work", || lab.covered() == 200);
    let mut third = lab.start("");
    third.await_log("waiting: another process leads");
    let began = Instant::now();
    second.signal("-KILL");
    third.await_log(RUNNING);
    eprintln!("take-over after a kill: {} ms", began.elapsed().as_millis());
    poison(&lab, 200, 300, 2);
    eventually("the third's work", || lab.covered() == 300);
    third.stop();
    assert_each_once(&lab, 300);
}

#[test]
fn a_frozen_leader_is_fenced_when_it_wakes() {
    let Some(lab) = Lab::open("frozen", 1) else { return };
    let mut first = lab.start("");
    first.await_log(RUNNING);
    poison(&lab, 0, 50, 1);
    eventually("the first's work", || lab.covered() == 50);
    let mut second = lab.start("");
    second.await_log("waiting: another process leads");
    first.signal("-STOP");
    poison(&lab, 50, 100, 1);
    second.await_log(RUNNING);
    eventually("the second's work", || lab.covered() == 100);
    first.signal("-CONT");
    assert_eq!(first.end(), Some(1), "{}", first.log());
    let log = first.log();
    assert!(log.contains("fenced") || log.contains("leadership was lost"), "{log}");
    poison(&lab, 100, 150, 1);
    eventually("more work", || lab.covered() == 150);
    second.stop();
    assert_each_once(&lab, 150);
}

#[test]
fn a_partition_added_while_running_is_read() {
    let Some(lab) = Lab::open("grows", 1) else { return };
    let mut process = lab.start("");
    process.await_log(RUNNING);
    poison(&lab, 0, 10, 1);
    eventually("the first work", || lab.covered() == 10);
    lab.grow("payments", 3);
    std::thread::sleep(Duration::from_secs(1));
    poison(&lab, 10, 40, 3);
    eventually("work of new partitions", || lab.covered() == 40);
    process.stop();
    let mut process = lab.start("");
    process.await_log(RUNNING);
    process.stop();
    assert_each_once(&lab, 40);
}

#[test]
fn at_least_once_loses_nothing() {
    let Some(lab) = Lab::open("atleast", 2) else { return };
    let more = "delivery = \"at_least_once\"";
    let mut process = lab.start(more);
    process.await_log(RUNNING);
    poison(&lab, 0, 1_000, 2);
    process.signal("-KILL");
    process.end();
    let mut process = lab.start(more);
    process.await_log(RUNNING);
    poison(&lab, 1_000, 1_100, 2);
    eventually("all work", || lab.covered() >= 1_100);
    process.stop();
    let rejects = lab.read("rejects");
    let bodies: BTreeSet<&[u8]> = rejects.iter().map(|record| record.body.as_slice()).collect();
    assert_eq!(bodies.len(), 1_100);
    // After a good end the offsets are where the journal ends, so that the other mode may go on.
    let mut process = lab.start("");
    process.await_log(RUNNING);
    process.stop();
}

#[test]
fn a_missing_topic_is_named() {
    let Some(lab) = Lab::open("missing", 1) else { return };
    let mut process = lab.start("");
    let config = lab.config("").clone();
    process.await_log(RUNNING);
    process.stop();
    let outcome = assert_cmd::Command::from_std(program())
        .args(["run", "--config"])
        .arg(config)
        .args(["--set", "kafka.topics.lists=nowhere"])
        .assert()
        .code(1);
    let said = String::from_utf8_lossy(&outcome.get_output().stderr).into_owned();
    assert!(said.contains("topic nowhere does not exist"), "{said}");
}

/// Passes connections on to `to`, as long as the tests run.
fn gate(port: u16, to: String) {
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is still free");
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let far = TcpStream::connect(&to).expect("the broker listens");
            let both = [(&near, &far), (&far, &near)];
            for (mut from, mut to) in both
                .map(|(a, b)| (a.try_clone().expect("a socket"), b.try_clone().expect("a socket")))
            {
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            }
        }
    });
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

#[test]
fn brokers_that_are_down_at_the_start_are_waited_for() {
    let Some(lab) = Lab::open("late", 1) else { return };
    let (port, http) = (free_port(), free_port());
    let settings =
        [format!("kafka.brokers=127.0.0.1:{port}"), format!("http.listen=127.0.0.1:{http}")];
    let mut process = lab.start_with("", &settings);
    process.await_log("the brokers do not answer; waiting");
    let ready = || {
        let mut socket = TcpStream::connect(("127.0.0.1", http)).expect("it listens");
        let ask = b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        std::io::Write::write_all(&mut socket, ask).expect("sent");
        std::io::read_to_string(socket).expect("an answer").starts_with("HTTP/1.1 200")
    };
    assert!(!ready(), "ready without brokers");
    gate(port, lab.broker.brokers.clone());
    process.await_log(RUNNING);
    eventually("readiness", ready);
    process.stop();
    // And when nobody ever answers, it can be stopped.
    let nowhere = [format!("kafka.brokers=127.0.0.1:{}", free_port())];
    let mut process = lab.start_with("", &nowhere);
    process.await_log("the brokers do not answer; waiting");
    process.stop();
}

#[test]
fn a_broker_that_dies_and_comes_back_is_waited_for() {
    let Some(lab) = Lab::alone("outage", 2) else { return };
    let mut process = lab.start("");
    process.await_log(RUNNING);
    poison(&lab, 0, 500, 2);
    if !lab.broker.crash() {
        return;
    }
    poison(&lab, 500, 1_000, 2);
    eventually("all work", || lab.covered() == 1_000);
    process.stop();
    assert_each_once(&lab, 1_000);
}
