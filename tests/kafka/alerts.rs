//! Payments in, alerts out, through kills: each alert once, and byte for byte what an undisturbed
//! engine makes of the journal's order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use goshawk::engine::{Engine, EngineConfig, Inline};
use goshawk::runtime::{pack, recovery};
use goshawk::source::Step;
use goshawk::source::kafka::KafkaSource;
use goshawk::source::kafka::client::KafkaSettings;
use goshawk::wire::decode::{DecodeConfig, Decoder};
use goshawk::wire::encode::privacy::Privacy;
use goshawk::wire::encode::{EncodeConfig, Encoder, PackName, WallTimes};

use super::lab::{Lab, eventually, program};

const EVENTS: i64 = 60_000;

/// What one engine, never interrupted, makes of the journal.
fn undisturbed(lab: &Lab) -> Vec<Vec<u8>> {
    let inputs = vec![lab.topic("payments")];
    let journal = lab.journal();
    let mut extent = recovery::Extent::default();
    for record in &journal {
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
    let encoder = Encoder::new(EncodeConfig {
        tenant: "test".to_owned(),
        instance: "another".to_owned(),
        source_system: "goshawk".to_owned(),
        topics: inputs.clone(),
        privacy: Privacy::Clear,
        pack: PackName { id: plan.pack_id.clone(), sha256: plan.pack_sha256.clone() },
        zone,
    });
    let mut engine = Engine::new(EngineConfig::for_tenant("test"), plan);
    let wall = WallTimes { ingested_ms: 0, detected_ms: 0, published_ms: 0 };
    let (mut bodies, mut step) = (Vec::new(), Step::default());
    for record in &journal {
        step.clear();
        let runs = recovery::runs_of(record, &inputs).expect("known topics");
        source.replay(&runs, &mut step, &|| true).expect("the records are there");
        let output = engine.step(&step.batch, &Inline);
        let live = output.alerts.iter().filter(|alert| !alert.shadow);
        bodies.extend(live.map(|alert| encoder.alert(alert, &wall).body));
    }
    bodies
}

fn assert_as_undisturbed(lab: &Lab) {
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
        let mut process = lab.start("");
        process.await_log("running");
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_millis(50 + (dice >> 33) % 1_500));
        process.signal("-KILL");
        assert_eq!(process.end(), None);
    }
    let process = lab.start("");
    assert!(feed.wait().expect("ours").success());
    eventually("all work", || lab.covered() >= EVENTS);
    process.stop();
    assert_as_undisturbed(&lab);
    assert_eq!(lab.covered(), EVENTS);
}
