//! Payments in, alerts out, through kills: each alert once, and byte for byte what an undisturbed
//! engine makes of the journal's order.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use goshawk::engine::{Engine, EngineConfig, Inline};
use goshawk::rules::shipped;
use goshawk::runtime::recovery::packs::Packs;
use goshawk::runtime::{pack, recovery};
use goshawk::source::Step;
use goshawk::source::kafka::KafkaSource;
use goshawk::source::kafka::client::KafkaSettings;
use goshawk::wire::decode::{DecodeConfig, Decoder};
use goshawk::wire::encode::privacy::Privacy;
use goshawk::wire::encode::{EncodeConfig, Encoder, PackName, WallTimes};
use goshawk::wire::journal::Entry;

use super::lab::{Lab, eventually, program, quick};

const EVENTS: i64 = 60_000;

/// What one engine, never interrupted, makes of the journal.
fn undisturbed(lab: &Lab) -> Vec<Vec<u8>> {
    let inputs = vec![lab.topic("payments")];
    let mut extent = recovery::Extent::default();
    for record in &lab.journal() {
        extent.add(record, &inputs).expect("a continuous journal");
    }
    let settings = KafkaSettings {
        brokers: lab.broker.brokers.clone(),
        group_id: "undisturbed".to_owned(),
        ..KafkaSettings::default()
    };
    let zone = jiff::tz::TimeZone::get("Asia/Shanghai").expect("a zone");
    let decoder = Decoder::new(DecodeConfig { zone: zone.clone(), skew_ms: 300_000 });
    let mut source = KafkaSource::open(&settings, inputs.clone(), extent.starts, decoder, &|| true)
        .expect("the topic is there");
    let plan = Arc::new(pack::load(None).expect("the shipped pack"));
    let mut encoder = Encoder::new(EncodeConfig {
        tenant: "test".to_owned(),
        instance: "another".to_owned(),
        source_system: "goshawk".to_owned(),
        topics: inputs.clone(),
        privacy: Privacy::Clear,
        pack: PackName::of(&plan),
        zone,
    });
    let mut engine = Engine::new(EngineConfig::for_tenant("test"), plan);
    let wall = WallTimes { ingested_ms: 0, detected_ms: 0, published_ms: 0 };
    let (mut bodies, mut step) = (Vec::new(), Step::default());
    let mut packs = Packs::default();
    for entry in lab.entries() {
        let record = match entry {
            Entry::Step(record) => record,
            Entry::File(file) => {
                packs.take(file);
                continue;
            }
            Entry::Change(_) | Entry::Shadow(_) | Entry::Reconciliation(_) => continue,
        };
        if record.rule_pack != engine.plan().pack_sha256 {
            let plan = packs.plan(&record.rule_pack).expect("the journal has every pack");
            encoder.set_pack(PackName::of(&plan));
            engine.set_plan(plan);
        }
        step.clear();
        let runs = recovery::runs_of(&record, &inputs).expect("known topics");
        source.replay(&runs, &mut step, &|| true).expect("the records are there");
        record.tick_ms.into_iter().for_each(|time_ms| step.add_tick(time_ms));
        let output = engine.step(&step.batch, &Inline);
        let live = output.alerts.iter().filter(|alert| !alert.shadow);
        bodies.extend(live.map(|alert| encoder.alert(alert, &wall).body));
    }
    bodies
}

/// The alerts are those of an undisturbed run.
pub fn assert_as_undisturbed(lab: &Lab) {
    let alerts: Vec<Vec<u8>> = lab.read("alerts").into_iter().map(|record| record.body).collect();
    let expected = undisturbed(lab);
    assert!(alerts.len() > 20, "{} alerts show nothing", alerts.len());
    assert_eq!(alerts.len(), expected.len());
    for (alert, expected) in alerts.iter().zip(&expected) {
        assert_eq!(String::from_utf8_lossy(alert), String::from_utf8_lossy(expected));
    }
}

#[test]
fn alerts_through_kills_equal_those_of_an_undisturbed_run() {
    let Some(lab) = Lab::open("alerts", 3) else { return };
    let mut dice = Instant::now().elapsed().as_nanos() as u64 ^ u64::from(std::process::id()) << 20;
    let said = format!("seed {dice}\n");
    let _ = std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes());
    let mut feed = program()
        .args(["generate", "--quiet", "--accounts", "3000", "--planted", "3000", "--rate", "2000"])
        .args(["--events", &EVENTS.to_string(), "--brokers", &lab.broker.brokers])
        .args(["--topic", &lab.topic("payments")])
        .spawn()
        .expect("starts");
    for _ in 0..4 {
        let mut process = lab.start_with("", &quick());
        process.await_log("running");
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_millis(50 + (dice >> 33) % 1_500));
        process.signal("-KILL");
        assert_eq!(process.end(), None);
    }
    let process = lab.start_with("", &quick());
    assert!(feed.wait().expect("ours").success());
    eventually("all work", || lab.covered() >= EVENTS);
    process.stop();
    assert_as_undisturbed(&lab);
    assert_eq!(lab.covered(), EVENTS);
}

/// Writes the shipped pack with another least sum for bursts.
pub fn write_pack(folder: &Path, min_sum: &str) {
    for file in shipped::files() {
        let path = folder.join(&file.path);
        std::fs::create_dir_all(path.parent().expect("it is in the folder")).expect("made");
        let text = match file.text.contains("name    = \"burst_out\"") {
            true => file.text.replace("value = \"10000.00\"", &format!("value = \"{min_sum}\"")),
            false => file.text,
        };
        if std::fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            std::fs::write(&path, text).expect("writes");
        }
    }
}

#[test]
fn rules_change_under_load_and_a_replay_over_the_changes_says_the_same() {
    let Some(lab) = Lab::open("rules", 3) else { return };
    let rules = lab.folder.path().join("rules");
    write_pack(&rules, "10000.00");
    let more = format!("rules = {:?}\nrules_poll = \"100ms\"\n", rules.display().to_string());
    let mut feed = program()
        .args(["generate", "--quiet", "--accounts", "3000", "--planted", "3000", "--rate", "1500"])
        .args(["--events", &EVENTS.to_string(), "--brokers", &lab.broker.brokers])
        .args(["--topic", &lab.topic("payments")])
        .spawn()
        .expect("starts");
    let mut process = lab.start_with(&more, &quick());
    process.await_log("running");
    for (number, min_sum) in (0..).zip(["9000.00", "8000.00", "7000.00", "6000.00"]) {
        // The first step of a start puts its pack in force and may say that it is another one.
        eventually("a step", || process.log().matches("rule pack in force").count() > 1);
        let before = process.log().matches("rules changed").count();
        write_pack(&rules, min_sum);
        eventually("the change", || process.log().matches("rules changed").count() > before);
        // A pack with a defect is told and changes nothing.
        let refused = process.log().matches("rules refused").count();
        std::fs::write(rules.join("mule/defect.toml"), "id = ").expect("writes");
        eventually("the refusal", || process.log().matches("rules refused").count() > refused);
        std::fs::remove_file(rules.join("mule/defect.toml")).expect("it is there");
        assert!(process.log().contains("mule/defect.toml"));
        assert_eq!(process.log().matches("rules changed").count(), before + 1);
        // Killed right around the next change.
        write_pack(&rules, &format!("{}.50", 5_900 - number));
        std::thread::sleep(Duration::from_millis(250 + 120 * number));
        process.signal("-KILL");
        assert_eq!(process.end(), None);
        process = lab.start_with(&more, &quick());
        process.await_log("running");
    }
    assert!(feed.wait().expect("ours").success());
    eventually("all work", || lab.covered() >= EVENTS);
    process.stop();
    assert_eq!(lab.covered(), EVENTS);
    // The bodies name the pack that judged them: that of their step, or they would not be equal.
    assert_as_undisturbed(&lab);
    let packs: BTreeSet<String> = lab.journal().into_iter().map(|step| step.rule_pack).collect();
    assert!(packs.len() >= 6, "{} packs", packs.len());
    let changes: Vec<_> = lab
        .entries()
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Change(change) => Some((change.step, change.to)),
            Entry::Step(_) | Entry::File(_) | Entry::Shadow(_) | Entry::Reconciliation(_) => None,
        })
        .collect();
    let mut said = changes.iter().peekable();
    let mut now = "";
    for step in lab.journal() {
        while let Some((_, to)) = said.next_if(|(first, _)| *first <= step.step) {
            now = to;
        }
        assert_eq!(step.rule_pack, now, "step {}", step.step);
    }
}
