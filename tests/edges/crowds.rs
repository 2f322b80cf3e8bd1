//! Crowded accounts: exact as long as the ledger holds all, and said to be a lower bound when not.

use goshawk::engine::{Engine, EngineConfig, Inline};
use goshawk::limits::LEDGER_ENTRIES_MAX;
use goshawk::model::event::Batch;
use goshawk::model::time::{DAY, HOUR, Millis};
use goshawk::rules::plan::feature::StateFeature;
use goshawk::rules::plan::program::{CompareOp, Node};
use goshawk::rules::plan::view::{Direction, Role, View};

use super::table::{START, push};
use crate::oracle::plans::{BOTH, Builder};

/// `number` payments of 1.00 to one account, `gap` apart, from 1,000 payers by turns.
fn crowd(number: usize, gap: Millis) -> Batch {
    let mut batch = Batch::default();
    for n in 0..number {
        push(
            &mut batch,
            START + n as i64 * gap,
            n,
            &format!("0d 00:00:00.000 p{n} settled A{} > HUB 1.00", n % 1_000),
        );
    }
    batch
}

#[test]
fn ten_thousand_entries_on_one_account_are_counted_exactly() {
    let number = 10_000;
    let stream = crowd(number, 100);
    let view = |window_ms| View { direction: Direction::Credit, window_ms, without: 0 };
    let inside = (HOUR / 10 / 100).min(number as i64);
    let mut builder = Builder::new();
    for (feature, expect) in [
        (StateFeature::Count(view(DAY)), number as i64),
        (StateFeature::Count(view(HOUR / 10)), inside),
        (StateFeature::Sum(view(DAY)), number as i64 * 100),
        (StateFeature::Sum(view(HOUR / 10)), inside * 100),
        (StateFeature::Counterparties(view(DAY)), 1_000),
        (StateFeature::Counterparties(view(HOUR / 10)), 1_000),
        (StateFeature::Max(view(DAY)), 100),
    ] {
        let cell = builder.cell(Role::Payee, feature);
        let when = builder.compare(CompareOp::Eq, cell, expect);
        builder.rule(Role::Payee, when, BOTH, Vec::new());
    }
    let config = EngineConfig { report_findings: true, ..EngineConfig::for_tenant("edges") };
    let mut engine = Engine::new(config, builder.build());
    let output = engine.step(&stream, &Inline);
    let last: Vec<u16> =
        output.findings.iter().filter(|f| f.event as usize == number - 1).map(|f| f.rule).collect();
    assert_eq!(last, [0, 1, 2, 3, 4, 5, 6]);
    assert!(output.alerts.iter().all(|a| a.reasons.iter().all(|r| !r.lower_bound)));
}

#[test]
fn what_a_full_ledger_has_lost_makes_a_lower_bound() {
    let number = LEDGER_ENTRIES_MAX + 500;
    let stream = crowd(number, 10);
    let view = |window_ms| View { direction: Direction::Credit, window_ms, without: 0 };
    let mut builder = Builder::new();
    let kept = builder.cell(Role::Payee, StateFeature::Count(view(DAY)));
    let full = builder.compare(CompareOp::Eq, kept, LEDGER_ENTRIES_MAX as i64);
    let recent = builder.cell(Role::Payee, StateFeature::Count(view(1_000)));
    let exact = builder.compare(CompareOp::Eq, recent, 100);
    let when = builder.add(Node::And(full, exact));
    builder.rule(Role::Payee, when, BOTH, Vec::new());
    let config = EngineConfig { report_findings: true, ..EngineConfig::for_tenant("edges") };
    let mut engine = Engine::new(config, builder.build());
    let (mut bounds_hit, mut last) = (0, Vec::new());
    for events in stream.events.chunks(8_192) {
        let step = Batch { text: stream.text.clone(), events: events.to_vec() };
        let output = engine.step(&step, &Inline);
        bounds_hit += output.counts.bounds_hit;
        last = output.findings.iter().map(|f| f.event as usize + 1 == events.len()).collect();
    }
    assert!(bounds_hit > 0);
    assert_eq!(last.last(), Some(&true), "the newest entries are kept and counted exactly");
}

#[test]
fn a_crowded_ledger_too_counts_what_was_taken_back_only_later() {
    use std::fmt::Write as _;
    let mut table = String::new();
    for n in 0..60 {
        let _ = writeln!(table, "0d 10:00:00.000 p{n} settled A > B 1.00 | {}", n + 1);
    }
    table.push_str("0d 10:01:00.000 p0 returned A > B 1.00 | .\n");
    // Late ones: as of their own time nothing had been taken back.
    for n in 60..80 {
        let _ = writeln!(table, "0d 10:00:30.000 p{n} settled A > B 1.00 | {}", n + 1);
    }
    table.push_str("0d 10:01:00.000 p80 settled A > B 1.00 | 80\n");
    table.push_str("0d 10:00:59.999 p81 settled A > B 1.00 | 81\n");
    let view = View { direction: Direction::Debit, window_ms: HOUR, without: 0 };
    super::table::check(Role::Payer, StateFeature::Count(view), &table);
}
