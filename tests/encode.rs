//! Alerts and rejects as messages: full snapshots in both privacy profiles, headers, what must
//! never be seen, and the published schemas.

use goshawk::model::alert::*;
use goshawk::model::event::Position;
use goshawk::model::measure::{Action, Authority, ControlMode};
use goshawk::model::money::{Currency, Money};
use goshawk::model::reject::{Reject, RejectReason};
use goshawk::model::time::{DAY, MINUTE};
use goshawk::sink::{Message, Stream};
use goshawk::source::RejectedRecord;
use goshawk::wire::balance::Balance;
use goshawk::wire::encode::privacy::Privacy;
use goshawk::wire::encode::{EncodeConfig, Encoder, PackName, WallTimes};
use goshawk::wire::journal::{
    self, JournalCounts, JournalRecord, JournalRun, OverlayName, RuleChange, RuleFile,
    ShadowChange, Superseded,
};
use goshawk::wire::schema;
use proptest::prelude::*;
use serde_json::Value;

const T0: i64 = 1_772_676_190_000;
const WALL: WallTimes =
    WallTimes { ingested_ms: T0 + 5, detected_ms: T0 + 6, published_ms: T0 + 7 };

fn encoder(privacy: Privacy) -> Encoder {
    Encoder::new(EncodeConfig {
        tenant: "bank 1".into(),
        instance: "goshawk-0".into(),
        source_system: "goshawk".into(),
        topics: vec!["payments".into(), "accounts".into()],
        privacy,
        pack: PackName { id: "cn-core".into(), sha256: "ab".repeat(32) },
        zone: jiff::tz::TimeZone::fixed(jiff::tz::offset(8)),
    })
}

fn masked() -> Encoder {
    encoder(Privacy::Masked { key: vec![7; 32], key_id: "k-2026".into() })
}

fn event(id: &str, offset: i64) -> EventRef {
    EventRef {
        event_id: id.into(),
        position: Position { topic: 0, partition: 3, offset },
        parties: ["6225881234564325".into(), "6222000000000009".into()],
    }
}

fn cny(minor: i64) -> Money {
    Money { minor, currency: Currency::CNY }
}

fn alert() -> Alert {
    Alert {
        alert_id: "5b1e0c0f2a7d4c8e9a01d2f34455aa10".into(),
        idempotency_key: "3f9a".repeat(16),
        episode_id: "ep-6225881234564325-e-2".into(),
        revision: 2,
        kind: AlertKind::Escalate,
        shadow: false,
        waited_ms: None,
        action: Action::StopPayment,
        authority: Authority::PoliceRequired,
        target: Target {
            kind: TargetKind::Account,
            payment_id: None,
            references: [None, None, None],
            account: "6225881234564325".into(),
            bank: Some("313452060150".into()),
            name: Some("王小明".into()),
            match_amount: Some(cny(4_980_000)),
            match_time_ms: T0 - 190_000,
        },
        control: Some(Control {
            mode: ControlMode::Full,
            amount: None,
            duration_ms: Some(2 * DAY),
            extensions_max: 1,
        }),
        proposal: Some(Action::Freeze),
        act_by_ms: T0 + 30 * MINUTE,
        severity: Severity::Critical,
        score: 100,
        confidence: Confidence::High,
        needs_reply: true,
        reasons: vec![Reason {
            code: "FAST_IN_OUT".into(),
            rule_id: "M01".into(),
            rule_version: "1.0.0".into(),
            weight: 50,
            text: Bilingual { zh: "3分10秒内转出99.8%".into(), en: "99.8 % forwarded".into() },
            external_code: Some("1201".into()),
            lower_bound: true,
            warming: true,
            balance_unknown: false,
        }],
        customer_reason: Bilingual {
            zh: "您的账户需要核实。".into(),
            en: "Your account needs to be verified.".into(),
        },
        evidence: vec![Evidence {
            rule_id: "M01".into(),
            feature: "flow_ratio".into(),
            value: "0.998".into(),
            operator: ">=",
            threshold: "0.90".into(),
            unit: "ratio".into(),
            window_ms: Some((T0 - 30 * MINUTE, T0)),
            events: vec![
                event("e-20260305-000120-2", 88_121),
                event("e-20260305-000123-1", 88_140),
            ],
            truncated: true,
        }],
        guards: vec![GuardResult {
            rule_id: "M01".into(),
            guard_id: "G1".into(),
            outcome: GuardOutcome::NotApplicable,
        }],
        related: vec![
            Related { kind: "device", id: "device-55e0".into(), relation: "shared_device" },
            Related { kind: "account", id: "6217001180001234567".into(), relation: "counterparty" },
        ],
        owner_branch: Some("0571".into()),
        suppressed: 3,
        correction: None,
        downgraded_from: None,
        event: event("e-20260305-000123-1", 88_140),
        event_time_ms: T0,
        record_time_ms: T0 + 41,
    }
}

/// An alert about a payment that still waits.
fn payment_alert() -> Alert {
    let mut alert = alert();
    alert.kind = AlertKind::Raise;
    alert.revision = 1;
    alert.shadow = true;
    alert.target.kind = TargetKind::Payment;
    alert.target.payment_id = Some("p-20260305-000123".into());
    alert.target.references[0] = Some("E2E20260305000123".into());
    alert.action = Action::Review;
    alert.authority = Authority::Informational;
    alert.downgraded_from = Some(Action::Delay);
    alert.control = Some(Control {
        mode: ControlMode::Limited,
        amount: Some(cny(4_970_000)),
        duration_ms: Some(DAY),
        extensions_max: 0,
    });
    alert.proposal = None;
    alert.needs_reply = false;
    alert.suppressed = 0;
    alert.related.clear();
    alert
}

fn readable(message: &Message) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let mut lines = vec![format!("{:?} key {}", message.stream, text(&message.key))];
    for (name, value) in &message.headers {
        lines.push(format!("{name}: {}", text(value)));
    }
    let body: Value = serde_json::from_slice(&message.body).expect("JSON");
    lines.push(format!("{body:#}"));
    lines.join("\n")
}

#[test]
fn an_alert_in_full_masked() {
    insta::assert_snapshot!(readable(&masked().alert(&alert(), &WALL)));
}

#[test]
fn an_alert_in_full_in_clear() {
    insta::assert_snapshot!(readable(&encoder(Privacy::Clear).alert(&alert(), &WALL)));
}

#[test]
fn an_alert_about_a_payment_in_full() {
    insta::assert_snapshot!(readable(&masked().alert(&payment_alert(), &WALL)));
}

#[test]
fn wall_clock_instance_and_version_never_reach_the_body() {
    let (alert, encoder) = (alert(), masked());
    let later = WallTimes { ingested_ms: 1, detected_ms: 2, published_ms: 3 };
    assert_eq!(encoder.alert(&alert, &WALL).body, encoder.alert(&alert, &later).body);
}

#[test]
fn a_reject_keeps_bytes_and_key_and_says_why_in_headers() {
    let rejected = RejectedRecord {
        reject: Reject {
            position: Position { topic: 1, partition: 2, offset: 77 },
            record_time_ms: T0,
            reason: RejectReason::MissingField,
            detail: "payer.account".into(),
        },
        bytes: vec![0xff, 0x00, b'{'],
        key: Some(b"k".to_vec()),
    };
    let message = masked().reject(&rejected);
    assert_eq!(message.stream, Stream::Rejects);
    assert_eq!((message.body, message.key), (rejected.bytes, b"k".to_vec()));
    let headers: Vec<_> = message
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)))
        .collect();
    insta::assert_snapshot!(headers.join("\n"));
}

#[test]
fn header_tables_name_what_is_written() {
    use goshawk::wire::encode::header;
    let written = |message: Message| -> Vec<String> {
        message.headers.into_iter().map(|(name, _)| name).collect()
    };
    let named = |table: &[(&str, &str)]| -> Vec<String> {
        table.iter().map(|(name, _)| (*name).to_owned()).collect()
    };
    assert_eq!(written(masked().alert(&alert(), &WALL)), named(header::ALERT));
}

proptest! {
    #[test]
    fn no_clear_number_or_name_leaves_in_the_masked_profile(
        account in "[1-9][0-9]{11,20}",
        other in "[1-9][0-9]{11,20}",
        device in "[a-z]{3}-[0-9]{12,16}",
        name in "[\u{4e00}-\u{4eff}]{2,4}",
    ) {
        let mut alert = payment_alert();
        alert.related = self::alert().related;
        alert.target.account = account.clone();
        alert.target.name = Some(name.clone());
        alert.target.payment_id = Some(format!("p-{account}-1"));
        alert.episode_id = format!("ep:{account}:{other}");
        alert.evidence[0].events[0].event_id = format!("{other}/9");
        alert.reasons[0].text.en = format!("to {other}");
        alert.related[0].id = device.clone();
        alert.related[1].id = other.clone();
        let message = masked().alert(&alert, &WALL);
        let mut seen = String::from_utf8(message.body).expect("UTF-8");
        for (_, value) in &message.headers {
            seen.push_str(&String::from_utf8_lossy(value));
        }
        seen.push_str(&String::from_utf8_lossy(&message.key));
        for number in [&account, &other] {
            for run in 0..=number.len() - 12 {
                prop_assert!(!seen.contains(&number[run..run + 12]), "{number} in {seen}");
            }
        }
        prop_assert!(!seen.contains(&device) && !seen.contains(&name));
    }
}

#[test]
fn published_schemas_are_fresh() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let update = std::env::var("UPDATE_SCHEMAS").is_ok();
    for (name, schema) in schema::all() {
        let path = folder.join(format!("{name}.json"));
        let text = schema::file_text(&schema);
        if update {
            std::fs::write(&path, &text).expect("written");
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(committed, text, "{name} is stale: run this test with UPDATE_SCHEMAS=1");
    }
}

#[test]
fn alerts_fit_their_schema() {
    let schemas = schema::all();
    let (_, root) = schemas.iter().find(|(name, _)| *name == "alert.v1").expect("there");
    for alert in [alert(), payment_alert()] {
        for encoder in [masked(), encoder(Privacy::Clear)] {
            let message = encoder.alert(&alert, &WALL);
            let body = serde_json::from_slice(&message.body).expect("JSON");
            fits(root, root, &body, "$");
        }
    }
    let mut body: Value =
        serde_json::from_slice(&masked().alert(&alert(), &WALL).body).expect("JSON");
    body["kind"] = "shout".into();
    assert!(std::panic::catch_unwind(|| fits(root, root, &body, "$")).is_err());
}

#[test]
fn journal_records_fit_their_schemas() {
    let overlays = vec![OverlayName {
        name: "bank".into(),
        author: "li.wei".into(),
        approver: Some("wang.fang".into()),
    }];
    let step = JournalRecord {
        schema: journal::SCHEMA.into(),
        step: 7,
        runs: vec![JournalRun {
            topic: "payments".into(),
            partition: 0,
            from: 0,
            to: 5,
            ended: Some(Balance::default()),
        }],
        tick_ms: Some(T0),
        rule_pack: "ab".repeat(32),
        watermark_ms: T0,
        counts: JournalCounts::default(),
    };
    let file = RuleFile {
        schema: journal::FILE_SCHEMA.into(),
        rule_pack: "ab".repeat(32),
        number: 0,
        of: 1,
        path: "policy.toml".into(),
        text: "# 规则\n".into(),
    };
    let change = RuleChange {
        schema: journal::CHANGE_SCHEMA.into(),
        step: 7,
        at_ms: T0,
        by: "promotion".into(),
        who: Some("li.wei".into()),
        from: "ab".repeat(32),
        to: "cd".repeat(32),
        folder: Some("ab".repeat(32)),
        overlays: overlays.clone(),
        changes: vec!["rule M02 weight: 35 -> 34".into()],
        differences: 1,
        superseded: vec![Superseded { by: "http".into(), who: None, to: "ef".repeat(32) }],
    };
    let shadow = ShadowChange {
        schema: journal::SHADOW_SCHEMA.into(),
        step: 7,
        at_ms: T0,
        by: "http".into(),
        who: None,
        against: "ab".repeat(32),
        from: None,
        to: Some("cd".repeat(32)),
        overlays,
        changes: Vec::new(),
        differences: 0,
    };
    let schemas = schema::all();
    let written = [
        journal::message(&step),
        journal::message(&file),
        journal::message(&change),
        journal::message(&shadow),
    ];
    for message in &written {
        let mut body: Value = serde_json::from_slice(&message.body).expect("JSON");
        let name = body["schema"].as_str().expect("it names itself").to_owned();
        let (_, root) = schemas.iter().find(|(known, _)| **known == name).expect("published");
        fits(root, root, &body, "$");
        journal::read(0, &message.body).expect("and is read back");
        body["schema"] = "other.v1".into();
        assert!(std::panic::catch_unwind(|| fits(root, root, &body, "$")).is_err(), "{name}");
    }
}

/// Asserts that a value fits a schema, as far as our schemas go; no property may be unknown.
fn fits(root: &Value, schema: &Value, value: &Value, path: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let target = root.pointer(name.trim_start_matches('#')).expect("a definition");
        return fits(root, target, value, path);
    }
    if let Some(one_of) = schema["oneOf"].as_array() {
        let known = one_of.iter().any(|choice| choice["const"] == *value);
        return assert!(known, "{path}: {value} is none of {one_of:?}");
    }
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{path}: {value} is none of {words:?}");
    }
    if let Some(only) = schema.get("const") {
        assert_eq!(only, value, "{path}");
    }
    match schema["type"].as_str() {
        Some("object") => {
            let properties = schema["properties"].as_object().expect("properties");
            for name in schema["required"].as_array().into_iter().flatten() {
                assert!(value.get(name.as_str().expect("text")).is_some(), "{path}: no {name}");
            }
            for (name, inner) in value.as_object().expect("an object") {
                let inner_schema = properties.get(name);
                let inner_schema = inner_schema.unwrap_or_else(|| panic!("{path}.{name} unknown"));
                fits(root, inner_schema, inner, &format!("{path}.{name}"));
            }
        }
        Some("array") => {
            for (index, inner) in value.as_array().expect("an array").iter().enumerate() {
                fits(root, &schema["items"], inner, &format!("{path}[{index}]"));
            }
        }
        Some("string") => assert!(value.is_string(), "{path}: {value}"),
        Some("integer") => assert!(value.is_i64() || value.is_u64(), "{path}: {value}"),
        Some("boolean") => assert!(value.is_boolean(), "{path}: {value}"),
        other => panic!("{path}: type {other:?}"),
    }
}
