//! The commands' manners: exit codes, full disks, closed pipes, interrupts, help.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The program in a folder of the test's own.
fn goshawk(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goshawk"));
    command.args(args).current_dir(folder).env_remove("GOSHAWK_CONFIG").stdin(Stdio::null());
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    goshawk(folder, args).output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A payment to an account that is listed: one alert. And a record that is none: one reject.
fn payments(folder: &Path) -> PathBuf {
    let list = concat!(
        r#"{"schema":"list.v1","entry_id":"l-1","op":"upsert","category":"case_account","#,
        r#""level":"confirmed_case","subject":{"kind":"account","id":"6222000000000002"},"#,
        r#""valid_from":"2026-03-05T10:00:00+08:00","time":"2026-03-05T10:00:00+08:00","#,
        r#""source":"test","purpose":"anti_fraud_only"}"#
    );
    let payment = concat!(
        r#"{"schema":"payment.v1","event_id":"e-1","payment_id":"p-1","status":"settled","#,
        r#""event_time":"2026-03-05T10:03:10+08:00","amount":"49700.00","currency":"CNY","#,
        r#""payer":{"account":"6222000000000001"},"payee":{"account":"6222000000000002"},"#,
        r#""payment_type":"transfer","channel":"mobile"}"#
    );
    let path = folder.join("payments.jsonl");
    std::fs::write(&path, format!("{list}\n{payment}\n{{}}\n")).expect("writable");
    path
}

#[test]
fn a_disk_that_fills_up_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    // A limit on the size of files is met as the end of a disk is: in the middle of a write.
    let script = "ulimit -f 16; trap '' XFSZ; exec \"$0\" demo --events 60000 --accounts 3000 -q";
    let output = Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_goshawk")])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("bash runs");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write") || said.contains("File too large"), "{said}");
    assert!(said.lines().count() < 6, "once is enough: {said}");
}

#[test]
fn what_a_full_disk_swallows_is_a_failure() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    payments(at);
    let good = run(at, &["backtest", "payments.jsonl", "-q", "--alerts", "a", "--rejects", "r"]);
    assert!(good.status.success(), "{}", text(&good.stderr));
    for file in ["a", "r"] {
        let written = std::fs::read_to_string(at.join(file)).expect("written");
        // Little enough to be buffered to the end.
        assert!((1..6_000).contains(&written.len()), "{file}: {written}");
    }
    for what in ["alerts", "rejects", "findings"] {
        let flag = format!("--{what}");
        let full = run(at, &["backtest", "payments.jsonl", "-q", &flag, "/dev/full"]);
        assert_eq!(full.status.code(), Some(1), "{flag}");
        assert!(text(&full.stderr).contains(&format!("cannot write {what}")), "{full:?}");
    }
}

#[test]
fn data_that_cannot_be_written_is_a_failure_and_a_reader_that_left_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    for args in [&["completions", "bash"][..], &["rules", "list", "--format", "json"]] {
        let full = File::options().write(true).open("/dev/full").expect("Linux has it");
        let output = goshawk(at, args).stdout(full).output().expect("runs");
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(text(&output.stderr).contains("standard output"), "{output:?}");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = goshawk(at, args).stdout(writer).output().expect("runs");
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    }
}

/// Ends the program with the test, whatever becomes of it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_demo_at_a_slow_rate_ends_when_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let slow = ["demo", "--accounts", "200", "--events", "0", "--rate", "20"];
    let began = Instant::now();
    let timed = run(at, &[&slow[..], &["--duration", "500ms"]].concat());
    assert!(timed.status.success(), "{}", text(&timed.stderr));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let events = text(&timed.stdout).split(' ').next().and_then(|n| n.parse::<u64>().ok());
    assert!(events.is_some_and(|events| (2..=20).contains(&events)), "{timed:?}");

    let child = goshawk(at, &[&slow[..], &["--data-dir", "other"]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut child = Running(child);
    let mut talk = BufReader::new(child.0.stderr.take().expect("piped"));
    let mut line = String::new();
    while !line.starts_with("Alerts go to") {
        line.clear();
        assert!(talk.read_line(&mut line).expect("UTF-8") > 0, "it ended early");
    }
    let sent = Command::new("kill").args(["-INT", &child.0.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
    let asked = Instant::now();
    let mut report = String::new();
    child.0.stdout.take().expect("piped").read_to_string(&mut report).expect("UTF-8");
    assert!(child.0.wait().expect("ends").success());
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    assert!(report.contains(" events: "), "{report}");
}

#[test]
fn alerts_are_told_without_a_terminal_and_so_is_that_there_were_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let output =
        run(folder.path(), &["demo", "--accounts", "2000", "--events", "20000", "--seed", "9"]);
    assert!(output.status.success());
    let talk = text(&output.stderr);
    assert!(talk.lines().filter(|line| line.starts_with("raise ")).count() >= 5, "{talk}");
    assert!(talk.contains(" more in that second; all of them are in the file)"), "{talk}");
}

/// The shipped example in a folder of its own, without an HTTP port that others may hold.
fn example(folder: &Path) {
    let example = include_str!("../deploy/goshawk.example.toml");
    assert!(example.contains("listen = \"127.0.0.1:9464\""));
    let text = example.replace("listen = \"127.0.0.1:9464\"", "listen = \"\"");
    std::fs::write(folder.join("goshawk.toml"), text).expect("writable");
}

#[test]
fn configuration_that_cannot_run_is_wrong_usage_for_run_and_check_alike() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    example(at);
    std::fs::create_dir(at.join("broken")).expect("writable");
    std::fs::write(at.join("broken/x.toml"), "id = 7\n").expect("writable");
    std::fs::write(at.join("short.key"), "abc\n").expect("writable");
    let cases = [
        ("rules=nowhere", "cannot read rules at"),
        ("rules=broken", "in the rule pack"),
        ("privacy.key_file=short.key", "64 hex digits"),
        ("privacy.key_file=no/such/token.key", "no/such/token.key"),
        ("kafka.oauth_token_file=no.jwt", "kafka.oauth_token_file"),
        ("kafka.properties.no.such.property=1", "no.such.property"),
        ("kafka.properties.ssl.ca.location=no.pem", ""),
        ("kafka.producer.acks=1", "acks"),
        ("kafka.brokers=", "kafka.brokers must not be empty"),
        ("log.level=inof", "log.level"),
    ];
    for (setting, said) in cases {
        let tls = ["--set", "kafka.properties.security.protocol=ssl"];
        for command in [&["config", "check"][..], &["run"]] {
            let args = [command, &["--set", setting], &tls].concat();
            let output = run(at, &args);
            let talk = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{args:?}: {talk}");
            assert!(talk.contains(said), "{args:?}: {talk}");
        }
    }
    assert!(!at.join("token.key").exists(), "a start that failed has made a key");
    // All at once.
    let both = ["config", "check", "--set", "rules=broken", "--set", "privacy.key_file=short.key"];
    let talk = text(&run(at, &both).stderr);
    assert!(talk.contains("64 hex digits") && talk.contains("in the rule pack"), "{talk}");
}

#[test]
fn the_example_starts_makes_its_key_says_so_and_colours_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    example(at);
    let checked = run(at, &["config", "check"]);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    assert!(text(&checked.stderr).contains("the first start makes it"), "{checked:?}");
    assert!(!at.join("token.key").exists(), "a check makes nothing");

    // No broker listens there: it waits until it is asked to stop.
    let nobody = ["--set", "kafka.brokers=127.0.0.1:1"];
    let start = |more: &[&str]| {
        let child = goshawk(at, &[more, &["run"], &nobody].concat()).stderr(Stdio::piped()).spawn();
        let mut child = Running(child.expect("runs"));
        let mut log = BufReader::new(child.0.stderr.take().expect("piped"));
        let mut said = String::new();
        while !said.contains("the brokers do not answer") {
            assert!(log.read_line(&mut said).expect("UTF-8") > 0, "it ended early: {said}");
        }
        let sent = Command::new("kill").args(["-INT", &child.0.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        log.read_to_string(&mut said).expect("UTF-8");
        assert!(child.0.wait().expect("ends").success(), "{said}");
        said
    };
    let said = start(&[]);
    assert!(said.contains("WARN") && said.contains("a new key was made"), "{said}");
    assert!(said.contains("INFO") && !said.contains('\x1b'), "{said}");
    let key = std::fs::read(at.join("token.key")).expect("made");
    let said = start(&["--quiet"]);
    assert!(!said.contains("INFO") && !said.contains("a new key was made"), "{said}");
    assert!(std::fs::read(at.join("token.key")).expect("still there") == key);
}

#[test]
fn generate_says_no_to_what_it_would_ignore_and_writes_to_the_standard_output() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    for both in [&["--topic", "p"][..], &["--lists-topic", "p"], &["--property", "a=b"], &["--now"]]
    {
        let output = run(at, &[&["generate", "--out", "f"], both].concat());
        assert_eq!(output.status.code(), Some(2), "{both:?}");
    }
    for command in ["generate", "demo"] {
        assert_eq!(run(at, &[command, "--rate", "0"]).status.code(), Some(2));
    }
    let small = ["generate", "--accounts", "200", "--planted", "0", "--out", "-", "--events"];
    let output = run(at, &[&small[..], &["300"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).lines().count(), 300);
    assert!(text(&output.stderr).contains("Planted: none."), "{output:?}");
    assert_eq!(std::fs::read_dir(at).expect("readable").count(), 0, "a file was made");
    // Without an end, and its reader leaves: it ends, and well.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = goshawk(at, &[&small[..], &["0"]].concat()).stdout(writer).output();
    let output = output.expect("runs");
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn labels_with_another_header_are_told_by_the_names_of_their_columns() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    payments(at);
    std::fs::write(at.join("labels.csv"), "id,pattern,sort\n").expect("writable");
    let output = run(at, &["backtest", "payments.jsonl", "--labels", "labels.csv"]);
    assert_eq!(output.status.code(), Some(2));
    let talk = text(&output.stderr);
    assert!(talk.contains("\"event_id\"; the columns are: id, pattern, sort"), "{talk}");
}

#[test]
fn rules_are_listed_for_programs_with_numbers_versions_modes_and_guards() {
    let output = run(Path::new("."), &["rules", "list", "--format", "json"]);
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rows = rows.as_array().expect("an array");
    assert!(rows.iter().all(|row| row["weight"].is_u64() && row["version"].is_string()));
    assert!(rows.iter().all(|row| {
        ["live", "shadow", "signal", "off"].contains(&row["mode"].as_str().unwrap_or(""))
    }));
    assert!(rows.iter().any(|row| row["guards"].as_array().is_some_and(|g| !g.is_empty())));
}
