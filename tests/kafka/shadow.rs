//! Rules on trial beside those in force, and writers who race: against the running service.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use goshawk::rules::shipped;
use goshawk::wire::journal::Entry;
use serde_json::Value;

use super::lab::{Lab, Process, eventually, program};

/// The shipped pack with some texts written otherwise.
pub fn write_pack(folder: &Path, changes: &[(&str, &str, &str)]) {
    for file in shipped::files() {
        let path = folder.join(&file.path);
        std::fs::create_dir_all(path.parent().expect("inside")).expect("made");
        let mut text = file.text;
        for (name, from, to) in changes.iter().filter(|(name, ..)| file.path.ends_with(name)) {
            assert!(text.contains(from), "{from} in {name}");
            text = text.replace(from, to);
        }
        std::fs::write(&path, text).expect("writes");
    }
}

/// A file that is never seen half written.
fn replace_file(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).expect("writes");
    std::fs::rename(&beside, path).expect("renames");
}

struct Service {
    process: Process,
    port: u16,
}

impl Service {
    fn start(lab: &Lab, more: &str) -> Self {
        let port = super::broker::free_port();
        let token = lab.folder.path().join("http.token");
        std::fs::write(&token, "secret").expect("writes");
        let settings = [
            format!("http.listen=127.0.0.1:{port}"),
            format!("http.token_file={}", token.display()),
        ];
        let mut process = lab.start_with(more, &settings);
        process.await_log("running");
        Self { process, port }
    }

    fn ask(&self, method: &str, path: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("settable");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Authorization: Bearer secret\r\n\r\n"
        )
        .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (code, serde_json::from_str(body).unwrap_or_default())
    }

    fn shadow(&self) -> Value {
        self.ask("GET", "/api/v1/rules/shadow").1
    }

    fn post(&self, query: &str) -> (u16, Value) {
        self.ask("POST", &format!("/api/v1/rules?{query}"))
    }
}

/// Lines of a generated file, sent in their order with their own times.
fn send(lab: &Lab, lines: &[&str]) {
    for line in lines {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let time = [&event["event_time"], &event["time"]].into_iter().find_map(Value::as_str);
        let time: jiff::Timestamp = time.expect("a time").parse().expect("one");
        lab.send("payments", Some(0), "", line.as_bytes(), time.as_millisecond());
    }
    lab.flush();
}

#[test]
fn a_pack_on_trial_compares_as_the_backtest_does_through_a_kill_and_a_promotion() {
    let Some(lab) = Lab::open("trial", 1) else { return };
    let [rules, next] = ["rules", "next"].map(|name| lab.folder.path().join(name));
    write_pack(&rules, &[]);
    let burst = "m02_burst_out.toml";
    write_pack(
        &next,
        &[
            (burst, "weight  = 35", "weight  = 60"),
            (burst, "value = \"10000.00\"", "value = \"6000.00\""),
            (burst, "min_count  = { value = 5", "min_count  = { value = 2"),
            (burst, "min_payees = { value = 3", "min_payees = { value = 2"),
            ("m01_pass_through.toml", "id      = \"M01\"", "id      = \"M01\"\nmode    = \"off\""),
        ],
    );
    let town = lab.folder.path().join("town.jsonl");
    let made = program()
        .args(["generate", "--quiet", "--accounts", "1500", "--events", "12000", "--seed", "5"])
        .args(["--planted", "5000", "--out"])
        .arg(&town)
        .status()
        .expect("runs");
    assert!(made.success());
    let text = std::fs::read_to_string(&town).expect("generated");
    let lines: Vec<&str> = text.lines().collect();
    let compared = |lines: &[&str]| -> Value {
        let part = lab.folder.path().join("part.jsonl");
        std::fs::write(&part, lines.join("\n")).expect("writes");
        let output = program()
            .args(["backtest", "--quiet", "--tenant", "test", "--format", "json", "--rules"])
            .args([&next, Path::new("--against"), &rules, &part])
            .output()
            .expect("runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).expect("one object");
        report["against"]["episodes"].clone()
    };

    let paths = [rules.display(), next.display()].map(|path| format!("{:?}", path.to_string()));
    let more = format!("rules = {}\nrules_poll = \"200ms\"\n", paths[0]);
    let often = "[snapshots]\ninterval = \"200ms\"\n";
    let shadow = format!("{more}{often}[shadow]\nrules = {}\n", paths[1]);
    let mut service = Service::start(&lab, &shadow);
    let (first, rest) = lines.split_at(7_000);
    let (second, last) = rest.split_at(3_000);
    send(&lab, first);
    let agree = |service: &Service, lines: &[&str]| {
        let expected = compared(lines);
        assert!(expected["would_raise"]["episodes"].as_u64() > Some(0), "{expected:#}");
        assert!(expected["would_drop"]["episodes"].as_u64() > Some(0), "{expected:#}");
        eventually("the same comparison", || service.shadow()["pack"]["episodes"] == expected);
    };
    agree(&service, first);
    eventually("commits", || lab.covered() >= first.len() as i64);
    // None is taken while there is nothing new.
    eventually("a snapshot", || service.process.log().contains("snapshot written"));
    // What recovery makes of a snapshot and the journal is what there was.
    service.process.signal("-KILL");
    assert_eq!(service.process.end(), None);
    let service = Service::start(&lab, &shadow);
    let log = service.process.log();
    assert!(log.contains("snapshot loaded") && !log.contains("unlike"), "{log}");
    send(&lab, second);
    agree(&service, &lines[..10_000]);

    let shown = service.shadow();
    let hash = shown["pack"]["sha256"].as_str().expect("a hash").to_owned();
    let live = shown["pack"]["against"].as_str().expect("a hash").to_owned();
    let promoted = service.post(&format!("mode=promote&who=li.wei&pack={}", &hash[..12]));
    assert_eq!((promoted.0, &promoted.1["to"]), (202, &Value::from(hash.as_str())));
    send(&lab, last);
    eventually("the promotion", || service.process.log().contains("rules changed"));
    eventually("no trial", || service.shadow()["pack"].is_null());
    service.process.stop();
    // The folder still holds the old rules: the promotion stays until it changes.
    let service = Service::start(&lab, &shadow);
    send(&lab, &lines[lines.len() - 1..]);
    eventually("the promoted pack", || {
        let shown = service.ask("GET", "/api/v1/rules").1;
        shown["sha256"] == hash.as_str() && shown["folder"] == live.as_str()
    });
    service.process.stop();

    let alerts = |kind: &str| -> Vec<Value> {
        let records = lab.read(kind);
        records.iter().map(|r| serde_json::from_slice(&r.body).expect("JSON")).collect()
    };
    let pack = |alert: &Value| alert["requested_by"]["rule_pack"]["sha256"].clone();
    let shadow = alerts("shadow");
    assert!(shadow.len() > 20, "{} shadow alerts", shadow.len());
    assert!(shadow.iter().all(|a| a["shadow"] == true && pack(a) == hash.as_str()));
    let revision = |a: &Value| (a["alert_id"].to_string(), a["revision"].as_u64());
    let revisions: BTreeSet<_> = shadow.iter().map(revision).collect();
    assert_eq!(revisions.len(), shadow.len(), "a revision was told twice");
    let packs: BTreeSet<String> = alerts("alerts").iter().map(|a| pack(a).to_string()).collect();
    assert_eq!(packs, [&hash, &live].map(|sha256| format!("{sha256:?}")).into());
    let (mut trials, mut promotions) = (Vec::new(), Vec::new());
    for entry in lab.entries() {
        match entry {
            Entry::Shadow(change) => trials.push((change.by, change.from, change.to)),
            Entry::Change(change) if change.from != change.to => {
                promotions.push((change.by, change.who, change.from, change.to));
            }
            _ => {}
        }
    }
    let on = || Some(hash.clone());
    let expected = [
        ("start".to_owned(), None, on()),
        ("start".to_owned(), on(), on()),
        ("promotion".to_owned(), on(), None),
    ];
    assert_eq!(trials, expected);
    let who = Some("li.wei".to_owned());
    assert_eq!(promotions, [("promotion".to_owned(), who, live, hash)]);
}

#[test]
fn writers_who_race_are_put_in_one_order_and_all_of_them_are_in_the_record() {
    const WRITERS: usize = 3;
    const TURNS: usize = 6;
    let Some(lab) = Lab::open("race", 1) else { return };
    let rules = lab.folder.path().join("rules");
    write_pack(&rules, &[]);
    let more = format!("rules = {:?}\nrules_poll = \"50ms\"\n", rules.display().to_string());
    let mut feed = program()
        .args(["generate", "--quiet", "--accounts", "1000", "--rate", "1500", "--events", "60000"])
        .args(["--brokers", &lab.broker.brokers, "--topic", &lab.topic("payments")])
        .spawn()
        .expect("starts");
    let service = Service::start(&lab, &more);
    eventually("a step", || lab.covered() > 0);
    // Each writer has a file of its own, so that every pack that can be read is known: one of the
    // values of either file. All of them ask, and the folder's turn comes in between.
    let accepted: usize = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (service, rules) = (&service, &rules);
                scope.spawn(move || {
                    let shipped = shipped::files();
                    let file = shipped
                        .iter()
                        .filter(|file| file.path.starts_with("mule/"))
                        .nth(writer)
                        .expect("there are as many");
                    let mut accepted = 0;
                    for turn in 0..TURNS {
                        let text = format!("{}# {writer} {turn}\n", file.text);
                        replace_file(&rules.join(&file.path), &text);
                        let (code, answer) = service.post(&format!("who=writer.{writer}"));
                        assert!([200, 202, 409, 503].contains(&code), "{code} {answer}");
                        accepted += usize::from(code == 202);
                        std::thread::sleep(Duration::from_millis(40 * writer as u64));
                    }
                    accepted
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().expect("no panic")).sum()
    });
    // What was written last is what is in force in the end.
    let loaded = goshawk::runtime::pack::load(Some(&rules)).expect("compiles").pack_sha256;
    eventually("the last pack", || {
        service.ask("GET", "/api/v1/rules").1["sha256"] == loaded.as_str()
    });
    let _ = feed.kill();
    let _ = feed.wait();
    service.process.stop();

    let (mut in_force, mut changes, mut named) = (None::<String>, 0, 0);
    let mut next = None;
    for entry in lab.entries() {
        match entry {
            Entry::Change(change) => {
                let from = in_force.as_ref().unwrap_or(&change.from);
                assert_eq!(*from, change.from, "one order");
                changes += usize::from(change.from != change.to);
                named += usize::from(change.who.is_some());
                named += change.superseded.iter().filter(|other| other.who.is_some()).count();
                next = Some((change.step, change.to.clone()));
                in_force = Some(change.to);
            }
            Entry::Step(step) => {
                if let Some((first, to)) = next.take() {
                    assert_eq!((first, to.as_str()), (step.step, step.rule_pack.as_str()));
                }
                assert_eq!(Some(&step.rule_pack), in_force.as_ref(), "nobody by half a pack");
            }
            Entry::File(_) | Entry::Shadow(_) | Entry::Reconciliation(_) => {}
        }
    }
    assert!(changes > 2, "{changes} changes");
    assert_eq!(named, accepted, "whoever was told yes is in the record");
    assert_eq!(in_force, Some(loaded));
}

#[test]
fn rubbish_in_the_folders_is_told_and_leaves_the_service_as_it_is() {
    let Some(lab) = Lab::open("rubbish", 1) else { return };
    let [rules, next] = ["rules", "next"].map(|name| lab.folder.path().join(name));
    write_pack(&rules, &[]);
    let paths = [rules.display(), next.display()].map(|path| format!("{:?}", path.to_string()));
    let more =
        format!("rules = {}\nrules_poll = \"0s\"\n[shadow]\nrules = {}\n", paths[0], paths[1]);
    let service = Service::start(&lab, &more);
    lab.send("payments", Some(0), "", b"no record", 1_772_676_190_000);
    lab.flush();
    let mut before = Value::Null;
    eventually("a step", || {
        before = service.ask("GET", "/api/v1/rules").1["sha256"].clone();
        before.is_string()
    });
    let shipped = shipped::files();
    let burst = shipped.iter().find(|file| file.path.ends_with("m02_burst_out.toml")).expect("it");
    let own = |from: &str, to: &str| {
        let renamed = [("M02", "X01"), ("burst_out", "own_rule"), ("BURST_OUT", "OWN_RULE")];
        let text = renamed.iter().fold(burst.text.clone(), |text, (a, b)| text.replace(a, b));
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1).into_bytes()
    };
    let circle = own("[features]\n", "[features]\nself_ref = 'self_ref + 1'\n");
    let wrong_type = own("out_count >= params.min_count", "out_count >= params.min_sum");
    let deep = own(
        "out_count >= params.min_count",
        &format!("{}true{}", "(".repeat(1_500), ")".repeat(1_500)),
    );
    let rubbish: [(&str, Vec<u8>); 7] = [
        ("binary.toml", vec![0x7f, b'E', b'L', b'F', 0, 0xff, 0xfe]),
        ("big.toml", b"# much\n".repeat(1_500_000)),
        ("gb.toml", b"title = \"\xb6\xe0\xb1\xca\"\n".to_vec()),
        ("deep.toml", deep),
        ("circle.toml", circle),
        ("wrong_type.toml", wrong_type),
        ("twice.toml", burst.text.clone().into_bytes()),
    ];
    for (name, bytes) in rubbish {
        for (folder, mode) in [(&rules, "live"), (&next, "shadow")] {
            if mode == "shadow" {
                write_pack(folder, &[]);
            }
            std::fs::write(folder.join(name), &bytes).expect("writes");
            let (code, answer) = service.post(&format!("mode={mode}&who=li.wei"));
            assert_eq!(code, 422, "{name}: {answer}");
            let problems = answer["problems"].as_array().expect("problems");
            assert!(problems.iter().any(|p| p["file"] == name), "{name}: {answer}");
            std::fs::remove_file(folder.join(name)).expect("there");
        }
        let now = service.ask("GET", "/api/v1/rules").1;
        assert_eq!((&now["sha256"], &now["pending"]), (&before, &Value::Null), "{name}");
    }
    // What was right all along is taken as if nothing had been.
    write_pack(&rules, &[("m02_burst_out.toml", "weight  = 35", "weight  = 34")]);
    assert_eq!(service.post("who=li.wei").0, 202);
    service.process.stop();
}
