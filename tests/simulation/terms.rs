//! What all processes of a simulated run agree on, and the rule packs they may have.

use std::sync::{Arc, LazyLock};

use goshawk::engine::EngineConfig;
use goshawk::rules::plan::Plan;
use goshawk::rules::{SourceFile, shipped};
use goshawk::runtime::config::Delivery;
use goshawk::runtime::pack;
use goshawk::runtime::reload::watch::Pack;
use goshawk::runtime::standby::Terms;
use goshawk::sink::kafka::StreamTopics;
use goshawk::wire::decode::DecodeConfig;
use goshawk::wire::encode::privacy::Privacy;
use goshawk::wire::encode::{EncodeConfig, Encoder, PackName};

/// A rule that fires soon and whose window reaches over many steps.
const RULE: &str = r#"
id      = "S01"
name    = "paid_out"
version = "1.0.0"
code    = "PAID_OUT"
title   = { zh = "示例", en = "An example" }
family  = "flow"
weight  = 35
phases  = ["pre", "post"]
subject = "payer"
target  = { held = "payer", settled = "payer" }
floor   = "review"

[params]
window  = { value = "10m", doc = "length of the burst" }
min_sum = { value = "MIN_SUM", unit = "CNY", doc = "together" }

[features]
total = 'payer.debits(params.window).sum()'

[when]
alert = 'total >= params.min_sum'

[text]
zh = "{window}内转出{total}"
en = "{total} out within {window}"

[[examples]]
name   = "enough"
given  = '10:00 A -> B MIN_SUM'
expect = ["10:00 S01 A"]

[[examples]]
name   = "more than enough"
given  = '10:00 A -> B 9000'
expect = ["10:00 S01 A"]

[[examples]]
name   = "too little"
given  = '10:00 A -> B 1'
expect = []

[[examples]]
name   = "a little more, and too little"
given  = '10:00 A -> B 2'
expect = []
"#;

/// Packs that differ in a limit.
pub static PACKS: LazyLock<Vec<Pack>> =
    LazyLock::new(|| ["300.00", "500.00", "200.00"].iter().map(|min_sum| make(min_sum)).collect());

fn make(min_sum: &str) -> Pack {
    let kept = |file: &SourceFile| file.path == "policy.toml" || file.path == "guards.toml";
    let mut files: Vec<SourceFile> = shipped::files().into_iter().filter(kept).collect();
    // Findings soon make messages of their own.
    for file in &mut files {
        file.text = file.text.replace("cool_down = \"10m\"", "cool_down = \"30s\"");
    }
    let text = RULE.replace("MIN_SUM", min_sum);
    files.push(SourceFile { path: "paid_out.toml".to_owned(), text });
    let plan = pack::compile(files.clone()).expect("a good pack");
    Pack { plan: Arc::new(plan), files }
}

/// What the processes of a run agree on.
pub fn terms(delivery: Delivery) -> Terms {
    let streams = StreamTopics {
        alerts: "alerts".to_owned(),
        shadow: "shadow".to_owned(),
        rejects: "rejects".to_owned(),
        journal: "journal".to_owned(),
    };
    Terms {
        inputs: vec!["more".to_owned(), "payments".to_owned()],
        streams,
        delivery,
        group: "simulated".to_owned(),
        transactional_id: "simulated".to_owned(),
        decode: DecodeConfig { zone: jiff::tz::TimeZone::UTC, skew_ms: 300_000 },
        engine: EngineConfig::for_tenant("simulated"),
    }
}

/// An encoder that shows everything.
pub fn encoder(terms: &Terms, plan: &Plan) -> Encoder {
    Encoder::new(EncodeConfig {
        tenant: "simulated".to_owned(),
        instance: "simulated".to_owned(),
        source_system: "goshawk".to_owned(),
        topics: terms.inputs.clone(),
        privacy: Privacy::Clear,
        pack: PackName::of(plan),
        zone: jiff::tz::TimeZone::UTC,
    })
}
