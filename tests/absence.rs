//! Rules about what did not happen: the alert comes when the time has passed, though nothing more
//! happens at the account.

use std::sync::Arc;

use goshawk::engine::{Engine, EngineConfig, Inline};
use goshawk::model::alert::TargetKind;
use goshawk::model::event::{Batch, Body};
use goshawk::model::time::{HOUR, SECOND};
use goshawk::rules::{SourceFile, compile, examples, shipped};

/// A large sum comes in and stays: two hours without anything going out.
pub const RULE: &str = r#"
id      = "X02"
name    = "sits_on_it"
version = "1.0.0"
code    = "SITS_ON_IT"
title   = { zh = "大额到账后不动", en = "Large sum that stays" }
family  = "flow"
weight  = 60
phases  = ["post"]
subject = "payee"
target  = { held = "payee", settled = "payee" }
guards  = ["G1"]
floor   = "review"

[params]
wait    = { value = "2h", doc = "how long it stays" }
window  = { value = "3h", doc = "how far back" }
min_in  = { value = "50000.00", unit = "CNY", doc = "what counts as large" }

[features]
kept = 'payee.credits(params.window).at_least(params.min_in).not_followed_by(payee.debits(params.window), params.wait)'

[when]
alert = 'kept >= 1'

[text]
zh = "{window}内大额到账{kept}笔，{wait}内无转出"
en = "{kept} large sums within {window}, nothing out within {wait}"

[[examples]]
name   = "nothing else happens, time passes"
given  = '''
  10:00 A -> B 60000
  12:00 tick
'''
expect = ["12:00 X02 B"]

[[examples]]
name   = "what others do brings time on"
given  = '''
  10:00 A -> B 60000
  12:02 C -> D 1
'''
expect = ["12:00 X02 B"]

[[examples]]
name   = "two of them, each in its time"
given  = '''
  10:00 A -> B 50000
  10:30 A -> B 50000
  12:30 tick
'''
expect = ["12:00 X02 B", "12:30 X02 B"]

[[examples]]
name   = "a second less"
given  = '''
  10:00 A -> B 60000
  11:59:59 tick
'''
expect = []

[[examples]]
name   = "a cent less"
given  = '''
  10:00 A -> B 49999.99
  12:00 tick
'''
expect = []

[[examples]]
name   = "some of it goes out"
given  = '''
  10:00 A -> B 60000
  11:59:59 B -> C 1
  12:00 tick
'''
expect = []

[[examples]]
name   = "it goes out too late"
given  = '''
  10:00 A -> B 60000
  12:00:00.001 B -> C 1
  12:01 tick
'''
expect = ["12:00 X02 B"]

[[examples]]
name   = "taken back in between"
given  = '''
  10:00 A -> B 60000 id=p1
  11:00 A -> B 60000 id=p1 status=reversed
  12:00 tick
'''
expect = []
"#;

fn files() -> Vec<SourceFile> {
    let kept = |file: &SourceFile| file.path == "policy.toml" || file.path == "guards.toml";
    let mut files: Vec<SourceFile> = shipped::files().into_iter().filter(kept).collect();
    files.push(SourceFile { path: "own/x02.toml".to_owned(), text: RULE.to_owned() });
    files
}

fn example(name: &str) -> Batch {
    let mut all = examples::of(&files()).expect("they can be read");
    let at = all.iter().position(|e| e.name == name).expect("it is there");
    all.swap_remove(at).batch
}

fn engine() -> Engine {
    let plan = compile(&files()).expect("it compiles");
    let config = EngineConfig { report_findings: true, ..EngineConfig::for_tenant("test") };
    Engine::new(config, Arc::new(plan))
}

#[test]
fn every_example_says_when() {
    for example in examples::of(&files()).expect("they can be read") {
        let output = engine().step(&example.batch, &Inline);
        let seen: Vec<String> = output
            .findings
            .iter()
            .map(|f| format!("{} X02 {}", examples::time_word(f.time_ms), f.account))
            .collect();
        assert_eq!(seen, example.expect, "{}", example.name);
    }
}

#[test]
fn the_alert_names_the_payment_and_the_moment() {
    let batch = example("nothing else happens, time passes");
    let mut engine = engine();
    let [credit, tick] =
        [0, 1].map(|at| Batch { text: batch.text.clone(), events: batch.events[at..=at].to_vec() });
    let before = engine.step(&credit, &Inline);
    assert!(before.alerts.is_empty());
    assert_eq!(engine.memory().waiting, 1);
    let due_ms = batch.events[0].time_ms + 2 * HOUR;
    assert_eq!(engine.waits_until_ms(), Some(due_ms));
    let after = engine.step(&tick, &Inline);
    let [alert] = after.alerts.as_slice() else { panic!("one alert: {:?}", after.alerts) };
    let Body::Payment(payment) = &batch.events[0].body else { panic!("a payment") };
    assert_eq!(alert.event.event_id, batch.text(payment.event_id));
    assert_eq!((alert.event_time_ms, alert.waited_ms), (due_ms, Some(2 * HOUR)));
    assert_eq!((alert.target.kind, &*alert.target.account), (TargetKind::Account, "B"));
    assert_eq!(alert.evidence[0].value, "1");
    assert_eq!((after.counts.waited, after.counts.applied, after.counts.scored), (1, 1, 0));
    assert_eq!(engine.memory().waiting, 0);
}

/// Every second somebody is paid who then sits on it; later each of them is told of, whatever cuts
/// the stream, and what the account did meanwhile decides.
#[test]
fn a_crowd_waits_at_once() {
    let one = example("nothing else happens, time passes");
    let mut batch = Batch::default();
    for number in 0..2_000 {
        let mut event = one.events[0].clone();
        event.time_ms += number * SECOND;
        if let Body::Payment(payment) = &mut event.body {
            batch.adopt(&one.text, payment);
            payment.payment_id = batch.push_text(&format!("p{number}"));
            payment.event_id = batch.push_text(&format!("e{number}"));
            payment.payee.account = batch.push_text(&format!("B{number}"));
            payment.payee.customer = batch.push_text(&format!("c{number}"));
        }
        batch.events.push(event);
    }
    let mut tick = one.events[1].clone();
    tick.time_ms += 2_000 * SECOND;
    batch.events.push(tick);
    let output = engine().step(&batch, &Inline);
    assert_eq!(output.findings.len(), 2_000);
    for (number, finding) in output.findings.iter().enumerate() {
        assert_eq!(finding.account, format!("B{number}"));
        assert_eq!(finding.waited.as_deref(), Some(&*format!("e{number}")));
    }
}
