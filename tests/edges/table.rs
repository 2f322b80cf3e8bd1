//! Text tables: one payment event a line, and what one cell holds at it.
//!
//! ```text
//! 0d 10:00:00.000  p1 settled A > B 100.00 | 1
//! ```
//! Day of the stream, time of day (UTC), payment, status, payer, payee, amount; `A/C` is account A
//! of customer C, as far as this event says so. Then the value of
//! the cell, `-` for a missing one, `.` where nothing is judged, or the word of what became of the
//! event.

use goshawk::engine::{Engine, EngineConfig, Inline};
use goshawk::model::event::{
    Batch, Body, Channel, Event, Party, Payment, PaymentStatus, PaymentType, Position, Text,
};
use goshawk::model::money::{Currency, Money, parse_decimal};
use goshawk::model::time::{DAY, HOUR, MINUTE, Millis, SECOND};
use goshawk::rules::plan::feature::StateFeature;
use goshawk::rules::plan::program::{CompareOp, Node};
use goshawk::rules::plan::view::Role;

use crate::oracle::plans::{BOTH, Builder};

/// 2026-01-05T00:00:00Z, a Monday.
pub const START: Millis = 1_767_571_200_000;

/// Runs a table: at every line the cell must hold what the line says.
pub fn check(role: Role, feature: StateFeature, table: &str) {
    check_from(START, role, feature, table);
}

/// The same with day 0 beginning at `start`.
pub fn check_from(start: Millis, role: Role, feature: StateFeature, table: &str) {
    let lines: Vec<&str> = table.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let mut batch = Batch::default();
    let mut expected = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let (event, expect) = line.split_once('|').expect("a line says what is expected");
        push(&mut batch, start, number, event);
        expected.push(expect.trim().to_owned());
    }
    assert_eq!(
        lines
            .iter()
            .zip(seen(role, feature, &batch, &expected))
            .map(|(line, seen)| {
                let (event, _) = line.split_once('|').expect("checked above");
                format!("{event}| {seen}")
            })
            .collect::<Vec<_>>(),
        lines
    );
}

/// What the engine says at each line, in the words of a table.
fn seen(role: Role, feature: StateFeature, batch: &Batch, expected: &[String]) -> Vec<String> {
    // A rule for each value that is expected somewhere, one for "no value", one for "any value".
    let mut builder = Builder::new();
    let cell = builder.cell(role, feature);
    let has = builder.add(Node::Has(cell));
    let missing = builder.add(Node::Not(has));
    let mut rules = vec![("-".to_owned(), builder.rule(role, missing, BOTH, Vec::new()))];
    for value in expected {
        if let Ok(number) = value.parse::<i64>()
            && rules.iter().all(|(known, _)| known != value)
        {
            let when = builder.compare(CompareOp::Eq, cell, number);
            rules.push((value.clone(), builder.rule(role, when, BOTH, Vec::new())));
        }
    }
    let config = EngineConfig { report_findings: true, ..EngineConfig::for_tenant("edges") };
    let mut engine = Engine::new(config, builder.build());
    let mut words = Vec::new();
    // One event a step, so that the step's counts tell what became of it.
    for event in &batch.events {
        let step = Batch { text: batch.text.clone(), events: vec![event.clone()] };
        let output = engine.step(&step, &Inline);
        let judged = output.rules.iter().any(|r| r.hit + r.miss + r.not_evaluable > 0);
        words.push(if output.counts.duplicates > 0 {
            "duplicate".to_owned()
        } else if let Some(reject) = output.rejects.first() {
            reject.reason.word().to_owned()
        } else if !judged {
            ".".to_owned()
        } else {
            let found = output.findings.first().map(|f| f.rule);
            let value = rules.iter().find(|(_, rule)| Some(*rule) == found);
            value.map_or("another value".to_owned(), |(word, _)| word.clone())
        });
    }
    words
}

/// Appends the event of one line.
pub fn push(batch: &mut Batch, start: Millis, number: usize, line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [day, time, id, status, payer, ">", payee, amount] = words[..] else {
        panic!("day, time, payment, status, payer > payee, amount: {line:?}")
    };
    let day: i64 = day.strip_suffix('d').and_then(|d| d.parse().ok()).expect("0d, 1d …");
    let time_ms = start + day * DAY + time_of_day(time);
    let minor = parse_decimal(amount, 2).expect("an amount");
    let mut party = |word: &str| {
        let (account, customer) = word.split_once('/').unwrap_or((word, ""));
        let mut text = |text: &str| match text {
            "" => Text::NONE,
            text => batch.push_text(text),
        };
        Party { account: text(account), customer: text(customer), ..Party::default() }
    };
    let (payer, payee) = (party(payer), party(payee));
    let mut text = |text: &str| batch.push_text(text);
    let payment = Payment::new(
        text(&format!("e{number}")),
        text(id),
        PaymentStatus::parse(status),
        Money { minor, currency: Currency::CNY },
        payer,
        payee,
        PaymentType::Transfer,
        Channel::Mobile,
    );
    let position = Position { topic: 0, partition: 0, offset: number as i64 };
    let body = Body::Payment(payment);
    batch.events.push(Event { position, record_time_ms: time_ms, time_ms, body });
}

fn time_of_day(text: &str) -> Millis {
    let (clock, millis) = text.split_once('.').expect("a time with milliseconds");
    let parts: Vec<i64> = clock.split(':').map(|p| p.parse().expect("digits")).collect();
    let [h, m, s] = parts[..] else { panic!("hours, minutes, seconds: {text:?}") };
    h * HOUR + m * MINUTE + s * SECOND + millis.parse::<i64>().expect("digits")
}
