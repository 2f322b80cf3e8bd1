//! The HTTP surface and the metrics behind it: over real sockets, and by promtool's judgement.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use goshawk::engine::contrast::{EpisodesCompared, MeasurePair};
use goshawk::engine::{Counts, Engine, EngineConfig, MemoryReport, RuleCounts, StepOutput};
use goshawk::http::read_side::{ALERTS_KEPT, ReadSide};
use goshawk::http::rules::{
    LoadAnswer, LoadMode, LoadOutcome, LoadRequest, RuleProblem, RulesShown,
};
use goshawk::http::{HttpConfig, HttpError, HttpServer};
use goshawk::model::entity::EntityKind;
use goshawk::model::event::{
    Batch, Body, ControlEvent, Event, FeedbackEvent, FeedbackStage, ListCategory, ListEvent,
    ListOp, Position, Text, Verdict,
};
use goshawk::model::measure::Action;
use goshawk::model::money::Currency;
use goshawk::model::reject::{Reject, RejectReason};
use goshawk::model::time::{HOUR, Millis};
use goshawk::runtime::trial::Trials;
use goshawk::sink::{Message, Stream};
use goshawk::source::{RejectedRecord, Step};
use goshawk::telemetry::Telemetry;
use goshawk::telemetry::event::{PackInForce, TrialCompared};
use goshawk::telemetry::metric::Metric;
use goshawk::telemetry::phase::Phase;
use goshawk::wire::balance::Balance;
use goshawk::wire::journal::{CHANGE_SCHEMA, JournalRun, RuleChange};

struct Served {
    server: HttpServer,
    read_side: Arc<ReadSide>,
    telemetry: Arc<Telemetry>,
}

fn serve(token: Option<&str>) -> Served {
    let read_side = Arc::new(ReadSide::new("test-0"));
    let telemetry = Arc::new(Telemetry::new().expect("distinct names"));
    let config =
        HttpConfig { listen: "127.0.0.1:0".parse().expect("valid"), token: token.map(Into::into) };
    let server =
        HttpServer::start(&config, Arc::clone(&read_side), Arc::clone(&telemetry)).expect("free");
    Served { server, read_side, telemetry }
}

fn get(address: SocketAddr, path: &str, header: &str) -> (u16, String) {
    ask(address, "GET", path, header)
}

fn ask(address: SocketAddr, method: &str, path: &str, header: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("listening");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("settable");
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (code, body.to_owned())
}

fn alert_message(number: u64) -> Message {
    Message {
        stream: Stream::Alerts,
        key: Vec::new(),
        headers: Vec::new(),
        body: format!("{{\"z\":{number},\"a\":1}}").into_bytes(),
    }
}

/// A step of a tick, a payment's worth of counts, and one record that could not be decoded.
fn step() -> (Step, StepOutput) {
    let mut step = Step::default();
    let position = Position { topic: 0, partition: 0, offset: 1 };
    step.batch.events.push(Event { position, record_time_ms: 1, time_ms: 1, body: Body::Tick });
    step.rejected.push(RejectedRecord {
        reject: Reject {
            position: Position { offset: 2, ..position },
            record_time_ms: 1,
            reason: RejectReason::BadAmount,
            detail: "amount".into(),
        },
        bytes: b"{}".to_vec(),
        key: None,
    });
    let output = StepOutput {
        counts: Counts { applied: 1, ..Counts::default() },
        rules: vec![RuleCounts { hit: 1, miss: 2, suppressed: 3, not_evaluable: 4 }],
        watermark_ms: 5_000,
        ..StepOutput::default()
    };
    (step, output)
}

fn list(batch: &mut Batch, category: ListCategory, time_ms: Millis) {
    let list = ListEvent {
        entry_id: Text::NONE,
        op: ListOp::Upsert,
        subject_kind: EntityKind::Account,
        subject: batch.push_text("6222000000000001"),
        counterparty: Text::NONE,
        category,
        level: None,
        valid_from_ms: None,
        valid_to_ms: None,
        source: Text::NONE,
        legal_basis: Text::NONE,
        purpose: Text::NONE,
        author: Text::NONE,
        approver: Text::NONE,
    };
    push(batch, time_ms, Body::List(Box::new(list)));
}

fn control(batch: &mut Batch, id: &str, [from_ms, to_ms]: [Millis; 2], released: Option<Millis>) {
    let control = ControlEvent {
        control_id: batch.push_text(id),
        account: batch.push_text("6222000000000001"),
        kind: Action::StopPayment,
        mode: None,
        amount: None,
        from_ms,
        to_ms: Some(to_ms),
        extension_no: None,
        authority: Text::NONE,
        released_at_ms: released,
    };
    push(batch, from_ms, Body::Control(Box::new(control)));
}

fn push(batch: &mut Batch, time_ms: Millis, body: Body) {
    let position = Position { topic: 1, partition: 0, offset: batch.events.len() as i64 };
    batch.events.push(Event { position, record_time_ms: time_ms, time_ms, body });
}

#[test]
fn lists_grow_old_and_controls_end() {
    let telemetry = Telemetry::new().expect("distinct names");
    let mut batch = Batch::default();
    list(&mut batch, ListCategory::CaseAccount, 30 * HOUR);
    list(&mut batch, ListCategory::CaseAccount, 20 * HOUR);
    list(&mut batch, ListCategory::Allow, 39 * HOUR);
    let now = 40 * HOUR;
    control(&mut batch, "soon", [0, now + HOUR], None);
    control(&mut batch, "today", [0, now + 5 * HOUR], None);
    control(&mut batch, "tomorrow", [0, now + 48 * HOUR], None);
    control(&mut batch, "not yet", [now + 1, now + 2], None);
    control(&mut batch, "over", [0, now], None);
    control(&mut batch, "lifted", [0, now + HOUR], None);
    control(&mut batch, "lifted", [0, now + HOUR], Some(now - 1));
    control(&mut batch, "refused", [0, now + HOUR], None);
    let refused = Reject {
        position: batch.events[batch.events.len() - 1].position,
        record_time_ms: 0,
        reason: RejectReason::BadValue,
        detail: String::new(),
    };
    telemetry.record_reference(&batch, &[refused]);
    telemetry.set_freshness(now);
    let text = String::from_utf8(telemetry.render().expect("writable")).expect("UTF-8");
    for line in [
        r#"goshawk_list_age_seconds{list="case_account"} 36000"#,
        r#"goshawk_list_age_seconds{list="allow"} 3600"#,
        r#"goshawk_controls_expiring{within="1h"} 1"#,
        r#"goshawk_controls_expiring{within="6h"} 2"#,
        r#"goshawk_controls_expiring{within="24h"} 2"#,
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in:\n{text}");
    }
    assert!(!text.contains("punished") && !text.contains("6222"), "{text}");
    // A process that goes on from a snapshot knows as much.
    let after = Telemetry::new().expect("distinct names");
    after.take_back(&telemetry.watched());
    after.set_freshness(now);
    let again = String::from_utf8(after.render().expect("writable")).expect("UTF-8");
    let of_both = |line: &&str| line.contains("_list_age_") || line.contains("_controls_expiring");
    assert!(text.lines().filter(of_both).eq(again.lines().filter(of_both)), "{again}");
    // An extension in force: it no longer ends within the hour.
    let mut batch = Batch::default();
    control(&mut batch, "soon", [0, now + 48 * HOUR], None);
    telemetry.record_reference(&batch, &[]);
    telemetry.set_freshness(now);
    let text = String::from_utf8(telemetry.render().expect("writable")).expect("UTF-8");
    assert!(text.contains("goshawk_controls_expiring{within=\"1h\"} 0\n"), "{text}");
}

#[test]
fn feedback_is_counted_by_stage_and_verdict() {
    let telemetry = Telemetry::new().expect("distinct names");
    let mut step = Step::default();
    let mut report = |stage, verdict| {
        let batch = &mut step.batch;
        let feedback = FeedbackEvent {
            feedback_id: Text::NONE,
            alert_id: batch.push_text("5b1e0c0f2a7d4c8e9a01d2f34455aa10"),
            stage,
            action: None,
            verdict,
            payer: batch.push_text("6222000000000001"),
            payee: Text::NONE,
            payment_id: Text::NONE,
        };
        push(batch, 1, Body::Feedback(Box::new(feedback)));
    };
    report(FeedbackStage::Executed, None);
    report(FeedbackStage::Executed, None);
    report(FeedbackStage::Verdict, Some(Verdict::FalsePositive));
    report(FeedbackStage::Released, None);
    let refused = Reject {
        position: step.batch.events[3].position,
        record_time_ms: 0,
        reason: RejectReason::BadValue,
        detail: String::new(),
    };
    let output = StepOutput { rejects: vec![refused], ..StepOutput::default() };
    telemetry.record_step(&step, &output);
    // A rebuilt state repeats its lists, not its counts.
    telemetry.record_reference(&step.batch, &[]);
    let text = String::from_utf8(telemetry.render().expect("writable")).expect("UTF-8");
    let seen: Vec<_> = text
        .lines()
        .filter(|l| l.starts_with("goshawk_alert_feedback_total") && !l.ends_with(" 0"))
        .collect();
    assert_eq!(
        seen,
        [
            r#"goshawk_alert_feedback_total{stage="executed",verdict="none"} 2"#,
            r#"goshawk_alert_feedback_total{stage="verdict",verdict="false_positive"} 1"#,
        ]
    );
}

/// Episodes that only the rules on trial raise.
fn pair() -> MeasurePair {
    MeasurePair {
        before: None,
        after: Some(Action::Review),
        episodes: 3,
        amount: "12.50".to_owned(),
        amount_minor: 1_250,
    }
}

fn fill(telemetry: &Telemetry) {
    let mut batch = Batch::default();
    list(&mut batch, ListCategory::CaseAccount, 0);
    telemetry.record_reference(&batch, &[]);
    telemetry.set_freshness(1_000);
    telemetry.emit(PackInForce { id: "cn-core", sha256: "ab12", rules: vec!["M01"] });
    let (step, output) = step();
    telemetry.record_step(&step, &output);
    let mut ended =
        Balance { records: 3, scored: 1, applied: 1, rejected: 1, ..Balance::default() };
    ended.consume(Currency::CNY, 700);
    let topic = "payments".to_owned();
    telemetry.record_runs(&[JournalRun {
        topic,
        partition: 3,
        from: 0,
        to: 3,
        ended: Some(ended),
    }]);
    telemetry.set_state(&MemoryReport::default());
    telemetry.set_lag("payments", 3, 17, 0.25);
    telemetry.set_queue("engine", 1);
    telemetry.set_shadow_pack(Some(("cn-next", "cd34")));
    let compared = EpisodesCompared { by_measure: vec![pair()], ..EpisodesCompared::default() };
    telemetry.set_shadow(&compared, None);
    telemetry.decision.record(Duration::from_micros(800), 100);
}

#[test]
fn metrics_add_up_and_carry_their_names() {
    let served = serve(None);
    fill(&served.telemetry);
    let (code, text) = get(served.server.address(), "/metrics", "");
    assert_eq!(code, 200);
    for line in [
        "goshawk_records_consumed_total 2",
        r#"goshawk_events_consumed_total{status="applied",type="tick"} 1"#,
        r#"goshawk_events_consumed_total{status="rejected",type="unknown"} 1"#,
        r#"goshawk_events_rejected_total{reason="bad_amount"} 1"#,
        "goshawk_reconciliation_difference_records 0",
        r#"goshawk_partition_records_total{partition="3",status="consumed",topic="payments"} 3"#,
        r#"goshawk_partition_records_total{partition="3",status="rejected",topic="payments"} 1"#,
        r#"goshawk_partition_amount_minor_total{currency="CNY",partition="3",status="consumed",topic="payments"} 700"#,
        r#"goshawk_partition_amount_minor_total{currency="CNY",partition="3",status="scored",topic="payments"} 0"#,
        "goshawk_reconciliation_difference_amount_minor 0",
        r#"goshawk_rule_evaluations_total{result="not_evaluable",rule="M01"} 4"#,
        r#"goshawk_rule_pack_info{id="cn-core",sha="ab12"} 1"#,
        r#"goshawk_consumer_lag_seconds{partition="3",topic="payments"} 0.25"#,
        "goshawk_watermark_timestamp_seconds 5",
        r#"goshawk_decision_seconds_bucket{le="0.001"} 100"#,
        r#"goshawk_decision_seconds_bucket{le="0.0005"} 0"#,
        "goshawk_decision_seconds_count 100",
        r#"goshawk_phase{phase="starting"} 1"#,
        r#"goshawk_alerts_published_total{action="freeze",severity="critical"} 0"#,
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in:\n{text}");
    }
    for metric in Metric::ALL {
        let shown = text.contains(&format!("# TYPE {} {}\n", metric.name(), metric.kind()));
        assert!(shown, "{} is missing or of another kind", metric.name());
    }
    served.server.stop();
}

/// A record that is counted nowhere must show.
#[test]
fn a_lost_record_shows_as_a_difference() {
    let telemetry = Telemetry::new().expect("distinct names");
    let (step, mut output) = step();
    output.counts.applied = 0;
    telemetry.record_step(&step, &output);
    assert_eq!(telemetry.reconciliation_difference(), 1);
}

#[test]
fn promtool_accepts_the_metrics() {
    use std::process::{Command, Stdio};
    let child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "promtool is needed: {error}");
            eprintln!("SKIPPED: promtool (Debian package prometheus) is not installed");
            return;
        }
    };
    let telemetry = Telemetry::new().expect("distinct names");
    fill(&telemetry);
    let text = telemetry.render().expect("text");
    child.stdin.take().expect("piped").write_all(&text).expect("read");
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn ready_while_running_or_standing_by() {
    let served = serve(None);
    let address = served.server.address();
    assert_eq!(get(address, "/healthz", ""), (200, "ok\n".into()));
    assert_eq!(get(address, "/readyz", ""), (503, "starting\n".into()));
    served.read_side.set_phase(Phase::Recovering);
    assert_eq!(get(address, "/readyz", ""), (503, "recovering\n".into()));
    served.read_side.set_phase(Phase::Running);
    assert_eq!(get(address, "/readyz", ""), (200, "running: this process leads\n".into()));
    served.read_side.set_phase(Phase::Standby);
    assert_eq!(get(address, "/readyz", ""), (200, "standby: level with the leader\n".into()));
    served.read_side.set_behind(std::time::Duration::from_millis(2_400));
    assert_eq!(get(address, "/readyz", ""), (200, "standby: 2.4 s behind the leader\n".into()));
    served.server.stop();
    assert!(TcpStream::connect(address).is_err(), "still listening after stop");
}

#[test]
fn alerts_are_shown_as_published_newest_first_and_bounded() {
    let served = serve(None);
    for number in 0..ALERTS_KEPT + 5 {
        served.read_side.record_message(&alert_message(number));
    }
    let address = served.server.address();
    let (code, body) = get(address, "/api/v1/alerts?limit=1", "");
    assert_eq!(code, 200);
    assert_eq!(body, r#"[{"sequence":1004,"stream":"alerts","alert":{"z":1004,"a":1}}]"#);
    let (_, body) = get(address, "/api/v1/alerts?before=7", "");
    assert_eq!(body.matches("sequence").count(), 2, "5 and 6 are the oldest kept: {body}");
    assert_eq!(served.read_side.alerts(None, usize::MAX).len() as u64, ALERTS_KEPT);
    served.read_side.record_step(&step().1.counts, 1, 5_000);
    let (_, status) = get(address, "/api/v1/status", "");
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    assert_eq!(status["rejected"], 1);
    assert_eq!(status["alerts"], 1_005);
    assert_eq!(get(address, "/api/v1/alerts?limit=x", "").0, 400);
    served.server.stop();
}

#[test]
fn a_token_guards_everything_but_health() {
    let served = serve(Some("secret"));
    let address = served.server.address();
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    for path in ["/metrics", "/api/v1/alerts", "/api/v1/status"] {
        assert_eq!(get(address, path, "").0, 401, "{path}");
        assert_eq!(get(address, path, &bearer("wrong")).0, 401, "{path}");
        assert_eq!(get(address, path, &bearer("secret")).0, 200, "{path}");
    }
    assert_eq!(get(address, "/healthz", "").0, 200);
    assert_eq!(get(address, "/readyz", "").0, 503);
    served.server.stop();
}

#[test]
fn other_than_loopback_needs_a_token() {
    let start = |token: Option<&str>| {
        let config = HttpConfig {
            listen: "0.0.0.0:0".parse().expect("valid"),
            token: token.map(Into::into),
        };
        let telemetry = Arc::new(Telemetry::new().expect("distinct names"));
        HttpServer::start(&config, Arc::new(ReadSide::new("t")), telemetry)
    };
    assert!(matches!(start(None), Err(HttpError::TokenNeeded { .. })));
    assert!(matches!(start(Some(" ")), Err(HttpError::TokenEmpty)));
    start(Some("secret")).expect("free").stop();
}

#[test]
fn a_large_request_is_refused() {
    let served = serve(Some("secret"));
    let header =
        |bytes: usize| format!("Authorization: Bearer secret\r\nContent-Length: {bytes}\r\n");
    let address = served.server.address();
    for path in ["/api/v1/rules", "/healthz"] {
        let (code, text) = ask(address, "POST", path, &header(1 << 30));
        assert_eq!((code, text.as_str()), (413, "the request is too large\n"), "{path}");
    }
    let (code, _) = get(address, "/healthz", "Content-Length: 0\r\n");
    assert_eq!(code, 200);
}

#[test]
fn rules_change_by_http_for_callers_with_a_token_only() {
    let path = "/api/v1/rules";
    let open = serve(None);
    let (code, text) = ask(open.server.address(), "POST", path, "");
    assert_eq!((code, text.contains("token_file")), (403, true), "{text}");
    let served = serve(Some("secret"));
    let address = served.server.address();
    assert_eq!(ask(address, "POST", path, "").0, 401);
    assert_eq!(ask(address, "POST", path, "Authorization: Bearer Secret\r\n").0, 401);
    let right = "Authorization: Bearer secret\r\n";
    let asked = "/api/v1/rules?who=li.wei";
    assert_eq!(ask(address, "POST", asked, right).0, 503, "nobody watches the folders yet");
    assert_eq!(get(address, path, right).0, 503, "nothing has been judged yet");

    let (door, requests) = crossbeam_channel::bounded::<LoadRequest>(1);
    served.read_side.rules.set_door(Some(door));
    let answers = std::thread::spawn(move || {
        for outcome in [LoadOutcome::Accepted, LoadOutcome::Refused, LoadOutcome::Unsettled] {
            let refused = outcome == LoadOutcome::Refused;
            let problem = RuleProblem {
                file: Some("mule/m02.toml".to_owned()),
                line: Some(3),
                column: Some(7),
                message: "unknown name `ammount`".to_owned(),
                label: "not known here".to_owned(),
                hint: Some("did you mean `amount`?".to_owned()),
            };
            let answer = LoadAnswer {
                outcome,
                from: "aa".to_owned(),
                to: None,
                problems: if refused { vec![problem] } else { Vec::new() },
                changes: Vec::new(),
                differences: 0,
                compile_ms: None,
            };
            requests.recv().expect("asked").answer.send(answer).expect("waits");
        }
    });
    assert_eq!(ask(address, "POST", asked, right).0, 202);
    let (code, text) = ask(address, "POST", asked, right);
    assert_eq!(code, 422);
    for part in [
        "\"file\":\"mule/m02.toml\"",
        "\"line\":3",
        "\"column\":7",
        "not known here",
        "did you mean",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(ask(address, "POST", asked, right).0, 409);
    answers.join().expect("answered");

    let plan = goshawk::runtime::pack::load(None).expect("the shipped pack");
    let change = RuleChange {
        schema: CHANGE_SCHEMA.to_owned(),
        step: 7,
        at_ms: 1_000,
        by: "promotion".to_owned(),
        who: Some("li.wei".to_owned()),
        from: "aa".to_owned(),
        to: plan.pack_sha256.clone(),
        folder: Some("cc".to_owned()),
        overlays: Vec::new(),
        changes: Vec::new(),
        differences: 0,
        superseded: Vec::new(),
    };
    served.read_side.rules.set(RulesShown::of(&plan, &change));
    served.read_side.rules.set_pending("bb");
    let (code, text) = get(address, path, right);
    assert_eq!(code, 200);
    let shown: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(shown["sha256"], plan.pack_sha256.as_str());
    assert_eq!((&shown["since_step"], &shown["pending"]), (&7.into(), &"bb".into()));
    assert_eq!(shown["rules"].as_array().map(Vec::len), Some(plan.rules.len()));
    for (key, said) in [("by", "promotion"), ("who", "li.wei"), ("folder", "cc")] {
        assert_eq!(shown[key], said);
    }
}

#[test]
fn what_is_asked_of_rules_is_said_exactly_or_refused() {
    let served = serve(Some("secret"));
    let address = served.server.address();
    let right = "Authorization: Bearer secret\r\n";
    let post = |query: &str| ask(address, "POST", &format!("/api/v1/rules?{query}"), right);
    let long = format!("who={}", "x".repeat(65));
    for (query, said) in [
        ("who=a&mode=try", "live, shadow, promote"),
        ("mode=promote&who=li.wei", "pack=HASH"),
        ("mode=promote&who=li.wei&pack=abc", "12 digits"),
        ("mode=promote&who=li.wei&pack=zzzzzzzzzzzz", "12 digits"),
        ("mode=promote&pack=0123456789ab", "who=NAME"),
        ("mode=shadow", "who=NAME"),
        ("mode=live", "who=NAME"),
        ("who=a&mode=shadow&pack=0123456789ab", "mode=promote"),
        ("who=%20", "1 to 64"),
        (&long, "1 to 64"),
        ("who=a%0Ab", "1 to 64"),
    ] {
        let (code, text) = post(query);
        assert_eq!((code, text.contains(said)), (400, true), "{query}: {text}");
    }
    assert_eq!(post("moed=live").0, 400, "an unknown parameter");
    let (door, requests) = crossbeam_channel::bounded::<LoadRequest>(1);
    served.read_side.rules.set_door(Some(door));
    let heard = std::thread::spawn(move || {
        let hear = |_| {
            let LoadRequest { mode, who, answer } = requests.recv().expect("asked");
            let said = LoadAnswer::new(LoadOutcome::Accepted, "aa".to_owned(), None);
            answer.send(said).expect("waits");
            (mode, who)
        };
        (0..3).map(hear).collect::<Vec<_>>()
    });
    for query in
        ["who=li.wei", "mode=shadow&who=li.wei", "mode=promote&who=li.wei&pack=0123456789AB"]
    {
        assert_eq!(post(query).0, 202, "{query}");
    }
    let (who, pack) = (Some("li.wei".to_owned()), "0123456789ab".to_owned());
    let expected = [
        (LoadMode::Live, who.clone()),
        (LoadMode::Shadow, who.clone()),
        (LoadMode::Promote { pack }, who),
    ];
    assert_eq!(heard.join().expect("answered"), expected);
}

#[test]
fn the_comparison_of_rules_on_trial_is_shown_and_measured() {
    let served = serve(None);
    let (address, path) = (served.server.address(), "/api/v1/rules/shadow");
    assert_eq!(get(address, path, "").0, 503);
    let plan = std::sync::Arc::new(goshawk::runtime::pack::load(None).expect("the shipped pack"));
    let engine = Engine::new(EngineConfig::for_tenant("test"), plan);
    let mut shown = Trials::new(&engine).figures(engine.plan());
    shown.rules.episodes.by_measure.push(pair());
    served.telemetry.emit(TrialCompared { shown: &shown, aloud: true });
    served.read_side.rules.set_shadow(shown);
    served.read_side.rules.set_refused(Some("too large".to_owned()));
    let (code, text) = get(address, path, "");
    let body: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((code, &body["refused"]), (200, &"too large".into()));
    assert_eq!(body["rules"]["episodes"]["by_measure"][0]["episodes"], 3);
    let metrics = get(address, "/metrics", "").1;
    let labels = r#"{after="review",before="none",view="rules"}"#;
    for line in [
        format!("goshawk_shadow_episodes{labels} 3"),
        format!("goshawk_shadow_amount_minor{labels} 1250"),
    ] {
        assert!(metrics.contains(&line), "{line}");
    }
}
